// Simulated photographs: a folder of JPEG files in classes, smooth noise in colour, so that libvips has as much to decode
// as of photographs of that size. The same files each time.

import fs from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const classCount = 10;
/** Spots of colour along a side, before they are made smooth; a little noise on top keeps the files from being tiny. */
const spots = 24;
const grain = 12;

/** Makes `count` images of `side` x `side` pixels; gives their paths and what they take together. */
export async function makeJpegFolder(folder: string, count: number, side: number) {
  const paths: string[] = [];
  let bytes = 0;
  let state = side;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  for (let i = 0; i < count; i += 1) {
    const raw = Buffer.from(Uint8Array.from({ length: spots * spots * 3 }, random));
    const smooth = sharp(raw, { raw: { width: spots, height: spots, channels: 3 } });
    const pixels = await smooth.resize(side, side, { fit: "fill" }).raw().toBuffer();
    for (let k = 0; k < pixels.length; k += 1) {
      const noise = (random() * grain) / 256 - grain / 2;
      pixels[k] = Math.max(0, Math.min(255, pixels[k]! + noise));
    }
    const image = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
    const file = await image.jpeg({ quality: 90 }).toBuffer();
    const path = join(folder, `class-${i % classCount}`, `${String(i).padStart(5, "0")}.jpg`);
    fs.mkdirSync(join(path, ".."), { recursive: true });
    const fd = fs.openSync(path, "w");
    fs.writeSync(fd, file);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    paths.push(path);
    bytes += file.length;
  }
  return { paths, bytes };
}

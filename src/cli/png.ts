// 8-bit pixels to a PNG file (PNG specification, third edition): signature, IHDR, one IDAT of zlib data, IEND. Rows are
// stored with filter 1, the difference to the pixel on the left, which compresses well and costs nothing.

import zlib from "node:zlib";
import type { Pixels } from "./picture.js";

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const colourTypes = { 1: 0, 3: 2 } as const;
const subFilter = 1;

export function encodePng({ width, height, channels, data }: Pixels): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colourTypes[channels], 0, 0, 0], 8);
  const rowBytes = width * channels;
  const rows = new Uint8Array(height * (rowBytes + 1));
  for (let y = 0; y < height; y += 1) {
    const from = y * rowBytes;
    const to = y * (rowBytes + 1) + 1;
    rows[to - 1] = subFilter;
    for (let k = 0; k < rowBytes; k += 1)
      rows[to + k] = data[from + k]! - (k < channels ? 0 : data[from + k - channels]!);
  }
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", zlib.deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** Length, name, content, and the CRC of the last two. */
function chunk(name: string, content: Uint8Array): Uint8Array {
  const named = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const result = new Uint8Array(8 + named.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, content.length);
  result.set(named, 4);
  view.setUint32(4 + named.length, zlib.crc32(named));
  return result;
}

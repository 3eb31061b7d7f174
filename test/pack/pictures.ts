// Encoded images for the tests of packing: bytes that begin as a JPEG or PNG file and go on as numbers from which a
// sample can be told. Nobody decodes them here.

import { deflateSync } from "node:zlib";
import { classes, encodedImage, type Fields, tensor } from "spillway";
import { crc32 } from "./png-sum.js";
import { seeded } from "./sources.js";

export const pictureFields: Fields = {
  label: classes(["a", "b", "c"]),
  picture: encodedImage({ width: 8, height: 6 }, { maxBytes: 2000 }),
};

/** Image i: 11 to `most` bytes, its number in bytes 8 to 11. */
export function picture(i: number, most = 400): Uint8Array {
  const random = seeded(i + 1);
  random();
  const bytes = Uint8Array.from({ length: 12 + Math.floor(random() * (most - 11)) }, () =>
    Math.floor(random() * 256),
  );
  bytes.set(i % 2 === 0 ? [0xff, 0xd8, 0xff] : [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  new DataView(bytes.buffer).setUint32(8, i, true);
  return bytes;
}

/** Samples as a program gives them, their number not told beforehand. */
export async function* pictures(count: number, first = 0, most?: number) {
  for (let i = first; i < first + count; i += 1)
    yield { label: "abc"[i % 3]!, picture: picture(i, most), path: `${i}.jpg` };
}

export const drawnFields: Fields = {
  data: tensor("int32", [8]),
  picture: encodedImage({ width: 4, height: 4 }, { maxBytes: 300 }),
  label: classes(["a", "b", "c"]),
};

/** Samples with a number, told in a tensor too, and a picture that can be decoded: of many sizes, so of many lengths. */
export async function* drawn(count: number, first = 0) {
  for (let i = first; i < first + count; i += 1)
    yield { data: new Int32Array(8).fill(i), picture: png(1 + (i % 40), 3), label: "abc"[i % 3]! };
}

/** A grey PNG file whose pixels cannot be compressed. */
function png(width: number, height: number): Uint8Array {
  const random = seeded(width);
  const rows = Buffer.alloc(height * (width + 1));
  for (let k = 0; k < rows.length; k += 1) rows[k] = k % (width + 1) === 0 ? 0 : Math.floor(random() * 256);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const chunks: [string, Buffer][] = [
    ["IHDR", head],
    ["IDAT", deflateSync(rows)],
    ["IEND", Buffer.alloc(0)],
  ];
  const parts = chunks.map(([name, content]) => {
    const chunk = Buffer.alloc(content.length + 12);
    chunk.writeUInt32BE(content.length, 0);
    chunk.write(name, 4);
    content.copy(chunk, 8);
    chunk.writeInt32BE(crc32(chunk.subarray(4, -4)), content.length + 8);
    return chunk;
  });
  return Buffer.concat([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), ...parts]);
}

// Encoded images for the tests of packing: bytes that begin as a JPEG or PNG file and go on as numbers from which a
// sample can be told. Nobody decodes them here.

import { classes, encodedImage, type Fields } from "spillway";
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

// Writes float64 arrays as .npy files, which numpy reads: one magic word, one line of text, then the numbers.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import fs from "node:fs";

/**
 * A writer of .npy files of one shape.
 *
 * @returns `values`, to be filled in C order, and `write`, which writes them as they are to a new file
 */
export function createNpyWriter(shape: readonly number[]): {
  values: Float64Array;
  write: (path: string) => void;
} {
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  // Magic, version and length have 10 bytes; the numbers start on a multiple of 64.
  const headerBytes = Math.ceil((10 + text.length + 1) / 64) * 64;
  const count = shape.reduce((product, size) => product * size, 1);
  const file = new Uint8Array(new ArrayBuffer(headerBytes + count * 8));
  file.set(Buffer.from("\x93NUMPY\x01\x00", "latin1"));
  new DataView(file.buffer).setUint16(8, headerBytes - 10, true);
  file.set(Buffer.from(text.padEnd(headerBytes - 11) + "\n", "latin1"), 10);
  return {
    values: new Float64Array(file.buffer, headerBytes, count),
    write: (path) => fs.writeFileSync(path, file, { flag: "wx" }),
  };
}

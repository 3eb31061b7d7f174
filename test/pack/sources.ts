// Raw data for the tests of packing, small and made of numbers from which a sample can be told; and what a folder
// holds, file by file, so that two of them can be compared.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { classes, type Fields, SpillwayError, tensor } from "spillway";
import { idxBytes, npyBytes, writeFile } from "../source/fixtures.js";

/** A folder per class with .npy files of float32 [length]: file i is full of i, in class i % 3; from `first` on. */
export function npyFolder(folder: string, count: number, length: number, first = 0): string {
  for (let i = first; i < first + count; i += 1) {
    const data = new Float32Array(length).fill(i);
    const name = String(i).padStart(5, "0");
    writeFile(
      join(folder, `class-${i % 3}`, `${name}.npy`),
      npyBytes("<f4", [length], new Uint8Array(data.buffer)),
    );
  }
  return folder;
}

/** IDX images in a .gz file with their labels beside it: image i has i in its first two bytes, label i % 5. */
export function idxPair(folder: string, count: number, side: number, first = 0): string {
  const images = new Uint8Array(count * side * side);
  for (let k = 0; k < count; k += 1) {
    const i = first + k;
    images.fill(i % 251, k * side * side, (k + 1) * side * side);
    images.set([i & 0xff, i >> 8], k * side * side);
  }
  const labels = Uint8Array.from({ length: count }, (_, k) => (first + k) % 5);
  const path = join(folder, "train-images-idx3-ubyte.gz");
  writeFile(path, gzipSync(idxBytes(8, [count, side, side], images)));
  writeFile(join(folder, "train-labels-idx1-ubyte.gz"), gzipSync(idxBytes(8, [count], labels)));
  return path;
}

export const streamFields: Fields = { data: tensor("int32", [40]), label: classes(["a", "b", "c"]) };

/** Samples as a program gives them, their number not told beforehand: sample i is full of i. */
export async function* stream(count: number, first = 0) {
  for (let i = first; i < first + count; i += 1) {
    yield { data: new Int32Array(40).fill(i), label: "abc"[i % 3]!, path: `row ${i}` };
  }
}

/** Every file of a folder by its path, as text that tells its bytes. */
export function contentOf(folder: string): Record<string, string> {
  const files = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    files.map((path) => [path.slice(folder.length + 1), fs.readFileSync(path).toString("latin1")]),
  );
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs work that has to fail, and gives the error. */
export async function errorOf(work: () => Promise<unknown>): Promise<SpillwayError> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof SpillwayError, String(error));
    return error;
  }
  throw new Error("it did not fail");
}

// The samples that all rivals read, in every form that one of them reads: float32 records and a label each. The first
// value of a sample is its number; the others follow from it, so that every run has the same checksum.
// Rule: the checksum must not depend on the order. Here and in rivals-python.py it is computed the same way.

import fs from "node:fs";
import { join } from "node:path";
import { classes, pack, tensor } from "spillway";

export const labelCount = 10;

/** Sums over samples: how many, their numbers, their hashes, their labels. */
export interface Checksum {
  samples: number;
  ids: number;
  hash: number;
  label: number;
}

/** What a child says of its epoch. */
export interface RivalResult extends Checksum {
  /** Of an epoch; the mean where several were timed. */
  seconds: number;
  /** Peak resident bytes, of all processes together; pages that they share count in each. */
  peakBytes: number;
  /** It was stopped before the epoch's end, because time was up. */
  isCut: boolean;
}

/** What a child is told, as JSON on its command line. */
export interface RivalTask {
  kind: string;
  /** Folder with the samples in all forms. */
  folder: string;
  count: number;
  /** Float32 values of a sample. */
  length: number;
  batchSize: number;
  /** Worker processes; takes in flight, of Lance. */
  workers: number;
  /** Whether an epoch goes before those that are timed: what is read then lies in memory. */
  isWarm: boolean;
  /** Epochs are timed until so much time has passed; one where it is 0. */
  leastSeconds: number;
  /** The timed epoch stops after this time. */
  mostSeconds: number;
  /** Of Spillway. */
  memory: string;
  /** Folder whose node_modules has Lance. */
  lanceFolder: string;
}

export function emptySum(): Checksum {
  return { samples: 0, ids: 0, hash: 0, label: 0 };
}

/** Adds a batch whose samples lie one after another. */
export function addBatch(sum: Checksum, data: Float32Array, labels: ArrayLike<number>, length: number): void {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const size = data.length / length;
  for (let k = 0; k < size; k += 1) {
    const at = k * length;
    sum.ids += data[at]!;
    sum.hash += (words[at + 1]! ^ words[at + (length >> 1)]! ^ words[at + length - 1]!) >>> 0;
    sum.label += labels[k]!;
  }
  sum.samples += size;
}

/** Numbers in [0, 1) that are the same in each run. */
function noiseOf(length: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

/** The samples one after another; an array is used again for the next one. */
export function* rivalSamples(
  count: number,
  length: number,
): Generator<{ data: Float32Array; label: number }> {
  const noise = noiseOf(2 * length + 4096);
  const data = new Float32Array(length);
  for (let i = 0; i < count; i += 1) {
    const from = (i * 31) % (length + 4096);
    data.set(noise.subarray(from, from + length));
    data[0] = i;
    yield { data, label: i % labelCount };
  }
}

/** The beginning of a .npy file of float32, 128 bytes. */
function npyHeader(shape: string): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
  return Buffer.from(`\x93NUMPY\x01\x00\x76\x00${text}\n`, "latin1");
}

/** Where the .npy file of a sample lies: folders of a thousand. */
function filePath(folder: string, i: number): string {
  return join(folder, "files", String(Math.floor(i / 1000)), `${i}.npy`);
}

/**
 * Writes all samples as one .npy file, as a file per sample, and as a Spillway dataset.
 *
 * @returns the checksum that every epoch must have
 */
export async function makeSamples(folder: string, count: number, length: number): Promise<Checksum> {
  if (count > 2 ** 24) throw new RangeError(`${count} samples cannot be numbered in float32`);
  const sum = emptySum();
  const all = fs.openSync(join(folder, "samples.npy"), "w");
  fs.writeSync(all, npyHeader(`${count}, ${length}`));
  const one = Buffer.concat([npyHeader(`${length},`), Buffer.alloc(length * 4)]);
  for (const { data, label } of rivalSamples(count, length)) {
    const i = data[0]!;
    const bytes = Buffer.from(data.buffer);
    fs.writeSync(all, bytes);
    bytes.copy(one, 128);
    if (i % 1000 === 0) fs.mkdirSync(join(folder, "files", String(i / 1000)), { recursive: true });
    fs.writeFileSync(filePath(folder, i), one);
    addBatch(sum, data, [label], length);
  }
  fs.closeSync(all);
  const names = Array.from({ length: labelCount }, (_, k) => String(k));
  const fields = { data: tensor("float32", [length]), label: classes(names) };
  await pack(copies(count, length), join(folder, "spillway"), { fields, layout: "source" });
  return sum;
}

/** The packer may hold several samples at once. */
function* copies(count: number, length: number): Generator<{ data: Float32Array; label: number }> {
  for (const { data, label } of rivalSamples(count, length)) yield { data: data.slice(), label };
}

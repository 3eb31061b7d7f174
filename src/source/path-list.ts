// Names of a great many files in little memory: UTF-8 bytes one after another and where each ends, instead of a
// JavaScript string each (a million names of 20 bytes take 24 MB instead of 60 to 100). A NameList is one folder's
// names; a PathList is a whole tree, with each folder's path kept once.
//
//   bytes  a . n p y b . n p y ...      ends  5  10 ...
//
// Order is that of the UTF-8 bytes: the same on every machine and in every locale.

import { SpillwayError } from "../errors.js";

const encoder = new TextEncoder();
/** UTF-8 has at most 3 bytes for each UTF-16 unit. */
const maxBytesPerUnit = 3;
const maxNameBytes = 2 ** 32 - 1;

/** Names in the order in which they were added. */
export class NameList {
  #bytes = Buffer.alloc(256);
  #ends = new Uint32Array(16);
  #length = 0;
  #byteLength = 0;

  get length(): number {
    return this.#length;
  }

  add(name: string): void {
    this.#reserve(name.length * maxBytesPerUnit);
    const { written } = encoder.encodeInto(name, this.#bytes.subarray(this.#byteLength));
    this.#end(written);
  }

  /** Adds a name of another list, without making a string of it. */
  addFrom(other: NameList, index: number): void {
    const start = other.#start(index);
    const end = other.#ends[index]!;
    this.#reserve(end - start);
    this.#bytes.set(other.#bytes.subarray(start, end), this.#byteLength);
    this.#end(end - start);
  }

  get(index: number): string {
    return this.#bytes.toString("utf8", this.#start(index), this.#ends[index]);
  }

  /** Indices in the order of the names' bytes. */
  sortedOrder(): Uint32Array {
    const order = Uint32Array.from({ length: this.#length }, (_, index) => index);
    const bytes = this.#bytes;
    const ends = this.#ends;
    return order.sort((a, b) => {
      let i = a === 0 ? 0 : ends[a - 1]!;
      let j = b === 0 ? 0 : ends[b - 1]!;
      const lengths = ends[a]! - i - (ends[b]! - j);
      const end = lengths < 0 ? ends[a]! : i + (ends[b]! - j);
      for (; i < end; i++, j++) {
        if (bytes[i] !== bytes[j]) return bytes[i]! - bytes[j]!;
      }
      return lengths;
    });
  }

  /** Gives back the room that was kept for more names. */
  trim(): void {
    this.#bytes = Buffer.from(this.#bytes.subarray(0, this.#byteLength));
    this.#ends = this.#ends.slice(0, this.#length);
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  #reserve(more: number): void {
    if (this.#byteLength + more > maxNameBytes) {
      throw new SpillwayError("source", `the file names take more than ${maxNameBytes} bytes`, {
        remedy: "Pack the sub-folders one by one.",
      });
    }
    if (this.#byteLength + more > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#byteLength + more, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    if (this.#length === this.#ends.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#ends);
      this.#ends = grown;
    }
  }

  #end(written: number): void {
    this.#byteLength += written;
    this.#ends[this.#length++] = this.#byteLength;
  }
}

/** Files of a tree: each has the path of its folder, kept once per run of neighbours, and a name. */
export class PathList {
  readonly #names = new NameList();
  /** Folders of runs of files, "" or ending in "/", and the index of each run's first file. */
  readonly #folders: string[] = [];
  readonly #runStarts: number[] = [];

  get length(): number {
    return this.#names.length;
  }

  /** Adds a file by its folder ("" or ending in "/") and its name in a list of that folder's names. */
  add(folder: string, names: NameList, index: number): void {
    if (this.#folders.at(-1) !== folder) {
      this.#folders.push(folder);
      this.#runStarts.push(this.length);
    }
    this.#names.addFrom(names, index);
  }

  /** Path of a file relative to the root of the tree, with / between its parts. */
  get(index: number): string {
    return this.#folders[lastAtMost(this.#runStarts, index)]! + this.#names.get(index);
  }

  trim(): void {
    this.#names.trim();
  }
}

/** Place of the last number that is at most `value`, in an ascending list whose first number is. */
export function lastAtMost(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= value) low = middle;
    else high = middle;
  }
  return low;
}

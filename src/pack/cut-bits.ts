// Bits of a file as they come by, chunk by chunk: whether those of the rows up to a commit have their hash and their
// count, and whether the file has the length that its rows need and nothing beyond them.

import type { Hasher } from "../kernels/hasher.js";
import { bitBytes, countBits } from "../order/bitmap.js";

/** The bits of a set up to one commit. */
export class CutBits {
  readonly #hasher: Hasher;
  readonly #rows: number;
  readonly #count: number;
  readonly #hash: string;
  #found = 0;

  constructor(rows: number, { count, hash }: { count: number; hash: string }, hasher: Hasher) {
    this.#hasher = hasher;
    this.#rows = rows;
    this.#count = count;
    this.#hash = hash;
  }

  /** Takes in the bytes from `at` on, as far as they are of these rows. */
  add(chunk: Uint8Array, at: number): void {
    const own = chunk.subarray(0, Math.max(0, bitBytes(this.#rows) - at));
    const rest = this.#rows % 8;
    const hasEnd = rest > 0 && own.length > 0 && at + own.length === bitBytes(this.#rows);
    const whole = hasEnd ? own.subarray(0, -1) : own;
    this.#take(whole);
    if (hasEnd) this.#take(Uint8Array.of(own.at(-1)! & ((1 << rest) - 1)));
  }

  #take(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
    this.#found += countBits(bytes);
  }

  /** What is wrong, undefined if nothing is. @param record file that tells hash and count */
  finish(record: string): string | undefined {
    if (this.#hasher.finishHex() !== this.#hash) return `its hash is not the one in ${record}`;
    if (this.#found === this.#count) return undefined;
    return `it holds ${this.#found} samples, ${record} says ${this.#count}`;
  }
}

/** What is wrong with the length of bits, or with their last byte; undefined if nothing is. */
export function faultOfEnd(rows: number, byteLength: number, last: number): string | undefined {
  const needed = bitBytes(rows);
  if (byteLength !== needed) return `it has ${byteLength} bytes, ${rows} samples need ${needed}`;
  return rows % 8 > 0 && last >> (rows % 8) !== 0 ? `it has bits beyond the ${rows} samples` : undefined;
}

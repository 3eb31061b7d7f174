// The encoded images of one field of a shard that is being written: where each ends, in memory until the shard is
// complete, and how many still fit. Images lie one after another from the column's start.
// Rule: the first image of a shard always fits; a shard ends before the one that would bring it above its bytes.

import type { EncodedPlace } from "../format/shard.js";

/** Arrow's offsets are int32. */
const maxColumnBytes = 2 ** 31 - 1;

export class EncodedColumn {
  /** Bytes that the images of a shard have together at most, unless it holds a single longer one. */
  readonly #mostBytes: number;
  readonly #ends: Int32Array;
  #rows = 0;
  #longest = 0;

  constructor(capacity: number, shardBytes: number) {
    this.#mostBytes = Math.min(shardBytes, maxColumnBytes);
    this.#ends = new Int32Array(capacity + 1);
  }

  /** Bytes of all images so far. */
  get bytes(): number {
    return this.#ends[this.#rows]!;
  }

  /** How many of the next images fit, by their lengths. */
  fitting(lengths: Uint32Array): number {
    let bytes = this.bytes;
    const over = lengths.findIndex((length, k) => {
      bytes += length;
      return bytes > this.#mostBytes && this.#rows + k > 0;
    });
    return over < 0 ? lengths.length : over;
  }

  /** Takes in the next images, by their lengths. */
  add(lengths: Uint32Array): void {
    for (const length of lengths) {
      this.#ends[this.#rows + 1] = this.bytes + length;
      this.#rows += 1;
      this.#longest = Math.max(this.#longest, length);
    }
  }

  /** Where each image starts, and where the last one ends. */
  offsets(): Uint8Array {
    return new Uint8Array(this.#ends.buffer, 0, (this.#rows + 1) * 4);
  }

  /** What the manifest tells of the column, where it lies as planned. */
  entry({ start, offsets }: EncodedPlace): EncodedPlace & { longest: number } {
    return { start, bytes: this.bytes, offsets, longest: this.#longest };
  }
}

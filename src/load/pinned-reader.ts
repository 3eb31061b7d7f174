// The pinned set as one reader uses it: where a record lies in it, and copies of what was read into it. There is no lock:
// a run that copied from the set while some of it was given back is done again, see pinned.ts.

import type { Kernels } from "../kernels/kernels.js";
import type { ReaderStart } from "./messages.js";
import { chunkPageBytes, type PinnedPlan, planPinned } from "./pinned-plan.js";
import { chunkWord, readingWord, wordsOfChunk } from "./reading-words.js";

export class PinnedReader {
  readonly #plan: PinnedPlan;
  readonly #words: Int32Array;
  readonly #rows: number;
  /** Views of each segment of the pool. */
  readonly #bytes: readonly Uint8Array[];
  readonly #bits: readonly Int32Array[];
  readonly #kernels: Kernels;
  /** The segment that the loop's own memory lies in, which the kernels work on. */
  readonly #own: number;
  /** The first row that was not to be pinned when the run began: most rows are told by this one comparison. */
  #limitRow = 0;
  /** Where `find` found a record. */
  segment = 0;
  address = 0;

  private constructor(plan: PinnedPlan, start: ReaderStart, kernels: Kernels, own: number) {
    this.#plan = plan;
    this.#words = start.reading.words;
    this.#rows = start.table.rows;
    this.#bytes = start.segments.map(({ buffer }) => new Uint8Array(buffer));
    this.#bits = start.segments.map(({ buffer }) => new Int32Array(buffer));
    this.#kernels = kernels;
    this.#own = own;
  }

  /** @param own number of the segment that the kernels work on; undefined where no column can be pinned */
  static of(
    start: ReaderStart,
    isResident: readonly boolean[],
    kernels: Kernels,
    own: number,
  ): PinnedReader | undefined {
    const plan = planPinned(start.table, isResident, start.memoryBytes);
    return plan && new PinnedReader(plan, start, kernels, own);
  }

  /** Samples are counted by this column. */
  get countedColumn(): number {
    return this.#plan.first;
  }

  /** To be called before a run, before anything is found or kept, and again after it with what this gave: false if the run must be done again. */
  begin(): number {
    const generation = Atomics.load(this.#words, readingWord.generation);
    this.#limitRow = Atomics.load(this.#words, readingWord.limit) * this.#plan.rowsPerChunk;
    return generation;
  }

  isUnchanged(generation: number): boolean {
    // An addition and no load: the copies before it must not be done after it.
    return Atomics.add(this.#words, readingWord.generation, 0) === generation;
  }

  /** Whether a row was to be pinned when the run began. */
  isWithin(row: number): boolean {
    return row < this.#limitRow;
  }

  /** Whether the records of rows [row, row + count) lie in memory one after another: at `address` of `segment`. */
  find(column: number, row: number, count: number): boolean {
    if (row >= this.#limitRow) return false;
    const { rowsPerChunk, columns } = this.#plan;
    const chunk = Math.floor(row / rowsPerChunk);
    if (chunk >= Atomics.load(this.#words, readingWord.limit)) return false;
    const inChunk = row - chunk * rowsPerChunk;
    if (inChunk + count > rowsPerChunk) return false;
    const at = wordsOfChunk(chunk);
    const segment = this.#words[at + chunkWord.segment]!;
    const address = (this.#words[at + chunkWord.page]! >>> 0) * chunkPageBytes;
    const { bits, records, stride } = columns[column]!;
    const words = this.#bits[segment]!;
    const firstWord = (address + bits) / 4;
    for (let k = inChunk; k < inChunk + count; k += 1)
      if ((Atomics.load(words, firstWord + (k >>> 5)) & (1 << k)) === 0) return false;
    this.segment = segment;
    this.address = address + records + inChunk * stride;
    return true;
  }

  /** Copies what `find` found to an address of the loop's own segment. */
  copyTo(target: number, byteLength: number): void {
    if (this.segment === this.#own) {
      this.#kernels.copyRun(this.address, target, byteLength);
      return;
    }
    const found = this.#bytes[this.segment]!.subarray(this.address, this.address + byteLength);
    this.#bytes[this.#own]!.set(found, target);
  }

  /** An address in the loop's own segment where what `find` found lies: where it is, or else in `scratch`. */
  bring(scratch: number, byteLength: number): number {
    if (this.segment === this.#own) return this.address;
    this.copyTo(scratch, byteLength);
    return scratch;
  }

  /** Keeps records of rows [row, row + count), which lie at `from` and have been checked, as far as they are to be pinned. */
  keep(column: number, row: number, count: number, from: number): void {
    if (row >= this.#limitRow) return;
    const { rowsPerChunk, columns } = this.#plan;
    const { stride } = columns[column]!;
    const end = Math.min(row + count, this.#rows);
    for (let at = row; at < end; ) {
      const chunk = Math.floor(at / rowsPerChunk);
      if (chunk >= Atomics.load(this.#words, readingWord.limit)) return;
      const until = Math.min(end, (chunk + 1) * rowsPerChunk);
      if (this.#enter(chunk)) {
        try {
          this.#write(column, chunk, at - chunk * rowsPerChunk, until - at, from + (at - row) * stride);
        } finally {
          this.#leave(chunk);
        }
      }
      at = until;
    }
  }

  #write(column: number, chunk: number, inChunk: number, count: number, from: number): void {
    const { columns, first } = this.#plan;
    const at = wordsOfChunk(chunk);
    const segment = this.#words[at + chunkWord.segment]!;
    const address = (this.#words[at + chunkWord.page]! >>> 0) * chunkPageBytes;
    const { bits, records, stride } = columns[column]!;
    const to = address + records + inChunk * stride;
    if (segment === this.#own) this.#kernels.copyRun(from, to, count * stride);
    else this.#bytes[segment]!.set(this.#bytes[this.#own]!.subarray(from, from + count * stride), to);
    const words = this.#bits[segment]!;
    const firstWord = (address + bits) / 4;
    let added = 0;
    for (let k = inChunk; k < inChunk + count; k += 1) {
      const bit = 1 << k;
      if ((Atomics.or(words, firstWord + (k >>> 5), bit) & bit) === 0) added += 1;
    }
    if (column === first && added > 0) Atomics.add(this.#words, at + chunkWord.filled, added);
  }

  /** Counts this reader among the writers of a chunk; false if it is being given back. */
  #enter(chunk: number): boolean {
    const at = wordsOfChunk(chunk) + chunkWord.writers;
    for (;;) {
      const writers = Atomics.load(this.#words, at);
      if (writers < 0) return false;
      if (Atomics.compareExchange(this.#words, at, writers, writers + 1) === writers) return true;
    }
  }

  #leave(chunk: number): void {
    const at = wordsOfChunk(chunk) + chunkWord.writers;
    Atomics.sub(this.#words, at, 1);
    Atomics.notify(this.#words, at);
  }
}

// The pinned set: as much of the layout as the memory allows stays in it, from the first row on, and is never evicted:
// each sample is used once an epoch, so nothing that looks at the past does better. Readers fill it with what they read
// anyway (pinned-reader.ts), so that no byte is read twice for it. What a loop, a feed or a drawing needs, it gives
// back, from its end.
//
// How a chunk is given back while readers are at work, without waiting for them
//   1  limit goes down, generation goes up: whoever copied from the set since it began its run does that run again
//   2  the chunk is closed to writers (-1); one that is just writing is waited for, which takes microseconds
//   3  its memory is free
//
// Rule: the set leaves room for one more loop and for the reader threads that may still come.

import { type MemoryPool, type Reservation, threadBytes } from "./memory-pool.js";
import { chunkPageBytes, type PinnedPlan, planPinned } from "./pinned-plan.js";
import { defaultReaders } from "./plan.js";
import { chunkWord, type ReadingWords, readingWord, wordsOfChunk } from "./reading-words.js";
import type { DatasetTable } from "./table.js";

/** Below this part of the rows the set would save nothing worth its memory. */
const leastShare = 1 / 64;

/** Milliseconds after which a writer is taken for dead; its chunk then stays taken. */
const writerMs = 1000;

/** Threads for which the memory has room besides the set: this part of it, but no more than so many. */
const threadShare = 1 / 8;
const mostThreads = 32;

export class PinnedSet {
  readonly #pool: MemoryPool;
  readonly #table: DatasetTable;
  readonly #shared: ReadingWords;
  readonly #cores: number;
  readonly #held: Reservation[] = [];
  #plan: PinnedPlan | undefined;
  /** The largest loop so far: the next one should find as much. */
  #loopBytes = 0;

  constructor(pool: MemoryPool, table: DatasetTable, shared: ReadingWords, cores: number) {
    this.#pool = pool;
    this.#table = table;
    this.#shared = shared;
    this.#cores = cores;
    pool.giveWay = () => this.giveWay();
  }

  /** Rows [0, C) that are pinned, or are going to be when they are next read. */
  get rows(): number {
    return Math.min(this.#table.rows, this.#held.length * (this.#plan?.rowsPerChunk ?? 0));
  }

  /** Rows that lie in memory by now. */
  get filledRows(): number {
    return this.#held.reduce(
      (sum, _, chunk) => sum + Atomics.load(this.#shared.words, wordsOfChunk(chunk) + chunkWord.filled),
      0,
    );
  }

  /** Bytes of the memory that the set has taken. */
  get byteLength(): number {
    return this.#held.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /**
   * Takes what no loop needs, after a loop has taken its share.
   *
   * @param isResident columns that are in memory whole already, by number; the same in every call
   * @param loopBytes what the loop has reserved
   */
  grow(isResident: readonly boolean[], loopBytes: number): void {
    this.#plan ??= planPinned(this.#table, isResident, this.#pool.byteLength);
    const plan = this.#plan;
    if (!plan) return;
    this.#loopBytes = Math.max(this.#loopBytes, loopBytes);
    const spare = { bytes: this.#loopBytes, threads: this.#threadsToCome() };
    const before = this.#held.length;
    while (this.#held.length < plan.chunks) {
      const reservation = this.#pool.reserveSparing(plan.chunkBytes, spare);
      if (!reservation) break;
      this.#open(this.#held.length, reservation);
      this.#held.push(reservation);
    }
    if (before === 0 && this.rows < this.#table.rows * leastShare)
      for (const reservation of this.#held.splice(0)) reservation.release();
    Atomics.store(this.#shared.words, readingWord.limit, this.#held.length);
  }

  /** Gives the last chunk back to the pool; false where there is none, or a thread died while it wrote to it. */
  giveWay(): boolean {
    const chunk = this.#held.length - 1;
    if (chunk < 0) return false;
    const { words } = this.#shared;
    Atomics.store(words, readingWord.limit, chunk);
    Atomics.add(words, readingWord.generation, 1);
    const writers = wordsOfChunk(chunk) + chunkWord.writers;
    const since = performance.now();
    for (;;) {
      const count = Atomics.compareExchange(words, writers, 0, -1);
      if (count <= 0) break;
      if (performance.now() - since > writerMs) return false;
      Atomics.wait(words, writers, count, 1);
    }
    this.#held.pop()!.release();
    return true;
  }

  #open(chunk: number, { segment, memory, address }: Reservation): void {
    const { words } = this.#shared;
    const at = wordsOfChunk(chunk);
    // The memory may hold anything: no bit of it may count.
    const bitBytes = Math.min(
      ...this.#plan!.columns.map((column) => column?.records ?? Number.POSITIVE_INFINITY),
    );
    new Uint8Array(memory.buffer, address, bitBytes).fill(0);
    words[at + chunkWord.segment] = segment;
    words[at + chunkWord.page] = address / chunkPageBytes;
    words[at + chunkWord.filled] = 0;
    Atomics.store(words, at + chunkWord.writers, 0);
  }

  /**
   * Reader threads that may still be asked for: memory that was touched once cannot become theirs. As many as there were
   * may be asked for again, though those that were not needed are gone.
   */
  #threadsToCome(): number {
    const { byteLength, threads, mostThreads: before } = this.#pool;
    const affordable = Math.floor((byteLength * threadShare) / threadBytes);
    const most = Math.max(
      threads + 1,
      before,
      defaultReaders(byteLength, this.#cores),
      Math.min(mostThreads, affordable),
    );
    return most - threads;
  }
}

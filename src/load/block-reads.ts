// Blocks of samples read at once, the first time that any of them is wanted, where memory keeps what was read. Most disks
// hand over 256 KiB in little more time than 8, so the samples of an epoch come in sooner, although the first ones wait
// longer. Each reader finds out by itself whether that holds here: it times a few reads of either kind, goes on with the
// one that pays, and looks again.
//
//   | 8 single reads | 8 single reads, timed | 2 blocks, timed | 64 reads of the better kind | 8 single reads, timed | ...
//
// Each time that blocks do not pay, twice as many single reads go by until the next try: the fewer samples are left, the
// more of those two blocks was there already.
//
// Rule: where samples come out of the page cache anyway, or readers wait for training, samples are read one by one.

import type { ColumnTable } from "./table.js";

/** Bytes of a block: larger ones gain little more, and make the first batches wait longer. */
const blockBytes = 256 * 1024;

/** Fewer samples in a block are not worth it. */
const leastRows = 4;

const timedSingles = 8;
/** The slowest of these are not counted: the thread may have been interrupted. */
const outliers = 2;
const timedBlocks = 2;
const readsOfChoice = 64;
/** Single reads at most until blocks that did not pay are tried again. */
const mostPatience = 1024;

/** The first reads of a reader are not timed: they wait for its code to be compiled. */
const firstReads = 8;

/**
 * Reads that take less came out of memory, of a thread that shares its core: milliseconds, and bytes that one of them
 * copies. Out of the page cache 8 KiB take 3 us undisturbed, and up to 40 in the first runs; out of fast disks 80.
 */
const quickMs = 0.06;
const quickBytesPerMs = 2 * 2 ** 20;

/** So many times faster a block has to be than its samples one by one. */
const leastGain = 2;

/** Readers that slept for a larger part of their time are fast enough. */
const mostSlept = 1 / 4;

/** Samples of a column that are read at once at most; 1 where they are large, or lie in files of their own. */
export function rowsOfBlock({ stride, rowsPerSum, isInFiles, encoded }: ColumnTable): number {
  if (isInFiles || encoded || stride === 0) return 1;
  const rows = Math.floor(blockBytes / stride / rowsPerSum) * rowsPerSum;
  return rows < leastRows ? 1 : rows;
}

type Phase = "singles" | "blocks" | "chosen";

export class BlockChoice {
  readonly #now: () => number;
  #phase: Phase = "chosen";
  /** Reads of this phase so far, what blocks that were timed took in all, and the single reads that they spare. */
  #count = readsOfChoice - firstReads;
  #ms = 0;
  #spared = 0;
  readonly #singles = new Float64Array(timedSingles);
  #singleMs = 0;
  #isChosen = false;
  /** Reads until both kinds are timed again. */
  #patience = readsOfChoice;
  #since: number;
  #sleptMs = 0;

  /** @param now a clock in milliseconds; another one in tests only */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** Whether the next sample that is not there yet is to be read with its block. */
  get wantsBlock(): boolean {
    return this.#phase === "blocks" || (this.#phase === "chosen" && this.#isChosen);
  }

  /** Whether the next read of that kind is to be timed. */
  get isTiming(): boolean {
    return this.#phase !== "chosen";
  }

  /**
   * To be told of every read by which samples come to stay in memory.
   *
   * @param ms how long it took, if it was to be timed
   * @param singles reads that would bring as much one by one: of what a block brings, only what was not there yet counts
   */
  note(ms: number, byteLength: number, singles = 1): void {
    this.#count += 1;
    if (this.#phase === "chosen") {
      if (this.#count === this.#patience) this.#enter("singles");
      return;
    }
    if (this.#phase === "singles") {
      this.#singles[this.#count - 1] = ms;
      if (this.#count < timedSingles) return;
      const counted = this.#singles.sort().subarray(0, timedSingles - outliers);
      this.#singleMs = counted.reduce((sum, each) => sum + each, 0) / counted.length;
      const isQuick = this.#singleMs < quickMs + byteLength / quickBytesPerMs;
      if (isQuick || this.#isUnhurried()) this.#choose(false);
      else this.#enter("blocks");
      return;
    }
    this.#ms += ms;
    this.#spared += singles;
    if (this.#count < timedBlocks) return;
    const pays = this.#ms * leastGain < this.#singleMs * this.#spared;
    this.#choose(pays);
    this.#patience = pays ? readsOfChoice : Math.min(mostPatience, this.#patience * 2);
  }

  /** To be told when a block could not be read: for a while there are none. */
  failed(): void {
    this.#choose(false);
  }

  /** To be told when the reader has slept because there was nothing to be read for. */
  slept(ms: number): void {
    this.#sleptMs += ms;
  }

  #isUnhurried(): boolean {
    const now = this.#now();
    const isUnhurried = this.#sleptMs > (now - this.#since) * mostSlept;
    this.#since = now;
    this.#sleptMs = 0;
    return isUnhurried;
  }

  #choose(isChosen: boolean): void {
    this.#isChosen = isChosen;
    this.#enter("chosen");
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#count = 0;
    this.#ms = 0;
    this.#spared = 0;
  }
}

// How an open dataset is read, on the main thread: chooses between pinned set, page cache and direct reads when a loop
// starts, tells the readers by shared words, and says in figures what came of it.

import fs from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { DeviceProfile } from "../store/device.js";
import { keptProfile } from "../store/device-cache.js";
import { freeMemory } from "../store/free-memory.js";
import { chooseReaders } from "./choose-readers.js";
import { chooseReading, type ReadingChoice, type ReadingWay } from "./choose-reading.js";
import type { MemoryPool } from "./memory-pool.js";
import { openFileLimit } from "./open-files.js";
import { PinnedSet } from "./pinned.js";
import {
  createReadingWords,
  keepsWord,
  oldestRead,
  type ReadingWords,
  readingWord,
  sumOfLines,
  threadNumber,
  wayWord,
} from "./reading-words.js";
import type { Selection } from "./selection.js";
import type { DatasetTable } from "./table.js";

/** A read that has taken longer than this is worth a sentence. */
const stallMs = 2000;

/** Part of the memory that is usually left for the pinned set. */
const pinnableShare = 0.75;

/** Files that a process has open anyway, and those that a thread opens at once while it starts. */
const filesOfProcess = 32;
const filesOfThread = 16;

/** Where less of the rows is read, blocks of them are not worth reading. */
const leastRead = 1 / 4;

/** What a loop is over. */
export type ReadView = Pick<Selection, "fingerprint" | "count">;

/** What reading has come to so far. */
export interface ReadingStats {
  /** Undefined until the first loop has started. */
  way: ReadingWay | undefined;
  /** Why, in a sentence with the numbers. */
  reason: string;
  /** Bytes of the memory that the pinned set has taken; they are given back to whoever needs them. */
  pinnedBytes: number;
  /** Rows of the layout, from the first on, that are kept in memory once they have been read. */
  pinnedRows: number;
  /** How many of them lie there by now. */
  filledRows: number;
  /** Samples that came out of the pinned set, and those that had to be read. */
  hits: number;
  misses: number;
  /** Bytes and reads asked of the system, sums apart. */
  diskBytes: number;
  diskReads: number;
  /** Those of the reads that brought a block of samples, to stay in memory, for one that was wanted. */
  blockReads: number;
}

export class Reading {
  /** What readers share. */
  readonly shared: ReadingWords = createReadingWords();
  readonly #pool: MemoryPool;
  readonly #table: DatasetTable;
  readonly #pinned: PinnedSet;
  readonly #freeMemory: () => number;
  /** Samples of each view that was read, by its fingerprint. */
  readonly #views = new Map<string, number>();
  #choice: ReadingChoice | undefined;
  #fewerReaders: string | undefined;
  /** What was kept of the device, once that was looked up. */
  #profile: { of: DeviceProfile | undefined } | undefined;

  /** @param free bytes of memory that are free; another answer in tests only */
  constructor(pool: MemoryPool, table: DatasetTable, free: () => number = freeMemory) {
    this.#pool = pool;
    this.#table = table;
    this.#pinned = new PinnedSet(pool, table, this.shared, availableParallelism());
    this.#freeMemory = free;
  }

  /**
   * To be called when a loop or feed has reserved what it needs and has its readers, before they begin: pins what is
   * left, and chooses how they read.
   *
   * @param isResident columns that are held in memory whole, by number
   * @param loopBytes what was reserved
   */
  prepare(isResident: readonly boolean[], view: ReadView, loopBytes: number): void {
    this.#pinned.grow(isResident, loopBytes);
    this.#choice = this.#choose(isResident, this.#readRows(view), this.#pinned.rows);
    this.#views.set(view.fingerprint, view.count);
    const way = this.#choice.isDirect ? wayWord.direct : wayWord.buffered;
    Atomics.store(this.shared.words, readingWord.way, way);
    Atomics.store(this.shared.words, readingWord.keeps, this.#keeps(isResident));
  }

  /**
   * Which rows stay in memory when blocks are read; none where so few are wanted that most of their blocks would be for
   * nothing. Blocks bring the other rows too: the page cache keeps them where it has room for all.
   */
  #keeps(isResident: readonly boolean[]): number {
    let readRows = 0;
    for (const samples of this.#views.values()) readRows += samples;
    const { rows } = this.#table;
    if (readRows < rows * leastRead) return keepsWord.none;
    const { way } = this.#choose(isResident, rows, this.#pinned.rows);
    return way === "page cache" ? keepsWord.all : keepsWord.pinned;
  }

  /** Reader threads for a loop that may choose; the first one does not know yet how much will be pinned. */
  usualReaders(isResident: readonly boolean[], view: ReadView): number {
    const { columns, rows, root, paths } = this.#table;
    const { byteLength } = this.#pool;
    const rowBytes = this.#rowBytes(isResident);
    const pinnable = Math.min(rows, Math.floor((byteLength * pinnableShare) / Math.max(1, rowBytes)));
    const pinnedRows = this.#choice ? this.#pinned.rows : pinnable;
    const { isDirect } = this.#choose(isResident, this.#readRows(view), pinnedRows);
    if (isDirect) this.#profile ??= { of: keptProfile(paths.map((path) => join(root, path))) };
    const readers = chooseReaders({
      memoryBytes: byteLength,
      cores: availableParallelism(),
      isDirect,
      recordBytes: columns.reduce(
        (most, { stride }, k) => (isResident[k] ? most : Math.max(most, stride)),
        1,
      ),
      profile: this.#profile?.of,
    });
    return Math.min(readers, this.#startable());
  }

  #startable(): number {
    return Math.max(1, Math.floor((openFileLimit() - filesOfProcess) / filesOfThread));
  }

  #rowBytes(isResident: readonly boolean[]): number {
    return this.#table.columns.reduce((sum, { stride }, k) => sum + (isResident[k] ? 0 : stride), 0);
  }

  #choose(isResident: readonly boolean[], readRows: number, pinnedRows: number): ReadingChoice {
    const { rows } = this.#table;
    const untouched = this.#pool.byteLength - this.#pool.touched;
    return chooseReading({
      rows,
      pinnedRows,
      readRows,
      dataBytes: rows * this.#rowBytes(isResident),
      freeBytes: Math.max(0, this.#freeMemory() - untouched),
      refusal: this.#refusal(),
    });
  }

  /** Rows of a view and of those that were read before: at most, since they may share some. */
  #readRows({ fingerprint, count }: ReadView): number {
    let sum = this.#views.has(fingerprint) ? 0 : count;
    for (const samples of this.#views.values()) sum += samples;
    return Math.min(sum, this.#table.rows);
  }

  /**
   * Readers that can be had, of those asked for: memory that the pinned set has touched cannot become a thread's, and a
   * thread needs files to start.
   */
  fittingReaders(asked: number, idle: number): number {
    const most = Math.max(1, idle + this.#pool.threadsLeft);
    if (asked > most && this.#pinned.byteLength > 0) {
      this.#fewerReaders = `${asked} readers were asked for, ${most} fit beside the samples that are pinned: ask for them in the first loop, or open with more memory.`;
      return this.fittingReaders(most, idle);
    }
    const startable = this.#startable();
    if (asked <= startable) return asked;
    this.#fewerReaders = `${asked} readers were asked for, ${startable} can be started where the process may open ${openFileLimit()} files: raise the limit, for example with ulimit -n 4096.`;
    return startable;
  }

  /** Sentences about what is not as one would expect. */
  notes(now = Date.now()): string[] {
    const notes = this.#fewerReaders === undefined ? [] : [this.#fewerReaders];
    if (Atomics.load(this.shared.words, readingWord.refused) !== 0)
      notes.push("The disk refuses direct reads: shards are read through the page cache.");
    const oldest = oldestRead(this.shared);
    if (oldest && now - oldest.since >= stallMs) {
      const seconds = Math.round((now - oldest.since) / 1000);
      notes.push(
        `A read has taken ${seconds} s so far: ${this.#table.paths[oldest.shard]} of ${this.#table.root}. The loop goes on when the disk answers.`,
      );
    }
    return notes;
  }

  stats(): ReadingStats {
    const sum = (number: number) => sumOfLines(this.shared, number);
    return {
      way: this.#choice?.way,
      reason: this.#choice?.reason ?? "No loop has started.",
      pinnedBytes: this.#pinned.byteLength,
      pinnedRows: this.#pinned.rows,
      filledRows: this.#pinned.filledRows,
      hits: sum(threadNumber.hits),
      misses: sum(threadNumber.misses),
      diskBytes: sum(threadNumber.diskBytes),
      diskReads: sum(threadNumber.diskReads),
      blockReads: sum(threadNumber.blockReads),
    };
  }

  #refusal(): string | undefined {
    if (this.#table.files) return "samples lie in files of their own";
    if (fs.constants.O_DIRECT === undefined) return "this system has no direct reads";
    const isRefused = Atomics.load(this.shared.words, readingWord.refused) !== 0;
    return isRefused ? "the disk refuses direct reads" : undefined;
  }
}

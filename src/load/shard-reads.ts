// Reads from shards, as one reader thread does them: through the page cache, or directly from the disk by the 4 KiB
// blocks that cover what is wanted. Counts what it reads, and marks since when it has been at it.
//
//   wanted            |----------|
//   blocks    [     |     |     |     ]     read into aligned scratch; the answer says where in it the wanted bytes lie
//
// Rule: where offset, length and target are multiples of a block, nothing is copied.

import fs from "node:fs";
import { SpillwayError, systemCode } from "../errors.js";
import { blockBytes } from "../format/shard.js";
import { type ReadSync, readBlocks, readFully } from "../store/file.js";
import type { OpenFiles } from "./open-files.js";
import { lineOf, type ReadingWords, readingWord, threadNumber, wayWord } from "./reading-words.js";

/** What a disk or file system answers that has no direct reads. */
const refusals = ["EINVAL", "ENOTSUP", "EOPNOTSUPP"];

export interface ShardReadsOptions {
  reading: ReadingWords;
  /** Number of this thread. */
  thread: number;
  /** The memory that is read into. */
  bytes: Uint8Array;
  /** Whether direct reads are possible at all: those of an index are too small to be. */
  mayBeDirect: boolean;
  /** How bytes are read; others in tests only. */
  readSync?: ReadSync;
}

export class ShardReads {
  readonly #files: OpenFiles;
  readonly #reading: ReadingWords;
  readonly #line: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #readSync: ReadSync;
  #isDirect: boolean;
  #isReading = false;
  #byteCount = 0;
  #readCount = 0;
  #blockCount = 0;

  constructor(files: OpenFiles, { reading, thread, bytes, mayBeDirect, readSync }: ShardReadsOptions) {
    this.#files = files;
    this.#reading = reading;
    this.#line = lineOf(reading, thread);
    this.#bytes = bytes;
    this.#readSync = readSync ?? fs.readSync;
    this.#isDirect = mayBeDirect && Atomics.load(reading.words, readingWord.way) === wayWord.direct;
    files.setDirect(this.#isDirect);
  }

  /**
   * Reads bytes of a shard.
   *
   * @param to where they should go
   * @param scratch where they may go instead: a multiple of a block, with room for two blocks more
   * @returns where they are
   * @throws SpillwayError `io`, `missing`, `corrupt`
   */
  read(shard: number, startByte: number, byteLength: number, to: number, scratch: number): number {
    if (!this.#isReading) {
      this.#isReading = true;
      this.#line[threadNumber.since] = Date.now();
    }
    this.#line[threadNumber.shard] = shard;
    this.#readCount += 1;
    if (this.#isDirect) {
      try {
        return this.#readBlocks(shard, startByte, byteLength, to, scratch);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#refuse();
      }
    }
    const fd = this.#files.descriptor(shard);
    readFully(fd, this.#bytes, to, byteLength, startByte, this.#files, shard, this.#readSync);
    this.#byteCount += byteLength;
    return to;
  }

  /** Whether reads go past the page cache. */
  get isDirect(): boolean {
    return this.#isDirect;
  }

  /** To be called for each read that brings more samples than were asked for. */
  noteBlock(): void {
    this.#blockCount += 1;
  }

  /** To be called when a run has been read: writes down what it was. */
  note(hits: number, misses: number): void {
    const line = this.#line;
    line[threadNumber.hits]! += hits;
    line[threadNumber.misses]! += misses;
    if (!this.#isReading) return;
    this.#isReading = false;
    line[threadNumber.since] = 0;
    line[threadNumber.diskBytes]! += this.#byteCount;
    line[threadNumber.diskReads]! += this.#readCount;
    line[threadNumber.blockReads]! += this.#blockCount;
    this.#byteCount = 0;
    this.#readCount = 0;
    this.#blockCount = 0;
  }

  #readBlocks(shard: number, startByte: number, byteLength: number, to: number, scratch: number): number {
    const before = startByte % blockBytes;
    const covered = Math.ceil((before + byteLength) / blockBytes) * blockBytes;
    const isExact = covered === byteLength && to % blockBytes === 0;
    const target = isExact ? to : scratch;
    const fd = this.#files.descriptor(shard);
    const range = { startByte: startByte - before, byteLength: covered, neededBytes: before + byteLength };
    readBlocks(fd, this.#bytes, target, range, this.#files, shard, this.#readSync);
    this.#byteCount += covered;
    return target + (isExact ? 0 : before);
  }

  /** From now on through the page cache; `stats()` says so. */
  #refuse(): void {
    this.#isDirect = false;
    this.#files.setDirect(false);
    Atomics.store(this.#reading.words, readingWord.refused, 1);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof SpillwayError && refusals.includes(systemCode(error.cause));
}

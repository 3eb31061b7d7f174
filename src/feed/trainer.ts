// One who draws from a feed: its batches, its state, and the way to another thread. What happens to it is decided by the
// feed; what it draws comes through its cursor.

import { Cursor, type CursorHost } from "./cursor.js";
import { takenBefore } from "./feed-errors.js";
import type { Seat } from "./seat.js";
import type { TrainerBatch } from "./trainer-batch.js";
import { batchesPerEpoch, type TrainerRequest } from "./trainer-options.js";
import type { TrainerStats } from "./trainer-stats.js";

/** What a trainer needs of its feed. */
export interface TrainerHost {
  /** Its seat, once it has joined and the stream is at work. */
  seat(trainer: Trainer): Promise<Seat>;
  cursorHost(trainer: Trainer): CursorHost;
  leave(trainer: Trainer): Promise<void>;
  stats(trainer: Trainer): TrainerStats;
  handOver(trainer: Trainer): Promise<TrainerHandle>;
}

/** A trainer on its way to a worker thread: post it with its port among what is transferred. */
export interface TrainerHandle {
  seat: Seat;
  port: import("node:worker_threads").MessagePort;
  /** A word that says whether the trainer was taken, so that it is taken once. */
  hand: Int32Array;
}

/** Batches of a feed, to be taken once by `for await`. */
export class Trainer implements AsyncIterable<TrainerBatch> {
  readonly name: string;
  readonly batchSize: number;
  /** Samples of a whole epoch, and batches that they make. */
  readonly size: number;
  readonly batchesPerEpoch: number;
  /** Settles when its memory is reserved; rejects with SpillwayError `memory` where that does not fit. */
  readonly joined: Promise<void>;
  readonly #host: TrainerHost;
  readonly #signal: AbortSignal | undefined;
  #isTaken = false;
  #isIterated = false;

  /** Use `feed.trainer()`. */
  constructor(host: TrainerHost, request: TrainerRequest, size: number, joined: Promise<void>) {
    const { name, batchSize, signal } = request;
    this.#host = host;
    this.name = name;
    this.batchSize = batchSize;
    this.size = size;
    this.batchesPerEpoch = batchesPerEpoch(size, request);
    this.#signal = signal;
    this.joined = joined;
    // Who does not look at it gets the error with the first batch.
    joined.catch(() => {});
  }

  /** @throws SpillwayError `usage` if they were taken before, or the trainer lives in another thread */
  [Symbol.asyncIterator](): AsyncGenerator<TrainerBatch, void, undefined> {
    this.#take();
    return this.#run();
  }

  /** Whether its batches are drawn in this thread. */
  get isIterated(): boolean {
    return this.#isIterated;
  }

  /** Leaves the feed: its batches end, its memory is given back, and nobody waits for it any more. */
  leave(): Promise<void> {
    return this.#host.leave(this);
  }

  /** What it got so far, and how long it waited. */
  stats(): TrainerStats {
    return this.#host.stats(this);
  }

  /**
   * Gives the trainer to a worker thread, where `takeTrainer(handle)` draws its batches. When that thread ends, however it
   * does, the trainer has left.
   *
   *   const handle = await trainer.handOver();
   *   worker.postMessage(handle, [handle.port]);
   */
  handOver(): Promise<TrainerHandle> {
    this.#take();
    return this.#host.handOver(this);
  }

  async *#run(): AsyncGenerator<TrainerBatch, void, undefined> {
    const signal = this.#signal;
    this.#isIterated = true;
    try {
      signal?.throwIfAborted();
      await this.joined;
      const seat = await this.#host.seat(this);
      yield* new Cursor(seat, this.#host.cursorHost(this)).batches(signal);
    } finally {
      await this.leave();
    }
  }

  #take(): void {
    if (this.#isTaken) throw takenBefore(this.name);
    this.#isTaken = true;
  }
}

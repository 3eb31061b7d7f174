// A trainer in another thread: what is said between its feed and that thread. While it trains nothing is: the port tells
// of its end, of errors, and of a feed that closes.
// Rule: the feed takes the trainer's memory back when the other side has said that it is done with it, or is gone.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type ErrorRecord, recordError, restoreError, type SpillwayError } from "../errors.js";
import { Cursor } from "./cursor.js";
import { feedClosed, hasLeft, takenBefore } from "./feed-errors.js";
import type { Seat } from "./seat.js";
import type { TrainerHandle } from "./trainer.js";
import type { TrainerBatch } from "./trainer-batch.js";
import { batchesPerEpoch } from "./trainer-options.js";

/** What the feed says. A trainer that is dismissed without an error has been told to leave: its batches just end. */
type ToTrainer = { type: "failed"; error: ErrorRecord } | { type: "dismissed"; error?: ErrorRecord };

/** Who has a handle, in a word of its own: the other thread takes it, or the feed takes it back. */
const hand = { given: 0, taken: 1, dismissed: 2 } as const;

/** The feed's side. */
export class HandedOver {
  readonly #ours: MessagePort;
  readonly #theirs: MessagePort;
  /** Settles when the other side will not touch its memory any more, or has ended, however it did. */
  readonly #gone: Promise<void>;
  readonly #hand = new Int32Array(new SharedArrayBuffer(4));

  /** @param onGone called when the other side has ended */
  constructor(onGone: () => void) {
    const { port1, port2 } = new MessageChannel();
    this.#ours = port1;
    this.#theirs = port2;
    this.#gone = new Promise((resolve) => {
      port1.on("close", () => {
        resolve();
        onGone();
      });
    });
    port1.on("message", () => {});
    port1.unref();
  }

  /** What is posted to the other thread. */
  handle(seat: Seat): TrainerHandle {
    return { seat, port: this.#theirs, hand: this.#hand };
  }

  fail(error: SpillwayError): void {
    this.#say({ type: "failed", error: recordError(error) });
  }

  /** Tells the trainer to end, with an error or without, and waits until it will not touch its memory any more. */
  async dismiss(error: SpillwayError | undefined): Promise<void> {
    this.#say({ type: "dismissed", ...(error && { error: recordError(error) }) });
    // Where nobody has taken the handle nobody will, and there is nothing to wait for.
    const before = Atomics.compareExchange(this.#hand, 0, hand.given, hand.dismissed);
    if (before === hand.taken) this.#ours.ref();
    else this.#ours.close();
    await this.#gone;
  }

  #say(message: ToTrainer): void {
    this.#ours.postMessage(message);
  }
}

/** A trainer as the thread holds it that it was handed over to. */
export interface TakenTrainer extends AsyncIterable<TrainerBatch> {
  readonly name: string;
  readonly batchSize: number;
  /** Samples of a whole epoch, and batches that they make. */
  readonly size: number;
  readonly batchesPerEpoch: number;
  /** Leaves the feed: its batches end, and nobody waits for it any more. */
  leave(): void;
}

/**
 * Draws the batches of a trainer that `trainer.handOver()` gave to this thread.
 *
 *   parentPort.once("message", async (handle) => {
 *     for await (const batch of takeTrainer(handle)) train(batch);
 *   });
 *
 * @throws SpillwayError `usage` if the handle was taken already, or the trainer has left its feed meanwhile
 */
export function takeTrainer({ seat, port, hand: word }: TrainerHandle): TakenTrainer {
  const before = Atomics.compareExchange(word, 0, hand.given, hand.taken);
  if (before === hand.taken) throw takenBefore(seat.name);
  if (before === hand.dismissed) throw hasLeft(seat.name);
  let end: { error: SpillwayError | undefined } | undefined;
  let tellFailure: (error: SpillwayError) => void = () => {};
  const failure = new Promise<SpillwayError>((resolve) => {
    tellFailure = resolve;
  });
  let cursor: Cursor | undefined;
  const leave = (error?: SpillwayError) => {
    if (end) return;
    end = { error };
    // It may sleep. The word that it sleeps on is the feed's until the port is closed.
    cursor?.wake();
    port.close();
  };
  port.on("message", (message: ToTrainer) => {
    const error = message.error && restoreError(message.error);
    if (message.type === "failed") tellFailure(error!);
    else leave(error);
  });
  // The feed is gone, with the thread that it was in.
  port.on("close", () => leave(feedClosed()));
  port.unref();
  return {
    name: seat.name,
    batchSize: seat.schedule.batchSize,
    size: seat.schedule.n,
    batchesPerEpoch: batchesPerEpoch(seat.schedule.n, seat.schedule),
    leave: () => leave(),
    async *[Symbol.asyncIterator]() {
      if (cursor) throw takenBefore(seat.name);
      if (end) throw end.error ?? hasLeft(seat.name);
      cursor = new Cursor(seat, {
        isClosed: () => end !== undefined,
        closed: () => end?.error,
        failure: () => failure,
      });
      try {
        yield* cursor.batches(undefined);
      } finally {
        leave();
      }
    },
  };
}

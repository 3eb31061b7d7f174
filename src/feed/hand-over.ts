// A trainer in another thread: what is said between its feed and that thread. While it trains nothing is: the port tells
// of its end, of errors, and of a feed that closes.
// Rule: the feed takes the trainer's memory back when the other side has said that it is done with it, or is gone.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { type ErrorRecord, recordError, restoreError, type SpillwayError } from "../errors.js";
import { loopEnded } from "../load/engine.js";
import { Cursor } from "./cursor.js";
import type { TrainerHandle } from "./trainer.js";
import type { TrainerBatch } from "./trainer-batch.js";
import { batchesPerEpoch } from "./trainer-options.js";

/** What the feed says. */
type ToTrainer = { type: "failed"; error: ErrorRecord } | { type: "dismissed" };

/** The feed's side. */
export class HandedOver {
  /** To be posted to the other thread. */
  readonly theirs: MessagePort;
  readonly #ours: MessagePort;
  readonly #gone: Promise<void>;
  #isGone = false;

  /** @param onGone called when the other side has ended, however it did */
  constructor(onGone: () => void) {
    const { port1, port2 } = new MessageChannel();
    this.#ours = port1;
    this.theirs = port2;
    this.#gone = new Promise((resolve) => {
      port1.on("close", () => {
        this.#isGone = true;
        resolve();
        onGone();
      });
    });
    port1.on("message", () => {});
    port1.unref();
  }

  fail(error: SpillwayError): void {
    this.#say({ type: "failed", error: recordError(error) });
  }

  /** Tells the trainer to end, and waits until it will not touch its memory any more. */
  async dismiss(): Promise<void> {
    if (this.#isGone) return;
    this.#say({ type: "dismissed" });
    this.#ours.ref();
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
  /** Leaves the feed. */
  leave(): void;
}

/**
 * Draws the batches of a trainer that `trainer.handOver()` gave to this thread.
 *
 *   parentPort.once("message", async (handle) => {
 *     for await (const batch of takeTrainer(handle)) train(batch);
 *   });
 */
export function takeTrainer({ seat, port }: TrainerHandle): TakenTrainer {
  let isClosed = false;
  let tellFailure: (error: SpillwayError) => void = () => {};
  const failure = new Promise<SpillwayError>((resolve) => {
    tellFailure = resolve;
  });
  let cursor: Cursor | undefined;
  const leave = () => {
    isClosed = true;
    port.close();
  };
  port.on("message", (message: ToTrainer) => {
    if (message.type === "failed") return tellFailure(restoreError(message.error));
    leave();
    // It may sleep: the word that it sleeps on is the feed's still, until the port is closed.
    cursor?.wake();
  });
  port.unref();
  return {
    name: seat.name,
    batchSize: seat.schedule.batchSize,
    size: seat.schedule.n,
    batchesPerEpoch: batchesPerEpoch(seat.schedule.n, seat.schedule),
    leave,
    async *[Symbol.asyncIterator]() {
      if (cursor || isClosed) throw loopEnded();
      cursor = new Cursor(seat, {
        isClosed: () => isClosed,
        closed: () => loopEnded(),
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

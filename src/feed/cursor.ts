// A trainer's cursor: waits for samples of the stream, hands them out as batches, and lets go of them when the next
// batch is asked for. Works in any thread that has the seat; nothing but shared words is said while training.
// Rule: a batch is given out once all its samples are there, and the ring keeps them until the trainer releases them;
// of one that may be made to skip, a copy is given out, and only if nothing was written over it meanwhile.

import type { SpillwayError } from "../errors.js";
import { entry64, entryState, StreamControl } from "../load/stream-control.js";
import { streamCount } from "../load/stream-counts.js";
import { type BatchPlan, batchAt, locate } from "../order/schedule.js";
import { encodeToken } from "../order/token.js";
import { BatchSource } from "./batch-source.js";
import { DebugCheck } from "./debug-check.js";
import type { Seat } from "./seat.js";
import { HeldTrainerBatch, type TrainerBatch } from "./trainer-batch.js";

/** Milliseconds after which timers, signals and other I/O get their turn, where batches are always there already. */
const breathMs = 20;

/** Milliseconds for which a trainer may sleep although a batch is there, to be woken less often. */
const sleepMs = 5;

/** What the cursor asks of the thread that it lives in. */
export interface CursorHost {
  /** Whether the memory was given back: it must not be touched any more. */
  isClosed(): boolean;
  /** The error for a trainer whose feed was closed; undefined for one that was told to leave: its batches just end. */
  closed(): SpillwayError | undefined;
  /** The first error of a reader, or of making this trainer's batches, once there is one. */
  failure(): Promise<SpillwayError>;
}

/** Thrown where a trainer was told to leave, caught where its batches end. */
const left = Symbol("left");

export class Cursor {
  readonly #seat: Seat;
  readonly #host: CursorHost;
  readonly #stream: StreamControl;
  readonly #source: BatchSource;
  readonly #check: DebugCheck | undefined;
  /** Number of the batch that comes next, and the trainer's count of its first sample. */
  #number = 0;
  #count = 0;
  #skipped = 0;
  /** Where the trainer stood when it last woke the readers. */
  #rungAt = 0;
  /** Milliseconds that a batch took when the trainer last waited. */
  #batchMs = sleepMs;

  constructor(seat: Seat, host: CursorHost) {
    this.#seat = seat;
    this.#host = host;
    const { segments, ring, plan, entries } = seat;
    this.#stream = new StreamControl(segments.ring, ring.address, entries, {
      runLength: plan.runLength,
      ringRuns: plan.places * plan.runsPerBatch,
    });
    this.#source = new BatchSource(seat);
    this.#check = seat.debug ? new DebugCheck(seat.name) : undefined;
  }

  /** Gives the trainer's batches, in order. */
  async *batches(signal: AbortSignal | undefined): AsyncGenerator<TrainerBatch, void, undefined> {
    const { schedule, trainer } = this.#seat;
    const stream = this.#stream;
    const wake = () => {
      if (!this.#host.isClosed()) this.wake();
    };
    signal?.addEventListener("abort", wake, { once: true });
    let breathAt = performance.now() + breathMs;
    /** When it got the batch that is with the trainer now, or 0. */
    let gotAt = 0;
    const wasBusy = () => {
      if (gotAt > 0) stream.add(trainer, entry64.busyUs, Math.round((performance.now() - gotAt) * 1000));
      gotAt = 0;
    };
    try {
      for (;;) {
        signal?.throwIfAborted();
        this.#requireOpen();
        if (performance.now() > breathAt) {
          await new Promise((resolve) => setImmediate(resolve));
          breathAt = performance.now() + breathMs;
          this.#requireOpen();
        }
        const since = performance.now();
        const taken = await this.#take(signal);
        if (!taken) return;
        gotAt = performance.now();
        stream.add(trainer, entry64.waitedUs, Math.round((gotAt - since) * 1000));
        stream.set(trainer, entry64.sinceMs, -Date.now());
        stream.add(trainer, entry64.batches, 1);
        stream.add(trainer, entry64.samples, taken.plan.size);
        yield taken.batch;
        signal?.throwIfAborted();
        this.#requireOpen();
        wasBusy();
        this.#count += taken.plan.size;
        this.#number += 1;
        this.#release(batchAt(schedule, this.#count));
      }
    } catch (thrown) {
      if (thrown !== left) throw thrown;
    } finally {
      signal?.removeEventListener("abort", wake);
      if (!this.#host.isClosed()) wasBusy();
    }
  }

  /** Wakes it where it sleeps, to look whether it is closed. Its memory must still be there. */
  wake(): void {
    this.#stream.wakeTrainer(this.#seat.trainer);
  }

  /** The next batch, once it is there; undefined after the last. */
  async #take(
    signal: AbortSignal | undefined,
  ): Promise<{ batch: TrainerBatch; plan: BatchPlan } | undefined> {
    const { schedule, slow, isMade, making } = this.#seat;
    this.#skipped = 0;
    for (;;) {
      const plan = batchAt(schedule, this.#count);
      if (!plan) return undefined;
      if (isMade) {
        await this.#waitForMade(signal);
        const views = this.#source.own(this.#number % making.places, plan.size);
        this.#check?.give(views, plan, "own");
        return { plan, batch: this.#held(plan, views) };
      }
      const first = this.#first();
      const fresh = plan.size - (this.#seat.origin === undefined ? 0 : plan.wrapped);
      if (slow === "wait") {
        await this.#waitForShared(first, first + fresh, signal);
        return { plan, batch: this.#takeShared(plan, first, fresh) };
      }
      if (this.#stream.oldestSafe <= first) {
        await this.#waitForShared(first, first + fresh, signal);
        // What was written while it was copied may be two samples in one.
        this.#source.copy(first, fresh);
      }
      if (this.#stream.oldestSafe <= first) {
        const views = this.#source.own(0, plan.size);
        this.#check?.give(views, plan, "own");
        return { plan, batch: this.#held(plan, views) };
      }
      // To the middle of what is there: at its edge the next batch would be lost before it is copied.
      const { oldestSafe, slots, runLength } = this.#stream;
      this.#skipTo(oldestSafe + Math.max(runLength, Math.floor((slots - plan.size) / 2)));
    }
  }

  #takeShared(plan: BatchPlan, first: number, fresh: number): TrainerBatch {
    const { schedule, making } = this.#seat;
    const source = this.#source;
    const headCount = making.heads?.count ?? 0;
    if (headCount > 0) {
      const { place } = locate(schedule, plan.first);
      if (place < headCount) source.keepHead(first, place, Math.min(fresh, headCount - place));
    }
    if (!this.#check && fresh === plan.size && source.isTogether(first, fresh))
      return this.#held(plan, source.shared(first, fresh));
    source.copy(first, fresh);
    if (fresh < plan.size) source.addHead(fresh, plan.size - fresh);
    const views = source.own(0, plan.size);
    this.#check?.give(views, plan, "shared");
    return this.#held(plan, views);
  }

  #held(plan: BatchPlan, views: ReturnType<BatchSource["own"]>): TrainerBatch {
    const { token, partialEpoch } = this.#seat;
    const resume = encodeToken({ ...token, position: plan.positionAfter });
    return new HeldTrainerBatch(views, plan, {
      resume,
      partial: plan.epoch === partialEpoch,
      skipped: this.#skipped,
    });
  }

  /** Lets go of the batch that was given out; `next` is the one that follows. */
  #release(next: BatchPlan | undefined): void {
    const { trainer, isMade } = this.#seat;
    const stream = this.#stream;
    this.#check?.takeBack();
    if (isMade) {
      stream.set(trainer, entry64.madeReleased, this.#number);
      stream.wakeReaders();
      return;
    }
    const released = next ? this.#first() : stream.get(trainer, entry64.end);
    stream.set(trainer, entry64.released, released);
    // Readers that wait for room are not woken for each small batch, unless somebody sleeps, who may need just that.
    if (released - this.#rungAt < stream.slots / 4 && next && !stream.hasSleepers) return;
    this.#rungAt = released;
    stream.wakeReaders();
  }

  /** The stream's count of the first sample of the next batch. */
  #first(): number {
    return streamCount(this.#seat.schedule, this.#seat.origin, this.#count);
  }

  /** Goes on to the first of the trainer's batches that begins at the stream's count `least` or later. */
  #skipTo(least: number): void {
    const { schedule, trainer } = this.#seat;
    const before = this.#count;
    for (let plan = batchAt(schedule, this.#count); plan && this.#first() < least; ) {
      this.#count += plan.size;
      this.#number += 1;
      plan = batchAt(schedule, this.#count);
    }
    this.#skipped += this.#count - before;
    const stream = this.#stream;
    stream.add(trainer, entry64.skipped, this.#count - before);
    const isOver = batchAt(schedule, this.#count) === undefined;
    stream.set(trainer, entry64.released, isOver ? stream.get(trainer, entry64.end) : this.#first());
    stream.wakeReaders();
  }

  /** Sleeps until samples [from, to) of the stream are in the ring, or could be lost. */
  async #waitForShared(from: number, to: number, signal: AbortSignal | undefined): Promise<void> {
    const stream = this.#stream;
    const { slow, schedule } = this.#seat;
    const { trainer } = this.#seat;
    const isThere = () => stream.isReady(from, to) || (slow === "skip" && stream.oldestSafe > from);
    if (isThere()) return;
    // A waking costs as much as reading some ten samples: where readers are the slower side, sleep for as many batches
    // as come within a few milliseconds, of which the ring has room beside what the slowest trainer still holds.
    const batches = Math.max(1, Math.floor(sleepMs / this.#batchMs));
    const wanted = () => {
      if (slow === "skip") return to;
      const most = stream.lowestReleased() + stream.slots / 2;
      const more = Math.min(to + (batches - 1) * schedule.batchSize, most, stream.get(trainer, entry64.end));
      return Math.max(to, Math.floor(more));
    };
    const since = performance.now();
    await this.#sleep(isThere, { word: entry64.wanted, wanted }, signal);
    this.#batchMs = Math.max(0.001, (performance.now() - since) / batches);
  }

  /** Sleeps until the next batch is made. */
  async #waitForMade(signal: AbortSignal | undefined): Promise<void> {
    const { trainer } = this.#seat;
    const isThere = () => this.#stream.get(trainer, entry64.madeWhole) > this.#number;
    const wanted = () => this.#number + 1;
    if (!isThere()) await this.#sleep(isThere, { word: entry64.madeWanted, wanted }, signal);
  }

  /** The only place where a trainer sleeps. @param wanted what readers compare with, to wake it, in which word */
  async #sleep(
    isThere: () => boolean,
    { word, wanted }: { word: number; wanted: () => number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { trainer } = this.#seat;
    const stream = this.#stream;
    const { words, at } = stream.bell(trainer);
    stream.set(trainer, entry64.sinceMs, Date.now());
    // Sleeping on shared memory does not keep the process alive, and the readers must not: this does.
    const hold = setInterval(() => {}, 2 ** 30);
    try {
      for (;;) {
        const bell = Atomics.load(words, at);
        // Looked at anew each time, and after the bell: one that joins may have taken the room for what it slept for.
        stream.setWanted(trainer, word, wanted());
        if (isThere()) return;
        if (stream.hasFailed || stream.state(trainer) === entryState.failed) throw await this.#host.failure();
        signal?.throwIfAborted();
        this.#requireOpen();
        stream.wakeReaders();
        const waiting = Atomics.waitAsync(words, at, bell);
        if (waiting.async) await waiting.value;
        this.#requireOpen();
      }
    } finally {
      clearInterval(hold);
      if (!this.#host.isClosed()) stream.setWanted(trainer, word, -1);
    }
  }

  #requireOpen(): void {
    if (this.#host.isClosed()) throw this.#host.closed() ?? left;
  }
}

// The stream that trainers share: its ring, its readers, and the entries of those who draw from it. Set to work when the
// first of them asks, closed when the last one has left. Who may join when is the feed's to say (feed/).

import { restoreError, type SpillwayError } from "../errors.js";
import { createSchedule, type Schedule } from "../order/schedule.js";
import { word32 } from "./control.js";
import { Crew } from "./crew.js";
import type { Engine } from "./engine.js";
import type { Ground } from "./ground.js";
import { type RoomRequest, reserveLoop } from "./loop-room.js";
import type { Reservation } from "./memory-pool.js";
import type { MakingJob, Place, StreamJob } from "./messages.js";
import type { LoopPlan } from "./plan.js";
import type { LentReader } from "./reader-pool.js";
import type { ReadView } from "./reading.js";
import { clearTimes, type StageTimes, sumTimes } from "./stage-times.js";
import { entry64, entryState, maxTrainers, StreamControl } from "./stream-control.js";

/** A stream as it is asked for. */
export interface StreamRequest extends RoomRequest {
  /** Undefined for the catalog's order. */
  seed: number | undefined;
}

/** How a stream begins. */
export interface StreamStart {
  /** Which sample each count of the stream is. */
  schedule: Schedule;
  /** The first count that any trainer wants. */
  from: number;
  /** Called when a reader has failed: the stream has ended then. */
  onFailure(error: SpillwayError): void;
  /** Called when the batches of a trainer cannot be made: it has ended, the others go on. */
  onMakingFailed(trainer: number, serial: number, error: SpillwayError): void;
}

/** How a trainer enters itself. */
export interface Entry {
  /** The stream's count of its first sample. */
  from: number;
  /** The count after its last one. */
  end: number;
  /** Whether it may be made to skip, or all others wait for it. */
  slow: "wait" | "skip";
}

/** The samples of a view from a position on, one epoch after another without an end. */
export function endlessSchedule(n: number, position: number): Schedule {
  const epochs = Number.POSITIVE_INFINITY;
  return createSchedule({ n, batchSize: 1, rank: 0, worldSize: 1, last: "join", position, epochs });
}

export class Stream {
  readonly plan: LoopPlan;
  readonly place: Place;
  /** Offset of the entries from there. */
  readonly entries: number;
  readonly control: StreamControl;
  readonly #engine: Engine;
  readonly #reservation: Reservation;
  readonly #job: Omit<StreamJob, "reader" | "schedule" | "makings">;
  readonly #selection: ReadView;
  readonly #readers: readonly LentReader[];
  readonly #isResident: readonly boolean[];
  /** What readers make, by trainer: those that start later are told in their job. */
  readonly #makings = new Map<number, MakingJob>();
  readonly #serials = new Int32Array(maxTrainers);
  #crew: Crew | undefined;
  #isClosed = false;

  /** Reserves the ring and the readers. @throws SpillwayError `memory`, with the smallest that works */
  constructor(engine: Engine, request: StreamRequest, { residents, rows, drawing }: Ground) {
    this.#engine = engine;
    this.#selection = request.selection;
    this.#isResident = residents.columns.map((place) => place !== undefined);
    const { plan, reservation } = reserveLoop(engine, request, this.#isResident);
    this.plan = plan;
    this.#reservation = reservation;
    try {
      this.#readers = engine.readers.lend(plan.readers);
    } catch (error) {
      reservation.release();
      throw error;
    }
    this.place = { segment: reservation.segment, address: reservation.address };
    this.entries = Math.ceil(plan.byteLength / 64) * 64;
    this.control = new StreamControl(
      reservation.memory,
      reservation.address,
      reservation.address + this.entries,
      { runLength: plan.runLength, ringRuns: plan.places * plan.runsPerBatch },
    );
    this.control.reset();
    this.#job = {
      type: "stream",
      loop: engine.nextLoop(),
      plan,
      seed: request.seed,
      viewFingerprint: request.selection.fingerprint,
      drawing: drawing.table,
      rows: rows.table,
      residents,
      reservation: this.place,
      entries: this.entries,
      images: request.images,
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isStarted(): boolean {
    return this.#crew !== undefined;
  }

  /**
   * Sets the readers to work.
   *
   * @param from the first count that any trainer wants
   */
  start({ schedule, from, onFailure, onMakingFailed }: StreamStart): void {
    const { words32 } = this.control.control;
    this.control.startAt(Math.floor(from / this.plan.runLength));
    clearTimes(this.#reservation.memory, this.place.address + this.plan.times, this.plan.readers);
    this.#engine.reading.prepare(this.#isResident, this.#selection, this.#reservation.byteLength);
    this.#crew = new Crew(this.#readers, {
      jobOf: (reader) => ({ ...this.#job, schedule, reader, makings: [...this.#makings.values()] }),
      isShort: () => this.control.isShort,
      onFailure: (error) => {
        Atomics.store(words32, word32.failed, 1);
        this.control.stop();
        onFailure(error);
      },
      onWord: ({ trainer, serial, error }) => onMakingFailed(trainer, serial, restoreError(error)),
    });
  }

  /** A number for a new trainer, and which of those that had it one after another it is; undefined where all are taken. */
  freeEntry(): { trainer: number; serial: number } | undefined {
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
      if (this.control.state(trainer) !== entryState.free || this.control.makers(trainer) !== 0) continue;
      const serial = this.#serials[trainer]! + 1;
      this.#serials[trainer] = serial;
      return { trainer, serial };
    }
    return undefined;
  }

  /**
   * Enters a trainer. Where the stream runs already, its first sample may be gone by then: it is then taken out again.
   *
   * @param firstChoice gives the trainer's first count, at least as large as the oldest that is safe
   */
  enter(
    { trainer, serial }: { trainer: number; serial: number },
    { from, end, slow }: Entry,
    firstChoice: (oldestSafe: number) => Pick<Entry, "from" | "end">,
  ): Pick<Entry, "from" | "end"> {
    const { control } = this;
    const sleeping: number[] = [entry64.wanted, entry64.madeWanted];
    for (const word of Object.values(entry64)) {
      if (sleeping.includes(word)) control.setWanted(trainer, word, -1);
      else control.set(trainer, word, 0);
    }
    control.setSerial(trainer, serial);
    let entered = { from, end };
    for (;;) {
      control.set(trainer, entry64.released, entered.from);
      control.set(trainer, entry64.end, entered.end);
      control.setState(trainer, slow === "wait" ? entryState.waits : entryState.skips);
      // After the entry is seen by all, nobody writes over what is safe now.
      const safe = control.oldestSafe;
      if (entered.from >= safe) break;
      entered = firstChoice(safe);
    }
    // Also those that sleep: the new one may hold samples, so that fewer come than they sleep for.
    control.wakeAll();
    return entered;
  }

  /** Tells the readers what they are to make for a trainer, before it enters itself. */
  makeFor(making: Omit<MakingJob, "type" | "loop">): void {
    const told: MakingJob = { type: "making", loop: this.#job.loop, ...making };
    this.#makings.set(making.trainer, told);
    this.#crew?.tell(told);
    this.control.noteTold();
  }

  /** Has nobody wait for a trainer any more. Its entry and memory stay its own until `leave`. */
  letGo(trainer: number): void {
    this.control.setState(trainer, entryState.leaving);
    // Others may wait for what it held; and it may itself be asleep, if somebody else has ended it.
    this.control.wakeAll();
  }

  /** Takes a trainer out that draws no more, and waits until no reader works on its memory. */
  async leave(trainer: number): Promise<void> {
    const { control } = this;
    this.#makings.delete(trainer);
    control.setState(trainer, entryState.free);
    // It may have ended in its sleep.
    for (const word of [entry64.wanted, entry64.madeWanted]) control.setWanted(trainer, word, -1);
    control.wakeAll();
    const { words, at } = control.bell(trainer);
    // Sleeping on shared memory does not keep the process alive: this does.
    const hold = setInterval(() => {}, 2 ** 30);
    try {
      for (;;) {
        const bell = Atomics.load(words, at);
        // A reader that died does not say that it has left off: then all of them end.
        if (control.hasFailed) return await this.#crew?.ended();
        if (control.makers(trainer) === 0) return;
        const waiting = Atomics.waitAsync(words, at, bell);
        if (waiting.async) await waiting.value;
      }
    } finally {
      clearInterval(hold);
    }
  }

  /** Whether any trainer is there. */
  get hasTrainers(): boolean {
    for (let trainer = 0; trainer < maxTrainers; trainer += 1) {
      if (this.control.state(trainer) !== entryState.free) return true;
    }
    return false;
  }

  /** The first error of a reader, so far. */
  get failure(): SpillwayError | undefined {
    return this.#crew?.failure;
  }

  /** Undoes `enter` where the stream could not be set to work. */
  clear(): void {
    this.control.reset();
  }

  times(): StageTimes {
    return sumTimes(this.#reservation.memory, this.place.address + this.plan.times, this.plan);
  }

  /** Gives the memory of a stream back that was never set to work. */
  release(): void {
    this.#isClosed = true;
    this.#giveReadersBack();
    this.#reservation.release();
  }

  /** Stops the readers, waits for them, and gives the memory back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.control.stop();
    if (this.#crew) await this.#crew.ended();
    else this.#giveReadersBack();
    this.#reservation.release();
  }

  #giveReadersBack(): void {
    for (const reader of this.#readers) reader.giveBack();
  }
}

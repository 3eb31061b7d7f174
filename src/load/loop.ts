// One loop over a view: reserves its share of the memory, sets readers to work, and hands out batches as they become
// ready. It ends, throws or goes on: it never hangs, and whatever way it ends, slots, threads and files are free.

import { batchAt, batchCount, batchRange, type Schedule } from "../order/schedule.js";
import { encodeToken } from "../order/token.js";
import { type Batch, BatchMaker } from "./batch.js";
import {
  type Control,
  isFilled,
  isShort,
  ring,
  stopReaders,
  viewControl,
  word32,
  word64,
} from "./control.js";
import { Crew } from "./crew.js";
import { type Engine, loopEnded } from "./engine.js";
import { type Ground, type GroundRequest, takeGround } from "./ground.js";
import { type RoomRequest, reserveLoop } from "./loop-room.js";
import { DrawingMeter, LoopWatch } from "./loop-stats.js";
import type { Reservation } from "./memory-pool.js";
import type { LoopJob } from "./messages.js";
import type { LoopPlan } from "./plan.js";
import { clearTimes, sumTimes } from "./stage-times.js";

/** Milliseconds for which the consumer may sleep although a batch is there, to be woken less often. */
const sleepMs = 5;

/** Milliseconds after which timers, signals and other I/O get their turn, where batches are always there already. */
const breathMs = 20;

/** A loop as it is asked for, everything checked. */
export interface LoopRequest extends RoomRequest, GroundRequest {
  /** Undefined for the catalog's order. */
  seed: number | undefined;
  commit: number;
  /** What the loop numbers its first batch; above 0 in tests of what happens after billions of batches. */
  firstBatch?: number;
}

/**
 * Gives the batches of a request, in order.
 *
 * @param watch is told what can be known of the loop
 */
export async function* runLoop(
  engine: Engine,
  request: LoopRequest,
  watch = new LoopWatch(request.schedule.batchSize),
): AsyncGenerator<Batch, void, undefined> {
  const { schedule, signal } = request;
  signal?.throwIfAborted();
  if (schedule.total === 0) return;
  const loop = await startLoop(engine, request, watch);
  const onAbort = () => {
    if (!loop.isClosed()) stop(loop.control);
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const { control, maker, meter } = loop;
    let breathAt = performance.now() + breathMs;
    // Readers that wait for places are not woken for each small batch; they are at the latest when the consumer sleeps.
    const bellEvery = Math.max(1, Math.floor(loop.plan.places / 4));
    let count = 0;
    for (let number = loop.firstBatch; ; number += 1) {
      const plan = batchAt(schedule, count);
      if (!plan) return;
      let now = performance.now();
      meter.rest(now);
      if (now > breathAt) {
        await new Promise((resolve) => setImmediate(resolve));
        now = performance.now();
        breathAt = now + breathMs;
      }
      meter.ask(now);
      if (loop.isClosed()) throw loopEnded();
      if (!isBatchReady(loop, number)) await waitFor(loop, number);
      signal?.throwIfAborted();
      const resume = encodeToken({
        seed: request.seed,
        position: plan.positionAfter,
        view: request.selection.fingerprint,
        commit: request.commit,
        ...(loop.mark === undefined ? {} : { drawing: loop.mark }),
      });
      const made = maker.make(plan, number % loop.plan.places, resume);
      meter.get(performance.now(), plan.size);
      yield made;
      signal?.throwIfAborted();
      if (loop.isClosed()) throw loopEnded();
      count += plan.size;
      Atomics.store(control.words64, word64.released, BigInt(number + 1));
      if ((number + 1) % bellEvery === 0) ring(control, word32.readerBell);
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    loop.meter.rest(performance.now());
    await loop.close();
  }
}

interface Loop {
  control: Control;
  maker: BatchMaker;
  meter: DrawingMeter;
  plan: LoopPlan;
  /** What tokens carry of the drawing. */
  mark: string | undefined;
  firstBatch: number;
  /** Number after that of the last batch. */
  end: number;
  /** Milliseconds that a batch took when the consumer last waited. */
  batchMs: number;
  /** Whether the memory was given back: from then on it is somebody else's and must not be touched. */
  isClosed: () => boolean;
  /** The readers. */
  crew: Crew;
  /** Stops the readers, waits for them, and gives everything back. */
  close(): Promise<void>;
}

async function startLoop(engine: Engine, request: LoopRequest, watch: LoopWatch): Promise<Loop> {
  const ground = await takeGround(engine, request);
  try {
    return launch(engine, request, ground, watch);
  } catch (error) {
    ground.release();
    throw error;
  }
}

/** Reserves the loop's memory and sets readers to work. */
function launch(engine: Engine, request: LoopRequest, ground: Ground, watch: LoopWatch): Loop {
  const { residents, rows, drawing } = ground;
  const isResident = residents.columns.map((place) => place !== undefined);
  const { plan, reservation } = reserveLoop(engine, request, isResident);
  const firstBatch = request.firstBatch ?? 0;
  let control: Control;
  let crew: Crew;
  try {
    const words = prepareControl(reservation, plan, firstBatch);
    control = words;
    const job: Omit<LoopJob, "reader"> = {
      type: "loop",
      loop: engine.nextLoop(),
      plan,
      schedule: request.schedule,
      seed: request.seed,
      viewFingerprint: request.selection.fingerprint,
      drawing: drawing.table,
      rows: rows.table,
      residents,
      reservation: { segment: reservation.segment, address: reservation.address },
      firstBatch,
      images: request.images,
    };
    const readers = engine.readers.lend(plan.readers);
    engine.reading.prepare(isResident, request.selection, plan.byteLength);
    crew = new Crew(readers, {
      jobOf: (reader) => ({ ...job, reader }),
      isShort: () => isShort(words, plan, firstBatch + batchCount(request.schedule)),
      onFailure() {
        Atomics.store(words.words32, word32.failed, 1);
        ring(words, word32.consumerBell);
      },
    });
  } catch (error) {
    reservation.release();
    throw error;
  }
  let isClosed = false;
  const startedAt = performance.now();
  const loop: Loop = {
    isClosed: () => isClosed,
    control,
    plan,
    mark: drawing.mark,
    firstBatch,
    end: firstBatch + batchCount(request.schedule),
    batchMs: sleepMs,
    maker: new BatchMaker(plan, engine.fields, reservation.memory.buffer, reservation.address),
    meter: new DrawingMeter(),
    crew,
    async close() {
      engine.loops.delete(loop.close);
      if (!isClosed) stop(control);
      isClosed = true;
      await crew.ended();
      watch.end();
      reservation.release();
      ground.release();
    },
  };
  engine.loops.add(loop.close);
  const { schedule } = request;
  const timesAt = reservation.address + plan.times;
  watch.begin(() => ({
    batchSize: schedule.batchSize,
    ...loop.meter.stats(samplesAhead(loop, schedule)),
    readers: sumTimes(reservation.memory, timesAt, plan),
    elapsedMs: performance.now() - startedAt,
    ringSlots: plan.places * plan.slotsPerBatch,
  }));
  return loop;
}

/** Samples of batches that are ready and were not asked for yet. */
function samplesAhead(loop: Loop, schedule: Schedule): number {
  const { control, firstBatch, meter, plan } = loop;
  const end = Number(Atomics.load(control.words64, word64.released)) + plan.places;
  let samples = 0;
  for (let batch = firstBatch + meter.batches; batch < end && isBatchReady(loop, batch); batch += 1)
    samples += batchRange(schedule, batch - firstBatch).size;
  return samples;
}

function prepareControl(reservation: Reservation, plan: LoopPlan, firstBatch: number): Control {
  const control = viewControl(reservation.memory, reservation.address, plan.places * plan.runsPerBatch);
  control.words32.fill(0);
  control.done.fill(0);
  clearTimes(reservation.memory, reservation.address + plan.times, plan.readers);
  Atomics.store(control.words64, word64.claimed, BigInt(firstBatch * plan.runsPerBatch));
  Atomics.store(control.words64, word64.released, BigInt(firstBatch));
  Atomics.store(control.words64, word64.wanted, -1n);
  return control;
}

/** Tells the readers to stop, and the consumer to look. */
function stop(control: Control): void {
  stopReaders(control);
  ring(control, word32.consumerBell);
}

function isBatchReady({ control, plan }: Loop, batch: number): boolean {
  return isFilled(control, batch * plan.runsPerBatch, (batch + 1) * plan.runsPerBatch);
}

/** Waits until a batch is in the ring. The only place where the consumer sleeps. */
async function waitFor(loop: Loop, batch: number): Promise<void> {
  const { control, plan } = loop;
  // Sleeping on shared memory does not keep the process alive, and the readers must not: this does.
  const hold = setInterval(() => {}, 2 ** 30);
  // A waking costs as much as reading some ten samples: where readers are the slower side, sleep for as many batches as
  // come within a few milliseconds. Two places stay free of it, so that readers have work until the consumer is awake.
  const batches = Math.max(1, Math.min(plan.places - 2, Math.floor(sleepMs / loop.batchMs)));
  const wanted = Math.min(batch + batches, loop.end);
  const since = performance.now();
  try {
    for (;;) {
      const bell = Atomics.load(control.words32, word32.consumerBell);
      Atomics.store(control.words64, word64.wanted, BigInt(wanted));
      if (isBatchReady(loop, batch)) return;
      if (Atomics.load(control.words32, word32.failed) !== 0) throw await loop.crew.failed();
      if (Atomics.load(control.words32, word32.stop) !== 0) return;
      ring(control, word32.readerBell);
      const waiting = Atomics.waitAsync(control.words32, word32.consumerBell, bell);
      if (waiting.async) await waiting.value;
      loop.batchMs = (performance.now() - since) / batches;
      if (loop.isClosed()) throw loopEnded();
    }
  } finally {
    clearInterval(hold);
    if (!loop.isClosed()) Atomics.store(control.words64, word64.wanted, -1n);
  }
}

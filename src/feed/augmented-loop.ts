// A loop with augmentation: a stream of its own with one trainer, whose batches the readers make. The stream goes by the
// loop's schedule, so that ranks and every way to end an epoch are as in other loops.
// Rule: whatever way the loop ends, its memory and readers are free afterwards.

import type { AugmentationPlan } from "../augment/plan.js";
import type { SpillwayError } from "../errors.js";
import { type Batch, sampleShapes } from "../load/batch.js";
import { type Engine, loopEnded } from "../load/engine.js";
import { type Ground, takeGround } from "../load/ground.js";
import type { LoopRequest } from "../load/loop.js";
import { mostReaders as mostReadersOf } from "../load/loop-room.js";
import { LoopWatch } from "../load/loop-stats.js";
import { clearMaking, sumCosts } from "../load/making-costs.js";
import { type MakingPlan, planMaking } from "../load/making-plan.js";
import type { Reservation } from "../load/memory-pool.js";
import { planFields } from "../load/plan.js";
import { Stream, type StreamRequest } from "../load/stream.js";
import { Cursor } from "./cursor.js";
import type { Seat } from "./seat.js";
import { trainerStats } from "./trainer-stats.js";

/** What is done to the samples of a loop. */
export interface LoopAugmentation {
  plan: AugmentationPlan;
  /** Decides what it draws. */
  seed: number;
}

/**
 * Gives the batches of a request, in order, augmented.
 *
 * @param watch is told what can be known of the loop
 */
export async function* runAugmentedLoop(
  engine: Engine,
  request: LoopRequest,
  augmentation: LoopAugmentation,
  watch = new LoopWatch(request.schedule.batchSize),
): AsyncGenerator<Batch, void, undefined> {
  request.signal?.throwIfAborted();
  if (request.schedule.total === 0) return;
  const ground = await takeGround(engine, request);
  const loop = new AugmentedLoop(engine, ground, watch);
  try {
    yield* loop.start(request, augmentation).batches(request.signal);
  } finally {
    await loop.close();
  }
}

class AugmentedLoop {
  readonly #engine: Engine;
  readonly #ground: Ground;
  readonly #watch: LoopWatch;
  #own: Reservation | undefined;
  #stream: Stream | undefined;
  #isClosed = false;
  #fail: (error: SpillwayError) => void = () => {};
  readonly #failure = new Promise<SpillwayError>((resolve) => {
    this.#fail = resolve;
  });

  constructor(engine: Engine, ground: Ground, watch: LoopWatch) {
    this.#engine = engine;
    this.#ground = ground;
    this.#watch = watch;
    engine.loops.add(this.close);
  }

  /** Reserves memory and sets the readers to work. */
  start(request: LoopRequest, { plan: augmentation, seed }: LoopAugmentation): Cursor {
    const engine = this.#engine;
    const { schedule, deliver } = request;
    const batchSize = Math.min(schedule.batchSize, schedule.epochCount);
    const mostReaders = mostReadersOf(engine, request);
    const ringRequest: StreamRequest = {
      ...request,
      stream: { of: "an augmented loop", largestBatch: batchSize, mostReaders },
    };
    const fields = planFields(engine.table.columns, deliver);
    const making = planMaking(fields, mostReaders, {
      batchSize,
      augmentation,
      wrapped: 0,
    });
    this.#own = engine.pool.reserve(making.byteLength, `augmented batches of ${batchSize} samples`);
    const stream = this.#openStream(ringRequest);
    this.#stream = stream;
    clearMaking(this.#own, making);
    const entry = stream.freeEntry()!;
    const all = { from: 0, end: schedule.total };
    stream.enter(entry, { ...all, slow: "wait" }, () => all);
    stream.start({
      schedule,
      from: 0,
      onFailure: (error) => this.#fail(error),
      onMakingFailed: (_trainer, _serial, error) => this.#fail(error),
    });
    const seat = this.#seat(request, making, entry);
    const { own, origin } = seat;
    stream.makeFor({ ...entry, plan: making, reservation: own, schedule, origin, augmentation, seed });
    this.#begin(stream, seat, augmentation, schedule.batchSize);
    return new Cursor(seat, {
      isClosed: () => this.#isClosed,
      closed: loopEnded,
      failure: () => this.#failure,
    });
  }

  /** Where it does not fit, the loop's own memory has not been touched either: less may fit still. */
  #openStream(request: StreamRequest): Stream {
    try {
      return new Stream(this.#engine, request, this.#ground);
    } catch (error) {
      this.#own?.undo();
      throw error;
    }
  }

  #begin(stream: Stream, seat: Seat, augmentation: AugmentationPlan, batchSize: number): void {
    const { trainer, making, isMade } = seat;
    const [own, startedAt] = [this.#own!, performance.now()];
    this.#watch.begin(() => {
      const costs = sumCosts(own, making, augmentation);
      const parts = { name: seat.name, batchSize: making.batchSize, isMade, augmentation: costs };
      const { name: _, skipped: __, ...drawn } = trainerStats(stream.control, trainer, parts);
      return {
        ...drawn,
        batchSize,
        readers: stream.times(),
        elapsedMs: performance.now() - startedAt,
        ringSlots: stream.control.slots,
      };
    });
  }

  readonly close = async (): Promise<void> => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#engine.loops.delete(this.close);
    this.#watch.end();
    await this.#stream?.close();
    this.#own?.release();
    this.#ground.release();
  };

  #seat(
    { seed, commit, selection, schedule }: LoopRequest,
    making: MakingPlan,
    entry: Pick<Seat, "trainer" | "serial">,
  ): Seat {
    const { segments } = this.#engine.pool;
    const [stream, own] = [this.#stream!, this.#own!];
    const { mark } = this.#ground.drawing;
    return {
      ...entry,
      name: "the loop",
      segments: { ring: segments[stream.place.segment]!, own: own.memory },
      plan: stream.plan,
      ring: stream.place,
      entries: stream.place.address + stream.entries,
      making,
      own: { segment: own.segment, address: own.address },
      isMade: true,
      schedule,
      origin: undefined,
      shapes: sampleShapes(this.#engine.fields),
      token: {
        seed,
        view: selection.fingerprint,
        commit,
        ...(mark === undefined ? {} : { drawing: mark }),
      },
      partialEpoch: -1,
      slow: "wait",
      debug: false,
    };
  }
}

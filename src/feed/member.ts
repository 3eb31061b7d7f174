// One trainer as its feed knows it: what it asked for, what was reserved for it, where it stands. From when it was made
// until it has left.

import type { AugmentationPlan } from "../augment/plan.js";
import type { SpillwayError } from "../errors.js";
import { sampleShapes } from "../load/batch.js";
import type { Engine } from "../load/engine.js";
import type { MakingPlan } from "../load/making-plan.js";
import type { Reservation } from "../load/memory-pool.js";
import type { Stream } from "../load/stream.js";
import { createSchedule, type Schedule } from "../order/schedule.js";
import type { CursorHost } from "./cursor.js";
import type { FeedRequest } from "./feed-request.js";
import type { HandedOver } from "./hand-over.js";
import type { Seat } from "./seat.js";
import type { Trainer } from "./trainer.js";
import type { TrainerRequest } from "./trainer-options.js";

export interface Member {
  trainer: Trainer;
  request: TrainerRequest;
  augmentation: AugmentationPlan | undefined;
  making: MakingPlan;
  own: Reservation | undefined;
  /** Once it draws from a stream that is at work. */
  seated: Seated | undefined;
  /** In another thread. */
  away: HandedOver | undefined;
  /** Why its batches cannot be made. */
  failure: SpillwayError | undefined;
  /** Told to leave: it must not touch its memory any more. Settles when it does not, wherever it lives. */
  leaving: Promise<void> | undefined;
  /** Takes it out when its signal says so, unless a loop in this thread looks at the signal itself. */
  onAbort: () => void;
}

export interface Seated {
  seat: Seat;
  stream: Stream;
  /** When it got its seat, by performance.now(). */
  since: number;
}

/**
 * Which batches a trainer gets.
 *
 * @param n samples of an epoch; @param start position of its first sample
 * @param isFromStart whether its epochs count from 0, as those of a loop, or from its first whole one
 */
export function scheduleOf(
  { batchSize, last, epochs }: TrainerRequest,
  n: number,
  start: number,
  isFromStart: boolean,
): Schedule {
  const before = isFromStart ? 0 : Math.ceil(start / n);
  return createSchedule({
    n,
    batchSize,
    rank: 0,
    worldSize: 1,
    last,
    position: start,
    epochs: before + epochs,
  });
}

/** Where a trainer stands in the stream. */
export interface Standing {
  entry: { trainer: number; serial: number };
  schedule: Schedule;
  /** Position of the stream's sample 0. */
  origin: number;
  /** What tokens carry of the drawing. */
  mark: string | undefined;
}

/** Gives a trainer its seat, and tells the readers what they are to make for it. */
export function takeSeat(
  member: Member,
  engine: Engine,
  stream: Stream,
  feed: FeedRequest,
  { entry: { trainer, serial }, schedule, origin, mark }: Standing,
): void {
  const { request, making, own, augmentation } = member;
  const { seed, commit, selection, debug } = feed;
  const { segments } = engine.pool;
  const ownPlace = { segment: own!.segment, address: own!.address };
  const isPartial = schedule.position % schedule.n > 0 && schedule.position !== feed.position;
  const seat: Seat = {
    name: request.name,
    segments: { ring: segments[stream.place.segment]!, own: segments[ownPlace.segment]! },
    plan: stream.plan,
    ring: stream.place,
    entries: stream.place.address + stream.entries,
    trainer,
    serial,
    making,
    own: ownPlace,
    isMade: augmentation !== undefined,
    schedule,
    origin,
    shapes: sampleShapes(engine.fields),
    token: {
      seed,
      view: selection.fingerprint,
      commit,
      ...(mark === undefined ? {} : { drawing: mark }),
    },
    partialEpoch: isPartial ? Math.floor(schedule.position / schedule.n) : -1,
    slow: request.slow,
    debug,
  };
  member.seated = { seat, stream, since: performance.now() };
  if (!augmentation) return;
  const { augmentSeed } = request;
  stream.makeFor({
    trainer,
    serial,
    plan: making,
    reservation: ownPlace,
    schedule,
    origin,
    augmentation,
    seed: augmentSeed,
  });
}

/** What a trainer's cursor asks in the feed's own thread. @param feed whether all of it is closed, and the error then */
export function cursorHostOf(
  member: Member | undefined,
  feed: Pick<CursorHost, "isClosed" | "closed">,
): CursorHost {
  const seated = member?.seated;
  return {
    isClosed: () => !seated || member.leaving !== undefined || feed.isClosed() || seated.stream.isClosed,
    closed: feed.closed,
    failure: async () => {
      for (;;) {
        const error = member?.failure ?? seated?.stream.failure;
        if (error) return error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

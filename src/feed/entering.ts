// Where trainers enter a stream: all that are there when it is set to work, and each that comes later.
// Rule: a trainer's first sample is in the ring still, or yet to be read, when all others see its entry.

import { leastRing } from "../load/loop-room.js";
import type { Stream } from "../load/stream.js";
import { streamEnd } from "../load/stream-counts.js";
import type { Schedule } from "../order/schedule.js";
import { tooLargeForRing, tooManyTrainers } from "./feed-errors.js";
import { type Member, scheduleOf } from "./member.js";
import type { TrainerRequest } from "./trainer-options.js";

/** A trainer's entry in its stream, and which batches it gets. */
export interface Entered {
  member: Member;
  entry: { trainer: number; serial: number };
  schedule: Schedule;
}

/** Where a feed stands when its stream is set to work. */
export interface Outset {
  /** Samples of an epoch. */
  n: number;
  /** The furthest position that any trainer has reached, and whether none has ever begun. */
  reached: number;
  isFresh: boolean;
  /** What the stream counts its first sample. */
  firstCount: number;
}

/** Enters all trainers into a stream that is about to begin. Gives the position of the stream's sample 0 too. */
export function enterAll(
  stream: Stream,
  members: readonly Member[],
  { n, reached, isFresh, firstCount }: Outset,
): { origin: number; entered: Entered[] } {
  const starts = members.map(({ request: { late } }) =>
    isFresh || late === "now" ? reached : Math.ceil(reached / n) * n,
  );
  const origin = Math.min(...starts) - firstCount;
  const entered = members.map((member, k) => {
    const schedule = scheduleOf(member.request, n, starts[k]!, isFresh);
    const entry = stream.freeEntry()!;
    const from = starts[k]! - origin;
    const first = { from, end: Math.max(from, streamEnd(schedule, origin)) };
    stream.enter(entry, { ...first, slow: member.request.slow }, () => first);
    return { member, entry, schedule };
  });
  return { origin, entered };
}

/** @throws SpillwayError `memory` for one whose batches the ring of a stream at work is too small for */
export function requireRoom(request: TrainerRequest, { control }: Stream): void {
  const { batchSize, slow } = request;
  const { runLength, slots } = control;
  // One that may be made to skip must have time to copy its batch, while the others go on.
  const needed = slow === "skip" ? leastRing(batchSize) : batchSize + runLength;
  if (needed > slots) throw tooLargeForRing(request, slots, needed);
}

/** An entry of a stream for one more. @throws SpillwayError `usage` where all are taken */
export function takeEntry(stream: Stream, name: string): Entered["entry"] {
  const entry = stream.freeEntry();
  if (!entry) throw tooManyTrainers(name);
  return entry;
}

/** Enters one more into a stream at work. @param n samples of an epoch; @param origin position of the stream's sample 0 */
export function enterRunning(
  stream: Stream,
  { member, entry }: Pick<Entered, "member" | "entry">,
  { n, origin }: { n: number; origin: number },
): Entered {
  const { request } = member;
  const { late, slow } = request;
  let schedule: Schedule | undefined;
  const choose = (oldestSafe: number) => {
    const safe = origin + Math.max(0, oldestSafe);
    const start = late === "now" ? safe : Math.ceil(safe / n) * n;
    schedule = scheduleOf(request, n, start, false);
    return { from: start - origin, end: streamEnd(schedule, origin) };
  };
  const first = choose(stream.control.oldestSafe);
  stream.enter(entry, { ...first, slow }, choose);
  return { member, entry, schedule: schedule! };
}

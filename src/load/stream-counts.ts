// From a trainer's own counts to those of the stream that it draws from. A trainer has a schedule of its own, with its
// batch size and its way of ending epochs; the stream runs through all positions one after another.
// Rule: pure numbers, the same in the trainer's thread and in those of the readers.

import { batchAt, locate, type Schedule } from "../order/schedule.js";
import { endless } from "./stream-control.js";

/**
 * The stream's count of a trainer's `count`-th sample.
 *
 * @param origin position of the stream's sample 0; undefined where the stream goes by the trainer's own schedule
 */
export function streamCount(schedule: Schedule, origin: number | undefined, count: number): number {
  if (origin === undefined) return count;
  const { epoch, place } = locate(schedule, count);
  return epoch * schedule.n + place - origin;
}

/** Samples of the batch that starts at `count` which are of the epoch's start, and not in the stream again. */
export function wrappedOf(schedule: Schedule, origin: number | undefined, count: number): number {
  if (origin === undefined || schedule.last !== "wrap") return 0;
  return batchAt(schedule, count)?.wrapped ?? 0;
}

/** The count of the stream after the last sample of a trainer; of one without an end, one that is never reached. */
export function streamEnd(schedule: Schedule, origin: number | undefined): number {
  const { total, n, epochs } = schedule;
  if (total === Number.POSITIVE_INFINITY) return endless;
  if (origin === undefined) return total;
  return total === 0 ? 0 : epochs * n - origin;
}

// The schedule: which places of which epoch a rank gets, batch by batch. A loader counts the samples that it delivers
// from 0; the schedule turns such a count into (epoch, place) and cuts the stream into batches that never cross an
// epoch. With w ranks the b-th global batch of an epoch is places [b*w*B, (b+1)*w*B), of which rank r takes the r-th
// slice. Only the first epoch can start elsewhere than at place 0, when a run is resumed. With `last: "join"` batches do
// cross: the whole run is then scheduled as one long first epoch, whose places run on through those of the next ones.
// Rule: pure numbers; every rank of a world gets equally many equal batches.

import { SpillwayError } from "../errors.js";
import { requireOneOf } from "../option-names.js";

/**
 * What becomes of the samples that do not fill a batch of every rank at an epoch's end: left out, filled up from the
 * same epoch's start or from the next epoch ("join"), or given as a smaller batch.
 */
export type Last = "drop" | "wrap" | "keep" | "join";

export const lasts: readonly Last[] = ["keep", "drop", "wrap", "join"];

export interface ScheduleOptions {
  /** Samples of the view. */
  n: number;
  /** Samples of a batch, per rank. */
  batchSize: number;
  rank: number;
  worldSize: number;
  last: Last;
  /** Position at which the stream starts: epoch floor(position / n), place position % n. */
  position: number;
  /** First epoch that is not delivered. */
  epochs: number;
}

/** A batch of the schedule, before any sample is read. */
export interface BatchPlan {
  epoch: number;
  /** Number of the batch within its epoch, from 0, counted from where the epoch was entered. */
  index: number;
  /** The loader's count of its first sample. */
  first: number;
  size: number;
  /** Samples taken again from the epoch's start to fill it (`last: "wrap"`). */
  wrapped: number;
  /** Position of the whole world after this batch: where a resumed run goes on. */
  positionAfter: number;
}

export interface Schedule extends ScheduleOptions {
  /** Samples that this rank gets in the epoch where the run starts, and in each later one. */
  firstEpochCount: number;
  epochCount: number;
  /** Samples that this rank gets in all. */
  total: number;
}

function countOf(size: number, { batchSize, worldSize, last }: ScheduleOptions): number {
  if (last === "keep" || (last === "join" && worldSize === 1) || size === Number.POSITIVE_INFINITY)
    return size;
  const whole = size / (batchSize * worldSize);
  return (last === "wrap" ? Math.ceil(whole) : Math.floor(whole)) * batchSize;
}

/** @throws SpillwayError `usage` for a rank outside the world, `last: "keep"` with several ranks, or no batch at all */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { n, batchSize, rank, worldSize, last, position, epochs } = options;
  requireWhole("batchSize", batchSize, 1);
  requireWhole("worldSize", worldSize, 1);
  requireWhole("rank", rank, 0);
  requireOneOf("last", last, lasts);
  if (epochs !== Number.POSITIVE_INFINITY) requireWhole("epochs", epochs, 0);
  if (rank >= worldSize) {
    throw new SpillwayError("usage", `rank ${rank} is outside a world of ${worldSize}`, {
      remedy: `Use a rank from 0 to ${worldSize - 1}.`,
    });
  }
  if (last === "keep" && worldSize > 1) {
    throw new SpillwayError("usage", `last: "keep" gives ${worldSize} ranks unequal batches`, {
      remedy: 'Use last: "drop" or "wrap" where there are several ranks.',
    });
  }
  const start = position % n;
  const firstEpoch = (position - start) / n;
  const isJoined = last === "join";
  const size = isJoined ? Math.max(1, epochs) * n : n;
  const epochCount = countOf(size, options);
  if (epochCount === 0) {
    throw new SpillwayError(
      "usage",
      `${size} samples do not fill one batch of ${batchSize} for ${worldSize} ranks`,
      {
        remedy: `Lower batchSize to ${Math.max(1, Math.floor(size / worldSize))}, or use last: "wrap".`,
      },
    );
  }
  if (isJoined) {
    const all = countOf(Math.max(0, epochs * n - position), options);
    return { ...options, firstEpochCount: all, epochCount, total: all };
  }
  const firstEpochCount = countOf(n - start, options);
  const total = firstEpoch >= epochs ? 0 : firstEpochCount + (epochs - firstEpoch - 1) * epochCount;
  return { ...options, firstEpochCount, epochCount, total };
}

/** @throws SpillwayError `usage` unless an option is a whole number, `least` or more */
export function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new SpillwayError("usage", `${name} ${value} is not a whole number from ${least}`, {
    remedy: `Give ${name} a whole number.`,
  });
}

/** Batches in all, Infinity for endless epochs. */
export function batchCount({ total, firstEpochCount, epochCount, batchSize }: Schedule): number {
  if (total === 0 || total === Number.POSITIVE_INFINITY) return total;
  const laterEpochs = (total - firstEpochCount) / epochCount;
  return Math.ceil(firstEpochCount / batchSize) + laterEpochs * Math.ceil(epochCount / batchSize);
}

/** The loader's count of the first sample of its `number`-th batch, and that batch's size: 0 after the last one. */
export function batchRange(schedule: Schedule, number: number): { first: number; size: number } {
  const { total, firstEpochCount, epochCount, batchSize } = schedule;
  const firstBatches = Math.ceil(firstEpochCount / batchSize);
  const isFirst = number < firstBatches;
  const perEpoch = Math.ceil(epochCount / batchSize);
  const later = number - firstBatches;
  const inEpoch = isFirst ? number : later % perEpoch;
  const epochStart = isFirst ? 0 : firstEpochCount + ((later - inEpoch) / perEpoch) * epochCount;
  const first = epochStart + inEpoch * batchSize;
  const left = (isFirst ? firstEpochCount : epochCount) - inEpoch * batchSize;
  return { first, size: first < total ? Math.min(batchSize, left) : 0 };
}

/** Where the loader's `count`-th sample stands. */
export function locate(schedule: Schedule, count: number): { epoch: number; place: number } {
  const { n, batchSize, rank, worldSize, last, position, firstEpochCount, epochCount } = schedule;
  const start = position % n;
  const firstEpoch = (position - start) / n;
  const isFirst = count < firstEpochCount;
  const later = count - firstEpochCount;
  const inEpoch = isFirst ? count : later % epochCount;
  const epoch = isFirst ? firstEpoch : firstEpoch + 1 + (later - inEpoch) / epochCount;
  const offset = inEpoch % batchSize;
  const batch = (inEpoch - offset) / batchSize;
  const at = (isFirst ? start : 0) + (batch * worldSize + rank) * batchSize + offset;
  const place = at % n;
  return { epoch: last === "join" ? epoch + (at - place) / n : epoch, place };
}

/** How many samples follow `count` at consecutive places (modulo n) of the same epoch, that sample included. */
export function stretch(schedule: Schedule, count: number): number {
  const { n, batchSize, worldSize, last, firstEpochCount, epochCount } = schedule;
  const inEpoch = count < firstEpochCount ? count : (count - firstEpochCount) % epochCount;
  const left = (count < firstEpochCount ? firstEpochCount : epochCount) - inEpoch;
  const leftInEpoch = last === "join" ? Math.min(left, n - locate(schedule, count).place) : left;
  return worldSize === 1 ? leftInEpoch : Math.min(leftInEpoch, batchSize - (inEpoch % batchSize));
}

/** The batch that starts at the loader's `count`-th sample; undefined at the end. */
export function batchAt(schedule: Schedule, count: number): BatchPlan | undefined {
  const { n, batchSize, worldSize, total, firstEpochCount, epochCount, position } = schedule;
  if (count >= total) return undefined;
  if (schedule.last === "join") return joinedBatchAt(schedule, count);
  const isFirst = count < firstEpochCount;
  const inEpoch = isFirst ? count : (count - firstEpochCount) % epochCount;
  const size = Math.min(batchSize, (isFirst ? firstEpochCount : epochCount) - inEpoch);
  const index = Math.floor(inEpoch / batchSize);
  const start = isFirst ? position % n : 0;
  const { epoch } = locate(schedule, count);
  const worldEnd = start + (index + 1) * batchSize * worldSize;
  // The epoch's last batch ends the epoch, also where "drop" leaves samples out.
  const isLast = inEpoch + size === (isFirst ? firstEpochCount : epochCount);
  const ownStart = start + (index * worldSize + schedule.rank) * batchSize;
  return {
    epoch,
    index,
    first: count,
    size,
    wrapped: Math.max(0, Math.min(size, ownStart + size - n)),
    positionAfter: isLast ? (epoch + 1) * n : epoch * n + worldEnd,
  };
}

/** The same where batches cross epochs: a batch belongs to the epoch in which its first sample, of all ranks, lies. */
function joinedBatchAt(schedule: Schedule, count: number): BatchPlan {
  const { n, batchSize, worldSize, total, position, epochs } = schedule;
  const worldSamples = batchSize * worldSize;
  const size = Math.min(batchSize, total - count);
  const number = Math.floor(count / batchSize);
  const start = position + number * worldSamples;
  const epoch = (start - (start % n)) / n;
  const firstOfEpoch = Math.max(0, Math.ceil((epoch * n - position) / worldSamples));
  const isLast = count + size === total;
  return {
    epoch,
    index: number - firstOfEpoch,
    first: count,
    size,
    wrapped: 0,
    positionAfter: isLast ? epochs * n : start + worldSamples,
  };
}

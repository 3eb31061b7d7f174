// The schedule: which places of which epoch a rank gets, batch by batch. A loader counts the samples that it delivers
// from 0; the schedule turns such a count into (epoch, place) and cuts the stream into batches that never cross an
// epoch. With w ranks the b-th global batch of an epoch is places [b*w*B, (b+1)*w*B), of which rank r takes the r-th
// slice. Only the first epoch can start elsewhere than at place 0, when a run is resumed.
// Rule: pure numbers; every rank of a world gets equally many equal batches.

import { SpillwayError } from "../errors.js";

/** What becomes of the samples that do not fill a batch of every rank at an epoch's end. */
export type Last = "drop" | "wrap" | "keep";

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
  if (last === "keep") return size;
  const whole = size / (batchSize * worldSize);
  return (last === "drop" ? Math.floor(whole) : Math.ceil(whole)) * batchSize;
}

/** @throws SpillwayError `usage` for a rank outside the world, `last: "keep"` with several ranks, or no batch at all */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { n, batchSize, rank, worldSize, last, position, epochs } = options;
  requireWhole("batchSize", batchSize, 1);
  requireWhole("worldSize", worldSize, 1);
  requireWhole("rank", rank, 0);
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
  const epochCount = countOf(n, options);
  const firstEpochCount = countOf(n - start, options);
  if (epochCount === 0) {
    throw new SpillwayError(
      "usage",
      `${n} samples do not fill one batch of ${batchSize} for ${worldSize} ranks`,
      {
        remedy: `Lower batchSize to ${Math.max(1, Math.floor(n / worldSize))}, or use last: "wrap".`,
      },
    );
  }
  const total = firstEpoch >= epochs ? 0 : firstEpochCount + (epochs - firstEpoch - 1) * epochCount;
  return { ...options, firstEpochCount, epochCount, total };
}

function requireWhole(name: string, value: number, least: number): void {
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
  const { n, batchSize, rank, worldSize, position, firstEpochCount, epochCount } = schedule;
  const start = position % n;
  const firstEpoch = (position - start) / n;
  const isFirst = count < firstEpochCount;
  const later = count - firstEpochCount;
  const inEpoch = isFirst ? count : later % epochCount;
  const epoch = isFirst ? firstEpoch : firstEpoch + 1 + (later - inEpoch) / epochCount;
  const offset = inEpoch % batchSize;
  const batch = (inEpoch - offset) / batchSize;
  const place = (isFirst ? start : 0) + (batch * worldSize + rank) * batchSize + offset;
  return { epoch, place: place % n };
}

/** How many samples follow `count` at consecutive places (modulo n) of the same epoch, that sample included. */
export function stretch(schedule: Schedule, count: number): number {
  const { batchSize, worldSize, firstEpochCount, epochCount } = schedule;
  const inEpoch = count < firstEpochCount ? count : (count - firstEpochCount) % epochCount;
  const leftInEpoch = (count < firstEpochCount ? firstEpochCount : epochCount) - inEpoch;
  return worldSize === 1 ? leftInEpoch : Math.min(leftInEpoch, batchSize - (inEpoch % batchSize));
}

/** The batch that starts at the loader's `count`-th sample; undefined at the end. */
export function batchAt(schedule: Schedule, count: number): BatchPlan | undefined {
  const { n, batchSize, worldSize, total, firstEpochCount, epochCount, position } = schedule;
  if (count >= total) return undefined;
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

// What a feed's stats say: how its trainers and readers spend their time, and in one sentence which of them the others
// wait for.

import type { StageTimes } from "../load/stage-times.js";
import type { TrainerStats } from "./trainer-stats.js";

export interface FeedStats {
  /** Those that draw now, and those that have left. */
  trainers: readonly TrainerStats[];
  past: readonly TrainerStats[];
  /** Since the readers were set to work, all together; undefined while nobody draws. */
  readers: StageTimes | undefined;
  elapsedMs: number;
  /** Samples that the shared ring has room for. */
  ringSlots: number;
  /** What limits the speed. */
  bottleneck: string;
}

/** A read that takes longer than this is said, whatever else is true. */
const stallMs = 1000;

/** Below this part of its time a trainer is not held up. */
const little = 0.05;

export function feedStats(parts: Omit<FeedStats, "bottleneck">): FeedStats {
  return { ...parts, bottleneck: bottleneckOf(parts) };
}

/** In one sentence, who waits for whom. */
export function bottleneckOf({
  trainers,
  readers: times,
  elapsedMs,
}: Pick<FeedStats, "trainers" | "readers" | "elapsedMs">): string {
  if (times && times.nowReadingMs > stallMs)
    return `the disk: a reader has been reading for ${Math.round(times.nowReadingMs / 1000)} s`;
  if (!times || elapsedMs === 0 || times.samples === 0) return "nothing was read yet";
  const waiting = trainers.map(({ waitingShare }) => waitingShare);
  const mean = waiting.length === 0 ? 0 : waiting.reduce((sum, share) => sum + share, 0) / waiting.length;
  const busyMs = times.readingMs + times.makingMs;
  const work = times.makingMs > times.readingMs ? "augmentation" : "reading";
  if (mean < little) {
    const models = Math.floor(((times.readers * elapsedMs) / busyMs) * Math.max(1, trainers.length));
    return `training waits ${percent(mean)} of the time; the readers could feed ${models} such model${models === 1 ? "" : "s"}`;
  }
  const slowest = [...trainers].sort((a, b) => a.waitingShare - b.waitingShare)[0]!;
  const isHeldUp =
    trainers.length > 1 && slowest.waitingShare < little && busyMs < 0.9 * times.readers * elapsedMs;
  if (isHeldUp) {
    const others = trainers.filter((trainer) => trainer !== slowest && trainer.waitingShare >= little);
    return `${others.map(({ name }) => name).join(" and ")} wait${others.length === 1 ? "s" : ""} ${percent(others[0]!.waitingShare)} of the time for ${slowest.name}, which is slower`;
  }
  return `training waits ${percent(mean)} of the time for ${work}: ${times.readers} reader${times.readers === 1 ? "" : "s"} ${times.readers === 1 ? "is" : "are"} busy ${percent(busyMs / (times.readers * elapsedMs))} of it`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

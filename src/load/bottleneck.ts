// Who waits for whom in a loop or feed, in one sentence for people: the readers for the trainers, or these for reading or
// augmentation. Pure: from times that were measured to words.

import type { StageTimes } from "./stage-times.js";

/** What the sentence goes by. */
export interface Measured {
  /** Those that draw, each with the part of its time that it waited, 0 to 1. */
  trainers: readonly { name: string; waitingShare: number }[];
  readers: StageTimes | undefined;
  elapsedMs: number;
}

/** A read that takes longer than this is said, whatever else is true. */
const stallMs = 1000;

/** Below this part of its time a trainer is not held up. */
const little = 0.05;

/** In one sentence, who waits for whom. */
export function bottleneckOf({ trainers, readers: times, elapsedMs }: Measured): string {
  if (times && times.nowReadingMs > stallMs)
    return `the disk: a reader has been reading for ${Math.round(times.nowReadingMs / 1000)} s`;
  if (!times || elapsedMs === 0 || times.samples === 0) return "nothing was read yet";
  const waiting = trainers.map(({ waitingShare }) => waitingShare);
  const mean = waiting.length === 0 ? 0 : waiting.reduce((sum, share) => sum + share, 0) / waiting.length;
  const busyMs = times.readingMs + times.makingMs;
  const readersMs = Math.max(1, times.lanes * times.presentMs - times.restingMs);
  const work = times.makingMs > times.readingMs ? "augmentation" : "reading";
  if (mean < little) {
    const models = Math.max(1, Math.floor((readersMs / busyMs) * Math.max(1, trainers.length)));
    return `training waits ${percent(mean)} of the time; the readers could feed ${models} such model${models === 1 ? "" : "s"}`;
  }
  const slowest = [...trainers].sort((a, b) => a.waitingShare - b.waitingShare)[0]!;
  const isHeldUp = trainers.length > 1 && slowest.waitingShare < little && busyMs < 0.9 * readersMs;
  if (isHeldUp) {
    const others = trainers.filter((trainer) => trainer !== slowest && trainer.waitingShare >= little);
    return `${others.map(({ name }) => name).join(" and ")} wait${others.length === 1 ? "s" : ""} ${percent(others[0]!.waitingShare)} of the time for ${slowest.name}, which is slower`;
  }
  return `training waits ${percent(mean)} of the time for ${work}: ${times.started} reader${times.started === 1 ? " is" : "s are"} busy ${percent(busyMs / readersMs)} of it`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

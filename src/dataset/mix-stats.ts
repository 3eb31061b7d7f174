// What the loop of a mix says of itself: its own pace, and beside it what the loops of its views say, added up.

import type { StepCost } from "../augment/step-cost.js";
import { bottleneckOf } from "../load/bottleneck.js";
import type { DrawingStats, LoopStats } from "../load/loop-stats.js";
import { addTimes } from "../load/stage-times.js";

/** As for the loop of a view; readers and transforms are those of all views together. */
export interface MixStats extends LoopStats {
  /** The loops of the views, in order. What each of them calls busy is the time in which the mix does not wait for it. */
  views: readonly LoopStats[];
}

/** @param quotas samples of each view in a batch */
export function mixStats(
  drawn: DrawingStats,
  views: readonly LoopStats[],
  quotas: readonly number[],
): MixStats {
  const batchSize = quotas.reduce((sum, quota) => sum + quota, 0);
  const times = views.flatMap(({ readers }) => readers ?? []);
  const readers = times.length === 0 ? undefined : times.reduce(addTimes);
  const elapsedMs = Math.max(...views.map((view) => view.elapsedMs));
  const { waitingShare } = drawn;
  const trainers = [{ name: "the loop", waitingShare }];
  return {
    ...drawn,
    batchSize,
    ahead: batchSize * Math.min(...views.map(({ ahead }, k) => Math.floor(ahead / quotas[k]!))),
    augmentation: views.map(({ augmentation }) => augmentation).reduce(addCosts),
    readers,
    elapsedMs,
    ringSlots: views.reduce((sum, { ringSlots }) => sum + ringSlots, 0),
    bottleneck: bottleneckOf({ trainers, readers, elapsedMs }),
    views,
  };
}

/** The same transforms, of two views. */
function addCosts(a: readonly StepCost[], b: readonly StepCost[]): readonly StepCost[] {
  if (a.length === 0) return b;
  return a.map((cost, k) => {
    const samples = cost.samples + (b[k]?.samples ?? 0);
    const nanoseconds = cost.nanoseconds + (b[k]?.nanoseconds ?? 0);
    const nanosecondsPerSample = samples === 0 ? 0 : nanoseconds / samples;
    return { ...cost, samples, nanoseconds, nanosecondsPerSample };
  });
}

// What a feed's stats say: how its trainers and readers spend their time, and in one sentence which of them the others
// wait for.

import { bottleneckOf } from "../load/bottleneck.js";
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

export function feedStats(parts: Omit<FeedStats, "bottleneck">): FeedStats {
  return { ...parts, bottleneck: bottleneckOf(parts) };
}

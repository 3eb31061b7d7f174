// What a feed's stats say: how its trainers and readers spend their time, and in one sentence which of them the others
// wait for.

import { bottleneckOf } from "../load/bottleneck.js";
import type { StageTimes } from "../load/stage-times.js";
import type { Trainer } from "./trainer.js";
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
  /** What limits the speed; when all trainers have left, what did. */
  bottleneck: string;
}

export function feedStats(parts: Omit<FeedStats, "bottleneck">): FeedStats {
  const { trainers, past } = parts;
  return {
    ...parts,
    bottleneck: bottleneckOf({ ...parts, trainers: trainers.length > 0 ? trainers : past }),
  };
}

/** Trainers that have left, whose stats are kept. */
const maxPast = 256;

/** The stats of trainers that have left, of those that left last. */
export class PastTrainers {
  readonly #stats = new Map<Trainer, TrainerStats>();

  keep(trainer: Trainer, stats: TrainerStats): void {
    this.#stats.set(trainer, stats);
    for (const oldest of this.#stats.keys()) if (this.#stats.size > maxPast) this.#stats.delete(oldest);
  }

  of(trainer: Trainer): TrainerStats | undefined {
    return this.#stats.get(trainer);
  }

  all(): TrainerStats[] {
    return [...this.#stats.values()];
  }
}

// What is known of a trainer while it is at work: read from the words that its cursor keeps.

import type { StepCost } from "../augment/step-cost.js";
import { DrawingMeter, type DrawingStats, shareOf } from "../load/loop-stats.js";
import { entry64, type StreamControl } from "../load/stream-control.js";

export interface TrainerStats extends DrawingStats {
  name: string;
  batchSize: number;
  /** Samples that it was made to skip. */
  skipped: number;
}

/** What is said of a trainer besides what its words say. */
interface TrainerParts {
  name: string;
  batchSize: number;
  isMade: boolean;
  /** What its transforms have cost; none where nothing is said. */
  augmentation?: readonly StepCost[];
}

/** @param trainer its number among the entries */
export function trainerStats(
  stream: StreamControl,
  trainer: number,
  { name, batchSize, isMade, augmentation = [] }: TrainerParts,
): TrainerStats {
  const waitingMs = stream.get(trainer, entry64.waitedUs) / 1000;
  const busyMs = stream.get(trainer, entry64.busyUs) / 1000;
  const since = stream.get(trainer, entry64.sinceMs);
  const made = stream.get(trainer, entry64.madeWhole) - stream.get(trainer, entry64.madeReleased);
  return {
    name,
    batchSize,
    batches: stream.get(trainer, entry64.batches),
    samples: stream.get(trainer, entry64.samples),
    skipped: stream.get(trainer, entry64.skipped),
    waitingMs,
    busyMs,
    waitingShare: shareOf(waitingMs, busyMs),
    ahead: isMade ? made * batchSize : stream.readyAfter(stream.get(trainer, entry64.released)),
    nowWaitingMs: since > 0 ? Date.now() - since : 0,
    nowBusyMs: since < 0 ? Date.now() + since : 0,
    augmentation,
  };
}

/** Those of a trainer that has not begun. */
export function emptyStats(name: string, batchSize: number): TrainerStats {
  return { name, batchSize, skipped: 0, ...new DrawingMeter().stats(0) };
}

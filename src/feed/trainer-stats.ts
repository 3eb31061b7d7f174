// What is known of a trainer while it is at work: read from the words that its cursor keeps.

import { entry64, type StreamControl } from "../load/stream-control.js";

export interface TrainerStats {
  name: string;
  batchSize: number;
  batches: number;
  samples: number;
  /** Samples that it was made to skip. */
  skipped: number;
  /** Time that it spent waiting for batches, and between getting one and asking for the next. */
  waitingMs: number;
  busyMs: number;
  /** Part of its time that it waited, 0 to 1. */
  waitingShare: number;
  /** Samples that are there for it, read or made ahead. */
  ahead: number;
  /** Milliseconds for which it has now waited, or had its batch; 0 before the first. */
  nowWaitingMs: number;
  nowBusyMs: number;
}

/** @param trainer its number among the entries */
export function trainerStats(
  stream: StreamControl,
  trainer: number,
  { name, batchSize, isMade }: { name: string; batchSize: number; isMade: boolean },
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
    waitingShare: waitingMs + busyMs === 0 ? 0 : waitingMs / (waitingMs + busyMs),
    ahead: isMade ? made * batchSize : stream.readyAfter(stream.get(trainer, entry64.released)),
    nowWaitingMs: since > 0 ? Date.now() - since : 0,
    nowBusyMs: since < 0 ? Date.now() + since : 0,
  };
}

/** Those of a trainer that has not begun. */
export function emptyStats(name: string, batchSize: number): TrainerStats {
  return {
    name,
    batchSize,
    batches: 0,
    samples: 0,
    skipped: 0,
    waitingMs: 0,
    busyMs: 0,
    waitingShare: 0,
    ahead: 0,
    nowWaitingMs: 0,
    nowBusyMs: 0,
  };
}

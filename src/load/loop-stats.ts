// What a loop says of itself: how its consumer and its readers spend their time, and which of them waits for the other.
// Rule: a loop's memory is looked at only between `begin` and `end`; afterwards its last numbers are kept.

import type { StepCost } from "../augment/step-cost.js";
import { bottleneckOf } from "./bottleneck.js";
import type { StageTimes } from "./stage-times.js";

/** How one who draws batches spends its time. */
export interface DrawingStats {
  batches: number;
  samples: number;
  /** Time spent waiting for batches, and between getting one and asking for the next. */
  waitingMs: number;
  busyMs: number;
  /** Part of this time that was waiting, 0 to 1. */
  waitingShare: number;
  /** Samples that are there, read or made ahead. */
  ahead: number;
  /** Milliseconds for which it has now waited, or had its batch; 0 before the first. */
  nowWaitingMs: number;
  nowBusyMs: number;
  /** What each transform has cost so far, in the order of the list; none where nothing is augmented. */
  augmentation: readonly StepCost[];
}

/** What is known of a loop: before it runs, while it does, and afterwards as it ended. */
export interface LoopStats extends DrawingStats {
  batchSize: number;
  /** Since they were set to work, all together; undefined before. */
  readers: StageTimes | undefined;
  elapsedMs: number;
  /** Samples that the ring has room for. */
  ringSlots: number;
  /** What limits the speed. */
  bottleneck: string;
}

/** All but the sentence, which is made of the rest. */
export type LoopState = Omit<LoopStats, "bottleneck">;

/** Of a loop that has not begun. */
function emptyState(batchSize: number): LoopState {
  return {
    batchSize,
    ...new DrawingMeter().stats(0),
    readers: undefined,
    elapsedMs: 0,
    ringSlots: 0,
  };
}

/** Where the stats of a loop come from, whatever state it is in. */
export class LoopWatch {
  #source: (() => LoopState) | undefined;
  #last: LoopState;

  constructor(batchSize: number) {
    this.#last = emptyState(batchSize);
  }

  /** @param source gives what is known, until `end` */
  begin(source: () => LoopState): void {
    this.#source = source;
  }

  /** Keeps the last numbers. To be called before the loop's memory is given back; again does nothing. */
  end(): void {
    if (!this.#source) return;
    this.#last = { ...this.#source(), ahead: 0, nowWaitingMs: 0, nowBusyMs: 0 };
    this.#source = undefined;
  }

  stats(): LoopStats {
    const state = this.#source?.() ?? this.#last;
    const { readers, elapsedMs, waitingShare } = state;
    const trainers = [{ name: "the loop", waitingShare }];
    return { ...state, bottleneck: bottleneckOf({ trainers, readers, elapsedMs }) };
  }
}

/** Measures how a consumer in this thread spends its time; times are by performance.now(). */
export class DrawingMeter {
  #batches = 0;
  #samples = 0;
  #waitingMs = 0;
  #busyMs = 0;
  #since = 0;
  #doing: "nothing" | "waiting" | "busy" = "nothing";

  get batches(): number {
    return this.#batches;
  }

  /** It neither waits nor works from now on. */
  rest(now: number): void {
    if (this.#doing === "waiting") this.#waitingMs += now - this.#since;
    if (this.#doing === "busy") this.#busyMs += now - this.#since;
    this.#doing = "nothing";
  }

  /** It waits for a batch from now on. */
  ask(now: number): void {
    this.rest(now);
    this.#since = now;
    this.#doing = "waiting";
  }

  /** It has got a batch of so many samples. */
  get(now: number, samples: number): void {
    this.rest(now);
    this.#since = now;
    this.#doing = "busy";
    this.#batches += 1;
    this.#samples += samples;
  }

  /** @param ahead samples that are there */
  stats(ahead: number): DrawingStats {
    const [waitingMs, busyMs] = [this.#waitingMs, this.#busyMs];
    const nowMs = performance.now() - this.#since;
    return {
      batches: this.#batches,
      samples: this.#samples,
      waitingMs,
      busyMs,
      waitingShare: shareOf(waitingMs, busyMs),
      ahead,
      nowWaitingMs: this.#doing === "waiting" ? nowMs : 0,
      nowBusyMs: this.#doing === "busy" ? nowMs : 0,
      augmentation: [],
    };
  }
}

/** Part of two times that is the first. */
export function shareOf(waitingMs: number, busyMs: number): number {
  return waitingMs + busyMs === 0 ? 0 : waitingMs / (waitingMs + busyMs);
}

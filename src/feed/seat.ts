// A trainer's seat: all that it needs to draw its batches, in whichever thread it lives. Plain data and shared memory,
// so that it can be handed over to a worker thread.

import type { MakingPlan } from "../load/making-plan.js";
import type { Place } from "../load/messages.js";
import type { LoopPlan } from "../load/plan.js";
import type { Schedule } from "../order/schedule.js";
import type { ResumePoint } from "../order/token.js";

/** Whether all others wait for a slow trainer, or it is made to skip what it has missed. */
export type Slow = "wait" | "skip";

export interface Seat {
  /** What errors and stats call it. */
  name: string;
  /** Segments of the pool by number: that of the ring and that of the trainer's own memory. */
  segments: { ring: WebAssembly.Memory; own: WebAssembly.Memory };
  plan: LoopPlan;
  ring: Place;
  /** Address of the entries. */
  entries: number;
  trainer: number;
  serial: number;
  making: MakingPlan;
  own: Place;
  isMade: boolean;
  /** The trainer's own: which batches it gets. */
  schedule: Schedule;
  /** Position of the stream's sample 0; undefined where the stream goes by the trainer's schedule. */
  origin: number | undefined;
  /** Shapes of samples by field, as they are delivered. */
  shapes: readonly (readonly number[])[];
  /** What tokens carry besides the position. */
  token: Omit<ResumePoint, "position">;
  /** The epoch of which it gets only the rest, or -1. */
  partialEpoch: number;
  slow: Slow;
  /** Whether batches are looked at when they are given back, see debug-check.ts. */
  debug: boolean;
}

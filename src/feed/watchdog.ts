// Looks every now and then whether trainers wait for one that does not ask: one that has held its batch for long, or has
// never asked for one. That is no error (a model may be that slow), but mostly a mistake: two trainers with different
// batch sizes drawn from in turn by one function stand still for ever. It is said once, with both names and the way out.

import { entry64, entryState, type StreamControl } from "../load/stream-control.js";
import type { Member } from "./member.js";
import { trainerStats } from "./trainer-stats.js";

/** Milliseconds after which a trainer is said to hold up the others. */
export const defaultPatienceMs = 10_000;

/** Who waits, for whom, and since when. */
export interface HoldUp {
  waiting: string;
  waitingMs: number;
  holder: string;
  holdingMs: number;
  /** Whether it has had a batch at all. */
  hasAsked: boolean;
}

/** The longest wait for a trainer that does not ask, undefined where there is none of `patienceMs` or more. */
export function findHoldUp(
  stream: StreamControl,
  members: readonly Member[],
  patienceMs: number,
): HoldUp | undefined {
  // While readers have room, nobody waits for a trainer.
  if (stream.hasRoom(stream.claimedRuns)) return undefined;
  const lowest = stream.lowestReleased();
  let [waiting, holder]: ({ name: string; ms: number } | undefined)[] = [];
  let hasAsked = false;
  for (const { request, seated } of members) {
    if (!seated) continue;
    const { name, batchSize } = request;
    const { trainer, isMade } = seated.seat;
    const { nowWaitingMs, nowBusyMs } = trainerStats(stream, trainer, { name, batchSize, isMade });
    if (nowWaitingMs > 0) {
      if (nowWaitingMs > (waiting?.ms ?? 0)) waiting = { name, ms: nowWaitingMs };
      continue;
    }
    const isLowest = stream.get(trainer, entry64.released) === lowest;
    if (stream.state(trainer) !== entryState.waits || !isLowest) continue;
    hasAsked = stream.get(trainer, entry64.batches) > 0;
    holder = { name, ms: hasAsked ? nowBusyMs : performance.now() - seated.since };
  }
  if (!waiting || !holder || waiting.ms < patienceMs || holder.ms < patienceMs) return undefined;
  return {
    waiting: waiting.name,
    waitingMs: waiting.ms,
    holder: holder.name,
    holdingMs: holder.ms,
    hasAsked,
  };
}

/** The warning's text. */
export function describeHoldUp({ waiting, waitingMs, holder, holdingMs, hasAsked }: HoldUp): string {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 1000 ? 1 : 0)} s`;
  const why = hasAsked
    ? `has held its batch for ${seconds(holdingMs)}`
    : `has not asked for a batch in ${seconds(holdingMs)}`;
  return `${waiting} has waited ${seconds(waitingMs)} for ${holder}, which ${why}: the feed's ring is full until it goes on. Draw from each trainer in an async function or worker thread of its own; let ${holder} leave when it is done, or make it slow: "skip".`;
}

export class Watchdog {
  readonly #timer: NodeJS.Timeout;
  #hasWarned = false;

  /** @param look whom to look at; it looks four times as often as `patienceMs` goes by, until it is stopped */
  constructor(patienceMs: number, look: () => HoldUp | undefined) {
    this.#timer = setInterval(() => {
      const found = this.#hasWarned ? undefined : look();
      if (!found) return;
      this.#hasWarned = true;
      process.emitWarning(describeHoldUp(found), "SpillwayWarning");
    }, patienceMs / 4);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

// A reader's work for a loop: claims runs, waits until their places are free, and fills them.

import { batchRange } from "../order/schedule.js";
import { type Control, markFilled, wakeConsumer, word32, word64 } from "./control.js";
import type { LoopJob, ReaderStart } from "./messages.js";
import { RunReader } from "./run-reader.js";
import type { SampleFiles } from "./sample-reader.js";

/** Blocks until the loop has no more runs, or is stopped. @throws SpillwayError of reading */
export function runLoopJob(start: ReaderStart, job: LoopJob, files: SampleFiles, control: Control): void {
  const { plan, schedule, firstBatch } = job;
  const { places, slotsPerBatch, runsPerBatch, runLength } = plan;
  const reader = new RunReader(start, job, files);
  while (Atomics.load(control.words32, word32.stop) === 0) {
    if (reader.rested(control.words32)) continue;
    const run = Number(Atomics.add(control.words64, word64.claimed, 1n));
    const batch = Math.floor(run / runsPerBatch);
    const { first, size } = batchRange(schedule, batch - firstBatch);
    if (size === 0) return;
    if (!waitForPlace(control, batch + 1 - places, reader)) return;
    const offset = (run - batch * runsPerBatch) * runLength;
    // Runs at the end of a short batch may be empty.
    const count = Math.min(runLength, size - offset);
    if (count > 0)
      reader.read(first + offset, first + offset + count, (batch % places) * slotsPerBatch + offset);
    markFilled(control, run);
    wakeConsumer(control, runsPerBatch);
  }
}

/** Sleeps until `least` batches are released; false if the loop was stopped. */
function waitForPlace(control: Control, least: number, reader: RunReader): boolean {
  const { words32, words64 } = control;
  for (;;) {
    const bell = Atomics.load(words32, word32.readerBell);
    if (Atomics.load(words32, word32.stop) !== 0) return false;
    if (Number(Atomics.load(words64, word64.released)) >= least) return true;
    const since = performance.now();
    Atomics.wait(words32, word32.readerBell, bell);
    reader.slept(since);
  }
}

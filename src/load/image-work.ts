// A reader's work for a loop whose samples have encoded images: it claims runs and fills them as loop-reader.ts does, but
// in several lanes at once, since decoding is waited for. While one lane waits for libvips, others read and claim.
// Rule: nobody blocks the thread for longer than a read; all lanes have ended before the loop's memory is given back.

import { batchRange } from "../order/schedule.js";
import { type Control, markFilled, ring, wakeConsumer, word32, word64 } from "./control.js";
import { ImageRuns } from "./image-runs.js";
import { inLanes } from "./lanes.js";
import type { LoopJob, ReaderStart } from "./messages.js";
import type { SampleFiles } from "./sample-reader.js";

/**
 * Fills runs until there are no more, or the loop is stopped.
 *
 * @throws SpillwayError of the first image or record that could not be had, when all lanes have ended
 */
export async function decodeRuns(
  start: ReaderStart,
  job: LoopJob,
  control: Control,
  files: SampleFiles,
): Promise<void> {
  const { plan, schedule, firstBatch } = job;
  const { places, slotsPerBatch, runsPerBatch, runLength } = plan;
  const runs = await ImageRuns.create(start, job, files);
  await inLanes(
    plan.lanes,
    () => ring(control, word32.readerBell),
    async (lane, hasFailed) => {
      while (!hasFailed() && Atomics.load(control.words32, word32.stop) === 0) {
        const run = Number(Atomics.add(control.words64, word64.claimed, 1n));
        const batch = Math.floor(run / runsPerBatch);
        const { first, size } = batchRange(schedule, batch - firstBatch);
        if (size === 0) return;
        if (!(await waitForPlace(control, batch + 1 - places, hasFailed))) return;
        const offset = (run - batch * runsPerBatch) * runLength;
        // Runs at the end of a short batch may be empty.
        const count = Math.max(0, Math.min(runLength, size - offset));
        const slot = (batch % places) * slotsPerBatch + offset;
        if (count > 0) await runs.read(first + offset, first + offset + count, slot, lane);
        markFilled(control, run);
        wakeConsumer(control, runsPerBatch);
      }
    },
  );
}

/** Waits until `least` batches are released; false if the loop was stopped, or another lane has failed. */
async function waitForPlace(control: Control, least: number, hasFailed: () => boolean): Promise<boolean> {
  const { words32, words64 } = control;
  for (;;) {
    const bell = Atomics.load(words32, word32.readerBell);
    if (hasFailed() || Atomics.load(words32, word32.stop) !== 0) return false;
    if (Number(Atomics.load(words64, word64.released)) >= least) return true;
    const waiting = Atomics.waitAsync(words32, word32.readerBell, bell);
    if (waiting.async) await waiting.value;
  }
}

// What a reader thread does where samples have encoded images: it claims runs and fills them as reader.ts does, but in
// several lanes at once, since decoding is waited for. While one lane waits for libvips, others read and claim.
// Rule: nobody blocks the thread for longer than a read; all lanes have ended before the loop's memory is given back.

import { bindKernels } from "../kernels/kernels.js";
import { batchRange, locate } from "../order/schedule.js";
import { type Control, markFilled, ring, wakeConsumer, word32, word64 } from "./control.js";
import type { FileRecords } from "./file-records.js";
import { type ImageFiles, ImageReader } from "./image-reader.js";
import type { ReaderJob, ReaderStart } from "./messages.js";
import { Placement } from "./placement.js";
import { RunOrder } from "./run-order.js";
import { SampleReader } from "./sample-reader.js";

/**
 * Fills runs until there are no more, or the loop is stopped.
 *
 * @throws SpillwayError of the first image or record that could not be had, when all lanes have ended
 */
export async function decodeRuns(
  start: ReaderStart,
  job: ReaderJob,
  control: Control,
  files: ImageFiles & { records: FileRecords | undefined },
): Promise<void> {
  const { plan, schedule, reservation, firstBatch } = job;
  const memory = start.segments[reservation.segment]!;
  const scratch = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
  const kernels = bindKernels(start.module, memory);
  const order = new RunOrder(job, kernels, memory, scratch, start.segments);
  const { placed } = start.table;
  const placement = placed && new Placement(placed, plan, kernels, memory, scratch);
  const samples = new SampleReader(start, job, files);
  const images = await ImageReader.create(start, job, files);
  const { places, slotsPerBatch, runsPerBatch, runLength } = plan;
  const ids = new Float64Array(memory.buffer, reservation.address + plan.ids, places * slotsPerBatch);
  let hasFailed = false;

  /** All of a run but its images; gives the number of each of its samples, and where it lies. */
  const beginRun = (first: number, count: number, slot: number): { id: number; row: number }[] => {
    const runIds = order.rows(first, first + count);
    for (let k = 0; k < count; k += 1) ids[slot + k] = runIds[k]!;
    const rows = placement ? placement.rowsOf(runIds, count) : runIds;
    samples.read(runIds, rows, count, slot);
    // Other lanes use the same place for their runs.
    return Array.from({ length: count }, (_, k) => ({ id: runIds[k]!, row: rows[k]! }));
  };

  const lane = async (number: number): Promise<void> => {
    while (!hasFailed && Atomics.load(control.words32, word32.stop) === 0) {
      const run = Number(Atomics.add(control.words64, word64.claimed, 1n));
      const batch = Math.floor(run / runsPerBatch);
      const { first, size } = batchRange(schedule, batch - firstBatch);
      if (size === 0) return;
      if (!(await waitForPlace(control, batch + 1 - places, () => hasFailed))) return;
      const offset = (run - batch * runsPerBatch) * runLength;
      // Runs at the end of a short batch may be empty.
      const count = Math.max(0, Math.min(runLength, size - offset));
      const slot = (batch % places) * slotsPerBatch + offset;
      const begun = count > 0 ? beginRun(first + offset, count, slot) : [];
      for (const [k, { id, row }] of begun.entries()) {
        const { epoch } = locate(schedule, first + offset + k);
        await images.read({ epoch, sample: id }, row, slot + k, number);
      }
      markFilled(control, run);
      wakeConsumer(control, runsPerBatch);
    }
  };

  const lanes = Array.from({ length: plan.lanes }, async (_, number) => {
    try {
      await lane(number);
    } catch (error) {
      hasFailed = true;
      // Lanes that sleep are to see it.
      ring(control, word32.readerBell);
      throw error;
    }
  });
  for (const end of await Promise.allSettled(lanes)) if (end.status === "rejected") throw end.reason;
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

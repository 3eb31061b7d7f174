// A reader thread: claims runs of the loop that it works for, waits until their slots are free, and fills them.
// Started by URL with `workerData: ReaderStart`; between loops it sleeps on its message port.

import { parentPort, workerData } from "node:worker_threads";
import { recordError } from "../errors.js";
import { bindKernels } from "../kernels/kernels.js";
import { batchRange } from "../order/schedule.js";
import { type Control, markFilled, ring, viewControl, wakeConsumer, word32, word64 } from "./control.js";
import { FileRecords } from "./file-records.js";
import type { FromReader, ReaderJob, ReaderStart, ToReader } from "./messages.js";
import { OpenFiles } from "./open-files.js";
import { Placement } from "./placement.js";
import { RunOrder } from "./run-order.js";
import { SampleReader } from "./sample-reader.js";

const start = workerData as ReaderStart;
const { table } = start;
const shards = new OpenFiles(table.root, table.paths, table.shardBytes, start.maxOpenFiles);
const records = table.files && new FileRecords(table, table.files, shards);
const sumFiles = new OpenFiles(table.root, table.sumPaths, table.sumBytes, Math.ceil(start.maxOpenFiles / 4));

const hasImages = table.columns.some(({ encoded }) => encoded);

parentPort!.on("message", async (job: ToReader) => {
  const { plan, reservation, loop } = job;
  const memory = start.segments[reservation.segment]!;
  const control = viewControl(memory, reservation.address, plan.places * plan.runsPerBatch);
  let outcome: FromReader = { type: "ended", loop };
  try {
    if (hasImages) {
      // A thread that decodes nothing loads nothing for it.
      const { decodeRuns } = await import("./image-work.js");
      await decodeRuns(start, job, control, { shards, sumFiles, records });
    } else work(job, control, memory);
  } catch (thrown) {
    outcome = { type: "failed", loop, error: recordError(thrown) };
  }
  records?.close();
  shards.closeAll();
  sumFiles.closeAll();
  if (outcome.type === "failed") Atomics.store(control.words32, word32.failed, 1);
  ring(control, word32.consumerBell);
  // Last of all: with this message the loop's memory may go to somebody else.
  parentPort!.postMessage(outcome);
});

function work(job: ReaderJob, control: Control, memory: WebAssembly.Memory): void {
  const { plan, schedule, reservation, firstBatch } = job;
  const scratch = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
  const kernels = bindKernels(start.module, memory);
  const order = new RunOrder(job, kernels, memory, scratch, start.segments);
  const placement = table.placed && new Placement(table.placed, plan, kernels, memory, scratch);
  const samples = new SampleReader(start, job, { shards, sumFiles, records });
  const { places, slotsPerBatch, runsPerBatch, runLength } = plan;
  const ids = new Float64Array(memory.buffer, reservation.address + plan.ids, places * slotsPerBatch);

  while (Atomics.load(control.words32, word32.stop) === 0) {
    const run = Number(Atomics.add(control.words64, word64.claimed, 1n));
    const batch = Math.floor(run / runsPerBatch);
    const { first, size } = batchRange(schedule, batch - firstBatch);
    if (size === 0) return;
    if (!waitForPlace(control, batch + 1 - places)) return;
    const offset = (run - batch * runsPerBatch) * runLength;
    // Runs at the end of a short batch may be empty.
    const count = Math.min(runLength, size - offset);
    if (count > 0) {
      const runIds = order.rows(first + offset, first + offset + count);
      const slot = (batch % places) * slotsPerBatch + offset;
      for (let k = 0; k < count; k += 1) ids[slot + k] = runIds[k]!;
      const rows = placement ? placement.rowsOf(runIds, count) : runIds;
      samples.read(runIds, rows, count, slot);
    }
    markFilled(control, run);
    wakeConsumer(control, runsPerBatch);
  }
}

/** Sleeps until `least` batches are released; false if the loop was stopped. */
function waitForPlace(control: Control, least: number): boolean {
  const { words32, words64 } = control;
  for (;;) {
    const bell = Atomics.load(words32, word32.readerBell);
    if (Atomics.load(words32, word32.stop) !== 0) return false;
    if (Number(Atomics.load(words64, word64.released)) >= least) return true;
    Atomics.wait(words32, word32.readerBell, bell);
  }
}

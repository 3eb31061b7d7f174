// A reader thread: claims runs of the loop that it works for, waits until their slots are free, and fills them.
// Started by URL with `workerData: ReaderStart`; between loops it sleeps on its message port.

import { parentPort, workerData } from "node:worker_threads";
import { recordError } from "../errors.js";
import { bindKernels } from "../kernels/kernels.js";
import { type Control, generationOf, isReady, ring, viewControl, word32, word64 } from "./control.js";
import type { FromReader, ReaderJob, ReaderStart, ToReader } from "./messages.js";
import { OpenFiles } from "./open-files.js";
import { RunOrder } from "./run-order.js";
import { SampleReader } from "./sample-reader.js";
import { shardOf } from "./table.js";

const start = workerData as ReaderStart;
const { table } = start;
const shards = new OpenFiles(table.root, table.paths, table.shardBytes, start.maxOpenFiles);
const sumFiles = new OpenFiles(table.root, table.sumPaths, table.sumBytes, Math.ceil(start.maxOpenFiles / 4));

parentPort!.on("message", (job: ToReader) => {
  const { plan, reservation, loop } = job;
  const memory = start.segments[reservation.segment]!;
  const control = viewControl(memory, reservation.address, plan.slots / plan.runLength);
  let outcome: FromReader = { type: "ended", loop };
  try {
    work(job, control, memory);
  } catch (thrown) {
    outcome = { type: "failed", loop, error: recordError(thrown) };
  }
  shards.closeAll();
  sumFiles.closeAll();
  if (outcome.type === "failed") Atomics.store(control.words32, word32.failed, 1);
  ring(control, word32.consumerBell);
  // Last of all: with this message the loop's memory may go to somebody else.
  parentPort!.postMessage(outcome);
});

function work(job: ReaderJob, control: Control, memory: WebAssembly.Memory): void {
  const { plan, schedule, reservation, firstCount } = job;
  const scratch = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
  const order = new RunOrder(job, bindKernels(start.module, memory), memory, scratch, start.segments);
  const samples = new SampleReader(start, job, shards, sumFiles);
  const ids = new Float64Array(memory.buffer, reservation.address + plan.ids, plan.slots);
  const { runLength, slots } = plan;
  const ringRuns = slots / runLength;
  const end = firstCount + schedule.total;

  while (Atomics.load(control.words32, word32.stop) === 0) {
    const run = Number(Atomics.add(control.words64, word64.claimed, 1n));
    const from = run * runLength;
    if (from >= end) return;
    const to = Math.min(from + runLength, end);
    if (!waitForSlots(control, from + runLength - slots)) return;
    const rows = order.rows(from - firstCount, to - firstCount);
    const slot = from % slots;
    const count = to - from;
    ids.set(rows.subarray(0, count), slot);
    fill(samples, rows, count, slot);
    Atomics.store(control.done, run % ringRuns, generationOf(run, ringRuns));
    wakeConsumer(control, runLength, end);
  }
}

/** Reads the rows of a run, those that follow one another on disk at once. */
function fill(samples: SampleReader, rows: Float64Array, count: number, slot: number): void {
  const { firstRows } = table;
  for (let k = 0; k < count; ) {
    const row = rows[k]!;
    const shard = shardOf(firstRows, row);
    const shardEnd = firstRows[shard + 1]!;
    let length = 1;
    while (k + length < count && rows[k + length] === row + length && row + length < shardEnd) length += 1;
    samples.read(shard, row - firstRows[shard]!, length, slot + k);
    k += length;
  }
}

/** Sleeps until counts below `least` are released; false if the loop was stopped. */
function waitForSlots(control: Control, least: number): boolean {
  const { words32, words64 } = control;
  for (;;) {
    const bell = Atomics.load(words32, word32.readerBell);
    if (Atomics.load(words32, word32.stop) !== 0) return false;
    if (Number(Atomics.load(words64, word64.released)) >= least) return true;
    Atomics.wait(words32, word32.readerBell, bell);
  }
}

/** Wakes the consumer if it sleeps for counts that are now all there. */
function wakeConsumer(control: Control, runLength: number, end: number): void {
  const wanted = Number(Atomics.load(control.words64, word64.wanted));
  if (wanted < 0) return;
  const released = Number(Atomics.load(control.words64, word64.released));
  if (isReady(control, released, Math.min(wanted, end), runLength)) ring(control, word32.consumerBell);
}

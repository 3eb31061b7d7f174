// A reader thread: does the jobs of loops and streams, one after another. Started by URL with `workerData: ReaderStart`;
// between jobs it sleeps on its message port.

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { recordError } from "../errors.js";
import { type Control, ring, viewControl, word32 } from "./control.js";
import { FileRecords } from "./file-records.js";
import { runLoopJob } from "./loop-reader.js";
import type {
  Ended,
  FromReader,
  LoopJob,
  MakingJob,
  ReaderJob,
  ReaderStart,
  StreamJob,
  ToReader,
} from "./messages.js";
import { OpenFiles } from "./open-files.js";
import type { SampleFiles } from "./sample-reader.js";

const start = workerData as ReaderStart;
const { table } = start;
const shards = new OpenFiles(table.root, table.paths, table.shardBytes, start.maxOpenFiles);
const records = table.files && new FileRecords(table, table.files, shards);
const sumFiles = new OpenFiles(table.root, table.sumPaths, table.sumBytes, Math.ceil(start.maxOpenFiles / 4));
const files: SampleFiles = { shards, sumFiles, records };

const hasImages = table.columns.some(({ encoded }) => encoded);

/** What was said to the stream that is being worked for, and not yet heard. */
const told: MakingJob[] = [];

parentPort!.on("message", (message: ToReader) => {
  if (message.type === "making") told.push(message);
  else void work(message);
});
say({ type: "ready" });

function say(message: FromReader): void {
  parentPort!.postMessage(message);
}

/** A thread at work does not come back to its port: it looks there itself. */
function listen(): MakingJob | undefined {
  for (let next = receiveMessageOnPort(parentPort!); next; next = receiveMessageOnPort(parentPort!))
    told.push(next.message as MakingJob);
  return told.shift();
}

async function work(job: ReaderJob): Promise<void> {
  const { plan, reservation, loop } = job;
  const memory = start.segments[reservation.segment]!;
  const control = viewControl(memory, reservation.address, plan.places * plan.runsPerBatch);
  let outcome: Ended = { type: "ended", loop };
  try {
    if (job.type === "stream") await workForStream(job);
    else if (hasImages) await decodeForLoop(job, control);
    else runLoopJob(start, job, files, control);
  } catch (thrown) {
    outcome = { type: "failed", loop, error: recordError(thrown) };
  }
  records?.close();
  shards.closeAll();
  sumFiles.closeAll();
  if (outcome.type === "failed") Atomics.store(control.words32, word32.failed, 1);
  ring(control, word32.consumerBell);
  // Last of all: with this message the loop's memory may go to somebody else.
  say(outcome);
}

/** Loaded where there are images: a thread that decodes nothing loads nothing for it. */
async function decodeForLoop(job: LoopJob, control: Control): Promise<void> {
  const { decodeRuns } = await import("./image-work.js");
  await decodeRuns(start, job, control, files);
}

/** Loaded when a stream first needs it: loops do without augmentation, and threads that start open fewer files at once. */
async function workForStream(job: StreamJob): Promise<void> {
  told.push(...job.makings);
  const { runStreamJob } = await import("./stream-reader.js");
  await runStreamJob(start, job, files, { listen, tell: say });
}

// One run of the feed's benchmark, in a process of its own: so many trainers on one feed, or as many loops. Prints what
// was delivered, what was read, how long it took, and the peak memory.
//
//   node build/bench/feed-child.js DATASET feed|loops TRAINERS EPOCHS WORK_MS

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Batch, open, type Trainer, type View } from "spillway";
import { peakBytes } from "./report.js";

export interface FeedRun {
  delivered: number;
  /** Samples that readers have read. */
  read: number;
  seconds: number;
  peakBytes: number;
}

const [path, way, trainers, epochs, workMs] = process.argv.slice(2);
const count = Number(trainers);
const options = { batchSize: 256, epochs: Number(epochs) };

async function samplesOf(batches: AsyncIterable<Batch>): Promise<number> {
  let samples = 0;
  for await (const { size } of batches) samples += size;
  return samples;
}

interface Outcome {
  samples: number[];
  read: number;
  seconds: number;
}

async function runFeed(view: View): Promise<Outcome> {
  const feed = view.feed({ seed: 1 });
  const all = Array.from({ length: count }, () => feed.trainer(options));
  const workers = Number(workMs) > 0 ? await Promise.all(all.map(startWorker)) : undefined;
  const since = performance.now();
  const samples = await Promise.all(
    all.map((trainer, k) => (workers ? away(trainer, workers[k]!) : samplesOf(trainer))),
  );
  const seconds = (performance.now() - since) / 1000;
  const { readers } = feed.stats();
  await feed.close();
  return { samples, read: readers!.samples, seconds };
}

async function runLoops(view: View): Promise<Outcome> {
  const since = performance.now();
  const samples = await Promise.all(
    Array.from({ length: count }, (_, k) => samplesOf(view.batches({ ...options, seed: k }))),
  );
  const seconds = (performance.now() - since) / 1000;
  return { samples, read: samples.reduce((sum, each) => sum + each, 0), seconds };
}

/** A worker that has loaded all that it needs. */
async function startWorker(): Promise<Worker> {
  const worker = new Worker(new URL("./feed-worker.js", import.meta.url));
  await once(worker, "message");
  return worker;
}

async function away(trainer: Trainer, worker: Worker): Promise<number> {
  const handle = await trainer.handOver();
  const told = once(worker, "message");
  worker.postMessage({ handle, workMs: Number(workMs) }, [handle.port]);
  return Number((await told)[0]);
}

const dataset = await open(path!, { memory: "512 MiB" });
const view = dataset.view();
// Warm: labels, sums, and threads are there, and every record was checked.
await samplesOf(view.batches({ batchSize: 256, seed: 1 }));
const result = way === "feed" ? await runFeed(view) : await runLoops(view);
const delivered = result.samples.reduce((sum, samples) => sum + samples, 0);
await dataset.close();
const run: FeedRun = {
  delivered,
  read: result.read,
  seconds: result.seconds,
  peakBytes: peakBytes(),
};
console.log(JSON.stringify(run));

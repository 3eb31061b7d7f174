// A process with a feed: one trainer here and two in worker threads, all without an end. Says "training" once each has had
// a batch.

import { Worker } from "node:worker_threads";
import { jitter, open } from "spillway";

const dataset = await open(process.argv[2]!, { memory: "64 MiB" });
const feed = dataset.view().feed({ readers: 2 });
const epochs = Number.POSITIVE_INFINITY;
const augment = [jitter({ sigma: 0 })];
const away = [{ batchSize: 10 }, { batchSize: 30, augment }].map((options) =>
  feed.trainer({ ...options, epochs }),
);
for (const trainer of away) {
  const handle = await trainer.handOver();
  const worker = new Worker(new URL("./taking-child.js", import.meta.url));
  worker.postMessage({ handle, after: epochs, deed: "leave" }, [handle.port]);
}
let hasSaid = false;
for await (const _ of feed.trainer({ batchSize: 20, epochs })) {
  if (hasSaid || away.some((trainer) => trainer.stats().batches === 0)) continue;
  hasSaid = true;
  process.stdout.write("training\n");
}

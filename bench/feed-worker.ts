// A trainer in a worker thread: each batch takes it a fixed time, in which its core is free, as with a model on a GPU.

import { parentPort } from "node:worker_threads";
import { type TrainerHandle, takeTrainer } from "spillway";

const never = new Int32Array(new SharedArrayBuffer(4));

// Loading modules takes longer than an epoch here.
parentPort!.postMessage("ready");
parentPort!.once("message", async ({ handle, workMs }: { handle: TrainerHandle; workMs: number }) => {
  let samples = 0;
  for await (const { size } of takeTrainer(handle)) {
    samples += size;
    Atomics.wait(never, 0, 0, workMs);
  }
  parentPort!.postMessage(samples);
  parentPort!.close();
});

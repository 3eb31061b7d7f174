// A worker thread that takes a trainer and does with it what it is told; posts what it got.

import { parentPort } from "node:worker_threads";
import { type TrainerHandle, takeTrainer } from "spillway";
import { numbersOf } from "../fixtures/packed.js";

/** What is asked of the worker. */
export interface Task {
  handle: TrainerHandle;
  /** After so many batches `deed` is done; Infinity trains to the end. */
  after: number;
  /** "forget": it ends without a word; "sit": it blocks its thread for ever; "twice": it takes the handle again. */
  deed: "throw" | "exit" | "forget" | "sit" | "leave" | "twice";
}

parentPort!.once("message", async ({ handle, after, deed }: Task) => {
  const trainer = takeTrainer(handle);
  const numbers: number[] = [];
  const say = (error?: unknown) => parentPort!.postMessage({ numbers, error: error && String(error) });
  try {
    for await (const batch of trainer) {
      numbers.push(...numbersOf(batch));
      if (numbers.length / trainer.batchSize < after) continue;
      say();
      if (deed === "throw") setImmediate(() => Promise.reject(new Error("this worker throws")));
      if (deed === "exit") process.exit(0);
      if (deed === "sit") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      if (deed === "leave") trainer.leave();
      if (deed === "twice") takeTrainer(handle);
      if (deed === "throw" || deed === "forget") await new Promise(() => {});
    }
    say();
  } catch (error) {
    say(error);
  }
  parentPort!.close();
});

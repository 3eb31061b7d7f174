// A thread that trains one network: draws batches of two feeds that the main thread has opened, and says how it gets on.
// Nothing is read here, and no sample is held: the batches are views of memory that all threads share.

import { parentPort, workerData } from "node:worker_threads";
import { type TrainerHandle, takeTrainer } from "spillway";
import { type BatchReport, type EpochReport, fit, useWasm } from "spillway/tfjs";
import { createNetwork, type NetworkPlan } from "./gesture-networks.js";

/** What the main thread sends when the network has been made. */
export interface Start {
  train: TrainerHandle;
  validation: TrainerHandle;
}

/** What the thread says. */
export type Said =
  | { type: "ready"; weights: number }
  | { type: "batch"; report: BatchReport }
  | { type: "epoch"; report: EpochReport };

/** Milliseconds between two words on batches. */
const sayEveryMs = 100;

const port = parentPort!;
const say = (said: Said) => port.postMessage(said);

const tf = await useWasm();
const model = createNetwork(tf, workerData as NetworkPlan);
port.once("message", async ({ train, validation }: Start) => {
  let saidAt = 0;
  await fit(model, takeTrainer(train), {
    x: "data",
    y: "label",
    validation: takeTrainer(validation),
    onBatch(report) {
      if (performance.now() - saidAt < sayEveryMs) return;
      saidAt = performance.now();
      say({ type: "batch", report });
    },
    onEpoch: (report) => say({ type: "epoch", report }),
  });
  port.close();
});
say({ type: "ready", weights: model.countParams() });

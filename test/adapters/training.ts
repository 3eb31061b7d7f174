// What is trained with TensorFlow.js in the tests: its backend, a split dataset of 500 samples, and a small model.

import { after } from "node:test";
import { open } from "spillway";
import { useWasm } from "spillway/tfjs";
import { packed } from "../fixtures/packed.js";

export const count = 500;
export const batchSize = 64;
export const fields = { x: "data", y: "label" };
export const tf = await useWasm();
export const dataset = await open(await packed({ count }), { memory: "64 MiB" });
after(() => dataset.close());
await dataset.split({ train: 0.8, val: 0.2 }, { seed: 1 });

export function createModel(loss = "sparseCategoricalCrossentropy") {
  const initial = tf.initializers.glorotUniform({ seed: 1 });
  const model = tf.sequential({
    layers: [
      tf.layers.rescaling({ scale: 0.01, inputShape: [6] }),
      tf.layers.dense({ units: 8, activation: "relu", kernelInitializer: initial }),
      tf.layers.dense({ units: 3, activation: "softmax", kernelInitializer: initial }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss, metrics: ["accuracy"] });
  return model;
}

/** Runs `work` twice and gives how many tensors the second time left: the first makes the optimizer's own. */
export async function tensorsLeft(work: () => Promise<unknown>): Promise<number> {
  await work();
  const before = tf.memory().numTensors;
  await work();
  return tf.memory().numTensors - before;
}

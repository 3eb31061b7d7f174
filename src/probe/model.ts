// The small model of a probe: one hidden layer, the same weights at the start for the same seed.

import type { LayersModel } from "@tensorflow/tfjs";
import { useWasm } from "../adapters/tfjs-backend.js";

const hidden = 64;
const learningRate = 0.001;

/** @param shape of a sample's input, one axis at least */
export async function createModel(
  shape: readonly number[],
  classCount: number,
  seed: number,
): Promise<LayersModel> {
  const tf = await useWasm();
  const elements = shape.reduce((product, size) => product * size, 1);
  const initial = (layer: number) => tf.initializers.glorotUniform({ seed: 1000 * seed + layer });
  const model = tf.sequential({
    layers: [
      tf.layers.reshape({ inputShape: [...shape], targetShape: [elements] }),
      tf.layers.dense({ units: hidden, activation: "relu", kernelInitializer: initial(1) }),
      tf.layers.dense({ units: classCount, activation: "softmax", kernelInitializer: initial(2) }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

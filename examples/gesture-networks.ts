// Networks that tell the gestures apart: small 1-D convolutions over time, channels last.

import type { LayersModel } from "@tensorflow/tfjs";
import { type Augmentation, jitter, scaling, shift } from "spillway";
import type { TensorFlow } from "spillway/tfjs";
import { channelCount, gestureNames, stepCount } from "./simulated-gestures.js";

/** What a network is made of; plain data, so that it can be sent to the thread that trains it. */
export interface NetworkPlan {
  name: string;
  /** What is said of it in a line. */
  about: string;
  /** Filters of the two convolutions. */
  filters: readonly [number, number];
  /** How time gets shorter: by steps of the convolutions, or by the largest of four neighbours. */
  shortens: "strides" | "pooling";
  learningRate: number;
  batchSize: number;
  augment: readonly Augmentation[];
}

export const networks: readonly NetworkPlan[] = [
  {
    name: "network A",
    about: "two convolutions with strides, batches of 64",
    filters: [16, 24],
    shortens: "strides",
    learningRate: 0.003,
    batchSize: 64,
    augment: [],
  },
  {
    name: "network B",
    about: "convolutions and pooling, batches of 96, with augmentation",
    filters: [12, 24],
    shortens: "pooling",
    learningRate: 0.004,
    batchSize: 96,
    augment: [shift({ steps: 16 }), scaling({ sigma: 0.1 }), jitter({ sigma: 0.03 })],
  },
];

/** The network, compiled. The same plan gives the same weights. */
export function createNetwork(tf: TensorFlow, plan: NetworkPlan): LayersModel {
  const { filters, shortens, learningRate } = plan;
  const strides = shortens === "strides" ? 4 : 1;
  const convolution = (count: number, kernelSize: number, seed: number, inputShape?: [number, number]) =>
    tf.layers.conv1d({
      filters: count,
      kernelSize,
      strides,
      padding: "same",
      activation: "relu",
      kernelInitializer: tf.initializers.heNormal({ seed }),
      ...(inputShape && { inputShape }),
    });
  const pooling = () => (shortens === "pooling" ? [tf.layers.maxPooling1d({ poolSize: 4 })] : []);
  const model = tf.sequential({
    layers: [
      convolution(filters[0], 9, 1, [stepCount, channelCount]),
      ...pooling(),
      convolution(filters[1], 9, 2),
      ...pooling(),
      tf.layers.flatten(),
      tf.layers.dense({
        units: gestureNames.length,
        activation: "softmax",
        kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(learningRate),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

// Three orders in which class-sorted samples reach a model: two that people use when data does not fit in memory, and
// Spillway's. Each gives every sample exactly once in a pass, as batches of tensors that the caller frees.

import type { Tensor } from "@tensorflow/tfjs";
import type { Batch, Dataset } from "spillway";
import { type TensorFlow, tensors } from "spillway/tfjs";
import { createRandom, featureCount } from "./simulated-classes.js";

/** What an order is asked for: one pass over all samples. */
export interface Pass {
  tf: TensorFlow;
  /** All samples, one class after another. */
  dataset: Dataset;
  batchSize: number;
  /** Another for each run and pass. */
  seed: number;
}

export type Order = (pass: Pass) => AsyncGenerator<{ x: Tensor; y: Tensor }>;

const fields = { x: "features", y: "label" };

/** Load half of the data and train on it, in random order; then the other half. */
export async function* halvesInTurn({ tf, dataset, batchSize, seed }: Pass): ReturnType<Order> {
  const middle = Math.floor(dataset.size / 2);
  const halves: [number, number][] = [
    [0, middle],
    [middle, dataset.size],
  ];
  for (const rows of halves) {
    const half = dataset.view({ rows });
    for await (const batch of half.batches({ batchSize, seed })) yield tensors(tf, batch, fields);
  }
}

/** Read from front to back through a buffer of a tenth of the data, and draw each sample out of the buffer at random. */
export async function* smallBuffer({ tf, dataset, batchSize, seed }: Pass): ReturnType<Order> {
  const random = createRandom(seed);
  const capacity = Math.floor(dataset.size / 10);
  const buffer: Row[] = [];
  const drawn: Row[] = [];
  for await (const batch of dataset.view().batches({ batchSize: 256, shuffle: false })) {
    for (const row of rowsOf(batch)) {
      if (buffer.length < capacity) {
        buffer.push(row);
        continue;
      }
      const at = Math.floor(random() * capacity);
      drawn.push(buffer[at]!);
      buffer[at] = row;
      if (drawn.length === batchSize) yield rowTensors(tf, drawn.splice(0));
    }
  }
  while (buffer.length > 0) {
    drawn.push(...buffer.splice(Math.floor(random() * buffer.length), 1));
    if (drawn.length === batchSize || buffer.length === 0) yield rowTensors(tf, drawn.splice(0));
  }
}

/** One random permutation of all samples, a new one in each pass. */
export async function* permutationOfAll({ tf, dataset, batchSize, seed }: Pass): ReturnType<Order> {
  for await (const batch of dataset.view().batches({ batchSize, seed })) yield tensors(tf, batch, fields);
}

interface Row {
  features: Float32Array;
  label: number;
}

/** The samples of a batch, each in memory of its own. */
function rowsOf({ fields, size }: Batch): Row[] {
  const [features, labels] = [fields.features!.data as Float32Array, fields.label!.data as Uint8Array];
  return Array.from({ length: size }, (_, at) => ({
    features: features.slice(at * featureCount, (at + 1) * featureCount),
    label: labels[at]!,
  }));
}

function rowTensors(tf: TensorFlow, rows: readonly Row[]): { x: Tensor; y: Tensor } {
  const features = new Float32Array(rows.length * featureCount);
  for (const [at, row] of rows.entries()) features.set(row.features, at * featureCount);
  return {
    x: tf.tensor2d(features, [rows.length, featureCount]),
    y: tf.tensor1d(rows.map(({ label }) => label)),
  };
}

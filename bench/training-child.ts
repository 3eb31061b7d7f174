// One epoch of training for training.ts, in a process of its own: from disk as Spillway reads it, or from arrays in
// memory in the same order. Both go through the same `fit`. Prints one line of JSON.
//
//   node training-child.js disk|ram DATASET MEMORY BATCH_SIZE

import type { LayersModel } from "@tensorflow/tfjs";
import { type Batch, open, type View } from "spillway";
import { type EpochSource, fit, type TensorFlow, useWasm } from "spillway/tfjs";
import { endWithParent } from "./programs.js";
import { peakBytes } from "./report.js";

export interface TrainingResult {
  seconds: number;
  samples: number;
  loss: number;
  /** Until the first batch was trained on: what it takes to start reading. */
  firstBatchSeconds: number;
  /** Processor time of all threads during the epoch. */
  cpuSeconds: number;
  peakBytes: number;
  /** Batches that were trained on, and bytes asked of the disk during the epoch; 0 from memory. */
  batches: number;
  diskBytes: number;
  /** Part of the epoch that training waited for batches, 0 to 1. */
  waitingShare: number;
  way: string | undefined;
}

const seed = 7;

endWithParent();
const [from = "", path = "", memory = "", size = ""] = process.argv.slice(2);
const batchSize = Number(size);
console.log(JSON.stringify(await run()));
process.exit();

async function run(): Promise<TrainingResult> {
  const tf = await useWasm();
  const dataset = await open(path, { memory });
  const view = dataset.view();
  const inMemory = from === "ram" ? await takeAll(view) : undefined;
  await warmUp(tf, view.size);
  const model = createModel(tf);
  let batches = 0;
  let firstBatchSeconds = 0;
  const onBatch = () => {
    if (batches === 0) firstBatchSeconds = (performance.now() - start) / 1000;
    batches += 1;
  };
  const fields = { x: "wave", y: "label", onBatch };
  const [start, before] = [performance.now(), process.cpuUsage()];
  const loop = view.batches({ batchSize, seed });
  const fromDisk = {
    batchSize,
    size: view.size,
    batchesPerEpoch: loop.count,
    [Symbol.asyncIterator]: () => loop[Symbol.asyncIterator](),
  };
  const [report] = await fit(model, inMemory ?? fromDisk, fields);
  const { user, system } = process.cpuUsage(before);
  const { reading } = await dataset.stats();
  await dataset.close();
  const { seconds, samples, loss } = report!;
  const { diskBytes, way } = from === "ram" ? { diskBytes: 0, way: "arrays in memory" } : reading;
  const cpuSeconds = (user + system) / 1e6;
  return {
    seconds,
    samples,
    loss,
    firstBatchSeconds,
    cpuSeconds,
    peakBytes: peakBytes(),
    batches,
    diskBytes,
    waitingShare: inMemory ? 0 : loop.stats().waitingShare,
    way,
  };
}

/** Two convolutions over time; the same weights each time. */
function createModel(tf: TensorFlow): LayersModel {
  const convolution = (filters: number, at: number) =>
    tf.layers.conv1d({
      filters,
      kernelSize: 5,
      padding: "same",
      activation: "relu",
      kernelInitializer: tf.initializers.glorotUniform({ seed: at }),
      ...(at === 1 && { inputShape: [256, 8] }),
    });
  const kernelInitializer = tf.initializers.glorotUniform({ seed: 3 });
  const model = tf.sequential({
    layers: [
      convolution(16, 1),
      tf.layers.maxPooling1d({ poolSize: 2 }),
      convolution(32, 2),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ units: 3, activation: "softmax", kernelInitializer }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.003), loss: "sparseCategoricalCrossentropy" });
  return model;
}

/** Some steps with another model: what is compiled on first use is not counted on either side. */
async function warmUp(tf: TensorFlow, samples: number): Promise<void> {
  const model = createModel(tf);
  const sizes = new Set([batchSize, samples % batchSize]);
  for (const size of sizes) {
    if (size === 0) continue;
    const pair = [tf.zeros([size, 256, 8]), tf.zeros([size])] as const;
    for (let step = 0; step < 10; step += 1) await model.trainOnBatch(...pair);
    tf.dispose([...pair]);
  }
  model.dispose();
}

/** All samples in one array by id; an epoch gathers each batch from it, in the order that a loop would have. */
async function takeAll(view: View): Promise<EpochSource> {
  const waves = new Float32Array(view.size * 2048);
  const labels = new Uint8Array(view.size);
  const order: Float64Array[] = [];
  let last: Batch | undefined;
  for await (const batch of view.batches({ batchSize, seed })) {
    const { wave, label } = batch.fields;
    for (const [k, id] of batch.ids.entries()) {
      waves.set((wave!.data as Float32Array).subarray(k * 2048, (k + 1) * 2048), id * 2048);
      labels[id] = Number(label!.data[k]);
    }
    order.push(batch.ids.slice());
    last = batch.copy();
  }
  const like = last!;
  async function* batches(): AsyncGenerator<Batch, void, undefined> {
    for (const [index, ids] of order.entries()) {
      const wave = { ...like.fields.wave!, data: new Float32Array(ids.length * 2048) };
      const label = { ...like.fields.label!, data: new Uint8Array(ids.length) };
      for (const [k, id] of ids.entries()) {
        wave.data.set(waves.subarray(id * 2048, (id + 1) * 2048), k * 2048);
        label.data[k] = labels[id]!;
      }
      const fields = {
        wave: { ...wave, shape: [ids.length, 256, 8] },
        label: { ...label, shape: [ids.length] },
      };
      const batch: Batch = {
        ...{ fields, ids, size: ids.length, epoch: 0, index, wrapped: 0, resume: like.resume },
        copy: () => batch,
      };
      yield batch;
    }
  }
  return {
    batchSize,
    size: view.size,
    batchesPerEpoch: order.length,
    [Symbol.asyncIterator]: batches,
  };
}

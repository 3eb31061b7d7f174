// Batches as a dataset of TensorFlow.js: each iteration is the next epoch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { tfData } from "spillway/tfjs";
import { batchSize, count, createModel, dataset, fields, tf } from "./training.js";

test("each iteration of tfData is the next epoch, in the order of batches()", async () => {
  const view = dataset.view();
  const data = await tfData(view, { ...fields, batchSize, seed: 11 });
  for (let epoch = 0; epoch < 3; epoch += 1) {
    const given: number[] = [];
    await data.forEachAsync(({ xs, ys }) => {
      given.push(...xs.dataSync());
      tf.dispose([xs, ys]);
    });
    const expected: number[] = [];
    for await (const batch of view.batches({ batchSize, seed: 11, epochs: 3 })) {
      if (batch.epoch === epoch) expected.push(...(batch.fields.data!.data as Float32Array));
    }
    assert.deepEqual(given, expected, `epoch ${epoch}`);
  }
});

test("tfData without shuffling gives the catalog's order each time", async () => {
  const data = await tfData(dataset.view(), { ...fields, batchSize: count, shuffle: false });
  const epochs: number[][] = [];
  for (let epoch = 0; epoch < 2; epoch += 1) {
    await data.forEachAsync(({ xs, ys }) => {
      epochs.push([...xs.dataSync()]);
      tf.dispose([xs, ys]);
    });
  }
  for await (const batch of dataset.view().batches({ batchSize: count, shuffle: false })) {
    assert.deepEqual(epochs[0], [...(batch.fields.data!.data as Float32Array)]);
  }
  assert.deepEqual(epochs[1], epochs[0]);
});

test("fitDataset trains on epoch 0 first, though it asks for an iterator more than it uses", async () => {
  const model = createModel();
  const data = await tfData(dataset.view(), { ...fields, batchSize, seed: 4 });
  await model.fitDataset(data, { epochs: 1, verbose: 0 });
  const second: number[] = [];
  await data.forEachAsync(({ xs, ys }) => {
    second.push(...xs.dataSync());
    tf.dispose([xs, ys]);
  });
  const expected: number[] = [];
  for await (const batch of dataset.view().batches({ batchSize, seed: 4, epochs: 2 })) {
    if (batch.epoch === 1) expected.push(...(batch.fields.data!.data as Float32Array));
  }
  assert.deepEqual(second, expected);
});

// Batches as tensors: their values stay when the ring is written again, and what cannot become a tensor is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Dataset, open, SpillwayError } from "spillway";
import { fieldTensor, fit, tensors } from "spillway/tfjs";
import { packed } from "../fixtures/packed.js";
import { batchSize, count, dataset, fields, tf } from "./training.js";

test("tensors have the shape and the values of the batch", async () => {
  for await (const batch of dataset.view().batches({ batchSize, seed: 2 })) {
    const pair = tensors(tf, batch, fields);
    assert.deepEqual(pair.x.shape, [batch.size, 6]);
    assert.deepEqual(pair.y.shape, [batch.size]);
    assert.deepEqual(pair.x.dataSync(), Float32Array.from(batch.fields.data!.data as Float32Array));
    assert.deepEqual([...pair.y.dataSync()], [...(batch.fields.label!.data as Uint8Array)]);
    const { y } = tensors(tf, batch, { ...fields, oneHot: 3 });
    assert.deepEqual(y.shape, [batch.size, 3]);
    assert.deepEqual([...tf.tidy(() => y.argMax(1).dataSync())], [...pair.y.dataSync()]);
    tf.dispose([pair.x, pair.y, y]);
    break;
  }
});

for (const backend of ["wasm", "cpu"]) {
  test(`tensors on ${backend} keep their values when the ring is written again`, async () => {
    await tf.setBackend(backend);
    try {
      for await (const batch of dataset.view().batches({ batchSize, seed: 2 })) {
        const expected = batch.copy();
        const pair = tensors(tf, batch, fields);
        (batch.fields.data!.data as Float32Array).fill(-1);
        (batch.fields.label!.data as Uint8Array).fill(9);
        assert.deepEqual(pair.x.dataSync(), expected.fields.data!.data);
        assert.deepEqual([...pair.y.dataSync()], [...(expected.fields.label!.data as Uint8Array)]);
        tf.dispose(pair);
        break;
      }
    } finally {
      await tf.setBackend("wasm");
    }
  });
}

test("the cpu backend keeps the array it is given, which is why tensors() copies there", async () => {
  await tf.setBackend("cpu");
  try {
    const array = Float32Array.of(1, 2);
    const tensor = tf.tensor(array);
    array[0] = 5;
    assert.equal(tensor.dataSync()[0], 5);
    tensor.dispose();
  } finally {
    await tf.setBackend("wasm");
  }
});

test("tensors kept over a whole epoch hold every sample once", async () => {
  const kept = [];
  for await (const batch of dataset.view().batches({ batchSize, seed: 3 }))
    kept.push(fieldTensor(tf, batch, "data"));
  // data[0] * 100 + data[1] is the sample's number.
  const numbers = kept.flatMap((x) => {
    const values = x.dataSync();
    return Array.from({ length: x.shape[0]! }, (_, k) => values[k * 6]! * 100 + values[k * 6 + 1]!);
  });
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
  );
  tf.dispose(kept);
});

test("what cannot become a tensor is refused, with what to do", async () => {
  const before = tf.memory().numTensors;
  const first = async (from: Dataset, work: (batch: never) => unknown) => {
    for await (const batch of from.view().batches({ batchSize: 8, deliver: "stored" }))
      return work(batch as never);
  };
  await first(dataset, (batch) => {
    assert.throws(() => tensors(tf, batch, { x: "wave", y: "label" }), {
      code: "missing",
      message: 'there is no field "wave". Use one of data, label.',
    });
    assert.throws(() => tensors(tf, batch, { x: "data", y: "class" }), { code: "missing" });
    assert.throws(() => tensors(tf, batch, { ...fields, oneHot: 1 }), {
      message: /^a label of field "label" is \d, but oneHot is 1\. Give oneHot the number of classes/,
    });
    assert.throws(() => tensors(tf, batch, { x: "data", y: "data", oneHot: 3 }), { code: "usage" });
  });
  const whole = await open(await packed({ count: 8, dtype: "int64" }), { memory: "16 MiB" });
  await first(whole, (batch) => {
    assert.throws(() => tensors(tf, batch, fields), {
      message:
        'field "data" comes as int64, which TensorFlow.js has no tensor for. Leave out deliver, so that it comes as float32.',
    });
  });
  await whole.close();
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(
    fit({} as never, dataset.view(), fields),
    (error) => error instanceof SpillwayError && error.code === "mismatch",
  );
});

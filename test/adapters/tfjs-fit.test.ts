// Training and evaluation: every sample of each epoch, from any kind of batches, and no tensor or loop left over however
// it ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchSource, mix } from "spillway";
import { evaluate, type FitOptions, fit, tensors, tfData } from "spillway/tfjs";
import { batchSize, count, createModel, dataset, fields, tensorsLeft, tf } from "./training.js";

test("an epoch of each form leaves no tensor", async () => {
  const view = dataset.view();
  const model = createModel();
  const byHand = async () => {
    for await (const batch of view.batches({ batchSize })) tf.dispose(tensors(tf, batch, fields));
  };
  const data = await tfData(view, { ...fields, batchSize });
  assert.equal(await tensorsLeft(byHand), 0, "tensors");
  assert.equal(
    await tensorsLeft(() => fit(model, view, { ...fields, batchSize, validation: view })),
    0,
    "fit",
  );
  assert.equal(await tensorsLeft(() => evaluate(model, view, { ...fields, batchSize })), 0, "evaluate");
  assert.equal(
    await tensorsLeft(() => model.fitDataset(data, { epochs: 1, verbose: 0, validationData: data })),
    0,
    "fitDataset",
  );
  const hot = createModel("categoricalCrossentropy");
  assert.equal(
    await tensorsLeft(() => fit(hot, view, { ...fields, oneHot: 3, batchSize })),
    0,
    "fit with oneHot",
  );
  const hotData = await tfData(view, { ...fields, oneHot: 3, batchSize });
  assert.equal(
    await tensorsLeft(() => hot.fitDataset(hotData, { epochs: 1, verbose: 0 })),
    0,
    "fitDataset with oneHot",
  );
});

test("fit trains on every sample of each epoch and validates in between, inside the training loop", async () => {
  const [train, val] = [dataset.view({ split: "train" }), dataset.view({ split: "val" })];
  const model = createModel();
  let [batches, samples, loops] = [0, 0, 0];
  const reports = await fit(model, train, {
    ...fields,
    batchSize,
    epochs: 3,
    validation: val,
    onBatch(report) {
      assert.equal(report.batchCount, Math.ceil(400 / batchSize));
      assert.ok(report.loss > 0 && report.samplesPerSecond > 0);
      batches += 1;
      samples += report.size;
    },
    async onEpoch() {
      loops = Math.max(loops, (await dataset.stats()).loops);
    },
  });
  assert.equal(samples, 3 * 400);
  assert.equal(batches, 3 * Math.ceil(400 / batchSize));
  assert.deepEqual(
    reports.map(({ epoch, samples }) => [epoch, samples]),
    [
      [0, 400],
      [1, 400],
      [2, 400],
    ],
  );
  assert.equal(loops, 1, "the training loop is open while an epoch is reported");
  assert.deepEqual(reports.at(-1)!.validation, await evaluate(model, val, { ...fields, batchSize }));
  assert.equal((await dataset.stats()).loops, 0);
});

test("fit trains on balanced and weighted samples, and on a mix of views", async () => {
  const [train, val] = [dataset.view({ split: "train" }), dataset.view({ split: "val" })];
  const batchesOf = async (source: BatchSource, options: Partial<FitOptions>) => {
    const counts: number[] = [];
    const reports = await fit(createModel(), source, {
      ...fields,
      ...options,
      batchSize,
      epochs: 2,
      onBatch: ({ batchCount }) => void counts.push(batchCount),
    });
    return [reports.map(({ samples }) => samples), counts.length, counts[0]];
  };
  assert.deepEqual(await batchesOf(train, { balance: "label" }), [[400, 400], 14, 7]);
  assert.deepEqual(await batchesOf(train, { weights: new Float32Array(400).fill(1) }), [[400, 400], 14, 7]);
  assert.deepEqual(await batchesOf(mix([train, val], [1, 1]), {}), [[448, 448], 14, 7]);
  assert.equal((await dataset.stats()).loops, 0);
});

test("evaluate gives the means over all samples, the last, smaller batch weighed as it is", async () => {
  const model = createModel();
  const whole = await evaluate(model, dataset.view(), { ...fields, batchSize: count });
  const parts = await evaluate(model, dataset.view(), { ...fields, batchSize: 300 });
  assert.ok(Math.abs(whole.loss - parts.loss) < 1e-5, `${whole.loss} and ${parts.loss}`);
  assert.ok(Math.abs(whole.accuracy! - parts.accuracy!) < 1e-6);
});

test("a model without metrics has a loss and no accuracy", async () => {
  const model = createModel();
  model.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
  const [report] = await fit(model, dataset.view(), { ...fields, batchSize, validation: dataset.view() });
  assert.equal(report!.accuracy, undefined);
  assert.equal(report!.validation!.accuracy, undefined);
  assert.ok(Number.isFinite(report!.validation!.loss));
});

test("fit goes on after the batch of a token", async () => {
  const tokens: string[] = [];
  await fit(createModel(), dataset.view(), {
    ...fields,
    batchSize,
    seed: 5,
    onBatch: ({ resume }) => void tokens.push(resume),
  });
  let samples = 0;
  const reports = await fit(createModel(), dataset.view(), {
    ...fields,
    batchSize,
    epochs: 2,
    resume: tokens[1]!,
    onBatch({ size }) {
      samples += size;
    },
  });
  assert.equal(samples, 2 * count - 2 * batchSize);
  assert.deepEqual(
    reports.map(({ samples }) => samples),
    [count - 2 * batchSize, count],
  );
});

test("a timer can stop a loop that never has to wait, and nothing is left over", async () => {
  const model = createModel();
  await fit(model, dataset.view(), { ...fields, batchSize });
  const before = tf.memory().numTensors;
  const endless = {
    ...fields,
    batchSize,
    epochs: Number.POSITIVE_INFINITY,
    signal: AbortSignal.timeout(200),
  };
  await assert.rejects(fit(model, dataset.view(), endless), { name: "TimeoutError" });
  assert.equal(tf.memory().numTensors, before);
  assert.equal((await dataset.stats()).loops, 0);
});

test("an error in a callback ends the loop and leaves nothing", async () => {
  const model = createModel();
  await fit(model, dataset.view(), { ...fields, batchSize });
  const before = tf.memory().numTensors;
  const failing = {
    ...fields,
    onBatch() {
      throw new RangeError("enough");
    },
  };
  await assert.rejects(fit(model, dataset.view(), failing), { name: "RangeError" });
  assert.equal(tf.memory().numTensors, before);
  assert.equal((await dataset.stats()).loops, 0);
});

test("what is normalised is so in training, in validation and in tests", async () => {
  const view = dataset.view();
  const normalize = { data: { mean: 50, std: 0.25 } };
  const untouched = { ...fields, batchSize: count };
  const options = { ...untouched, normalize };
  const model = createModel();
  const { loss } = await evaluate(model, view, options);
  for await (const batch of view.batches({ batchSize: count, shuffle: false, normalize })) {
    const { x, y } = tensors(tf, batch, fields);
    const [found] = [model.evaluate(x, y, { batchSize: count, verbose: 0 })].flat();
    assert.equal(found!.dataSync()[0], loss);
    tf.dispose([x, y]);
  }
  assert.notEqual((await evaluate(model, view, untouched)).loss, loss);
  const data = await tfData(view, { ...options, shuffle: false });
  const expected: number[] = [];
  for await (const batch of view.batches({ batchSize: count, shuffle: false }))
    for (const value of batch.fields.data!.data) expected.push(Math.fround((Number(value) - 50) * 4));
  await data.forEachAsync(({ xs, ys }) => {
    assert.deepEqual([...xs.dataSync()], expected);
    tf.dispose([xs, ys]);
  });
  // A model that does not learn: what training and validation see is what the test saw.
  const still = createModel();
  still.compile({ optimizer: tf.train.sgd(0), loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] });
  const [report] = await fit(still, view, { ...options, validation: view });
  const fixed = (await evaluate(still, view, options)).loss;
  assert.ok(Math.abs(report!.loss - fixed) < 1e-3 * fixed);
  assert.equal(report!.validation!.loss, fixed);
});

test("float16 is refused, since TensorFlow.js has no tensor for it", async () => {
  for await (const batch of dataset.view().batches({ deliver: "float16" })) {
    assert.throws(() => tensors(tf, batch, fields), {
      code: "usage",
      message:
        'field "data" comes as float16, which TensorFlow.js has no tensor for. Leave out deliver, so that it comes as float32.',
    });
    break;
  }
});

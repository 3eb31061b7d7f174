import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type BatchSource, type Dataset, mix, open, SpillwayError } from "spillway";
import { evaluate, type FitOptions, fieldTensor, fit, tensors, tfData, useWasm } from "spillway/tfjs";
import { packed, temporaryFolder } from "../fixtures/packed.js";

const count = 500;
const batchSize = 64;
const fields = { x: "data", y: "label" };
const tf = await useWasm();
const dataset = await open(await packed({ count }), { memory: "64 MiB" });
after(() => dataset.close());
await dataset.split({ train: 0.8, val: 0.2 }, { seed: 1 });

function createModel(loss = "sparseCategoricalCrossentropy") {
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
async function tensorsLeft(work: () => Promise<unknown>): Promise<number> {
  await work();
  const before = tf.memory().numTensors;
  await work();
  return tf.memory().numTensors - before;
}

test("the wasm backend is in use, and a second call changes nothing", async () => {
  assert.equal(tf.getBackend(), "wasm");
  assert.equal(await useWasm(), tf);
  assert.equal(tf.getBackend(), "wasm");
});

test("uncaught errors end the process as ever: the backend's handlers are not left behind", () => {
  const sources = [...process.listeners("uncaughtException"), ...process.listeners("unhandledRejection")].map(
    String,
  );
  assert.ok(!sources.some((source) => source.includes("ExitStatus") || source.includes("throw reason")));
});

test("without TensorFlow.js the error says what to install", async () => {
  // Copied to where no node_modules is above it.
  const folder = temporaryFolder();
  fs.writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  fs.mkdirSync(join(folder, "adapters"));
  fs.copyFileSync("dist/errors.js", join(folder, "errors.js"));
  fs.copyFileSync("dist/adapters/tfjs-backend.js", join(folder, "adapters/tfjs-backend.js"));
  const copy = await import(pathToFileURL(join(folder, "adapters/tfjs-backend.js")).href);
  await assert.rejects(copy.useWasm(), {
    code: "missing",
    message:
      "the package @tensorflow/tfjs cannot be loaded. " +
      "Run: npm install @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0",
  });
});

test("tensors have the shape and the values of the batch", async () => {
  for await (const batch of dataset.view().batches({ batchSize, seed: 2 })) {
    const pair = tensors(tf, batch, fields);
    assert.deepEqual(pair.x.shape, [batch.size, 6]);
    assert.deepEqual(pair.y.shape, [batch.size]);
    assert.deepEqual(pair.x.dataSync(), Float32Array.from(batch.fields.data!.data as Float32Array));
    assert.deepEqual(
      [...pair.y.dataSync()],
      batch.fields.label!.data ? [...(batch.fields.label!.data as Uint8Array)] : [],
    );
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
        'field "data" comes as int64, which TensorFlow.js has no tensor for. Leave out deliver: "stored", so that it comes as float32.',
    });
  });
  await whole.close();
  assert.equal(tf.memory().numTensors, before);
  await assert.rejects(
    fit({} as never, dataset.view(), fields),
    (error) => error instanceof SpillwayError && error.code === "mismatch",
  );
});

// Convolutional networks train on the wasm backend: each kind of layer as on the "cpu" backend, without growing; what
// cannot train says so.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { LayersModel, layers, Tensor } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { useWasm } from "spillway/tfjs";
import { assertClose, noise, onBackend, tf } from "./gradients.js";

const classes = 3;
const L = tf.layers;
const glorot = (seed: number) => tf.initializers.glorotNormal({ seed });

/** Layers between an input and the classes, made anew for each backend. */
type Hidden = () => layers.Layer[];

function createModel(inputShape: number[], hidden: Hidden): LayersModel {
  const model = tf.sequential({
    layers: [
      L.activation({ activation: "linear", inputShape }),
      ...hidden(),
      L.dense({ units: classes, activation: "softmax", kernelInitializer: glorot(9) }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "sparseCategoricalCrossentropy" });
  return model;
}

function batch(inputShape: number[], samples = 8): { x: Tensor; y: Tensor } {
  const { data, shape } = noise([samples, ...inputShape], 1);
  const labels = Array.from({ length: samples }, (_, sample) => sample % classes);
  return { x: tf.tensor(data, shape, "float32"), y: tf.tensor(labels, [samples], "float32") };
}

/** Bytes of the backend's heap, used or not: it never gets smaller. */
function heapBytes(backend: BackendWasm): number {
  return (backend.wasm as unknown as { HEAPU8: Uint8Array }).HEAPU8.byteLength;
}

/** Weights after three steps, and what the model then says of the batch. */
function trained(name: "cpu" | "wasm", inputShape: number[], hidden: Hidden) {
  return onBackend(name, async () => {
    const { x, y } = batch(inputShape);
    const model = createModel(inputShape, hidden);
    for (let step = 0; step < 3; step += 1) await model.trainOnBatch(x, y);
    const found = [...model.getWeights(), model.predict(x) as Tensor].map((tensor) => ({
      shape: tensor.shape,
      data: tensor.dataSync() as Float32Array,
    }));
    model.dispose();
    tf.dispose([x, y]);
    return found;
  });
}

const conv1d = (seed: number, extra = {}) =>
  L.conv1d({
    filters: 8,
    kernelSize: 5,
    padding: "same",
    activation: "relu",
    kernelInitializer: glorot(seed),
    ...extra,
  });
const conv2d = (seed: number, extra = {}) =>
  L.conv2d({
    filters: 8,
    kernelSize: 3,
    padding: "same",
    activation: "relu",
    kernelInitializer: glorot(seed),
    ...extra,
  });

const networks: Record<string, { inputShape: number[]; hidden: Hidden }> = {
  "series, max pooling": {
    inputShape: [32, 3],
    hidden: () => [conv1d(1), L.maxPooling1d({ poolSize: 2 }), conv1d(2), L.globalAveragePooling1d({})],
  },
  "series, strides, average pooling": {
    inputShape: [33, 3],
    hidden: () => [
      conv1d(1, { strides: 2 }),
      L.averagePooling1d({ poolSize: 2 }),
      conv1d(2, { padding: "valid" }),
      L.globalMaxPooling1d({}),
    ],
  },
  "pictures, max pooling, flatten": {
    inputShape: [9, 9, 2],
    hidden: () => [conv2d(1), L.maxPooling2d({ poolSize: 2 }), conv2d(2), L.flatten()],
  },
  "pictures, strides, batch normalisation": {
    inputShape: [9, 8, 2],
    hidden: () => [
      conv2d(1, { strides: 2, activation: "linear" }),
      L.batchNormalization({}),
      L.reLU(),
      L.averagePooling2d({ poolSize: 2, strides: 1 }),
      L.globalAveragePooling2d({}),
    ],
  },
  "pictures, transposed, global maximum": {
    inputShape: [6, 6, 2],
    hidden: () => [
      L.conv2dTranspose({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        kernelInitializer: glorot(1),
      }),
      conv2d(2),
      L.globalMaxPooling2d({}),
    ],
  },
  "pictures, channels first": {
    inputShape: [2, 6, 6],
    hidden: () => [
      conv2d(1, { dataFormat: "channelsFirst" }),
      L.maxPooling2d({ poolSize: 2, dataFormat: "channelsFirst" }),
      L.flatten(),
    ],
  },
};

for (const [name, { inputShape, hidden }] of Object.entries(networks)) {
  test(`a network of ${name} trains as on the cpu backend`, async () => {
    const expected = await trained("cpu", inputShape, hidden);
    const found = await trained("wasm", inputShape, hidden);
    // Differences of rounding grow over the steps.
    for (const [at, numbers] of expected.entries()) assertClose(found[at]!, numbers, `weights ${at}`, 1e-3);
  });
}

test("200 steps leave no tensor, nor memory, and learn what they see", async () => {
  const inputShape = [33, 5];
  const model = createModel(inputShape, () => [
    conv1d(1),
    L.maxPooling1d({ poolSize: 2 }),
    conv1d(2, { strides: 2 }),
    L.averagePooling1d({ poolSize: 2 }),
    L.dropout({ rate: 0.1, seed: 4 }),
    L.flatten(),
    L.dense({ units: 8, activation: "relu", kernelInitializer: glorot(3) }),
  ]);
  const { x, y } = batch(inputShape, 16);
  const step = async () => Number(await model.trainOnBatch(x, y));
  const backend = tf.backend() as BackendWasm;
  const held = () => {
    const { numTensors, numBytes } = tf.memory();
    return { numTensors, numBytes, numData: backend.numDataIds(), heap: heapBytes(backend) };
  };
  const firstLoss = await step();
  for (let count = 0; count < 20; count += 1) await step();
  const before = held();
  let loss = Number.NaN;
  for (let count = 0; count < 200; count += 1) loss = await step();
  assert.deepEqual(held(), before);
  assert.ok(loss < firstLoss / 2, `loss ${loss}, ${firstLoss} at first`);
  model.dispose();
  tf.dispose([x, y]);
});

test("layers whose gradients the backend does not have are refused by name", async () => {
  const refused: Record<string, Hidden> = {
    "depthwise and separable convolutions": () => [
      L.separableConv2d({ filters: 4, kernelSize: 3 }),
      L.flatten(),
    ],
    "embeddings and tf.gather": () => [L.flatten(), L.embedding({ inputDim: 4, outputDim: 2 }), L.flatten()],
  };
  for (const [what, hidden] of Object.entries(refused)) {
    const inputShape = [5, 5, 2];
    const model = createModel(inputShape, hidden);
    const { y } = batch(inputShape);
    await assert.rejects(model.trainOnBatch(tf.ones([8, ...inputShape]), y), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^${what} do not train on the wasm backend of TensorFlow.js, which has no `),
      );
      assert.match(
        error.message,
        /\. Use ordinary convolutions or dense layers, or another backend: tf\.setBackend\("cpu"\)\.$/,
      );
      return true;
    });
  }
});

test("dilated convolutions are refused by TensorFlow.js itself", async () => {
  const inputShape = [9, 9, 2];
  const model = createModel(inputShape, () => [conv2d(1, { dilationRate: 2 }), L.flatten()]);
  const { x, y } = batch(inputShape);
  await assert.rejects(
    model.trainOnBatch(x, y),
    /dilation rates greater than 1 are not yet supported in gradients/,
  );
});

test("a second call of useWasm leaves kernels of the user's own in place", async () => {
  const { kernelFunc } = tf.getKernel("MaxPoolGrad", "wasm");
  const own = () => assert.fail("not to be run");
  tf.unregisterKernel("MaxPoolGrad", "wasm");
  tf.registerKernel({ kernelName: "MaxPoolGrad", backendName: "wasm", kernelFunc: own });
  await useWasm();
  assert.equal(tf.getKernel("MaxPoolGrad", "wasm").kernelFunc, own);
  tf.unregisterKernel("MaxPoolGrad", "wasm");
  tf.registerKernel({ kernelName: "MaxPoolGrad", backendName: "wasm", kernelFunc });
});

test("where the filter's gradient is there already nothing is registered, and elsewhere nothing is warned of", () => {
  const program = (isOwn: boolean) => `
    import * as tf from "@tensorflow/tfjs";
    import "@tensorflow/tfjs-backend-wasm";
    import { useWasm } from "spillway/tfjs";
    const pool = tf.getKernel("MaxPoolGrad", "wasm");
    const kernelFunc = () => {};
    if (${isOwn}) tf.registerKernel({ kernelName: "Conv2DBackpropFilter", backendName: "wasm", kernelFunc });
    await useWasm();
    const isKept = tf.getKernel("Conv2DBackpropFilter", "wasm").kernelFunc === kernelFunc;
    console.log(JSON.stringify({ isKept, isStockPool: tf.getKernel("MaxPoolGrad", "wasm") === pool }));
  `;
  for (const isOwn of [true, false]) {
    const done = spawnSync(process.execPath, ["--input-type=module", "-e", program(isOwn)], {
      encoding: "utf8",
    });
    assert.equal(done.stderr.replace(/.*looks like you are running TensorFlow\.js.*|=+|\s/g, ""), "");
    assert.deepEqual(JSON.parse(done.stdout.trim().split("\n").at(-1)!), {
      isKept: isOwn,
      isStockPool: isOwn,
    });
  }
});

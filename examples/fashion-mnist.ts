// Trains a convolutional network on Fashion-MNIST from its own files: 70,000 pictures of clothes, 28 x 28 pixels, packed
// as they come (IDX, .gz), read out of 24 MiB of memory, half of what the training pictures take, and augmented there.
//
//   node scripts/task.mjs example fashion-mnist [folder] [--short]
//
// Exit code 1 below 89 % test accuracy after six epochs. --short: one epoch of a small dense network, and 80 %.

import fs from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { layers, Sequential } from "@tensorflow/tfjs";
import { type Dataset, erase, flip, open, pack, SpillwayError } from "spillway";
import { fit, type TensorFlow, useWasm } from "spillway/tfjs";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { memoryBars, watchMemory } from "./memory-display.js";
import { bar, bold, count, dim, duration, percent, print, show } from "./terminal.js";

const debianFolder = "/usr/share/datasets/fashion-mnist";
const classNames = [
  "T-shirt",
  "trouser",
  "pullover",
  "dress",
  "coat",
  "sandal",
  "shirt",
  "sneaker",
  "bag",
  "boot",
];
const memory = "24 MiB";
/** What a picture may look like as well: mirrored, or with a patch missing. */
const variants = [flip(), erase({ probability: 0.25 })];
const fields = { x: "image", y: "label", batchSize: 64 };

await runExample(async (signal) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { short: { type: "boolean", default: false } },
  });
  const { epochs, least, layersOf, augment } = values.short
    ? { epochs: 1, least: 0.8, layersOf: denseLayers, augment: [] }
    : { epochs: 6, least: 0.89, layersOf: convolutionalLayers, augment: variants };
  const folder = positionals[0] ?? debianFolder;
  const tf = await useWasm();
  const bareBytes = process.memoryUsage.rss();
  const temporary = createTemporaryFolder("spillway-fashion-mnist");
  print(
    "",
    bold("  Fashion-MNIST, from its own files"),
    "",
    `  From ${folder}`,
    `  Packed into ${temporary.path} ${dim("(removed at the end)")}`,
    "",
  );

  const train = await packFile(folder, "train", temporary.path, signal);
  const test = await packFile(folder, "t10k", temporary.path, signal);
  try {
    const peaks = watchMemory(
      train,
      train.manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0),
      bareBytes,
    );
    const model = createModel(tf, layersOf(tf));
    let testAccuracy = 0;
    await fit(model, train.view(), {
      ...fields,
      seed: 7,
      epochs,
      augment,
      validation: test.view(),
      signal,
      onBatch({ epoch, index, batchCount, loss, samplesPerSecond }) {
        const done = (index + 1) / batchCount;
        const line = () =>
          `epoch ${epoch + 1} of ${epochs}, loss ${loss.toFixed(3)}, ${count(samplesPerSecond)} samples/s`;
        show(
          () => [`  ${bar(done, 24)}  ${line()}`, "", ...memoryBars(peaks)],
          () => `  ${percent(done)} of ${line()}`,
        );
      },
      onEpoch({ epoch, loss, accuracy, validation, seconds, samplesPerSecond }) {
        testAccuracy = validation?.accuracy ?? 0;
        const stepsPerSecond = (samplesPerSecond / fields.batchSize).toFixed(1);
        print(
          `  epoch ${epoch + 1}: loss ${loss.toFixed(3)}, training accuracy ${percent(accuracy)}, test accuracy ${percent(testAccuracy)}, ${stepsPerSecond} steps/s, ${duration(seconds)}`,
        );
      },
    });
    const verdict =
      testAccuracy >= least ? "as it should be" : `below the ${percent(least)} that this run should reach`;
    print(
      "",
      ...memoryBars(peaks),
      "",
      `  Test accuracy ${bold(percent(testAccuracy))} on ${count(test.size)} pictures, ${verdict}.`,
      "",
    );
    if (testAccuracy < least) process.exitCode = 1;
  } finally {
    await train.close();
    await test.close();
  }
});

/** Packs a pair of files, images and the labels beside them, and opens what comes out. */
async function packFile(
  folder: string,
  name: "train" | "t10k",
  target: string,
  signal: AbortSignal,
): Promise<Dataset> {
  const images = ["-images-idx3-ubyte.gz", "-images-idx3-ubyte"]
    .map((end) => join(folder, name + end))
    .find((path) => fs.existsSync(path));
  if (!images) {
    throw new SpillwayError("missing", `${folder} has no ${name}-images-idx3-ubyte.gz`, {
      remedy:
        "On Debian and Ubuntu: apt-get install dataset-fashion-mnist. Elsewhere, download the four files from " +
        "https://github.com/zalandoresearch/fashion-mnist and name their folder.",
      where: { path: folder },
    });
  }
  const startMs = performance.now();
  const result = await pack(images, join(target, name), { classes: classNames, memory, signal });
  print(
    `  packed ${count(result.rows)} pictures in ${((performance.now() - startMs) / 1000).toFixed(1)} s: ${images}`,
  );
  return open(result.path, { memory });
}

/** A network that ends in one share per class; pixels come as 0 to 255, and the first layer makes them 0 to 1. */
function createModel(tf: TensorFlow, hidden: layers.Layer[]): Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.rescaling({ scale: 1 / 255, inputShape: [28, 28] }),
      ...hidden,
      tf.layers.dense({ units: classNames.length, activation: "softmax", kernelInitializer: weights(tf, 4) }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.001),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

/** Two layers of small filters, each seeing twice as much of the picture as the one before, and a dense layer. */
function convolutionalLayers(tf: TensorFlow): layers.Layer[] {
  const convolution = (filters: number, seed: number) =>
    tf.layers.conv2d({
      filters,
      kernelSize: 3,
      padding: "same",
      activation: "relu",
      kernelInitializer: weights(tf, seed),
    });
  return [
    tf.layers.reshape({ targetShape: [28, 28, 1] }),
    convolution(16, 1),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    convolution(32, 2),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dropout({ rate: 0.25, seed: 5 }),
    tf.layers.dense({ units: 64, activation: "relu", kernelInitializer: weights(tf, 3) }),
  ];
}

function denseLayers(tf: TensorFlow): layers.Layer[] {
  return [
    tf.layers.flatten(),
    tf.layers.dense({ units: 64, activation: "relu", kernelInitializer: weights(tf, 1) }),
  ];
}

/** First weights, the same ones in every run. */
function weights(tf: TensorFlow, seed: number) {
  return tf.initializers.glorotUniform({ seed });
}

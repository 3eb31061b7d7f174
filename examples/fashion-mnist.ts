// Trains on Fashion-MNIST from its own files: 70,000 pictures of clothes, 28 x 28 pixels, packed as they come (IDX, .gz)
// and read out of 24 MiB of memory, half of what the training pictures take.
//
//   node scripts/task.mjs example fashion-mnist [folder] [--short]
//
// --short: one epoch, and exit code 1 below 80 % test accuracy (the whole run: five, and 85 %).

import fs from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Dataset, open, pack, SpillwayError } from "spillway";
import { evaluate, fit, type TensorFlow, useWasm } from "spillway/tfjs";
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
const fields = { x: "image", y: "label", batchSize: 64 };

await runExample(async (signal) => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { short: { type: "boolean", default: false } },
  });
  const { epochs, least } = values.short ? { epochs: 1, least: 0.8 } : { epochs: 5, least: 0.85 };
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
    const model = createModel(tf);
    await fit(model, train.view(), {
      ...fields,
      seed: 7,
      epochs,
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
      onEpoch({ epoch, loss, accuracy, seconds, samplesPerSecond }) {
        print(
          `  epoch ${epoch + 1}: loss ${loss.toFixed(3)}, training accuracy ${percent(accuracy)}, ${count(samplesPerSecond)} samples/s, ${duration(seconds)}`,
        );
      },
    });
    const { accuracy = 0 } = await evaluate(model, test.view(), { ...fields, signal });
    const verdict =
      accuracy >= least ? "as it should be" : `below the ${percent(least)} that this run should reach`;
    print(
      "",
      ...memoryBars(peaks),
      "",
      `  Test accuracy ${bold(percent(accuracy))} on ${count(test.size)} pictures, ${verdict}.`,
      "",
    );
    if (accuracy < least) process.exitCode = 1;
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

/** Pixels come as 0 to 255; the first layer makes them 0 to 1. */
function createModel(tf: TensorFlow) {
  const initial = (seed: number) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.rescaling({ scale: 1 / 255, inputShape: [28, 28] }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 64, activation: "relu", kernelInitializer: initial(1) }),
      tf.layers.dense({ units: classNames.length, activation: "softmax", kernelInitializer: initial(2) }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.001),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

// Why the order matters: the same class-sorted samples train the same network in three orders, and the accuracies are set
// side by side, as a table and as a picture; with a learning rate that stays, and with one that falls to zero, which
// forgives more.
//
//   node scripts/task.mjs example order-matters [--seeds 5] [--passes 6] [--out docs/order-matters.svg]

import fs from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Optimizer } from "@tensorflow/tfjs";
import { classes, type Dataset, open, pack, SpillwayError, tensor } from "spillway";
import { evaluate, type TensorFlow, useWasm } from "spillway/tfjs";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { drawOrderPlot, type PlotLine } from "./order-plot.js";
import { classCount, featureCount, samplesByClass } from "./simulated-classes.js";
import { bar, bold, count, dim, percent, print, show } from "./terminal.js";
import { halvesInTurn, type Order, permutationOfAll, smallBuffer } from "./three-orders.js";

const batchSize = 64;
const samplesPerClass = 400;
const testsPerPass = 4;
const learningRate = 0.1;
const rates = [
  { heading: "learning rate stays the same", isFalling: false },
  { heading: "learning rate falls to zero", isFalling: true },
];
const orders: { name: string; colour: PlotLine["colour"]; order: Order }[] = [
  { name: "Spillway's order", colour: "a", order: permutationOfAll },
  { name: "halves in turn", colour: "b", order: halvesInTurn },
  { name: "buffer of 10 %", colour: "c", order: smallBuffer },
];

/** What one training with one order came to. */
interface Run {
  /** The order's. */
  name: string;
  isFalling: boolean;
  /** Test accuracy before training, and then four times a pass. */
  accuracies: number[];
  /** Different classes in a batch, on average. */
  classesPerBatch: number;
}

await runExample(async (signal) => {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "5" },
      passes: { type: "string", default: "6" },
      out: { type: "string" },
    },
  });
  const [seedCount, passCount] = [
    wholeNumber(values.seeds, "--seeds"),
    wholeNumber(values.passes, "--passes"),
  ];
  const tf = await useWasm();
  const folder = createTemporaryFolder("spillway-order-matters").path;
  const train = await packSorted(join(folder, "train"), samplesPerClass, 11, signal);
  const test = await packSorted(join(folder, "test"), 100, 12, signal);
  print(
    "",
    bold("  The same samples, the same network, three orders"),
    "",
    `  ${count(train.size)} simulated samples of ${classCount} classes, one class after another, as folders are listed.`,
    `  Each pass trains on every sample once, in batches of ${batchSize}; ${passCount} passes, ${seedCount} seeds.`,
    "",
  );
  const runs: Run[] = [];
  const runCount = seedCount * orders.length * rates.length;
  for (let seed = 1; seed <= seedCount; seed += 1) {
    for (const { heading, isFalling } of rates) {
      for (const { name, order } of orders) {
        const run = await trainOnce(
          { tf, train, test, order, seed, passCount, isFalling, signal },
          (share) => {
            const done = (runs.length + share) / runCount;
            show(
              () => [`  ${bar(done, 30)}  seed ${seed} of ${seedCount}, ${heading}: ${name}`],
              () => `  ${percent(done)}: seed ${seed} of ${seedCount}, ${heading}, ${name}`,
            );
          },
        );
        runs.push({ name, isFalling, ...run });
      }
    }
  }
  await Promise.all([train.close(), test.close()]);
  printTable(runs);
  const path = writePlot(runs, { passCount, seedCount, sampleCount: train.size, out: values.out });
  print(`  Picture: ${path}`, "");
});

function wholeNumber(text: string, flag: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 1000) return number;
  throw new SpillwayError("usage", `${flag} ${text} is not a whole number from 1 to 1000`, {
    remedy: `Use ${flag} 5.`,
  });
}

/** Packed in the order in which the samples come: class after class. */
async function packSorted(
  path: string,
  perClass: number,
  seed: number,
  signal: AbortSignal,
): Promise<Dataset> {
  const label = classes(Array.from({ length: classCount }, (_, number) => `class ${number}`));
  const fields = { features: tensor("float32", [featureCount]), label };
  await pack(samplesByClass(perClass, seed), path, { fields, layout: "source", signal });
  return open(path, { memory: "32 MiB" });
}

interface RunRequest {
  tf: TensorFlow;
  train: Dataset;
  test: Dataset;
  order: Order;
  seed: number;
  passCount: number;
  /** The learning rate falls to 0 by half a cosine; else it stays. */
  isFalling: boolean;
  signal: AbortSignal;
}

async function trainOnce(
  request: RunRequest,
  onProgress: (share: number) => void,
): Promise<Pick<Run, "accuracies" | "classesPerBatch">> {
  const { tf, train, test, order, seed, passCount, isFalling, signal } = request;
  const optimizer = tf.train.momentum(learningRate, 0.9);
  const model = createModel(tf, optimizer, seed);
  const accuracies: number[] = [];
  const runTest = async () => {
    const score = await evaluate(model, test.view(), { x: "features", y: "label", batchSize: 500, signal });
    accuracies.push(score.accuracy!);
  };
  await runTest();
  let [seen, batches, classesSeen] = [0, 0, 0];
  for (let pass = 0; pass < passCount; pass += 1) {
    for await (const { x, y } of order({ tf, dataset: train, batchSize, seed: seed * 1000 + pass })) {
      const done = seen / (train.size * passCount);
      if (isFalling) optimizer.setLearningRate((learningRate * (1 + Math.cos(Math.PI * done))) / 2);
      await model.trainOnBatch(x, y);
      seen += x.shape[0]!;
      batches += 1;
      classesSeen += new Set(y.dataSync()).size;
      tf.dispose([x, y]);
      if (seen >= (accuracies.length * train.size) / testsPerPass) await runTest();
      onProgress(seen / (train.size * passCount));
      signal.throwIfAborted();
    }
    await setImmediate();
  }
  model.dispose();
  return { accuracies, classesPerBatch: classesSeen / batches };
}

/** The same first weights for the same seed, whatever the order. */
function createModel(tf: TensorFlow, optimizer: Optimizer, seed: number) {
  const initial = (number: number) => tf.initializers.glorotUniform({ seed: seed * 10 + number });
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 64,
        activation: "relu",
        inputShape: [featureCount],
        kernelInitializer: initial(1),
      }),
      tf.layers.dense({ units: classCount, activation: "softmax", kernelInitializer: initial(2) }),
    ],
  });
  model.compile({
    optimizer,
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

function printTable(runs: readonly Run[]): void {
  print(
    `  ${bold("Test accuracy")} after the last pass: mean ${dim("(lowest to highest of the seeds)")}`,
    "",
  );
  print(dim("                      rate stays the same       rate falls to zero        classes in a batch"));
  for (const { name } of orders) {
    const ofOrder = runs.filter((run) => run.name === name);
    const cells = rates.map(({ isFalling }) => {
      const last = ofOrder
        .filter((run) => run.isFalling === isFalling)
        .map(({ accuracies }) => accuracies.at(-1)!);
      const range = `(${(Math.min(...last) * 100).toFixed(1)} to ${(Math.max(...last) * 100).toFixed(1)})`;
      return `${bold(percent(mean(last)))} ${dim(range.padEnd(18))}`;
    });
    const variety = mean(ofOrder.map(({ classesPerBatch }) => classesPerBatch)).toFixed(1);
    print(`  ${name.padEnd(20)}${cells.join(" ")} ${variety} of ${classCount}`);
  }
  print(
    "",
    "  A learning rate that falls to zero wins back much of what a bad order costs, but only at the very end,",
    "  and only where the length of the training is known from the start.",
    "",
  );
}

function writePlot(
  runs: readonly Run[],
  options: { passCount: number; seedCount: number; sampleCount: number; out: string | undefined },
): string {
  const { passCount, seedCount, sampleCount, out } = options;
  const panels = rates.map(({ heading, isFalling }) => ({
    heading,
    lines: orders.map(({ name, colour }): PlotLine => {
      const own = runs.filter((run) => run.name === name && run.isFalling === isFalling);
      const points = own[0]!.accuracies.map((_, at) => {
        const values = own.map(({ accuracies }) => accuracies[at]!);
        return { mean: mean(values), low: Math.min(...values), high: Math.max(...values) };
      });
      return { name, colour, points };
    }),
  }));
  const path = resolve(out ?? join(fs.mkdtempSync(join(tmpdir(), "spillway-plot-")), "order-matters.svg"));
  const text = drawOrderPlot(panels, {
    title: "The same samples, the same network, three orders",
    subtitle:
      `Test accuracy. ${count(sampleCount)} simulated samples of ${classCount} classes, stored class after class; ` +
      `mean of ${seedCount} seeds, band: lowest to highest.`,
    passes: Array.from({ length: passCount * testsPerPass + 1 }, (_, at) => at / testsPerPass),
  });
  fs.writeFileSync(path, text);
  return path;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

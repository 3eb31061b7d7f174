// Why the order matters: the same class-sorted samples train the same network in three orders, and the accuracies are set
// side by side, as a table and as a picture.
//
//   node scripts/task.mjs example order-matters [--seeds 5] [--passes 8] [--out docs/order-matters.svg]

import fs from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { classes, open, pack, SpillwayError, tensor, type View } from "spillway";
import { evaluate, type TensorFlow, useWasm } from "spillway/tfjs";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { drawOrderPlot, type PlotLine } from "./order-plot.js";
import { classCount, featureCount, samplesByClass } from "./simulated-classes.js";
import { bar, bold, count, dim, percent, print, show } from "./terminal.js";
import { halvesInTurn, type Order, permutationOfAll, smallBuffer } from "./three-orders.js";

const batchSize = 64;
const samplesPerClass = 400;
const testsPerPass = 4;
const orders: { name: string; colour: PlotLine["colour"]; order: Order }[] = [
  { name: "Spillway's order", colour: "a", order: permutationOfAll },
  { name: "halves in turn", colour: "b", order: halvesInTurn },
  { name: "buffer of 10 %", colour: "c", order: smallBuffer },
];

/** What one run of one order came to. */
interface Run {
  /** Test accuracy before training, and then four times a pass. */
  accuracies: number[];
  /** Different classes in a batch, on average. */
  classesPerBatch: number;
}

await runExample(async (signal) => {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "5" },
      passes: { type: "string", default: "8" },
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
  const runs = new Map(orders.map(({ name }) => [name, [] as Run[]]));
  for (let seed = 1; seed <= seedCount; seed += 1) {
    for (const [at, { name, order }] of orders.entries()) {
      const run = await trainOnce({ tf, train, test, order, seed, passCount, signal }, (share) => {
        const done = ((seed - 1) * orders.length + at + share) / (seedCount * orders.length);
        show(
          () => [`  ${bar(done, 30)}  seed ${seed} of ${seedCount}: ${name}`],
          () => `  ${percent(done)}: seed ${seed} of ${seedCount}, ${name}`,
        );
      });
      runs.get(name)!.push(run);
    }
  }
  await Promise.all([train.dataset.close(), test.dataset.close()]);
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
async function packSorted(path: string, perClass: number, seed: number, signal: AbortSignal): Promise<View> {
  const label = classes(Array.from({ length: classCount }, (_, number) => `class ${number}`));
  const fields = { features: tensor("float32", [featureCount]), label };
  await pack(samplesByClass(perClass, seed), path, { fields, layout: "source", signal });
  return (await open(path, { memory: "32 MiB" })).view();
}

interface RunRequest {
  tf: TensorFlow;
  train: View;
  test: View;
  order: Order;
  seed: number;
  passCount: number;
  signal: AbortSignal;
}

async function trainOnce(request: RunRequest, onProgress: (share: number) => void): Promise<Run> {
  const { tf, train, test, order, seed, passCount, signal } = request;
  const model = createModel(tf, seed);
  const accuracies: number[] = [];
  const runTest = async () => {
    const score = await evaluate(model, test, { x: "features", y: "label", batchSize: 500, signal });
    accuracies.push(score.accuracy!);
  };
  await runTest();
  let [seen, batches, classesSeen] = [0, 0, 0];
  for (let pass = 0; pass < passCount; pass += 1) {
    for await (const { x, y } of order({ tf, view: train, batchSize, seed: seed * 1000 + pass })) {
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
function createModel(tf: TensorFlow, seed: number) {
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
    optimizer: tf.train.momentum(0.03, 0.9),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function printTable(runs: ReadonlyMap<string, readonly Run[]>): void {
  print(dim("  order               test accuracy    over the seeds       classes in a batch"));
  for (const [name, ofOrder] of runs) {
    const last = ofOrder.map(({ accuracies }) => accuracies.at(-1)!);
    const range = `${percent(Math.min(...last))} to ${percent(Math.max(...last))}`;
    const variety = `${mean(ofOrder.map(({ classesPerBatch }) => classesPerBatch)).toFixed(1)} of ${classCount}`;
    print(
      `  ${name.padEnd(20)}${bold(percent(mean(last)).padStart(8))}         ${range.padEnd(20)} ${variety}`,
    );
  }
  print("", dim("  With a learning rate that falls towards the end the gap is smaller, and stays."), "");
}

function writePlot(
  runs: ReadonlyMap<string, readonly Run[]>,
  options: { passCount: number; seedCount: number; sampleCount: number; out: string | undefined },
): string {
  const { passCount, seedCount, sampleCount, out } = options;
  const lines = orders.map(({ name, colour }): PlotLine => {
    const ofOrder = runs.get(name)!;
    const points = ofOrder[0]!.accuracies.map((_, at) => {
      const values = ofOrder.map(({ accuracies }) => accuracies[at]!);
      return { mean: mean(values), low: Math.min(...values), high: Math.max(...values) };
    });
    return { name, colour, points };
  });
  const path = resolve(out ?? join(fs.mkdtempSync(join(tmpdir(), "spillway-plot-")), "order-matters.svg"));
  const text = drawOrderPlot(lines, {
    title: "The same samples, the same network, three orders",
    subtitle:
      `Test accuracy. ${count(sampleCount)} simulated samples, stored class after class; ` +
      `mean of ${seedCount} seeds, band: lowest to highest.`,
    passes: Array.from({ length: passCount * testsPerPass + 1 }, (_, at) => at / testsPerPass),
  });
  fs.writeFileSync(path, text);
  return path;
}

// The main job, as `npm start` runs it: simulated recordings of body sensors, one file per recording as labs have them, are
// packed, split, and train a classifier out of a tenth of their size in memory. Everything lies in a temporary folder.
//
//   npm start                          400 MiB of recordings
//   npm start -- --size 2GB --keep     more of them, and keep them

import fs from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Dataset, open, pack, type View } from "spillway";
import { type EpochReport, fit, type TensorFlow, useWasm } from "spillway/tfjs";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { type GestureOptions, readOptions, requireSpace } from "./gestures-options.js";
import { type MemoryPeaks, memoryBars, watchMemory } from "./memory-display.js";
import { createNpyWriter } from "./npy-file.js";
import { channelCount, createGestures, gestureNames, stepCount } from "./simulated-gestures.js";
import {
  bar,
  bold,
  bytes,
  count,
  cyan,
  dim,
  duration,
  green,
  percent,
  print,
  show,
  startProgress,
  yellow,
} from "./terminal.js";

const sampleBytes = stepCount * channelCount * 8;
const seed = 7;
const batchSize = 64;

await runExample(async (signal) => {
  const options = readOptions();
  if (!options) return;
  requireSpace(options.sizeBytes);
  const tf = await useWasm();
  const bareBytes = process.memoryUsage.rss();
  const folder = createTemporaryFolder("spillway-gestures", { keep: options.keep });
  const recordings = join(folder.path, "recordings");
  const packed = join(folder.path, "gestures");
  const recordingCount = Math.floor(options.sizeBytes / sampleBytes);
  introduce(recordingCount, folder.path, options.keep);
  await makeRecordings(recordings, recordingCount, signal);
  await packRecordings(recordings, packed, options.memoryBytes, signal);

  const dataset = await open(packed, { memory: options.memoryBytes });
  try {
    const peaks = watchMemory(dataset, recordingCount * sampleBytes, bareBytes);
    const [train, val] = await splitRecordings(dataset);
    const reports = await trainNetwork(tf, train, val, { ...options, signal, peaks });
    sumUp(reports, peaks);
    if (options.keep) print(`  Kept: ${folder.path}`, "");
  } finally {
    await dataset.close();
  }
});

function introduce(recordingCount: number, folder: string, isKept: boolean): void {
  print(
    "",
    bold("  Spillway: train from more data than memory"),
    "",
    `  ${count(recordingCount)} ${yellow("simulated")} recordings of five arm gestures: ${gestureNames.join(", ")}.`,
    `  Each has ${stepCount} steps of 8 body sensors (3 acceleration, 3 rotation, 2 muscle) as 64-bit`,
    "  floats, in a file of its own. No person was recorded.",
    "",
    `  Folder: ${folder}  ${dim(isKept ? "(kept, as you asked)" : "(removed at the end; --keep keeps it)")}`,
    "",
  );
}

/** One .npy file per recording, in a sub-folder per gesture. */
async function makeRecordings(folder: string, recordingCount: number, signal: AbortSignal): Promise<void> {
  for (const gesture of gestureNames) fs.mkdirSync(join(folder, gesture), { recursive: true });
  const simulate = createGestures(seed);
  const file = createNpyWriter([stepCount, channelCount]);
  const progress = startProgress(bold("1 Record"), recordingCount, "files");
  for (let index = 0; index < recordingCount; index += 1) {
    simulate(index, file.values);
    const gesture = gestureNames[index % gestureNames.length]!;
    file.write(join(folder, gesture, `${gesture}-${String(index).padStart(6, "0")}.npy`));
    progress.advance(index + 1, (index + 1) * sampleBytes);
    if (index % 64 !== 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
  progress.end();
}

async function packRecordings(
  recordings: string,
  packed: string,
  memory: number,
  signal: AbortSignal,
): Promise<void> {
  let progress: ReturnType<typeof startProgress> | undefined;
  await pack(recordings, packed, {
    memory,
    signal,
    onProgress({ samples, total, bytes }) {
      progress ??= startProgress(bold("2 Pack  "), total ?? 0, "recordings");
      progress.advance(samples, bytes);
    },
  });
  progress?.end();
}

async function splitRecordings(dataset: Dataset): Promise<[train: View, val: View]> {
  await dataset.split({ train: 0.8, val: 0.2 }, { seed });
  const [train, val] = [dataset.view({ split: "train" }), dataset.view({ split: "val" })];
  print(
    `${bold("3 Split ")}  ${count(train.size)} recordings to train on, ${count(val.size)} others for validation`,
  );
  return [train, val];
}

interface Training extends GestureOptions {
  signal: AbortSignal;
  peaks: MemoryPeaks;
}

async function trainNetwork(
  tf: TensorFlow,
  train: View,
  val: View,
  training: Training,
): Promise<EpochReport[]> {
  const { epochs, signal, peaks } = training;
  const initial = (number: number) => tf.initializers.glorotUniform({ seed: number });
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [stepCount, channelCount] }),
      tf.layers.dense({ units: 32, activation: "relu", kernelInitializer: initial(1) }),
      tf.layers.dense({ units: gestureNames.length, activation: "softmax", kernelInitializer: initial(2) }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.001),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  print(
    `${bold("4 Train ")}  a dense network of ${count(model.countParams())} weights, with TensorFlow.js`,
    "",
    dim("         epoch      loss   training accuracy   validation accuracy   samples/s"),
  );
  let validationAccuracy: number | undefined;
  return fit(model, train, {
    x: "data",
    y: "label",
    batchSize,
    seed,
    epochs,
    signal,
    validation: val,
    onBatch({ epoch, index, batchCount, loss, samplesPerSecond }) {
      const done = (index + 1) / batchCount;
      const head = `epoch ${epoch + 1} of ${epochs}`;
      const speed = `${count(samplesPerSecond)} samples/s`;
      const left = `about ${duration(((epochs - epoch - done) * train.size) / samplesPerSecond)} left`;
      const state = `loss ${loss.toFixed(3)}, validation accuracy ${validationAccuracy === undefined ? "after this epoch" : percent(validationAccuracy)}`;
      show(
        () => [`  ${head}  ${bar(done, 24)}  ${speed}, ${left}`, `  ${state}`, "", ...memoryBars(peaks)],
        () =>
          `  ${head}, ${percent(done)}: ${state}, ${speed}, ${left}; memory: Spillway ${bytes(peaks.heldBytes)}, ` +
          `whole process ${bytes(peaks.processBytes)}, data ${bytes(peaks.dataBytes)}`,
      );
    },
    onEpoch({ epoch, loss, accuracy, validation, samplesPerSecond }) {
      validationAccuracy = validation?.accuracy;
      const cells = [
        `${epoch + 1} of ${epochs}`,
        loss.toFixed(3),
        percent(accuracy),
        percent(validationAccuracy),
        count(samplesPerSecond),
      ];
      print(cells.map((cell, at) => cell.padStart([14, 10, 20, 22, 12][at]!)).join(""));
    },
  });
}

function sumUp(reports: readonly EpochReport[], peaks: MemoryPeaks): void {
  const samples = reports.reduce((sum, report) => sum + report.samples, 0);
  const seconds = reports.reduce((sum, report) => sum + report.seconds, 0);
  const code = [
    'import { open } from "spillway";',
    'const data = await open("my-data", { memory: "512 MiB" });',
    'for await (const batch of data.view({ split: "train" }).batches({ batchSize: 64, seed: 7, epochs: 10 })) {',
    "  console.log(batch.ids, batch.fields.data.data);   // which samples, and their numbers: train on them",
    "}",
    "await data.close();",
  ];
  print(
    "",
    ...memoryBars(peaks),
    dim("  The whole process: Node.js, TensorFlow.js, the packer and the training, as the system counts it."),
    "",
    `  ${green("Done.")} The network names the gesture in ${bold(percent(reports.at(-1)!.validation!.accuracy))} of the recordings that it was not trained on`,
    `  (by chance: 20 %). It was shown ${count(samples)} samples in ${duration(seconds)}, ${count(samples / seconds)} a second, each epoch a new`,
    `  random order of all of them, out of ${bytes(peaks.heldBytes)} of memory for ${bytes(peaks.dataBytes)} of data.`,
    "",
    bold("  The same with your own folder, a sub-folder per class:"),
    "",
    "    npx spillway pack <folder> my-data",
    "    npx spillway split my-data train=0.8 val=0.2",
    "",
    ...code.map((line) => `    ${cyan(line)}`),
    "",
  );
}

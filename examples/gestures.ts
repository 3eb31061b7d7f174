// The main job, as `npm start` runs it: simulated recordings of body sensors, one file per recording as labs have them, are
// packed, split, and train two networks at once out of a tenth of their size in memory. Everything lies in a temporary folder.
//
//   npm start                          400 MiB of recordings
//   npm start -- --size 2GB --keep     more of them, and keep them

import fs from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Dataset, type FeedStats, open, pack, type View } from "spillway";
import { createTemporaryFolder, runExample } from "./example-run.js";
import { networks as gestureNetworks } from "./gesture-networks.js";
import { type GestureOptions, readOptions, requireSpace } from "./gestures-options.js";
import { type MemoryPeaks, memoryBars, watchMemory } from "./memory-display.js";
import { type Progress, trainTogether } from "./networks-in-threads.js";
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

await runExample(async (signal) => {
  const options = readOptions();
  if (!options) return;
  requireSpace(options.sizeBytes);
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
    sumUp(await trainNetworks([train, val], { ...options, signal, peaks }), peaks);
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
    `  Each has ${stepCount} steps of 8 body sensors (3 acceleration, 3 rotation, 2 muscle) as 64-bit floats, in a file of its own. No person was recorded.`,
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

/** Two networks at once, each in a thread of its own: samples are read once for both. */
async function trainNetworks(views: [train: View, val: View], training: Training): Promise<Trained> {
  const { epochs, signal, peaks } = training;
  let learning: readonly Progress[] = [];
  let stats: FeedStats | undefined;
  const startMs = performance.now();
  const networks = await trainTogether(gestureNetworks, views, {
    seed,
    epochs,
    signal,
    onReady(all) {
      learning = all;
      print(`${bold("4 Train ")}  two convolutional networks at once, from one reading, with TensorFlow.js`);
      for (const { plan, weights } of all)
        print(`         ${plan.name}  ${plan.about}, ${count(weights)} weights`);
      print("", dim(tableRow(["", "epoch", "loss", "accuracy in training", "in validation", "samples/s"])));
    },
    onFeed(now) {
      stats = now;
    },
    onProgress() {
      const lines = learning.map((network) => progressLine(network, epochs));
      show(
        () => [...lines.map((line) => `  ${line}`), "", ...memoryBars(peaks)],
        () =>
          `  ${lines.join("; ")}; memory: Spillway ${bytes(peaks.heldBytes)}, ` +
          `whole process ${bytes(peaks.processBytes)}, data ${bytes(peaks.dataBytes)}`,
      );
    },
    onEpoch({ plan }, { epoch, loss, accuracy, validation, samplesPerSecond }) {
      const cells = [
        plan.name,
        `${epoch + 1} of ${epochs}`,
        loss.toFixed(3),
        percent(accuracy),
        percent(validation?.accuracy),
        count(samplesPerSecond),
      ];
      print(tableRow(cells));
    },
  });
  return { networks, stats, seconds: (performance.now() - startMs) / 1000 };
}

interface Trained {
  networks: readonly Progress[];
  /** As they were when the feed was last looked at. */
  stats: FeedStats | undefined;
  seconds: number;
}

function tableRow(cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padStart([14, 9, 7, 22, 15, 11][at]!)).join("");
}

function progressLine({ plan, last }: Progress, epochs: number): string {
  if (!last) return `${plan.name}  ${bar(0, 20)}  waits for its first batch`;
  const { epoch, index, batchCount, loss, samplesPerSecond } = last;
  const done = (epoch + (index + 1) / batchCount) / epochs;
  return `${plan.name}  ${bar(done, 20)}  epoch ${epoch + 1} of ${epochs}, loss ${loss.toFixed(3)}, ${count(samplesPerSecond)} samples/s`;
}

function sumUp({ networks, stats, seconds }: Trained, peaks: MemoryPeaks): void {
  const samples = networks.flatMap(({ epochs }) => epochs).reduce((sum, report) => sum + report.samples, 0);
  const scores = networks.map(({ epochs }) => percent(epochs.at(-1)?.validation?.accuracy));
  const code = [
    'import { open } from "spillway";',
    'const data = await open("my-data", { memory: "512 MiB" });',
    'const train = data.view({ split: "train" });',
    "for await (const batch of train.batches({ batchSize: 64, epochs: 10 })) {",
    "  // Which samples, and their numbers: train on them.",
    "  console.log(batch.ids, batch.fields.data.data);",
    "}",
    "await data.close();",
  ];
  print(
    "",
    ...memoryBars(peaks),
    dim(
      "  The whole process: Node.js, TensorFlow.js twice, the packer and both trainings, as the system counts it.",
    ),
    "",
    `  ${green("Done.")} The networks name the gesture in ${bold(scores.join(" and "))} of the recordings that they were not ` +
      `trained on (by chance: 20 %). They were shown ${count(samples)} samples in ${duration(seconds)}; ${count(stats?.readers?.samples ?? 0)} were read, ` +
      `for both of them, in a new random order of all each epoch, out of ${bytes(peaks.heldBytes)} of memory for ${bytes(peaks.dataBytes)} of data.`,
    ...(stats ? [dim(`  How the time went: ${stats.bottleneck}.`)] : []),
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

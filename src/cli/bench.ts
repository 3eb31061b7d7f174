// spillway bench: how fast a dataset is read and augmented on this machine, beside what its disk or memory can do in the
// same minute. Nothing is written but the measurement of the disk, into the user's cache folder.

import type { Command } from "commander";
import { parseAugmentations } from "../augment/parse.js";
import { describeImageSpeed, measureImages } from "../dataset/image-speed.js";
import { measureDevice } from "../dataset/measure-device.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import type { KeptMeasurement } from "../store/device-cache.js";
import { compareFeed, measureLoop } from "./bench-loop.js";
import { type BenchReport, describeBench } from "./bench-table.js";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { parseWhole, print, printJson } from "./output.js";
import { createProgress } from "./progress.js";

interface BenchFlags extends CommonOptions {
  split?: string;
  batchSize: number;
  memory?: string;
  augment?: string;
  readers?: number;
  seconds: number;
  source?: string;
}

export function addBench(program: Command): void {
  addCommand(program, {
    usage: "bench <dataset>",
    summary: "Measure how fast a dataset is read here, beside what the disk or memory can do.",
    args: { dataset: "folder of a packed or indexed dataset; it is only read" },
    examples: [
      ["spillway bench gestures", ""],
      [
        "spillway bench gestures --split train --augment jitter:sigma=0.03",
        "with transforms, and what they cost",
      ],
    ],
  })
    .option("--split <name>", "only this split (default: all samples)")
    .option("--batch-size <n>", "samples of a batch", parseWhole("--batch-size", 1, 1_000_000), 64)
    .option("--memory <size>", "memory of the dataset (default: a quarter of what is free)")
    .option("--augment <transforms>", "transforms of the samples, written as for spillway show")
    .option("--readers <n>", "reader threads (default: as many as pay)", parseWhole("--readers", 1, 256))
    .option("--seconds <n>", "most seconds for each loop", parseWhole("--seconds", 1, 86_400), 5)
    .option(...sourceFolder)
    .action(runBench);
}

async function runBench(path: string, flags: BenchFlags): Promise<void> {
  const { split, batchSize, memory, augment, readers, seconds, source } = flags;
  const options = {
    batchSize,
    ...(readers !== undefined && { readers }),
    ...(augment !== undefined && { augment: parseAugmentations(augment) }),
  };
  const dataset = await open(path, {
    ...(memory !== undefined && { memory }),
    ...(source !== undefined && { source }),
  });
  const progress = createProgress();
  try {
    const view = dataset.view(split === undefined ? {} : { split });
    const device = await tryDevice(path);
    const limitMs = seconds * 1000;
    const loop = await measureLoop(dataset, view, options, limitMs, (samples) =>
      progress.update({ label: "Reading", samples, total: view.size, bytes: 0 }),
    );
    const { reading } = await dataset.stats();
    const again = loop.isWhole
      ? await measureLoop(dataset, view, { ...options, seed: 1 }, limitMs, () => {})
      : undefined;
    const two = await compareFeed(view, options, limitMs);
    const images = await measureImages(dataset.path, dataset.manifest);
    progress.end();
    const report: BenchReport = {
      path: dataset.path,
      samples: view.size,
      batchSize,
      ...device,
      loop,
      again,
      reading,
      two,
      images: images.map((image) => ({ ...image, sentence: describeImageSpeed(image) })),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
    if (flags.json) printJson(report);
    else print(describeBench(report, process.stdout.columns).join("\n"));
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** The device's figures, or why there are none: shards that are too small to measure by are no reason to stop. */
async function tryDevice(
  path: string,
): Promise<{ device: KeptMeasurement["profile"] | undefined; deviceNotes: string[] }> {
  try {
    const { profile, notes } = await measureDevice(path, { maxDepth: 32 });
    return { device: profile, deviceNotes: notes };
  } catch (thrown) {
    if (!(thrown instanceof SpillwayError) || thrown.code !== "usage") throw thrown;
    return { device: undefined, deviceNotes: [`The device was not measured: ${thrown.what}.`] };
  }
}

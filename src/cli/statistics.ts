// spillway statistics: figures about the values of a training split, kept with its scheme: what normalisation goes by.

import type { Command } from "commander";
import { defaultScheme } from "../catalog/scheme.js";
import type { SetStatistics } from "../catalog/statistics.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { channelAxisOption } from "./channel-axis.js";
import { addCommand, type CommonOptions, inFolder, sourceFolder } from "./command.js";
import { formatCount, formatNumber, formatTable, parseWhole, print, printJson } from "./output.js";
import { createProgress } from "./progress.js";

interface StatisticsFlags extends CommonOptions {
  split: string;
  scheme: string;
  fold?: number;
  channelAxis?: Record<string, number | null>;
  memory?: string;
  in?: string;
  source?: string;
}

/** Channels that are listed; --json has all. */
const maxChannels = 16;

export function addStatistics(program: Command): void {
  addCommand(program, {
    usage: "statistics <dataset>",
    summary: "Measure mean, deviation and range of the training split, and keep them for normalisation.",
    args: { dataset: "folder of a packed or indexed dataset; its samples are only read" },
    examples: [
      ["spillway statistics gestures", 'then: batches({ normalize: "standard" })'],
      ["spillway statistics gestures --scheme folds", "for the training split of each fold"],
      ["spillway statistics gestures --in my-splits", "of a scheme that is kept there"],
    ],
  })
    .option("--split <name>", "split that is measured", "train")
    .option("--scheme <name>", "scheme of the split", defaultScheme)
    .option("--fold <number>", "only for this fold (default: each of them)", parseWhole("--fold", 0, 999))
    .addOption(channelAxisOption())
    .option("--memory <size>", "memory for reading", "256 MiB")
    .option(...inFolder)
    .option(...sourceFolder)
    .action(runStatistics);
}

async function runStatistics(path: string, flags: StatisticsFlags): Promise<void> {
  const { split, scheme, memory, channelAxis } = flags;
  const dataset = await open(path, {
    ...(memory !== undefined && { memory }),
    ...(flags.in !== undefined && { side: flags.in }),
    ...(flags.source !== undefined && { source: flags.source }),
  });
  const progress = createProgress();
  try {
    const found: SetStatistics[] = [];
    for (const fold of foldsOf(dataset, flags)) {
      const label = fold === undefined ? "Measuring" : `Measuring fold ${fold}`;
      const measured = await dataset.measureStatistics({
        split,
        scheme,
        ...(fold !== undefined && { fold }),
        ...(channelAxis && { channelAxis }),
        onProgress: (samples, total) => progress.update({ label, samples, total, bytes: 0 }),
      });
      found.push(measured);
    }
    progress.end();
    if (flags.json) printJson({ path: dataset.path, scheme, statistics: found });
    else print(found.flatMap((each) => describeStatistics(scheme, each)).join("\n"));
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** Folds to measure; undefined stands for a split that does not depend on them. */
function foldsOf(dataset: Dataset, { split, scheme, fold }: StatisticsFlags): (number | undefined)[] {
  if (fold !== undefined) return [fold];
  const { splits, folds } = dataset.scheme(scheme);
  if (folds.length === 0 || Object.hasOwn(splits, split)) return [undefined];
  return folds.map((_, number) => number);
}

/** Statistics in lines: a table of channels for each field. */
export function describeStatistics(
  scheme: string,
  { split, fold, samples, fields }: SetStatistics,
): string[] {
  const which = `split "${split}"${fold === undefined ? "" : `, fold ${fold}`}, scheme "${scheme}"`;
  const lines = Object.entries(fields).flatMap(([name, { channels }]) => {
    const rows = channels
      .slice(0, maxChannels)
      .map(({ mean, std, min, max, nonFinite }, channel) => [
        channels.length === 1 ? "all" : String(channel),
        ...[mean, std, min, max].map(formatNumber),
        nonFinite === 0 ? "" : formatCount(nonFinite),
      ]);
    const hasHoles = channels.some(({ nonFinite }) => nonFinite > 0);
    const head = ["channel", "mean", "std", "min", "max", hasHoles ? "NaN, Inf" : ""];
    const more = channels.length - maxChannels;
    return [
      `  ${name}:`,
      ...formatTable(
        [head, ...rows],
        head.map(() => "right" as const),
        "    ",
      ),
      ...(more > 0 ? [`    (and ${formatCount(more)} more channels: --json)`] : []),
    ];
  });
  return [`statistics of ${which}, ${formatCount(samples)} samples:`, ...lines];
}

// spillway split: shares the samples out at random and stores that as a scheme of the dataset. No sample is moved.

import type { Command } from "commander";
import { defaultScheme, listSchemes, readScheme, type Scheme } from "../catalog/scheme.js";
import { open } from "../dataset/dataset.js";
import { SpillwayError } from "../errors.js";
import { addCommand, type CommonOptions } from "./command.js";
import { formatCount, formatShare, formatTable, parseWhole, print, printJson, say } from "./output.js";

interface SplitFlags extends CommonOptions {
  seed: number;
  scheme: string;
}

export function addSplit(program: Command): void {
  addCommand(program, {
    usage: "split <dataset> <shares...>",
    summary: "Share the samples of a dataset out into splits, at random and for good.",
    args: {
      dataset: "folder of a packed dataset",
      shares: "names with their parts of 1: train=0.8 val=0.1 test=0.1",
    },
    examples: [
      ["spillway split gestures train=0.8 val=0.1 test=0.1", ""],
      [
        "spillway split gestures try=0.05 --scheme small --seed 3",
        "a second scheme: a twentieth of the samples, the rest in no split",
      ],
    ],
  })
    .option(
      "--seed <number>",
      "decides who is in which split",
      parseWhole("--seed", 0, Number.MAX_SAFE_INTEGER),
      0,
    )
    .option("--scheme <name>", "name of the scheme; one of that name is replaced", defaultScheme)
    .action(runSplit);
}

async function runSplit(path: string, shareArguments: readonly string[], flags: SplitFlags): Promise<void> {
  const shares = parseShares(shareArguments);
  const dataset = await open(path, { memory: "16 MiB" });
  let before: Scheme | undefined;
  let scheme: Scheme;
  try {
    const { seed, scheme: name } = flags;
    before = listSchemes(dataset.path).includes(name) ? readBefore(dataset.path, name) : undefined;
    scheme = dataset.split(shares, { seed, scheme: name });
  } finally {
    await dataset.close();
  }
  const changed = before === undefined ? [] : changedSplits(before, scheme);
  if (flags.json) {
    printJson({ path: dataset.path, ...scheme, replaced: before !== undefined, changed });
    return;
  }
  print(describeScheme(scheme, dataset.size).join("\n"));
  if (before === undefined) return;
  if (changed.length === 0) say(`Scheme "${scheme.scheme}" was there already, and is the same as before.`);
  else {
    say(
      `This replaced a scheme of the name "${scheme.scheme}": ${changed.join(", ")} ${changed.length === 1 ? "holds" : "hold"} other samples now. ` +
        "Resume tokens of runs over them no longer fit, and what was learnt from one split may now be in another.",
    );
  }
}

/** The scheme that will be replaced; a damaged one is none. */
function readBefore(folder: string, name: string): Scheme | undefined {
  try {
    return readScheme(folder, name);
  } catch (error) {
    if (error instanceof SpillwayError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** Names of the splits that are new, gone, or hold other samples. */
function changedSplits(before: Scheme, after: Scheme): string[] {
  const names = new Set([...Object.keys(before.splits), ...Object.keys(after.splits)]);
  return [...names].filter((name) => before.splits[name]?.hash !== after.splits[name]?.hash);
}

/** A scheme in lines: its name, then each split with its count and share. */
export function describeScheme(scheme: Scheme, size: number): string[] {
  const rows = Object.entries(scheme.splits).map(([name, { count }]) => [
    name,
    formatCount(count),
    formatShare(count, size),
  ]);
  const left = size - Object.values(scheme.splits).reduce((sum, { count }) => sum + count, 0);
  if (left > 0) rows.push(["(in none)", formatCount(left), formatShare(left, size)]);
  return [
    `splits of scheme "${scheme.scheme}" (random, seed ${scheme.seed}):`,
    ...formatTable(rows, ["left", "right", "right"]),
  ];
}

/** @throws SpillwayError `usage` for what is not NAME=SHARE, or named twice */
function parseShares(shareArguments: readonly string[]): Record<string, number> {
  const shares = new Map<string, number>();
  for (const text of shareArguments) {
    const match = /^([^=]+)=(\d*\.?\d+)(%?)$/.exec(text);
    if (!match) {
      throw new SpillwayError("usage", `"${text}" is no share`, {
        remedy: "Write a name and a part of 1: train=0.8.",
      });
    }
    const [, name, number, percent] = match as unknown as [string, string, string, string];
    if (shares.has(name))
      throw new SpillwayError("usage", `split "${name}" is named twice`, { remedy: "Name each split once." });
    shares.set(name, percent === "%" ? Number(number) / 100 : Number(number));
  }
  return Object.fromEntries(shares);
}

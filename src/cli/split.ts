// spillway split: shares the samples out and stores that as a scheme, then says what came of it: counts, class shares,
// and what splits share. --check says it again of a scheme that is there. No sample is moved.

import type { Command } from "commander";
import { defaultScheme, listSchemes, partsOf, readScheme, type Scheme } from "../catalog/scheme.js";
import type { SplitBy } from "../catalog/split-rule.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import { addCommand, type CommonOptions, inFolder } from "./command.js";
import { formatCount, parseWhole, print, printJson, say } from "./output.js";
import { createProgress } from "./progress.js";
import { describeReport, describeScheme } from "./split-report.js";

interface SplitFlags extends CommonOptions {
  seed?: number;
  scheme: string;
  stratify?: string[];
  group?: string;
  folds?: number;
  by?: string;
  from?: string;
  allowUnmatched?: boolean;
  in?: string;
  check?: boolean;
  extend?: boolean;
  dryRun?: boolean;
}

/** Shorter work has no progress line. */
const quietMs = 1000;

export function addSplit(program: Command): void {
  addCommand(program, {
    usage: "split <dataset> [shares...]",
    summary: "Share the samples of a dataset out into splits, for good, and look for what splits share.",
    args: {
      dataset: "folder of a packed dataset",
      shares:
        "names with their parts of 1, or with counts: train=0.8 val=0.1 test=0.1, or train=1000 val=200",
    },
    examples: [
      ["spillway split gestures train=0.8 val=0.1 test=0.1", ""],
      [
        "spillway split gestures train=0.8 val=0.2 --stratify label --group subject",
        "the same share of each class, and no subject in two splits",
      ],
      [
        "spillway split gestures test=0.2 --folds 5 --stratify label --scheme folds",
        "a fifth held out, the rest in five folds",
      ],
      ["spillway split gestures --by part", "a column that says the split"],
      ["spillway split gestures --from splits.csv", "a table with the columns id,split or path,split"],
      ["spillway split gestures --check --group subject", "look at the splits that are there"],
      ["spillway split gestures --extend", "share out samples that were added and are in no split yet"],
      [
        "spillway split gestures try=0.05 --scheme small --seed 3",
        "a second scheme: a twentieth of the samples, the rest in no split",
      ],
    ],
  })
    .option(
      "--stratify <columns>",
      "same share of each class in every split: label, or label,sex",
      parseColumns,
    )
    .option("--group <column>", "samples with the same value stay together in one split")
    .option("--folds <number>", "cut what no split holds into so many folds", parseWhole("--folds", 2, 1000))
    .option("--by <column>", "the column says the split")
    .option("--from <file>", "the file says it: a table with id,split or path,split")
    .option("--allow-unmatched", "with --from: leave out names that are no samples")
    .option(
      "--seed <number>",
      "decides who is in which split (default: 0)",
      parseWhole("--seed", 0, Number.MAX_SAFE_INTEGER),
    )
    .option("--scheme <name>", "name of the scheme; one of that name is replaced", defaultScheme)
    .option(...inFolder)
    .option("--check", "look at a scheme that is there, and change nothing")
    .option("--extend", "share out, by a scheme's own rule, samples that it does not cover yet")
    .option("--dry-run", "say what would come of it, and store nothing")
    .action(runSplit);
}

async function runSplit(path: string, shareArguments: readonly string[], flags: SplitFlags): Promise<void> {
  const what = flags.check || flags.extend ? undefined : parseWhat(shareArguments, flags);
  if (what === undefined) requireNoRule(shareArguments, flags);
  const dataset = await open(path, { memory: "16 MiB", ...(flags.in !== undefined && { side: flags.in }) });
  const progress = createProgress();
  const start = performance.now();
  const onProgress = (samples: number, total: number) => {
    if (performance.now() - start > quietMs)
      progress.update({ label: "Reading the catalog", samples, total, bytes: 0 });
  };
  try {
    if (flags.extend) await extend(dataset, flags, onProgress);
    else if (what === undefined) await check(dataset, flags, onProgress);
    else await makeSplits(dataset, what, flags, onProgress);
  } finally {
    progress.end();
    await dataset.close();
  }
}

type OnProgress = (rows: number, total: number) => void;

async function check(dataset: Dataset, flags: SplitFlags, onProgress: OnProgress): Promise<void> {
  const { scheme: name, group } = flags;
  const found = await dataset.checkSplits({
    scheme: name,
    onProgress,
    ...(group !== undefined && { group }),
  });
  const { scheme, report, movedSamples } = found;
  if (flags.json) {
    printJson({ path: dataset.path, ...scheme, report, movedSamples });
    return;
  }
  print([...describeScheme(scheme, dataset.size), ...describeReport(report)].join("\n"));
  if (movedSamples === 0) print("its definition still gives the same splits");
  else
    print(
      `warning: made again from its definition, ${formatCount(movedSamples)} samples would be in another split: what it goes by has changed since`,
    );
}

async function extend(dataset: Dataset, flags: SplitFlags, onProgress: OnProgress): Promise<void> {
  const { scheme, report, added } = await dataset.extendSplits({ scheme: flags.scheme, onProgress });
  if (flags.json) {
    printJson({ path: dataset.path, ...scheme, report, added });
    return;
  }
  print([...describeScheme(scheme, dataset.size), ...describeReport(report)].join("\n"));
  const samples = `${formatCount(added)} ${added === 1 ? "sample" : "samples"}`;
  print(added === 0 ? "it covered all samples already" : `${samples} that it did not cover were shared out`);
}

async function makeSplits(
  dataset: Dataset,
  what: SplitBy,
  flags: SplitFlags,
  onProgress: OnProgress,
): Promise<void> {
  const { seed = 0, scheme: name, stratify, group, folds, dryRun = false } = flags;
  const before = readBefore(dataset, name);
  const { scheme, report } = await dataset.split(what, {
    seed,
    scheme: name,
    stratify,
    group,
    folds,
    dryRun,
    onProgress,
  });
  const changed = before === undefined ? [] : changedSplits(before, scheme);
  if (flags.json) {
    printJson({
      path: dataset.path,
      ...scheme,
      stored: !dryRun,
      replaced: before !== undefined,
      changed,
      report,
    });
    return;
  }
  print([...describeScheme(scheme, dataset.size), ...describeReport(report)].join("\n"));
  if (dryRun) say("Nothing was stored: this was a dry run.");
  if (before !== undefined) sayReplaced(name, changed, dryRun);
}

function sayReplaced(name: string, changed: readonly string[], isDryRun: boolean): void {
  if (changed.length === 0) {
    say(`Scheme "${name}" was there already, and is the same as before.`);
    return;
  }
  const verb = isDryRun ? "would replace" : "replaced";
  say(
    `This ${verb} a scheme of the name "${name}": ${changed.join(", ")} ${changed.length === 1 ? "holds" : "hold"} other samples now. ` +
      "Resume tokens of runs over them no longer fit, and what was learnt from one split may now be in another.",
  );
}

/** The scheme that will be replaced; a damaged one is none. */
function readBefore({ path, side }: Dataset, name: string): Scheme | undefined {
  const place = { folder: side ?? path };
  if (!listSchemes(place).includes(name)) return undefined;
  try {
    return readScheme(place, name);
  } catch (error) {
    if (error instanceof SpillwayError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** Names of the splits that are new, gone, or hold other samples. */
function changedSplits(before: Scheme, after: Scheme): string[] {
  const [old, now] = [before, after].map(
    (scheme) => new Map(partsOf(scheme).map(({ name, part }) => [name, part.hash])),
  );
  const names = new Set([...old!.keys(), ...now!.keys()]);
  return [...names].filter((name) => old!.get(name) !== now!.get(name));
}

/** @throws SpillwayError `usage` for flags that do not go together */
function parseWhat(shareArguments: readonly string[], flags: SplitFlags): SplitBy {
  const { by, from, allowUnmatched } = flags;
  const ways = [
    ...(shareArguments.length > 0 ? ["shares"] : []),
    ...(by === undefined ? [] : ["--by"]),
    ...(from === undefined ? [] : ["--from"]),
  ];
  if (ways.length > 1) {
    throw new SpillwayError("usage", `${ways.join(" and ")} do not go together`, {
      remedy: "Say in one way who is in which split.",
    });
  }
  if (allowUnmatched && from === undefined) {
    throw new SpillwayError("usage", "--allow-unmatched is of a file, and --from names none", {
      remedy: "Leave it out.",
    });
  }
  if (by !== undefined) return { by };
  if (from !== undefined) return { from, allowUnmatched: allowUnmatched === true };
  return parseShares(shareArguments);
}

/** @throws SpillwayError `usage` if anything is asked of a scheme that is there but what can be */
function requireNoRule(shareArguments: readonly string[], flags: SplitFlags): void {
  const { stratify, folds, by, from, seed, allowUnmatched, dryRun, check, extend, group } = flags;
  const way = extend ? "--extend" : "--check";
  const others = {
    stratify,
    folds,
    by,
    from,
    seed,
    "allow-unmatched": allowUnmatched,
    "dry-run": dryRun,
    ...(extend && { check, group }),
  };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other === undefined && shareArguments.length === 0) return;
  const what = other === undefined ? "shares" : `--${other}`;
  throw new SpillwayError("usage", `${what} and ${way} do not go together`, {
    remedy: extend ? "It takes --scheme and --in." : "A check takes --scheme, --group and --in.",
  });
}

/** @throws SpillwayError `usage` for what is not NAME=SHARE or NAME=COUNT, or named twice */
function parseShares(shareArguments: readonly string[]): Record<string, number> {
  const shares = new Map<string, number>();
  const kinds = new Set<string>();
  for (const text of shareArguments) {
    const match = /^([^=]+)=(\d*\.?\d+)(%?)$/.exec(text);
    if (!match) {
      throw new SpillwayError("usage", `"${text}" is no share`, {
        remedy: "Write a name and a part of 1: train=0.8, or a count: train=1000.",
      });
    }
    const [, name, number, percent] = match as unknown as [string, string, string, string];
    if (shares.has(name))
      throw new SpillwayError("usage", `split "${name}" is named twice`, { remedy: "Name each split once." });
    shares.set(name, percent === "%" ? Number(number) / 100 : Number(number));
    kinds.add(percent === "%" ? "percent" : Number(number) > 1 ? "count" : "share");
  }
  if (kinds.has("percent") && kinds.has("count")) {
    throw new SpillwayError("usage", "some splits are given in percent and some as counts", {
      remedy: "Give shares for all splits, or counts for all.",
    });
  }
  return Object.fromEntries(shares);
}

function parseColumns(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(",").map((name) => name.trim())];
}

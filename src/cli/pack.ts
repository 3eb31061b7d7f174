// spillway pack: raw data to a dataset. Says what was found, shows progress, sums up. Ctrl-C stops between two blocks
// and leaves what the next run goes on from.

import fs from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { SpillwayError } from "../errors.js";
import { manifestName } from "../format/manifest.js";
import type { PackOptions, PackProgress, PackResult } from "../pack/options.js";
import { formatBytes } from "../store/byte-size.js";
import { addCommand, type CommonOptions } from "./command.js";
import { exitCodes, Interrupted, reportFailure } from "./failure.js";
import { formatCount, formatRate, formatSeconds, parseWhole, print, printJson, say } from "./output.js";
import { createProgress, type Progress } from "./progress.js";

interface PackFlags extends CommonOptions {
  layout?: "shuffled" | "source";
  seed?: number;
  memory?: string;
  jobs?: number;
  shardSize?: string;
  kind?: string;
  classes?: string[];
  labelColumn?: string;
  labelKind?: "class" | "value";
  labels?: string;
  key?: string;
  size?: { width: number; height: number };
  channels?: "1" | "3";
}

export function addPack(program: Command): void {
  addCommand(program, {
    usage: "pack <source> <dataset>",
    summary: "Pack raw data into a dataset that trains from any amount of memory.",
    args: {
      source:
        "folder or file with your data: .npy or image files in one folder per class, IDX, one .npy or .csv table",
      dataset: "folder to be made; one with an unfinished pack of the same data is gone on with",
    },
    examples: [
      ["spillway pack recordings/ gestures", "a folder per class, a .npy file per sample"],
      ["spillway pack photos/ flowers --size 224x224", "images, resized and cut to one size"],
      ["spillway pack train-images-idx3-ubyte.gz fashion", "IDX; the labels lie beside it"],
      ["spillway pack table.csv patients --label-column diagnosis", "a row per sample"],
      ["spillway pack scans/ scans-packed --labels labels.csv", "labels and more columns by path"],
    ],
  })
    .addOption(
      new Option("--layout <layout>", "how samples lie on disk")
        .choices(["shuffled", "source"])
        .default("shuffled"),
    )
    .option(
      "--seed <number>",
      "seed of the shuffled layout (default: 0)",
      parseWhole("--seed", 0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      "--memory <size>",
      'memory for buffers, such as "256 MiB" (the default, or a quarter of what is free if that is less)',
    )
    .option("--jobs <number>", "samples read at the same time (default: 16)", parseWhole("--jobs", 1, 1024))
    .option("--shard-size <size>", "bytes of samples in a shard (default: 1 GiB)")
    .option(
      "--kind <kind>",
      "kind of the source, where it should not be guessed: npy-folder, image-folder, idx, npy, csv",
    )
    .option(
      "--classes <names>",
      "class names in the order of their numbers: walk,run,jump (default: found in the data, sorted)",
      parseNames,
    )
    .option(
      "--label-column <column>",
      "tables: name of the label column, or its number from 0, negative from the end",
    )
    .addOption(
      new Option("--label-kind <kind>", "tables: a class label, or a value to be predicted").choices([
        "class",
        "value",
      ]),
    )
    .option(
      "--labels <file>",
      "table (.csv, .tsv, .parquet) with a label per sample and perhaps more columns, which are kept; or, for IDX, the file of labels, where it is not named like that of the images",
    )
    .option(
      "--key <column>",
      "table of labels: its column of paths, or of numbers of samples (default: the first called path, file, filename, image, id, row)",
    )
    .option("--size <WxH>", "images: resize to this width and height in pixels", parseSize)
    .addOption(
      new Option("--channels <number>", "images: grey or colour (default: as in the first image)").choices([
        "1",
        "3",
      ]),
    )
    .action(runPack);
}

async function runPack(source: string, dataset: string, flags: PackFlags): Promise<void> {
  const progress = createProgress();
  const notes: string[] = [];
  const interrupt = listenForInterrupts(progress, dataset);
  const start = performance.now();
  let result: PackResult;
  progress.say(`Looking at ${source} ...`);
  try {
    const { pack } = await import("../pack/pack.js");
    result = await pack(source, dataset, {
      ...packOptions(flags),
      signal: interrupt.signal,
      onNote: (note) => {
        interrupt.begin();
        notes.push(note);
        progress.say(note);
      },
      onProgress: createReporter(progress),
    });
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason)
      throw stopped(dataset, interrupt.exitCode());
    throw error;
  } finally {
    progress.end();
    interrupt.end();
  }
  report(result, (performance.now() - start) / 1000, dataset, notes, flags.json === true);
}

/** The library's options of the flags. */
function packOptions(flags: PackFlags): PackOptions {
  const { json: _json, debug: _debug, channels, ...rest } = flags;
  return { ...rest, ...(channels === undefined ? {} : { channels: channels === "1" ? 1 : 3 }) };
}

/** Progress of one or two passes as lines of the progress display. */
function createReporter(progress: Progress): (state: PackProgress) => void {
  let hasRead = false;
  return ({ phase, samples, total, bytes }) => {
    hasRead ||= phase === "reading";
    const label =
      phase === "reading" ? "Reading (pass 1 of 2)" : hasRead ? "Writing (pass 2 of 2)" : "Packing";
    progress.update({ label, samples, total, bytes });
  };
}

interface Interrupt {
  signal: AbortSignal;
  /** From now on there is something to be left in order. */
  begin(): void;
  /** Exit code of the signal that came. */
  exitCode(): number;
  end(): void;
}

/**
 * Ctrl-C as an AbortSignal. While the source is still being looked at, nothing is written and the process ends at
 * once; so it does at the second Ctrl-C, which loses no commit either.
 */
function listenForInterrupts(progress: Progress, dataset: string): Interrupt {
  const controller = new AbortController();
  let hasBegun = false;
  let exitCode: number = exitCodes.interrupted;
  const stop = (signal: NodeJS.Signals) => {
    if (signal === "SIGTERM") exitCode = exitCodes.terminated;
    if (controller.signal.aborted) process.exit(exitCode);
    if (!hasBegun) process.exit(reportFailure(stopped(dataset, exitCode), process.argv));
    progress.say("Stopping after this block; press Ctrl-C again to stop at once.");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    begin() {
      hasBegun = true;
    },
    exitCode: () => exitCode,
    end() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** How things stand after Ctrl-C. */
function stopped(dataset: string, exitCode: number): Interrupted {
  const hasState = fs.existsSync(join(dataset, ".packing"));
  if (!hasState)
    return new Interrupted("Stopped; nothing was written", "Run the same command again to begin.", exitCode);
  const rows = committedRows(dataset);
  const what =
    rows === 0
      ? "Stopped before the first shard was complete"
      : `Stopped: ${formatCount(rows)} samples are in place`;
  return new Interrupted(what, "Run the same command again to go on.", exitCode);
}

function committedRows(dataset: string): number {
  try {
    const { rows } = JSON.parse(fs.readFileSync(join(dataset, manifestName), "utf8")) as { rows: number };
    return rows;
  } catch {
    return 0;
  }
}

function report(
  result: PackResult,
  seconds: number,
  dataset: string,
  notes: readonly string[],
  isJson: boolean,
): void {
  const { rows, shards, bytes, resumedAt } = result;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const packedBytes = rows === 0 ? 0 : (bytes * (rows - resumedAt)) / rows;
  const bytesPerSecond = packedBytes / seconds;
  if (isJson) {
    printJson({ ...result, seconds, bytesPerSecond, peakMemoryBytes, notes });
    return;
  }
  const before = resumedAt > 0 ? ` (${formatCount(resumedAt)} were there before)` : "";
  print(
    `Packed ${formatCount(rows)} samples${before} into ${formatCount(shards)} ${shards === 1 ? "shard" : "shards"}, ${formatBytes(bytes)}, ` +
      `in ${formatSeconds(seconds)} (${formatRate(bytesPerSecond)}, peak memory ${formatBytes(peakMemoryBytes)}).`,
  );
  say(
    [
      "",
      "Next:",
      `  spillway show ${quote(dataset)} 0`,
      `  spillway split ${quote(dataset)} train=0.8 val=0.1 test=0.1`,
      "Then, in your program:",
      '  import { open } from "spillway";',
      `  const dataset = await open(${JSON.stringify(dataset)}, { memory: "512 MiB" });`,
      '  const train = dataset.view({ split: "train" });',
      "  for await (const batch of train.batches({ batchSize: 64, epochs: 10 })) { ... }",
    ].join("\n"),
  );
}

/** A path as a shell takes it. */
function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function parseNames(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function parseSize(text: string): { width: number; height: number } {
  const match = /^(\d{1,5})[xX×](\d{1,5})$/.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (width > 0 && height > 0) return { width, height };
  throw new SpillwayError("usage", `--size "${text}" is no size in pixels`, {
    remedy: "Write width and height like --size 224x224.",
  });
}

// Running a pack, an index or an append from the command line: says what was found, shows progress, sums up. Ctrl-C stops
// between two blocks and leaves what the next run goes on from.

import fs from "node:fs";
import { join } from "node:path";
import { listSchemes } from "../catalog/scheme.js";
import { manifestName } from "../format/manifest.js";
import type { PackOptions, PackProgress, PackResult } from "../pack/options.js";
import { formatBytes } from "../store/byte-size.js";
import { exitCodes, Interrupted, reportFailure } from "./failure.js";
import { formatCount, formatRate, formatSeconds, print, printJson, say } from "./output.js";
import { createProgress, type Progress } from "./progress.js";

/** What is made of a source. */
export type Packing = (source: string, dataset: string, options: PackOptions) => Promise<PackResult>;

/** Runs one, with all that a user sees of it. */
export async function runPacking(
  work: Packing,
  source: string,
  dataset: string,
  options: PackOptions,
  isJson: boolean,
): Promise<void> {
  const progress = createProgress();
  const notes: string[] = [];
  const interrupt = listenForInterrupts(progress, dataset);
  const start = performance.now();
  let result: PackResult;
  progress.say(`Looking at ${source} ...`);
  try {
    result = await work(source, dataset, {
      ...options,
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
  report(result, (performance.now() - start) / 1000, dataset, notes, isJson);
}

/** Progress of one or two passes as lines of the progress display. */
function createReporter(progress: Progress): (state: PackProgress) => void {
  let hasRead = false;
  return ({ phase, samples, total, bytes }) => {
    hasRead ||= phase === "reading";
    const writing = hasRead ? "Writing (pass 2 of 2)" : "Packing";
    const label = { reading: "Reading (pass 1 of 2)", measuring: "Measuring", writing }[phase];
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
  const { rows, added, shards, bytes, resumedAt, isIndexed, isAppended } = result;
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const newRows = added - resumedAt;
  const bytesPerSecond = ((rows === 0 ? 0 : bytes / rows) * newRows) / seconds;
  if (isJson) {
    printJson({ ...result, seconds, bytesPerSecond, peakMemoryBytes, notes });
    return;
  }
  const before = resumedAt > 0 ? ` (${formatCount(resumedAt)} were there before)` : "";
  const files = `${formatCount(shards)} ${isIndexed ? "index" : "shard"}${shards === 1 ? "" : isIndexed ? "es" : "s"}, ${formatBytes(bytes)}`;
  const what = isAppended
    ? `Added ${formatCount(added)} samples${before}: ${formatCount(rows)} in all, in ${files}`
    : `${isIndexed ? "Indexed" : "Packed"} ${formatCount(rows)} samples${before} into ${files}`;
  const rate = isIndexed
    ? `${formatCount(Math.round(newRows / seconds))} samples/s`
    : formatRate(bytesPerSecond);
  print(`${what}, in ${formatSeconds(seconds)} (${rate}, peak memory ${formatBytes(peakMemoryBytes)}).`);
  if (isAppended) return;
  say(
    [
      "",
      "Next:",
      `  spillway show ${quote(dataset)} 0`,
      ...(listSchemes({ folder: dataset }).length > 0
        ? []
        : [`  spillway split ${quote(dataset)} train=0.8 val=0.1 test=0.1`]),
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

// spillway verify: reads all of a dataset and names every damaged place.

import type { Command } from "commander";
import type { VerifyReport } from "../pack/verify.js";
import type { KeptReport, SideReport } from "../pack/verify-kept.js";
import { formatBytes } from "../store/byte-size.js";
import { addCommand, type CommonOptions, inFolder, sourceFolder } from "./command.js";
import { exitCodes } from "./failure.js";
import { formatCount, formatRate, formatSeconds, print, printJson, say } from "./output.js";
import { createProgress } from "./progress.js";

interface VerifyFlags extends CommonOptions {
  source?: string;
  in?: string;
}

export function addVerify(program: Command): void {
  addCommand(program, {
    usage: "verify <dataset>",
    summary: "Check every byte of a dataset against its sums and name each damaged place.",
    args: { dataset: "folder of a packed dataset; it is only read" },
    examples: [
      ["spillway verify gestures", ""],
      ["spillway verify gestures --json > report.json", "exit code 0: whole; 1: damaged"],
      ["spillway verify gestures --in my-splits", "and what that folder keeps of this dataset"],
    ],
  })
    .option(...sourceFolder)
    .option(...inFolder)
    .action(runVerify);
}

async function runVerify(path: string, flags: VerifyFlags): Promise<void> {
  const progress = createProgress();
  let report: VerifyReport;
  try {
    const { verifyDataset } = await import("../pack/verify.js");
    report = await verifyDataset(path, {
      ...(flags.source !== undefined && { source: flags.source }),
      ...(flags.in !== undefined && { side: flags.in }),
      onProgress: (state) => progress.update({ label: "Checking", ...state }),
    });
  } finally {
    progress.end();
  }
  const isWhole = report.problems.length === 0;
  if (!isWhole) process.exitCode = exitCodes.problem;
  if (flags.json) {
    printJson({ isWhole, ...report });
    return;
  }
  const { packing, samples } = report;
  if (packing) {
    const planned = packing.rows === null ? "an unknown number" : formatCount(packing.rows);
    say(
      `warning: packing is unfinished: ${formatCount(samples)} of ${planned} samples are there. Run the pack command again to finish it.`,
    );
  }
  print(describeReport(path, flags.in, report).join("\n"));
}

/** Lines for a report: each problem, then the verdict. */
function describeReport(path: string, sidePath: string | undefined, report: VerifyReport): string[] {
  const { problems, problemsLeftOut, samples, bytes, seconds, packing, damagedSamples, side } = report;
  const lines = problems.map(({ what, remedy }) => `${what}. ${remedy}`);
  if (problemsLeftOut > 0)
    lines.push(`... and ${formatCount(problemsLeftOut)} more problems that are not listed.`);
  const subject = side ? `${path} with ${sidePath}` : path;
  const verdict =
    problems.length === 0
      ? `${packing ? `What there is of ${subject}` : subject} is whole`
      : `${subject} is damaged: ${countOf(problems.length + problemsLeftOut, "problem")}, ${problemsLeftOut > 0 ? "at least " : ""}${formatCount(damagedSamples)} of ${formatCount(samples)} samples`;
  const checked = [`${formatCount(samples)} samples`, ...describeKept(report)];
  const aside = side ? describeKept(side) : [];
  const there = aside.length > 0 ? `; in ${sidePath} ${aside.join(", ")}` : "";
  const rate = formatRate(bytes / Math.max(seconds, 1e-3));
  lines.push(
    `${verdict}. Checked ${checked.join(", ")}${there}: ${formatBytes(bytes)} in ${formatSeconds(seconds)} (${rate}).`,
  );
  return side ? [...lines, ...describeOthers(sidePath!, side)] : lines;
}

/** What was checked besides samples. */
function describeKept({ schemes, columnParts, excludedLists }: KeptReport): string[] {
  return [
    ...(schemes.length === 0 ? [] : [`splits of ${schemes.map((name) => `"${name}"`).join(", ")}`]),
    ...(columnParts === 0 ? [] : [`${countOf(columnParts, "part")} of added columns`]),
    ...(excludedLists === 0 ? [] : ["the list of excluded samples"]),
  ];
}

/** A line on what a folder has of other datasets, if there is any. */
function describeOthers(path: string, { ofOthers }: SideReport): string[] {
  const { schemes, columnParts, excludedLists } = ofOthers;
  const found = [
    ...(schemes === 0 ? [] : [countOf(schemes, "scheme")]),
    ...(columnParts === 0 ? [] : [`${countOf(columnParts, "part")} of added columns`]),
    ...(excludedLists === 0 ? [] : [`${countOf(excludedLists, "list")} of excluded samples`]),
  ];
  if (found.length === 0) return [];
  const isOne = schemes + columnParts + excludedLists === 1;
  return [
    `${found.join(", ")} in ${path} ${isOne ? "is of another dataset, and was" : "are of other datasets, and were"} not checked.`,
  ];
}

function countOf(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}

// spillway verify: reads all of a dataset and names every damaged place.

import type { Command } from "commander";
import type { VerifyReport } from "../pack/verify.js";
import { formatBytes } from "../store/byte-size.js";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { exitCodes } from "./failure.js";
import { formatCount, formatRate, formatSeconds, print, printJson, say } from "./output.js";
import { createProgress } from "./progress.js";

interface VerifyFlags extends CommonOptions {
  source?: string;
}

export function addVerify(program: Command): void {
  addCommand(program, {
    usage: "verify <dataset>",
    summary: "Check every byte of a dataset against its sums and name each damaged place.",
    args: { dataset: "folder of a packed dataset; it is only read" },
    examples: [
      ["spillway verify gestures", ""],
      ["spillway verify gestures --json > report.json", "exit code 0: whole; 1: damaged"],
    ],
  })
    .option(...sourceFolder)
    .action(runVerify);
}

async function runVerify(path: string, flags: VerifyFlags): Promise<void> {
  const progress = createProgress();
  let report: VerifyReport;
  try {
    const { verifyDataset } = await import("../pack/verify.js");
    report = await verifyDataset(path, {
      ...(flags.source !== undefined && { source: flags.source }),
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
  const {
    problems,
    problemsLeftOut,
    samples,
    bytes,
    seconds,
    packing,
    damagedSamples,
    schemes,
    columnParts,
  } = report;
  if (packing) {
    const planned = packing.rows === null ? "an unknown number" : formatCount(packing.rows);
    say(
      `warning: packing is unfinished: ${formatCount(samples)} of ${planned} samples are there. Run the pack command again to finish it.`,
    );
  }
  for (const { what, remedy } of problems) print(`${what}. ${remedy}`);
  if (problemsLeftOut > 0)
    print(`... and ${formatCount(problemsLeftOut)} more problems that are not listed.`);
  const total = problems.length + problemsLeftOut;
  const verdict = isWhole
    ? `${packing ? `What there is of ${path}` : path} is whole`
    : `${path} is damaged: ${formatCount(total)} ${total === 1 ? "problem" : "problems"}, ${problemsLeftOut > 0 ? "at least " : ""}${formatCount(damagedSamples)} of ${formatCount(samples)} samples`;
  const added =
    columnParts === 0 ? "" : `, ${columnParts} ${columnParts === 1 ? "part" : "parts"} of added columns`;
  const splits = schemes.length === 0 ? "" : `, splits of ${schemes.map((name) => `"${name}"`).join(", ")}`;
  print(
    `${verdict}. Checked ${formatCount(samples)} samples${splits}${added}: ${formatBytes(bytes)} in ${formatSeconds(seconds)} (${formatRate(bytes / Math.max(seconds, 1e-3))}).`,
  );
}

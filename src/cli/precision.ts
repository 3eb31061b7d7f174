// spillway precision: what each bit depth would cost, measured on every value; nothing is written but the page that is
// asked for.

import type { Command } from "commander";
import type { PrecisionReport } from "../pack/precision-of-source.js";
import { channelAxisOption } from "./channel-axis.js";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { parseWhole, print, printJson } from "./output.js";
import { describePrecision } from "./precision-table.js";
import { createProgress } from "./progress.js";

interface PrecisionFlags extends CommonOptions {
  field?: string[];
  channelAxis?: Record<string, number | null>;
  quick?: boolean;
  kind?: string;
  jobs?: number;
  source?: string;
}

export function addPrecision(program: Command): void {
  addCommand(program, {
    usage: "precision <source>",
    summary: "Show what each bit depth would cost: every channel measured, the smallest safe type named.",
    args: { source: "folder or file with your data, as for pack, or a dataset; it is only read" },
    examples: [
      ["spillway precision recordings/", "before packing: what --dtype auto would do, and why"],
      ["spillway precision gestures --quick", "an estimate from some 2,000 samples"],
      ["spillway precision gestures --field wave --channel-axis wave=1", ""],
    ],
  })
    .option("--field <names>", "only these fields: wave,image (default: all tensors)", (text: string) =>
      text.split(",").map((name) => name.trim()),
    )
    .addOption(channelAxisOption())
    .option("--quick", "look at some 2,000 samples alone: an estimate")
    .option("--kind <kind>", "kind of the source, where it should not be guessed")
    .option("--jobs <number>", "samples read at the same time (default: 16)", parseWhole("--jobs", 1, 1024))
    .option(...sourceFolder)
    .action(runPrecision);
}

async function runPrecision(path: string, flags: PrecisionFlags): Promise<void> {
  const { field, channelAxis, quick, kind, jobs, source } = flags;
  const progress = createProgress();
  let report: PrecisionReport;
  try {
    const { measurePrecision } = await import("../pack/measure-precision.js");
    report = await measurePrecision(path, {
      ...(field && { only: field }),
      ...(channelAxis && { channelAxis }),
      ...(quick && { quick }),
      ...(kind !== undefined && { kind }),
      ...(jobs !== undefined && { jobs }),
      ...(source !== undefined && { source }),
      onNote: (note) => progress.say(note),
      onProgress: ({ samples, total }) => progress.update({ label: "Measuring", samples, total, bytes: 0 }),
    });
  } finally {
    progress.end();
  }
  if (flags.json) printJson(withoutKept(report));
  else print(describePrecision(report).join("\n"));
}

/** The report without the values that were kept for pictures. */
function withoutKept({ fields, ...report }: PrecisionReport): object {
  return {
    ...report,
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, { kept: _kept, ...rest }]) => [name, rest]),
    ),
  };
}

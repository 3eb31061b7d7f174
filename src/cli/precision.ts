// spillway precision: what each bit depth would cost, measured on every value; nothing is written but the page that is
// asked for.

import { dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { PrecisionReport } from "../pack/precision-of-source.js";
import type { DtypeChoice } from "../pack/stored-fields.js";
import type { ProbeOptions, ProbeReport } from "../probe/probe.js";
import { formatBytes } from "../store/byte-size.js";
import { createFolder, replaceFile } from "../store/file.js";
import { channelAxisOption } from "./channel-axis.js";
import { addCommand, type CommonOptions, sourceFolder } from "./command.js";
import { parseWhole, print, printJson, say } from "./output.js";
import { describePrecision } from "./precision-table.js";
import { describeProbe } from "./probe-table.js";
import { createProgress } from "./progress.js";

interface PrecisionFlags extends CommonOptions {
  field?: string[];
  channelAxis?: Record<string, number | null>;
  quick?: boolean;
  kind?: string;
  jobs?: number;
  source?: string;
  labels?: string;
  key?: string;
  html?: string;
  probe?: boolean;
  x?: string;
  y?: string;
  types?: string[];
  seeds?: number;
  epochs?: number;
  limit?: number;
}

export function addPrecision(program: Command): void {
  addCommand(program, {
    usage: "precision <source>",
    summary: "Show what each bit depth would cost: every channel measured, the smallest safe type named.",
    args: { source: "folder or file with your data, as for pack, or a dataset; it is only read" },
    examples: [
      ["spillway precision recordings/", "before packing: what --dtype auto would do, and why"],
      ["spillway precision gestures --quick", "an estimate from some 2,000 samples"],
      ["spillway precision gestures --html report.html", "the same with plots, as a page"],
      ["spillway precision gestures --field wave --channel-axis wave=1", ""],
      ["spillway precision gestures --probe --seeds 5", "trains a small model in each type, and compares"],
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
    .option("--labels <file>", "table with a label per sample, for --probe")
    .option("--key <column>", "table of labels: its column of paths or ids")
    .option("--html <file>", "write the report with its plots to this file, to be opened in a browser")
    .option("--probe", "train a small model on the values as they are and in smaller types (TensorFlow.js)")
    .option("--x <field>", "with --probe: field that the model sees (default: the largest tensor)")
    .option("--y <field>", "with --probe: class field that it is to find (default: the only one)")
    .addOption(
      new Option("--types <types>", "with --probe: types to try (default: int16,float16,uint8)").argParser(
        (text: string) => text.split(",").map((name) => name.trim()),
      ),
    )
    .option(
      "--seeds <number>",
      "with --probe: trainings of each type (default: 3)",
      parseWhole("--seeds", 1, 100),
    )
    .option("--epochs <number>", "with --probe (default: 5)", parseWhole("--epochs", 1, 1000))
    .option(
      "--limit <seconds>",
      "with --probe: begin no training after so long (default: 300)",
      parseWhole("--limit", 1, 10 ** 6),
    )
    .action(runPrecision);
}

async function runPrecision(path: string, flags: PrecisionFlags): Promise<void> {
  const { field, channelAxis, quick, kind, jobs, source, labels, key } = flags;
  const readAs = {
    ...(channelAxis && { channelAxis }),
    ...(kind !== undefined && { kind }),
    ...(source !== undefined && { source }),
    ...(labels !== undefined && { labels }),
    ...(key !== undefined && { key }),
  };
  const progress = createProgress();
  let report: PrecisionReport;
  try {
    const { measurePrecision } = await import("../pack/measure-precision.js");
    report = await measurePrecision(path, {
      ...readAs,
      ...(field && { only: field }),
      ...(quick && { quick }),
      ...(jobs !== undefined && { jobs }),
      onNote: (note) => progress.say(note),
      onProgress: ({ samples, total }) => progress.update({ label: "Measuring", samples, total, bytes: 0 }),
    });
  } finally {
    progress.end();
  }
  if (flags.html !== undefined) await writePage(flags.html, report);
  const isJson = flags.json === true;
  if (!isJson) print(describePrecision(report, process.stdout.columns).join("\n"));
  const probed = flags.probe ? await runProbe(path, flags, readAs) : undefined;
  if (isJson) printJson({ ...withoutKept(report), ...(probed && { probe: probed }) });
  else if (probed) print(["", ...describeProbe(probed)].join("\n"));
}

/** Writes the page, whole or not at all. */
async function writePage(path: string, report: PrecisionReport): Promise<void> {
  const { writePrecisionPage } = await import("./precision-page.js");
  const page = writePrecisionPage(report);
  createFolder(dirname(resolve(path)));
  replaceFile(resolve(path), page);
  say(`Wrote ${path} (${formatBytes(Buffer.byteLength(page))}): open it in a browser.`);
}

async function runProbe(
  path: string,
  { x, y, types, seeds, epochs, limit }: PrecisionFlags,
  source: NonNullable<ProbeOptions["source"]>,
): Promise<ProbeReport> {
  const progress = createProgress();
  try {
    const { probe } = await import("../probe/probe.js");
    return await probe(path, {
      source,
      ...(x !== undefined && { x }),
      ...(y !== undefined && { y }),
      ...(types && { dtypes: types as DtypeChoice[] }),
      ...(seeds !== undefined && { seeds }),
      ...(epochs !== undefined && { epochs }),
      ...(limit !== undefined && { limitSeconds: limit }),
      onProgress: ({ version, seed, training, trainings }) =>
        progress.say(`Training ${training + 1} of ${trainings}: ${version}, seed ${seed}`),
    });
  } finally {
    progress.end();
  }
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

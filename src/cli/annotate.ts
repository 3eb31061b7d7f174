// spillway annotate: adds columns to the catalog from a table, lists what was added, takes columns away. No sample is
// touched.

import { type Command, Option } from "commander";
import type { Annotated, AnnotateProgress } from "../catalog/annotate-options.js";
import { type ListedVersion, listVersions } from "../catalog/column-versions.js";
import { dropColumns, pruneColumns } from "../dataset/annotate.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import { formatBytes } from "../store/byte-size.js";
import { addCommand, type CommonOptions, inFolder } from "./command.js";
import { formatCount, formatTable, print, printJson, say } from "./output.js";
import { createProgress } from "./progress.js";

interface AnnotateFlags extends CommonOptions {
  key?: string;
  partial?: boolean;
  in?: string;
  list?: boolean;
  drop?: string[];
  prune?: boolean;
}

export function addAnnotate(program: Command): void {
  addCommand(program, {
    usage: "annotate <dataset> [table]",
    summary:
      "Add columns to the catalog from a table that names samples by id or path; no sample is rewritten.",
    args: {
      dataset: "folder of a packed dataset",
      table: ".csv, .tsv (plain or .gz) or .parquet with a row per sample, in any order",
    },
    examples: [
      ["spillway annotate gestures subjects.csv", "a column id or path says which sample a row is of"],
      [
        "spillway annotate gestures quality.csv --key filename --in my-columns",
        "the dataset itself is only read",
      ],
      ["spillway annotate gestures --list", "which versions there are, and which columns count"],
      ["spillway annotate gestures --drop score", ""],
    ],
  })
    .option("--key <column>", "column of ids or paths (default: the first called id, path, file, filename)")
    .option("--partial", "leave out rows that are of no sample (default: they are an error)")
    .option(...inFolder)
    .option("--list", "list what was added")
    .addOption(
      new Option("--drop <columns>", "take added columns away: score,guess").argParser((text: string) =>
        text.split(",").map((name) => name.trim()),
      ),
    )
    .option("--prune", "remove the files of columns that were replaced or taken away")
    .action(runAnnotate);
}

async function runAnnotate(path: string, table: string | undefined, flags: AnnotateFlags): Promise<void> {
  const asked = [table !== undefined, flags.list, flags.drop !== undefined, flags.prune].filter(
    Boolean,
  ).length;
  if (asked !== 1) {
    throw new SpillwayError("usage", "annotate takes a table, or one of --list, --drop and --prune", {
      remedy: `To add columns: spillway annotate ${path} table.csv.`,
    });
  }
  const dataset = await open(path, { memory: "16 MiB", ...(flags.in !== undefined && { side: flags.in }) });
  try {
    const place = {
      folder: dataset.path,
      manifest: dataset.manifest,
      ...(flags.in !== undefined && { side: flags.in }),
    };
    if (table !== undefined) await add(dataset, path, table, flags);
    else if (flags.list) {
      const versions = listVersions(place);
      if (flags.json) printJson(versions);
      else print(describeVersions(path, versions).join("\n"));
    } else if (flags.drop) {
      const version = await dropColumns(place, flags.drop);
      if (flags.json) printJson({ path, version, dropped: flags.drop });
      else print(`From version ${version} on, ${path} is without ${flags.drop.join(", ")}.`);
    } else {
      const pruned = await pruneColumns(place);
      if (flags.json) printJson({ path, ...pruned });
      else
        print(
          `Removed ${pruned.parts} ${pruned.parts === 1 ? "part" : "parts"}, ${formatBytes(pruned.bytes)}.`,
        );
    }
  } finally {
    await dataset.close();
  }
}

async function add(dataset: Dataset, path: string, table: string, flags: AnnotateFlags): Promise<void> {
  const progress = createProgress();
  const notes: string[] = [];
  let added: Annotated;
  try {
    added = await dataset.annotate(table, {
      ...(flags.key !== undefined && { key: flags.key }),
      ...(flags.partial && { partial: true }),
      onNote: (note) => {
        notes.push(note);
        progress.say(note);
      },
      onProgress: ({ phase, done, total }: AnnotateProgress) =>
        progress.update({
          label: phase === "reading" ? "Reading" : "Writing",
          samples: done,
          total,
          bytes: 0,
        }),
    });
  } finally {
    progress.end();
  }
  if (flags.json) {
    printJson({ path, ...added, notes });
    return;
  }
  const { version, columns, rows, without, leftOut } = added;
  const names = Object.entries(columns).map(([name, type]) => `${name} (${type})`);
  print(`Added ${names.join(", ")} to ${path}, version ${version}: ${samples(rows)} with values.`);
  if (without > 0)
    say(`${samples(without)} without a row: ${without === 1 ? "its" : "their"} values are missing.`);
  if (leftOut > 0) say(`${formatCount(leftOut)} ${leftOut === 1 ? "row" : "rows"} of no sample left out.`);
}

function samples(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "sample" : "samples"}`;
}

function describeVersions(path: string, versions: readonly ListedVersion[]): string[] {
  if (versions.length === 0) return [`No columns were added to ${path}.`];
  const rows = versions.map(({ version, columns, dropped, counting, rows: count, bytes, folder }) => [
    String(version),
    dropped.length > 0
      ? `without ${dropped.join(", ")}`
      : Object.keys(columns)
          .map((name) => (counting.includes(name) ? name : `(${name})`))
          .join(", "),
    dropped.length > 0 ? "" : formatCount(count),
    dropped.length > 0 ? "" : formatBytes(bytes),
    folder,
  ]);
  return [
    ...formatTable(
      [["version", "columns", "rows", "size", "folder"], ...rows],
      ["right", "left", "right", "right", "left"],
      "",
    ),
    "Columns in parentheses were replaced or taken away later.",
  ];
}

// spillway info: what a dataset holds, from its manifest and its schemes; nothing else is read unless asked for.

import type { Command } from "commander";
import { classFields, scanCatalog } from "../catalog/catalog-reader.js";
import { type StoredColumn, storedColumns } from "../catalog/columns.js";
import { readExcluded } from "../catalog/excluded.js";
import { listSchemes, readScheme, type Scheme, type SchemePlace } from "../catalog/scheme.js";
import { requireCommit } from "../catalog/split-bits.js";
import { readStatistics } from "../catalog/statistics.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import { bytesPerSampleOf } from "../format/manifest.js";
import { planDecodings } from "../load/decodings.js";
import { threadBytes } from "../load/memory-pool.js";
import { planLoop, residentStride } from "../load/plan.js";
import { createTable } from "../load/table.js";
import { formatBytes } from "../store/byte-size.js";
import { describeField } from "../tensor/field.js";
import { addCommand, type CommonOptions, inFolder } from "./command.js";
import { formatCount, formatShare, formatTable, print, printJson } from "./output.js";
import { describeScheme } from "./split-report.js";

interface InfoFlags extends CommonOptions {
  classes?: boolean;
  in?: string;
}

/** Batch size of the memory hint. */
const hintBatchSize = 32;

export function addInfo(program: Command): void {
  addCommand(program, {
    usage: "info <dataset>",
    summary: "Show what a dataset holds: fields, samples, splits, and the memory that it takes.",
    args: { dataset: "folder of a packed dataset; it is only read" },
    examples: [
      ["spillway info gestures", ""],
      ["spillway info gestures --classes", "counts the samples of each class as well"],
    ],
  })
    .option("--classes", "count the samples of each class, by reading through the catalog")
    .option(...inFolder)
    .action(runInfo);
}

interface SchemeInfo {
  name: string;
  scheme?: Scheme;
  /** Why it cannot be used. */
  problem?: string;
}

async function runInfo(path: string, flags: InfoFlags): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB", ...(flags.in !== undefined && { side: flags.in }) });
  try {
    const schemes = listSchemes(placeOf(dataset)).map((name) => readSchemeInfo(dataset, name));
    const counts = flags.classes ? await countClasses(dataset) : undefined;
    const columns = readColumns(dataset, flags.in);
    if (flags.json) printJson({ ...infoJson(dataset, schemes, counts), ...columns });
    else print([...infoText(dataset, schemes, counts), ...describeColumns(columns)].join("\n"));
  } finally {
    await dataset.close();
  }
}

function readSchemeInfo(dataset: Dataset, name: string): SchemeInfo {
  try {
    const scheme = readScheme(placeOf(dataset), name);
    try {
      requireCommit({ ...placeOf(dataset), manifest: dataset.manifest }, scheme);
    } catch {
      return { name, scheme, problem: "made for other content: split again" };
    }
    return { name, scheme };
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    return { name, problem: error.what };
  }
}

function placeOf({ path, side }: Dataset): SchemePlace {
  return { folder: path, side };
}

/** Of which splits of a scheme statistics are kept that still fit. */
function statisticsLines(dataset: Dataset, scheme: string): string[] {
  const place = { ...placeOf(dataset), manifest: dataset.manifest };
  try {
    const fitting = readStatistics(place, scheme).flatMap(({ split, fold, view }) => {
      const isSame = viewOf(dataset, scheme, split, fold) === view;
      return isSame ? [fold === undefined ? split : `${split} of fold ${fold}`] : [];
    });
    return fitting.length === 0 ? [] : [`  statistics  ${fitting.join(", ")}`];
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    return [`  statistics  (${error.what})`];
  }
}

/** Fingerprint of a split as it is now, undefined where it is not there any more. */
function viewOf(
  dataset: Dataset,
  scheme: string,
  split: string,
  fold: number | undefined,
): string | undefined {
  try {
    return dataset.view({ scheme, split, ...(fold !== undefined && { fold }) }).fingerprint;
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    return undefined;
  }
}

/** The user's columns, or why those that were added cannot be used. */
interface ColumnsInfo {
  columns: Pick<StoredColumn, "name" | "type" | "source">[];
  columnsProblem?: string;
}

function readColumns({ path, manifest }: Dataset, side: string | undefined): ColumnsInfo {
  try {
    const stored = storedColumns({ folder: path, manifest, ...(side !== undefined && { side }) });
    const others = stored.filter(({ source }) => source === "user" || source === "added");
    return { columns: others.map(({ name, type, source }) => ({ name, type, source })) };
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    return { columns: [], columnsProblem: error.what };
  }
}

function describeColumns({ columns, columnsProblem }: ColumnsInfo): string[] {
  if (columnsProblem !== undefined) return ["", "columns that were added:", `  (${columnsProblem})`];
  if (columns.length === 0) return [];
  const rows = columns.map(({ name, type, source }) => [name, type, source === "added" ? "added" : "packed"]);
  return ["", "columns:", ...formatTable(rows, ["left", "left", "left"])];
}

/** Samples of each class, by field and class name. */
async function countClasses({ path, manifest }: Dataset): Promise<Record<string, Record<string, number>>> {
  const names = classFields(manifest);
  const counts = new Map(names.map((name) => [name, new Map<string, number>()]));
  for (const [name, field] of Object.entries(manifest.fields)) {
    if (field.kind === "class") for (const label of field.classes) counts.get(name)!.set(label, 0);
  }
  for await (const { records } of scanCatalog({ folder: path, manifest }, names)) {
    for (const record of records) {
      for (const name of names) {
        const label = String(record[name]);
        const column = counts.get(name)!;
        column.set(label, (column.get(label) ?? 0) + 1);
      }
    }
  }
  return Object.fromEntries([...counts].map(([name, column]) => [name, Object.fromEntries(column)]));
}

/** Memory for a loop of small batches with one reader: about the least that works. */
function leastLoopBytes({ path, manifest }: Dataset): number {
  const { columns } = createTable(path, manifest);
  const isResident = columns.map(
    ({ stride, isInFiles, encoded }) => stride <= residentStride && !isInFiles && !encoded,
  );
  const plan = planLoop({
    columns,
    isResident,
    batchSize: Math.min(hintBatchSize, Math.max(1, manifest.rows)),
    deliver: "float32",
    decodings: planDecodings(columns, "float32"),
    readers: 1,
    ringBytes: 0,
  });
  return plan.byteLength + threadBytes;
}

function shardBytes({ manifest }: Dataset): number {
  return manifest.shards.reduce((sum, { bytes }) => sum + bytes, 0);
}

function infoJson(
  dataset: Dataset,
  schemes: readonly SchemeInfo[],
  counts: Awaited<ReturnType<typeof countClasses>> | undefined,
): object {
  const { path, size, fields, fingerprint, manifest, unfinished } = dataset;
  return {
    path,
    size,
    fields,
    bytesPerSample: bytesPerSampleOf(manifest),
    bytes: shardBytes(dataset),
    shards: manifest.shards.length,
    layout: manifest.layout,
    source: manifest.source,
    commits: dataset.manifest.commits.map(({ rows, fingerprint }) => ({ rows, fingerprint })),
    ...(manifest.files && { files: manifest.files }),
    fingerprint,
    ...(unfinished && { unfinished: { plannedRows: unfinished.plannedRows ?? null } }),
    schemes: schemes.map(({ name, scheme, problem }) => ({
      name,
      ...(scheme && {
        rows: scheme.rows,
        seed: scheme.seed,
        rule: scheme.rule,
        splits: scheme.splits,
        folds: scheme.folds,
      }),
      ...(problem && { problem }),
    })),
    leastMemoryBytes: leastLoopBytes(dataset),
    ...(counts && { classes: counts }),
  };
}

/** What is missing of a dataset whose packing has not finished. */
function unfinishedRow({ size, unfinished }: Dataset): string[][] {
  if (!unfinished) return [];
  const planned =
    unfinished.plannedRows === undefined ? "an unknown number" : formatCount(unfinished.plannedRows);
  return [["unfinished", `${formatCount(size)} of ${planned} samples are packed`]];
}

/** Samples that are left out, where some are. */
function excludedRow({ path, side, manifest }: Dataset): string[][] {
  const excluded = readExcluded({ folder: path, side, manifest });
  return excluded
    ? [["left out", `${formatCount(excluded.count)} samples (spillway include lets them in again)`]]
    : [];
}

/** How a dataset has grown, where it has. */
function commitRows({ manifest: { commits } }: Dataset): string[][] {
  if (commits.length === 1) return [];
  const shown = commits.slice(-8).map(({ rows }) => formatCount(rows));
  return [
    ["commits", `${commits.length}, with ${commits.length > 8 ? "... " : ""}${shown.join(", ")} samples`],
  ];
}

function infoText(
  dataset: Dataset,
  schemes: readonly SchemeInfo[],
  counts: Awaited<ReturnType<typeof countClasses>> | undefined,
): string[] {
  const { path, size, fields, manifest } = dataset;
  const { layout, shards } = manifest;
  const each = bytesPerSampleOf(manifest);
  const lines = [
    `${path}: ${formatCount(size)} samples of ${formatBytes(each)}`,
    ...formatTable(
      Object.entries(fields).map(([name, field]) => [name, describeField(field)]),
      ["left", "left"],
    ),
    "",
    ...formatTable(
      [
        ...unfinishedRow(dataset),
        [
          "on disk",
          `${formatBytes(shardBytes(dataset))} in ${formatCount(shards.length)} ${manifest.files ? "index" : "shard"}${shards.length === 1 ? "" : manifest.files ? "es" : "s"}`,
        ],
        ...(manifest.files
          ? [["indexed", `samples stay in ${manifest.files.root}`]]
          : [
              [
                "layout",
                layout.kind === "shuffled" ? `shuffled, seed ${layout.seed}` : "order of the source",
              ],
            ]),
        [manifest.files ? "made from" : "packed from", manifest.source.kind],
        ...commitRows(dataset),
        ...excludedRow(dataset),
        [
          "memory",
          `batches of ${hintBatchSize} as float32 run from about ${formatBytes(Math.ceil(leastLoopBytes(dataset) / 2 ** 20) * 2 ** 20)} on; ${formatBytes(each * size)} hold all of it`,
        ],
      ],
      ["left", "left"],
    ),
  ];
  for (const { name, scheme, problem } of schemes) {
    lines.push("", ...(scheme ? describeScheme(scheme, size) : [`splits of scheme "${name}":`]));
    if (problem) lines.push(`  (${problem})`);
    else lines.push(...statisticsLines(dataset, name));
  }
  if (schemes.length === 0)
    lines.push("", `no splits yet: spillway split ${path} train=0.8 val=0.1 test=0.1`);
  for (const [name, column] of Object.entries(counts ?? {})) {
    const rows = Object.entries(column).map(([label, count]) => [
      label,
      formatCount(count),
      formatShare(count, size),
    ]);
    lines.push("", `classes of field "${name}":`, ...formatTable(rows, ["left", "right", "right"]));
  }
  return lines;
}

// A CSV or TSV file, plain or gzip, with a row per sample: the number columns are one tensor, one column may be the
// label. One pass when it is opened finds the classes, counts rows and gaps, and meets every bad cell before anything
// is packed; each pass after that gives the samples in order.

import { basename } from "node:path";
import { SpillwayError } from "../errors.js";
import { bytesOf } from "../tensor/dtype.js";
import { type ClassField, type Fields, fieldStride, tensor } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import { isGzip, readHead, readRawHead, streamBytes } from "./byte-stream.js";
import { writeLabel } from "./class-labels.js";
import { type CsvHead, labelNames, parseCsvHead } from "./csv-head.js";
import { createLabelText, type LabelText } from "./csv-labels.js";
import { type CsvTable, countMissing, filled, openCsvTable, queryMB } from "./csv-query.js";
import { checkLabel } from "./number-labels.js";
import { columnNumber, refuseOtherOptions, resolveColumn } from "./options.js";
import type { Source, SourceKind, SourceOptions } from "./source.js";
import { fingerprintOf, isFile, requirePath } from "./source-checks.js";

const headBytes = 2 ** 20;

/** Fields "data", float64, and, where there is a label column, "label" or "target". */
export const csvKind: SourceKind = {
  name: "csv",
  summary: "a .csv or .tsv file with a row per sample, plain or .gz",
  detect: (path) => isFile(path) && /\.[ct]sv(?:\.gz)?$/i.test(path),
  open: openCsv,
};

/** Which columns are what. */
interface CsvPlan {
  dataColumns: readonly number[];
  labelColumn: number | undefined;
  labelKind: "class" | "value";
  notes: readonly string[];
}

async function openCsv(path: string, options: SourceOptions): Promise<Source> {
  refuseOtherOptions("csv", options, ["classes", "labelColumn", "labelKind"]);
  requirePath(path, "csv", "file");
  const isPacked = isGzip(readRawHead(path, 2));
  const bytes = readHead(path, headBytes);
  const head = parseCsvHead(bytes, !isPacked && bytes.length < headBytes, path);
  const plan = planColumns(head, options, path);
  // DuckDB takes a .gz that ends early for a short file.
  if (isPacked) for await (const _ of streamBytes(path));
  const textColumns = plan.labelColumn !== undefined && plan.labelKind === "class" ? [plan.labelColumn] : [];
  const table = await openCsvTable(path, head, textColumns, isPacked);
  try {
    const scan = await scanTable(table, plan, options, path);
    const fields: Fields = { data: tensor("float64", [plan.dataColumns.length]) };
    if (scan.labels) fields.label = scan.labels.field;
    else if (plan.labelColumn !== undefined) fields.target = tensor("float64", []);
    const notes = [...plan.notes];
    const megabytes = queryMB(head);
    if (megabytes > 128)
      notes.push(`A table of ${head.columns.length} columns takes up to ${megabytes} MB to read.`);
    if (scan.missingCount > 0) notes.push(`${scan.missingCount} cells are empty or NaN: they become NaN.`);
    return {
      kind: "csv",
      fields,
      sampleCount: scan.rowCount,
      fingerprint: fingerprintOf("csv", [path], options),
      notes,
      samples: (start) => readRows(table, plan, fields, scan.labels, start, basename(path)),
      close: async () => table.close(),
    };
  } catch (error) {
    table.close();
    throw error;
  }
}

/** Decides which column is the label and which are data. */
function planColumns(head: CsvHead, options: SourceOptions, path: string): CsvPlan {
  const names = head.columns.map((column) => column.name);
  const numbered = head.columns.map((_, column) => column);
  const texts = numbered.filter((column) => head.columns[column]!.isText);
  const notes: string[] = [];
  const labelColumn = findLabelColumn(names, texts, options, path);
  if (labelColumn === undefined) {
    notes.push(
      "No column is called label, class, target or y, and none is named (--label-column): the samples have no label.",
    );
  } else {
    notes.push(`Column "${names[labelColumn]}" is the label.`);
  }
  if (!head.hasHeader) notes.push("The file has no header: columns are numbered from 0.");
  const strays = texts.filter((column) => column !== labelColumn);
  if (strays.length > 0) {
    const shown = strays.slice(0, 8).map((column) => `"${names[column]}"`);
    const more = strays.length > 8 ? ` and ${strays.length - 8} more` : "";
    throw new SpillwayError(
      "source",
      `${path} has text in ${strays.length} columns that are not the label: ${shown.join(", ")}${more}`,
      {
        remedy: "Remove the columns or turn them into numbers, or name one of them with --label-column.",
        where: { path },
      },
    );
  }
  const dataColumns = numbered.filter((column) => column !== labelColumn);
  if (dataColumns.length === 0) {
    throw new SpillwayError(
      "source",
      `${path} has no number column besides the label (delimiter ${JSON.stringify(head.delimiter)})`,
      {
        remedy: "Check the file: cells are parted by a comma, semicolon, tab or |.",
        where: { path },
      },
    );
  }
  const labelKind = options.labelKind ?? "class";
  if (labelColumn === undefined && (options.labelKind || options.classes)) {
    throw new SpillwayError(
      "usage",
      `${path} has no label column: its columns are ${names.slice(0, 8).join(", ")}`,
      {
        remedy: "Name it with --label-column.",
      },
    );
  }
  return { dataColumns, labelColumn, labelKind, notes };
}

function findLabelColumn(
  names: readonly string[],
  texts: readonly number[],
  { labelColumn }: SourceOptions,
  path: string,
): number | undefined {
  if (labelColumn !== undefined) {
    const named = names.indexOf(String(labelColumn));
    if (typeof labelColumn === "string" && named >= 0) return named;
    const number = columnNumber(labelColumn);
    if (number !== undefined) return resolveColumn(number, names.length, path);
    throw new SpillwayError(
      "usage",
      `${path} has no column "${labelColumn}": its columns are ${names.slice(0, 20).join(", ")}`,
      {
        remedy: "Give --label-column one of these names, or a number from 0, or -1 for the last.",
      },
    );
  }
  const known = labelNames
    .map((name) => names.findIndex((column) => column.toLowerCase() === name))
    .find((place) => place >= 0);
  return known ?? (texts.length === 1 ? texts[0] : undefined);
}

interface CsvScan {
  rowCount: number;
  missingCount: number;
  labels: LabelText | undefined;
}

/** One pass over all cells. */
async function scanTable(
  table: CsvTable,
  plan: CsvPlan,
  options: SourceOptions,
  path: string,
): Promise<CsvScan> {
  const { labelColumn, labelKind } = plan;
  const isClass = labelColumn !== undefined && labelKind === "class";
  const found = createLabelText(path);
  const label = isClass ? `c${labelColumn}` : labelColumn === undefined ? "0::DOUBLE" : filled(labelColumn);
  let values = new Float64Array(0);
  let rowCount = 0;
  let missingCount = 0;
  for await (const chunk of table.query([countMissing(plan.dataColumns), label])) {
    if (values.length < chunk.rowCount) values = new Float64Array(chunk.rowCount);
    chunk.copyNumbers(0, values, 0, 1);
    for (let row = 0; row < chunk.rowCount; row++) missingCount += values[row]!;
    if (!isClass) chunk.copyNumbers(1, values, 0, 1);
    for (let row = 0; row < chunk.rowCount; row++) {
      if (isClass) found.add(chunk.text(1, row), rowCount + row);
      else if (Number.isNaN(values[row])) checkLabel(values[row]!, rowCount + row, path);
    }
    rowCount += chunk.rowCount;
  }
  if (rowCount === 0) {
    throw new SpillwayError("source", `${path} has no rows besides its header`, {
      remedy: "Give a file with a row per sample.",
      where: { path },
    });
  }
  return { rowCount, missingCount, labels: isClass ? found.labels(options.classes) : undefined };
}

/** The samples from row `start` on. */
async function* readRows(
  table: CsvTable,
  plan: CsvPlan,
  fields: Fields,
  labels: LabelText | undefined,
  start: number,
  path: string,
): AsyncGenerator<Sample> {
  const width = plan.dataColumns.length;
  const labelField = fields.label as ClassField | undefined;
  const columns = plan.dataColumns.map(filled);
  if (plan.labelColumn !== undefined)
    columns.push(labels ? `c${plan.labelColumn}` : filled(plan.labelColumn));
  const labelBytes = new Uint8Array(labelField ? fieldStride(labelField) : 8);
  let rows = new Float64Array(0);
  let targets = new Float64Array(0);
  let index = start;
  for await (const chunk of table.query(columns, `OFFSET ${start}`)) {
    const { rowCount } = chunk;
    // DuckDB answers column by column; a sample is a row.
    if (rows.length < rowCount * width) rows = new Float64Array(rowCount * width);
    for (let column = 0; column < width; column++) chunk.copyNumbers(column, rows, column, width);
    if (fields.target) {
      if (targets.length < rowCount) targets = new Float64Array(rowCount);
      chunk.copyNumbers(width, targets, 0, 1);
    }
    for (let row = 0; row < rowCount; row++) {
      const bytes = [bytesOf(rows.subarray(row * width, (row + 1) * width))];
      if (labels && labelField) {
        writeLabel(labelField, labels.indexOf(chunk.text(width, row)), labelBytes);
        bytes.push(labelBytes);
      } else if (fields.target) bytes.push(bytesOf(targets.subarray(row, row + 1)));
      yield { bytes, path, row: index };
      index += 1;
    }
  }
}

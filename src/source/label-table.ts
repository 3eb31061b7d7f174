// A table of labels, read into memory: which sample each row is of, its label, and the further columns. About 100 bytes
// a row while it is matched with the samples, and 8 a column after that.

import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import { type Columns, checkColumnNames } from "../format/columns.js";
import { type ClassField, type Field, tensor } from "../tensor/field.js";
import { labelNames } from "./csv-head.js";
import { createLabelText } from "./csv-labels.js";
import { withDuckDb } from "./duckdb.js";
import { columnNumber, resolveColumn } from "./options.js";
import type { SourceOptions } from "./source.js";
import {
  columnsBeside,
  findKey,
  openTableFile,
  pathNames,
  plainPathSql,
  type TableColumn,
  type TableFile,
  type TableKey,
  tableName,
} from "./table-file.js";
import { ValueStore } from "./value-store.js";

const memoryBytes = 2 ** 28;
/** A Map holds no more. */
const maxPaths = 16_000_000;
/** Names that a message lists. */
const shownNames = 10;

/** The labels of a table, by its rows. */
export interface TableLabels {
  /** "label" for classes, "target" for a number to be predicted. */
  name: "label" | "target";
  field: Field;
  /** Index of the class, or the number, of a row; undefined where its cell is empty. */
  at(row: number): number | undefined;
}

/** A table of labels in memory. */
export interface LabelTable {
  readonly path: string;
  readonly rowCount: number;
  /** Rows by what they are of: a path, a path and a row within it (`placeKey`), or the number of a sample. */
  readonly rows: ReadonlyMap<string, number> | ReadonlyMap<number, number>;
  readonly key: { name: string; kind: TableKey["kind"]; hasRow: boolean };
  /** Absent where the table has no label column. */
  readonly labels: TableLabels | undefined;
  readonly columns: Columns;
  readonly values: readonly ValueStore[];
  readonly notes: readonly string[];
}

/** What stands for a row of a file among the keys of a table. */
export function placeKey(path: string, row: number): string {
  return `${path}\0${row}`;
}

/** A key of a table in words. */
export function wordKey(key: string | number | null): string {
  if (key === null) return "(empty)";
  const [path, row] = String(key).split("\0");
  return row === undefined ? path! : `${path}, row ${row}`;
}

/**
 * @param options key, label column, label kind and classes
 * @throws SpillwayError `source` for a table that cannot be read or names a sample twice; `usage` for columns that are
 * not there, or whose names are taken
 */
export async function readLabelTable(path: string, options: SourceOptions): Promise<LabelTable> {
  return withDuckDb({ memoryBytes, threads: 1 }, async (connection) => {
    const table = await openTableFile(connection, path);
    const label = findLabel(table, options);
    const key = findKey(table, options.key, [...pathNames, "id", "row"]);
    if (key.column === label) throw keyIsLabel(path, label.name);
    const { kept, left } = columnsBeside(table, key);
    const columns = kept.filter((column) => column !== label);
    if (!label && options.labelKind) throw noLabel(table);
    const kind = options.labelKind ?? "class";
    if (label && kind === "value" && label.type !== "int64" && label.type !== "double")
      throw notNumbers(table, label);
    const taken = label && kind === "class" ? ["label"] : [];
    checkColumnNames(
      columns.map(({ name }) => name),
      taken,
      path,
    );
    const notes =
      left.length === 0 ? [] : [`Columns of ${tableName(table)} that are left out: ${left.join(", ")}.`];
    const read = await readRows(connection, table, key, label, columns);
    return {
      path,
      rowCount: read.rowCount,
      rows: read.rows,
      key: { name: key.column.name, kind: key.kind, hasRow: key.row !== undefined },
      labels:
        label && (kind === "class" ? classesOf(read.labels!, path, options.classes) : valuesOf(read.labels!)),
      columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      values: read.values,
      notes,
    };
  });
}

function findLabel(table: TableFile, { labelColumn }: SourceOptions): TableColumn | undefined {
  const { path, columns } = table;
  if (labelColumn === undefined)
    return labelNames
      .map((name) => columns.find((column) => column.name.toLowerCase() === name))
      .find((column) => column !== undefined);
  const named = columns.find(({ name }) => name === labelColumn);
  if (named) return named;
  const number = columnNumber(labelColumn);
  if (number !== undefined) return columns[resolveColumn(number, columns.length, path)];
  throw new SpillwayError(
    "usage",
    `${path} has no column "${labelColumn}": its columns are ${columns
      .slice(0, 20)
      .map(({ name }) => name)
      .join(", ")}`,
    { remedy: "Give --label-column one of these names.", where: { path } },
  );
}

interface ReadRows {
  rowCount: number;
  rows: LabelTable["rows"];
  labels: ValueStore | undefined;
  values: ValueStore[];
}

async function readRows(
  connection: DuckDBConnection,
  table: TableFile,
  key: TableKey,
  label: TableColumn | undefined,
  columns: readonly TableColumn[],
): Promise<ReadRows> {
  const keySql = key.kind === "path" ? plainPathSql(key.column.value) : key.column.value;
  // Labels are read as text: "1" and "1.0" are one class, and that is found where labels of CSV files are.
  const asked = [
    keySql,
    key.row?.value ?? "NULL::BIGINT",
    label?.text ?? "NULL::VARCHAR",
    ...columns.map(({ value }) => value),
  ];
  const values = columns.map(({ type }) => new ValueStore(type));
  const labels = label && new ValueStore("string");
  const rows = new Map<string | number, number>();
  const twice: string[] = [];
  let twiceCount = 0;
  let row = 0;
  const addKey = (found: unknown, within: unknown) => {
    if (found === null) throw emptyKey(table, key, row);
    const at =
      key.kind === "number"
        ? Number(found)
        : within === null
          ? String(found)
          : placeKey(String(found), Number(within));
    if (rows.has(at)) {
      twiceCount += 1;
      if (twice.length < shownNames) twice.push(within === null ? String(found) : `${found}, row ${within}`);
      return;
    }
    if (rows.size === maxPaths) throw tooManyRows(table);
    rows.set(at, row);
  };
  try {
    const result = await connection.stream(`SELECT ${asked.join(", ")} FROM ${table.from}`);
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const vectors = asked.map((_, k) => chunk!.getColumnVector(k));
      for (let k = 0; k < chunk.rowCount; k += 1, row += 1) {
        addKey(vectors[0]!.getItem(k), vectors[1]!.getItem(k));
        labels?.add(vectors[2]!.getItem(k) as string | null);
        for (let c = 0; c < values.length; c += 1) values[c]!.add(vectors[3 + c]!.getItem(k) as never);
      }
    }
  } catch (cause) {
    throw cause instanceof SpillwayError ? cause : table.wordError(cause);
  }
  if (twiceCount > 0) throw namedTwice(table, twice, twiceCount);
  return { rowCount: row, rows: rows as LabelTable["rows"], labels, values };
}

/** The classes of a label column. */
function classesOf(labels: ValueStore, path: string, given: readonly string[] | undefined): TableLabels {
  const found = createLabelText(path);
  for (let row = 0; row < labels.length; row += 1) {
    const text = labels.get(row) as string | null;
    if (text !== null && text.trim() !== "") found.add(text, row);
  }
  const { field, indexOf } = found.labels(given);
  return {
    name: "label",
    field: field satisfies ClassField,
    at: (row) => {
      const text = labels.get(row) as string | null;
      return text === null || text.trim() === "" ? undefined : indexOf(text);
    },
  };
}

/** Numbers to be predicted. */
function valuesOf(labels: ValueStore): TableLabels {
  return {
    name: "target",
    field: tensor("float64", []),
    at: (row) => {
      const value = Number(labels.get(row) ?? Number.NaN);
      return Number.isNaN(value) ? undefined : value;
    },
  };
}

function noLabel({ path, columns }: TableFile): SpillwayError {
  return new SpillwayError(
    "usage",
    `${path} has no label column: its columns are ${columns
      .slice(0, 20)
      .map(({ name }) => name)
      .join(", ")}`,
    { remedy: "Name it with --label-column.", where: { path } },
  );
}

function keyIsLabel(path: string, name: string): SpillwayError {
  return new SpillwayError("usage", `column "${name}" of ${path} cannot be both the label and the key`, {
    remedy: "Name the other one: --key for the column of paths or ids, --label-column for the label.",
    where: { path },
  });
}

function notNumbers({ path }: TableFile, { name }: TableColumn): SpillwayError {
  return new SpillwayError(
    "usage",
    `column "${name}" of ${path} holds no numbers, so they cannot be values to be predicted`,
    {
      remedy: "Leave out --label-kind value, or correct the cells that are no numbers.",
      where: { path },
    },
  );
}

function emptyKey({ path }: TableFile, { column }: TableKey, row: number): SpillwayError {
  return new SpillwayError(
    "source",
    `row ${row} (from 0, header not counted) of ${path} has no ${column.name}`,
    {
      remedy: "Remove the row, or say which sample it is of.",
      where: { path, row },
    },
  );
}

function namedTwice({ path }: TableFile, names: readonly string[], count: number): SpillwayError {
  const more = count > names.length ? `, and ${count - names.length} more` : "";
  const rows = count === 1 ? "a row that names" : `${count} rows that name`;
  return new SpillwayError("source", `${path} has ${rows} a sample again: ${names.join(", ")}${more}`, {
    remedy: "Keep one row for each sample.",
    where: { path },
  });
}

function tooManyRows({ path }: TableFile): SpillwayError {
  return new SpillwayError("source", `${path} has more than ${maxPaths} rows`, {
    remedy: "Pack without it, then add its columns with: spillway annotate <dataset> <table>.",
    where: { path },
  });
}

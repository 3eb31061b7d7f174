// A table about samples (.csv, .tsv, .parquet) as DuckDB reads it: its columns with their types, found by one pass over
// the whole file, so that row 1,000,000 decides as much as row 1; and which column says what sample a row is of.
// Rule: text stays as it is. Whole numbers that would lose a digit (007, or more than 18 of them) are text.

import { basename } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import { type ColumnType, isSameColumn } from "../format/columns.js";
import { isGzip, readHead, readRawHead, streamBytes } from "./byte-stream.js";
import { shortList } from "./class-labels.js";
import { type CsvHead, parseCsvHead } from "./csv-head.js";
import { csvError, csvSql } from "./csv-query.js";
import { sqlName, sqlPath, sqlText } from "./duckdb.js";
import { requirePath } from "./source-checks.js";

const headBytes = 2 ** 20;
const maxColumns = 1100;

/** One column of a table, as SQL: its value in its own type, NULL where it is missing, and the same as text. */
export interface TableColumn {
  name: string;
  type: ColumnType;
  value: string;
  text: string;
}

/** A table that can be asked. */
export interface TableFile {
  readonly path: string;
  /** What stands after FROM. */
  readonly from: string;
  readonly columns: readonly TableColumn[];
  /** What DuckDB complains of, in our words. */
  wordError(cause: unknown): SpillwayError;
}

/**
 * Reads through a table once to find its columns.
 *
 * @throws SpillwayError `missing`; `source` for a table without a header, with a name twice, or that cannot be read
 */
export async function openTableFile(connection: DuckDBConnection, path: string): Promise<TableFile> {
  requirePath(path, "table", "file");
  const table = /\.parquet$/i.test(path)
    ? await openParquet(connection, path)
    : await openCsv(connection, path);
  const twin = table.columns.find(({ name }, k) =>
    table.columns.slice(0, k).some((other) => isSameColumn(other.name, name)),
  );
  if (twin) throw refusal(path, `${path} has two columns called "${twin.name}"`, "Rename one of them.");
  return table;
}

async function openCsv(connection: DuckDBConnection, path: string): Promise<TableFile> {
  const isPacked = isGzip(readRawHead(path, 2));
  const bytes = readHead(path, headBytes);
  const head = parseCsvHead(bytes, !isPacked && bytes.length < headBytes, path);
  if (!head.hasHeader) {
    throw refusal(
      path,
      `${path} has no header: its first line holds numbers (${shortList(head.columns.map(({ name }) => name))})`,
      "Put a line with the names of the columns in front.",
    );
  }
  requireFewColumns(path, head.columns.length);
  // DuckDB takes a .gz that ends early for a short file.
  if (isPacked) for await (const _ of streamBytes(path));
  const all = head.columns.map((_, column) => column);
  const from = csvSql(path, head, all, isPacked);
  const wordError = (cause: unknown) => csvError(cause, path, head);
  const types = await inferTypes(connection, from, head, wordError);
  return {
    path,
    from,
    columns: head.columns.map(({ name }, k) => ({
      name,
      type: types[k]!,
      value: valueSql(`c${k}`, types[k]!),
      text: `nullif(c${k}, '')`,
    })),
    wordError,
  };
}

/** Number as DuckDB and csv-head.ts understand it. */
const numberPattern = "[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?|(?i)[+-]?(nan|inf|infinity)";
const wholePattern = "[+-]?(0|[1-9]\\d{0,17})";
/** Digits alone that a number would not keep. */
const codePattern = "[+-]?(0\\d+|\\d{19,})";

async function inferTypes(
  connection: DuckDBConnection,
  from: string,
  head: CsvHead,
  wordError: (cause: unknown) => SpillwayError,
): Promise<ColumnType[]> {
  const asked = head.columns.flatMap((_, k) => {
    const cell = `nullif(trim(c${k}), '')`;
    const matches = (pattern: string) => `regexp_full_match(${cell}, ${sqlText(pattern)})`;
    const isNumber = `${matches(numberPattern)} AND TRY_CAST(${cell} AS DOUBLE) IS NOT NULL AND NOT ${matches(codePattern)}`;
    return [
      `bool_and(lower(${cell}) IN ('true', 'false'))`,
      `bool_and(${matches(wholePattern)})`,
      `bool_and(CASE WHEN ${cell} IS NOT NULL THEN ${isNumber} END)`,
    ];
  });
  let answers: readonly unknown[];
  try {
    const result = await connection.run(`SELECT ${asked.join(", ")} FROM ${from}`);
    answers = (await result.getRows())[0] ?? [];
  } catch (cause) {
    throw wordError(cause);
  }
  return head.columns.map((_, k) => {
    const [isBoolean, isWhole, isNumber] = answers.slice(3 * k, 3 * k + 3);
    return isBoolean ? "boolean" : isWhole ? "int64" : isNumber ? "double" : "string";
  });
}

function valueSql(cell: string, type: ColumnType): string {
  if (type === "string") return `nullif(${cell}, '')`;
  const sqlType = { int64: "BIGINT", double: "DOUBLE", boolean: "BOOLEAN" }[type];
  return `CAST(nullif(trim(${cell}), '') AS ${sqlType})`;
}

async function openParquet(connection: DuckDBConnection, path: string): Promise<TableFile> {
  const from = `read_parquet(${sqlPath(path)})`;
  const wordError = (cause: unknown) =>
    new SpillwayError(
      "source",
      `${path} cannot be read: ${(cause instanceof Error ? cause.message : String(cause)).split("\n")[0]}`,
      { remedy: "Save it again from the program that made it.", where: { path }, cause },
    );
  let described: unknown[][];
  try {
    described = (await (await connection.run(`DESCRIBE SELECT * FROM ${from}`)).getRows()) as unknown[][];
  } catch (cause) {
    throw wordError(cause);
  }
  requireFewColumns(path, described.length);
  return {
    path,
    from,
    columns: described.map(([name, sqlType]) => parquetColumn(String(name), String(sqlType), path)),
    wordError,
  };
}

function parquetColumn(name: string, sqlType: string, path: string): TableColumn {
  const quoted = sqlName(name);
  const text = `CAST(${quoted} AS VARCHAR)`;
  if (sqlType === "BOOLEAN") return { name, type: "boolean", value: quoted, text };
  if (/^U?(?:TINYINT|SMALLINT|INTEGER)$|^BIGINT$/.test(sqlType))
    return { name, type: "int64", value: `CAST(${quoted} AS BIGINT)`, text };
  if (/^(?:FLOAT|DOUBLE|DECIMAL.*)$/.test(sqlType))
    return { name, type: "double", value: `CAST(${quoted} AS DOUBLE)`, text };
  if (/\[|^STRUCT|^MAP|^UNION|^BLOB/.test(sqlType)) {
    throw refusal(
      path,
      `column "${name}" of ${path} is of type ${sqlType.slice(0, 64)}`,
      "Columns hold one text, number or boolean for each sample: leave it out, or part it into columns.",
    );
  }
  return { name, type: "string", value: text, text };
}

/** Which column says what sample a row is of. */
export interface TableKey {
  column: TableColumn;
  /** "path": the file that a sample came from; "number": the number of a sample. */
  kind: "path" | "number";
  /** Beside a path: the row within the file, where the table tells it. */
  row: TableColumn | undefined;
}

/** Names by which a column of paths is known, in small letters. */
export const pathNames = ["path", "file", "filename", "file_name", "filepath", "image"];

/**
 * @param wanted name that the caller gave
 * @param known names to look for where none is given, in small letters, the first that is there
 * @throws SpillwayError `usage` if there is no such column, or if it holds neither text nor whole numbers
 */
export function findKey(table: TableFile, wanted: string | undefined, known: readonly string[]): TableKey {
  const { path, columns } = table;
  const candidates = wanted === undefined ? known : [wanted];
  const column = candidates
    .map((name) => columns.find((candidate) => isSameColumn(candidate.name, name)))
    .find((found) => found !== undefined);
  const names = shortList(columns.map(({ name }) => name));
  if (!column) {
    const what =
      wanted === undefined
        ? `${path} has no column called ${known.join(", ")} that would say which sample a row is of: its columns are ${names}`
        : `${path} has no column "${wanted}": its columns are ${names}`;
    throw new SpillwayError("usage", what, {
      remedy: "Name the column of paths or ids with --key.",
      where: { path },
    });
  }
  if (column.type !== "string" && column.type !== "int64") {
    throw new SpillwayError(
      "usage",
      `column "${column.name}" of ${path} holds ${column.type} values, which say nothing about which sample a row is of`,
      { remedy: "Name a column of paths or ids with --key.", where: { path } },
    );
  }
  if (column.type === "int64") return { column, kind: "number", row: undefined };
  const row = columns.find(({ name, type }) => isSameColumn(name, "row") && type === "int64");
  return { column, kind: "path", row };
}

/**
 * The columns of a table that tell something about samples: all but the key and what else says which sample a row is
 * of (id, path, row).
 */
export function columnsBeside(
  { columns }: TableFile,
  key: TableKey,
): { kept: TableColumn[]; left: string[] } {
  const others = columns.filter((column) => column !== key.column && column !== key.row);
  const isName = ({ name }: TableColumn) => ["id", "path", "row"].includes(name.toLowerCase());
  return {
    kept: others.filter((column) => !isName(column)),
    left: others.filter(isName).map(({ name }) => name),
  };
}

/** A path as catalogs have it: / between its parts, no ./ in front. */
export function plainPathSql(text: string): string {
  return `regexp_replace(replace(${text}, '\\', '/'), '^(\\./)+', '')`;
}

function requireFewColumns(path: string, count: number): void {
  if (count <= maxColumns) return;
  throw refusal(
    path,
    `${path} has ${count} columns, at most ${maxColumns} are read from a table about samples`,
    "Leave out those that are data: they belong into the samples.",
  );
}

function refusal(path: string, what: string, remedy: string): SpillwayError {
  return new SpillwayError("source", what, { remedy, where: { path } });
}

/** "labels.csv" of its whole path, for notes. */
export function tableName({ path }: TableFile): string {
  return basename(path);
}

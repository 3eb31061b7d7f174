// DuckDB as a reader of CSV: the question as SQL, the answer as typed arrays, chunk by chunk, in the order of the
// file and in bounded memory. DuckDB is imported on first use.
// Rule: every number column is read as DOUBLE whatever the first rows look like, so that row 1,000,000 decides nothing.

import type { DuckDBDataChunk } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import { type CsvHead, missingMarks } from "./csv-head.js";
import { loadDuckDb, sqlPath, sqlText } from "./duckdb.js";

const leastMemoryMB = 128;
/** Measured: 2,048 rows of a column pass through six vectors of 8 bytes a cell. */
const columnMB = 0.1;
/** DuckDB's reading buffer; its own default of 32 MiB makes the process twice as large. */
const bufferBytes = 8_000_000;
const maxLineBytes = 2_000_000;

/** A row group of the answer. */
export interface CsvChunk {
  rowCount: number;
  /** Writes the values of a number column without gaps to places `first`, `first + step`, ... of `into`. */
  copyNumbers(column: number, into: Float64Array, first: number, step: number): void;
  /** Value of a text column in a row. */
  text(column: number, row: number): string;
}

/** An open table. */
export interface CsvTable {
  /** Runs `SELECT <columns> FROM <the file> <rest>`; columns of the file are c0, c1 and so on. */
  query(columns: readonly string[], rest?: string): AsyncGenerator<CsvChunk>;
  close(): void;
}

/**
 * @param textColumns columns to be read as text; all others are numbers, and a cell that is none is an error
 */
export async function openCsvTable(
  path: string,
  head: CsvHead,
  textColumns: readonly number[],
  isPacked: boolean,
): Promise<CsvTable> {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: `${queryMB(head)}MB`,
    threads: "1",
    preserve_insertion_order: "true",
    temp_directory: "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const table = csvSql(path, head, textColumns, isPacked);
  return {
    async *query(columns, rest = "") {
      // A connection holds one streamed answer at a time: the next question would end the one before.
      const connection = await instance.connect();
      try {
        const result = await connection.stream(`SELECT ${columns.join(", ")} FROM ${table} ${rest}`);
        for (
          let chunk = await result.fetchChunk();
          chunk && chunk.rowCount > 0;
          chunk = await result.fetchChunk()
        ) {
          yield chunkOf(chunk);
        }
      } catch (cause) {
        throw cause instanceof SpillwayError ? cause : csvError(cause, path, head);
      } finally {
        connection.closeSync();
      }
    },
    close: () => instance.closeSync(),
  };
}

function chunkOf(chunk: DuckDBDataChunk): CsvChunk {
  const { rowCount } = chunk;
  return {
    rowCount,
    copyNumbers(column, into, first, step) {
      const vector = chunk.getColumnVector(column);
      for (let row = 0, to = first; row < rowCount; row++, to += step)
        into[to] = vector.getItem(row) as number;
    },
    text: (column, row) => String(chunk.getColumnVector(column).getItem(row) ?? ""),
  };
}

/** Most memory, in MB, that DuckDB takes for a table: it grows with the columns, never with the rows. */
export function queryMB(head: CsvHead): number {
  return Math.max(leastMemoryMB, Math.ceil(head.columns.length * columnMB));
}

/** A number column without gaps: missing cells are NaN. */
export function filled(column: number): string {
  return `coalesce(c${column}, 'NaN'::DOUBLE)`;
}

/** How many of some number columns are NaN or missing in a row, as a DOUBLE. */
export function countMissing(columns: readonly number[]): string {
  if (columns.length === 0) return "0::DOUBLE";
  // Halved again and again: DuckDB refuses expressions more than 1,000 deep.
  const sum = (start: number, end: number): string => {
    if (end - start === 1) return `(c${columns[start]} IS NULL OR isnan(c${columns[start]}))::INTEGER`;
    const middle = (start + end) >>> 1;
    return `(${sum(start, middle)} + ${sum(middle, end)})`;
  };
  return `${sum(0, columns.length)}::DOUBLE`;
}

/** What stands after FROM for a file; its columns are c0, c1 and so on. Of text columns, missing cells are empty. */
export function csvSql(
  path: string,
  head: CsvHead,
  textColumns: readonly number[],
  isPacked: boolean,
): string {
  const types = head.columns.map(
    (_, column) => `'c${column}': '${textColumns.includes(column) ? "VARCHAR" : "DOUBLE"}'`,
  );
  const options = [
    "auto_detect = false",
    `header = ${head.hasHeader}`,
    `delim = ${sqlText(head.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    `columns = {${types.join(", ")}}`,
    `nullstr = [${["", ...missingMarks].map(sqlText).join(", ")}]`,
    `force_not_null = [${textColumns.map((column) => `'c${column}'`).join(", ")}]`,
    `compression = '${isPacked ? "gzip" : "none"}'`,
    `buffer_size = ${bufferBytes}`,
    `max_line_size = ${maxLineBytes}`,
  ];
  return `read_csv(${sqlPath(path)}, ${options.join(", ")})`;
}

/** DuckDB's message, which has many lines of advice for SQL users, as ours. */
export function csvError(cause: unknown, path: string, head: CsvHead): SpillwayError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  const at = line === undefined ? path : `line ${line} of ${path}`;
  const refuse = (what: string, remedy: string) =>
    new SpillwayError("source", what, { remedy, where: { path }, cause });
  const columns = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message);
  if (columns)
    return refuse(
      `${at} has ${columns[2]} columns, ${columns[1]} were expected`,
      "Correct the line, or remove it.",
    );
  const cell = /converting column "c(\d+)"\. Could not convert string "(.*)" to/.exec(message);
  if (cell) {
    const name = head.columns[Number(cell[1])]?.name;
    const remedy = 'Correct the cell (empty or "NA" for a missing number), or remove the column.';
    return refuse(`${at} has "${cell[2]?.slice(0, 80)}" in column "${name}", a number was expected`, remedy);
  }
  if (/unicode|utf-8/i.test(message)) return refuse(`${at} is not UTF-8 text`, "Save the file as UTF-8.");
  if (/maximum line size/i.test(message)) {
    return refuse(
      `${at} is longer than ${maxLineBytes} bytes`,
      "Check its quotes and line ends, or save wide tables as .npy.",
    );
  }
  if (/invalid state|unterminated quote|not properly/i.test(message)) {
    return refuse(
      `${at} has quotes that do not match, or line ends of two kinds`,
      "Save it again from the program that made it.",
    );
  }
  return refuse(
    `${at} cannot be read: ${message.split("\n")[0]}`,
    "Save it again from the program that made it.",
  );
}

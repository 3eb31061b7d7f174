// What DuckDB complains of, as our errors: the line of the user's own text, the nearest names for a column that is not
// there, and what to do. DuckDB's advice for people who run a database is left out.

import { SpillwayError } from "../errors.js";
import { formatBytes } from "../store/byte-size.js";
import { noColumn } from "./columns.js";

/** What an error is worded by. */
export interface SqlText {
  /** "the query" or "the condition". */
  what: string;
  /** What the user wrote. */
  text: string;
  /** Lines that were put in front of it. */
  linesBefore: number;
  /** Columns of the table. */
  columns: readonly string[];
  dataset: string;
  memoryBytes: number;
}

const remedy = "The one table is catalog; its columns are listed by: spillway query <dataset>.";

/** Whether DuckDB had too little memory. */
export function isMemoryError(cause: unknown): boolean {
  return /^Out of Memory Error/.test(messageOf(cause));
}

/** The error for too little memory; `what` says what could not be done. */
export function tooLittleMemory(cause: unknown, what: string, memoryBytes: number): SpillwayError {
  const wanted = Math.max(2 ** 26, memoryBytes * 2);
  return new SpillwayError("memory", `${what} in ${formatBytes(memoryBytes)} of memory`, {
    remedy: `Give it more, such as memory: "${Math.ceil(wanted / 2 ** 20)} MiB".`,
    cause,
  });
}

/** The error for more or less than one SELECT. */
export function noSelect(what: string, found: string): SpillwayError {
  return new SpillwayError("usage", `${what} has to be one SELECT, and is ${found}`, {
    remedy: "Nothing but the table catalog can be read, and nothing can be written.",
  });
}

/** The error for a text that DuckDB does not run. */
export function wordSqlError(cause: unknown, sql: SqlText): SpillwayError {
  if (cause instanceof SpillwayError) return cause;
  const message = messageOf(cause);
  const { what, columns, dataset, memoryBytes } = sql;
  if (isMemoryError(cause)) return tooLittleMemory(cause, `${what} cannot be answered`, memoryBytes);
  const file = /Cannot access (?:file|directory) "([^"]*)"/.exec(message)?.[1];
  const refuse = (why: string, todo = remedy) =>
    new SpillwayError("usage", `${placeOf(message, sql)}: ${why}`, {
      remedy: todo,
      where: { dataset },
      cause,
    });
  if (
    file !== undefined ||
    /^Permission Error|has been locked|disabled (?:by|through) configuration/.test(message)
  ) {
    const reads = file === undefined ? "" : ` of ${file}`;
    return refuse(
      `files${reads} and settings are out of its reach`,
      "Nothing but the table catalog can be read.",
    );
  }
  const column =
    /(?:column|column named) "([^"]+)" (?:not found|was not found)|does not have a column named "([^"]+)"/.exec(
      message,
    );
  const name = column?.[1] ?? column?.[2];
  if (name !== undefined && !columns.some((known) => known.toLowerCase() === name.toLowerCase()))
    return noColumn(name, columns, dataset, cause);
  const table = /Table with name (.+) does not exist/.exec(message)?.[1];
  if (table !== undefined) return refuse(`there is no table ${table}`);
  if (isDamage(message)) {
    return new SpillwayError("corrupt", `the catalog of ${dataset} is damaged: ${firstLine(message)}`, {
      remedy: `Look which file it is: spillway verify ${dataset}.`,
      where: { dataset },
      cause,
    });
  }
  return refuse(firstLine(message));
}

function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^Failed to (?:extract statements|prepare|execute)[^:]*: /, "");
}

/** Without the kind of error in front, and without candidates. */
function firstLine(message: string): string {
  const line = message.split("\n", 1)[0]!.replace(/^[A-Z][A-Za-z ]+ Error: /, "");
  return line.replace(/[.!]$/, "").slice(0, 300);
}

/** "line 2 of the query, \"...\"" where DuckDB tells a line, else what is wrong as a whole. */
function placeOf(message: string, { what, text, linesBefore }: SqlText): string {
  const number = Number(/^LINE (\d+):/m.exec(message)?.[1] ?? Number.NaN) - linesBefore;
  const line = text.split("\n")[number - 1]?.trim();
  if (line === undefined) return `${what} cannot be answered`;
  const shown = line.length > 80 ? `${line.slice(0, 77)}...` : line;
  return text.trim().includes("\n") ? `line ${number} of ${what} (${shown})` : `${what} (${shown})`;
}

/** What DuckDB says over files that are no whole Parquet files. */
function isDamage(message: string): boolean {
  return /^IO Error|TProtocolException|magic bytes|Snappy|corrupt|failed to read metadata|page header|Don't know what type|parquet file/i.test(
    message,
  );
}

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
  const remedy = `The one table is catalog; its columns are listed by: spillway query ${dataset}.`;
  const refuse = (problem: string, todo = remedy) =>
    new SpillwayError("usage", problem, { remedy: todo, where: { dataset }, cause });
  if (
    file !== undefined ||
    /^Permission Error|has been locked|disabled (?:by|through) configuration/.test(message)
  ) {
    const reached = file === undefined ? "settings" : `${file}, which is no part of the catalog`;
    return refuse(`${what} reaches for ${reached}`, "Nothing but the table catalog can be read.");
  }
  const column =
    /(?:column|column named) "([^"]+)" (?:not found|was not found)|does not have a column named "([^"]+)"/.exec(
      message,
    );
  const name = column?.[1] ?? column?.[2];
  if (name !== undefined && !columns.some((known) => known.toLowerCase() === name.toLowerCase()))
    return noColumn(name, columns, dataset, cause);
  const table = /Table with name (.+) does not exist/.exec(message)?.[1];
  if (table !== undefined) return refuse(`${what} names a table ${table}, which is not there`);
  if (isDamage(message)) {
    return new SpillwayError("corrupt", `the catalog of ${dataset} is damaged: ${firstLine(message)}`, {
      remedy: `Look which file it is: spillway verify ${dataset}.`,
      where: { dataset },
      cause,
    });
  }
  return refuse(`${placeOf(message, sql)} is wrong: ${firstLine(message)}`);
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

/** What is wrong: of a text with several lines the one that DuckDB names, with what stands there. */
function placeOf(message: string, { what, text, linesBefore }: SqlText): string {
  const number = Number(/^LINE (\d+):/m.exec(message)?.[1] ?? Number.NaN) - linesBefore;
  const line = text.split("\n")[number - 1]?.trim();
  if (line === undefined || !text.trim().includes("\n")) return what;
  return `line ${number} of ${what} (${line.length > 80 ? `${line.slice(0, 77)}...` : line})`;
}

/** What DuckDB says over files that are no whole Parquet files. */
function isDamage(message: string): boolean {
  return /^IO Error|TProtocolException|magic bytes|Snappy|corrupt|failed to read metadata|page header|Don't know what type|parquet file/i.test(
    message,
  );
}

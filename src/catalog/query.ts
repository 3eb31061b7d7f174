// SQL over the catalog: one SELECT, its rows as plain values, chunk by chunk. It reads the table `catalog` and nothing
// else, see sql-table.ts.

import type { DuckDBPreparedStatement, DuckDBValue } from "@duckdb/node-api";
import { asNumber } from "../format/columns.js";
import { loadDuckDb } from "../source/duckdb.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { noSelect, wordSqlError } from "./sql-errors.js";
import { type SqlOptions, type SqlTable, splitProblemMark, withCatalogTable } from "./sql-table.js";

/** A value of an answer: whole numbers beyond 2^53 as bigint, dates and the like as text, lists and structs as such. */
export type QueryValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly QueryValue[]
  | { readonly [name: string]: QueryValue };

/** A column of an answer. */
export interface QueryColumn {
  /** As the query names it; a name that is there twice gets a number. */
  name: string;
  /** SQL's name of the type. */
  type: string;
}

/** An answer whose rows come in chunks, to be taken once. */
export interface QueryStream {
  columns: readonly QueryColumn[];
  chunks: AsyncIterable<readonly (readonly QueryValue[])[]>;
}

/** An answer as a whole. */
export interface QueryAnswer {
  columns: readonly QueryColumn[];
  /** Rows by the names of the columns. */
  rows: Readonly<Record<string, QueryValue>>[];
}

/**
 * Runs one SELECT and hands its answer over while the table is open.
 *
 * @throws SpillwayError `usage` for what is not one SELECT, is wrong, or reaches for anything but the table `catalog`;
 * `missing` for a column that is not there, with the nearest names; `memory`; `corrupt`, `mismatch` as the table itself
 */
export async function streamQuery<T>(
  place: CatalogPlace,
  sql: string,
  options: SqlOptions,
  take: (answer: QueryStream) => Promise<T>,
): Promise<T> {
  refuseOtherStatements(sql);
  return withCatalogTable(place, options, async (table) => {
    const guard = guardFor(table, place, sql, options);
    const statement = await guard(() => prepareSelect(table, sql));
    const result = await guard(() => statement.stream());
    const names = result.deduplicatedColumnNames();
    const types = result.columnTypes();
    async function* chunks(): AsyncGenerator<QueryValue[][]> {
      for (;;) {
        const chunk = await guard(() => result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) return;
        yield chunk.getRows().map((row) => row.map(plainValue));
      }
    }
    const columns = names.map((name, k) => ({ name, type: String(types[k]) }));
    return take({ columns, chunks: chunks() });
  });
}

/** Runs one SELECT; all rows of its answer are held. Errors as `streamQuery`. */
export function queryCatalog(place: CatalogPlace, sql: string, options: SqlOptions): Promise<QueryAnswer> {
  return streamQuery(place, sql, options, async ({ columns, chunks }) => {
    const rows: QueryAnswer["rows"] = [];
    for await (const chunk of chunks) {
      for (const values of chunk)
        rows.push(Object.fromEntries(columns.map(({ name }, k) => [name, values[k]!])));
    }
    return { columns, rows };
  });
}

/** What words that begin another kind of statement are, so that they are refused whatever DuckDB says of them. */
const otherStatements = new Set(
  "alter analyze attach begin call checkpoint comment commit copy create deallocate delete detach drop execute explain export force import insert install load merge pragma prepare reset rollback set truncate update use vacuum".split(
    " ",
  ),
);

function refuseOtherStatements(sql: string): void {
  const word = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([A-Za-z]+)/.exec(sql)?.[1]?.toLowerCase();
  if (word !== undefined && otherStatements.has(word))
    throw noSelect("a query", `${word.toUpperCase()} instead`);
}

async function prepareSelect({ connection }: SqlTable, sql: string): Promise<DuckDBPreparedStatement> {
  const { StatementType } = await loadDuckDb();
  // Without a statement in it, DuckDB fails without saying why.
  if (/^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*$/.test(sql)) throw noSelect("a query", "empty");
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw noSelect("a query", `${statements.count} statements`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== StatementType.SELECT)
    throw noSelect("a query", `${StatementType[statement.statementType].replaceAll("_", " ")} instead`);
  return statement;
}

/** Runs a step of a query and words what goes wrong. */
export function guardFor(
  { columns, memoryBytes, splitProblem }: SqlTable,
  { folder }: CatalogPlace,
  text: string,
  { signal }: SqlOptions,
  { what = "the query", linesBefore = 0 } = {},
): <R>(step: () => Promise<R>) => Promise<R> {
  return async (step) => {
    try {
      return await step();
    } catch (cause) {
      signal?.throwIfAborted();
      if (splitProblem && cause instanceof Error && cause.message.includes(splitProblemMark))
        throw splitProblem;
      throw wordSqlError(cause, { what, text, linesBefore, columns, dataset: folder, memoryBytes });
    }
  };
}

/** A value of DuckDB's as plain data. */
function plainValue(value: DuckDBValue): QueryValue {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  if (typeof value === "bigint") return asNumber(value);
  if ("toDouble" in value && typeof value.toDouble === "function") return value.toDouble() as number;
  if ("items" in value) return (value.items as readonly DuckDBValue[]).map(plainValue);
  if ("entries" in value) {
    const entries = value.entries;
    if (Array.isArray(entries))
      return entries.map(({ key, value: of }) => ({ key: plainValue(key), value: plainValue(of) }));
    return Object.fromEntries(
      Object.entries(entries as Record<string, DuckDBValue>).map(([name, of]) => [name, plainValue(of)]),
    );
  }
  return String(value);
}

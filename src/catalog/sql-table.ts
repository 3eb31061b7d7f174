// The table `catalog` in SQL: a DuckDB of its own that sees the catalog's files and nothing else. Parts of the catalog are
// one table; parts of added columns stand beside it row by row (a join by id would hold them in memory); split and
// excluded are bits, one per sample, looked up by id.
// Rule: what the user's SQL can do is decided here, before it is run: external access is off but for the catalog's own
// files, the configuration is locked, nothing is spilled to disk, the transaction only reads.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import { loadDuckDb, sqlName, sqlText, withDuckDb } from "../source/duckdb.js";
import { parseBytes } from "../store/byte-size.js";
import { type CatalogPlace, requireWholeFiles } from "./catalog-reader.js";
import { storedColumns } from "./columns.js";
import { readExcluded } from "./excluded.js";
import { readSplitMarks, type SplitMarks, toBitBytes } from "./split-marks.js";

/** Milliseconds between two interruptions of a query that is no longer wanted. */
const interruptMs = 20;
const defaultMemoryBytes = 2 ** 28;
const leastMemoryBytes = 2 ** 25;
const maxThreads = 4;
/** get_bit counts in 32 bits. */
const maxMarkedRows = 2 ** 31 - 1;

export interface SqlOptions {
  /** Scheme that the column `split` tells of; default: "main", if there is one. */
  scheme?: string;
  /** Memory for the query, such as "256 MiB" (the default). It is not part of the dataset's own. */
  memory?: string | number;
  /** Ends the query, which then throws the signal's reason. */
  signal?: AbortSignal;
  /** Bitmap of the samples that are left out; default: those of the dataset. */
  excluded?: Uint8Array;
}

/** A table that can be asked. */
export interface SqlTable {
  readonly connection: DuckDBConnection;
  /** Names of the columns. */
  readonly columns: readonly string[];
  readonly memoryBytes: number;
  /** Why the column `split` cannot be read, where it cannot. */
  readonly splitProblem: SpillwayError | undefined;
}

/**
 * Opens the table for as long as the work takes.
 *
 * @throws SpillwayError `corrupt` for a damaged part of the catalog, `mismatch` for added columns or a scheme of other
 * content, `missing` for DuckDB or a scheme, `usage` for a memory that is too small
 */
export async function withCatalogTable<T>(
  place: CatalogPlace,
  options: SqlOptions,
  work: (table: SqlTable) => Promise<T>,
): Promise<T> {
  const { signal, scheme, excluded = readExcluded(place)?.read() } = options;
  signal?.throwIfAborted();
  const memoryBytes = options.memory === undefined ? defaultMemoryBytes : parseBytes(options.memory);
  if (memoryBytes < leastMemoryBytes) {
    throw new SpillwayError("memory", `a query needs more than ${memoryBytes} bytes of memory`, {
      remedy: 'Give it at least memory: "32 MiB".',
      where: { neededBytes: leastMemoryBytes },
    });
  }
  const files = filesOf(place);
  await requireWholeFiles(files);
  const { marks, problem } = readMarks(place, scheme);
  const threads = Math.min(maxThreads, availableParallelism());
  return withDuckDb({ memoryBytes, threads }, async (connection) => {
    const { DuckDBBitValue } = await loadDuckDb();
    const paths = files.map(({ path }) => sqlText(path)).join(", ");
    await connection.run(`SET allowed_paths = [${paths}]`);
    await connection.run("SET enable_external_access = false");
    for (const [k, { bits }] of marks.entries())
      await connection.run(`SET VARIABLE split${k} = $1`, [new DuckDBBitValue(toBitBytes(bits))]);
    if (excluded)
      await connection.run("SET VARIABLE excluded = $1", [new DuckDBBitValue(toBitBytes(excluded))]);
    const { sql, columns } = viewSql(place, marks, problem, excluded);
    await connection.run(`CREATE VIEW catalog AS ${sql}`);
    await connection.run("SET lock_configuration = true");
    await connection.run("BEGIN TRANSACTION READ ONLY");
    // Again and again: an interruption between two statements is forgotten when the next one starts.
    let interruptions: NodeJS.Timeout | undefined;
    const interrupt = () => {
      connection.interrupt();
      interruptions = setInterval(() => connection.interrupt(), interruptMs);
    };
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      // It may have come while the table was made.
      signal?.throwIfAborted();
      return await work({ connection, columns, memoryBytes, splitProblem: problem });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", interrupt);
      clearInterval(interruptions);
    }
  });
}

/** All files that the table consists of. */
function filesOf(place: CatalogPlace): { path: string; entry: { bytes: number; hash: string } }[] {
  const { folder, manifest } = place;
  const files = manifest.catalog.map((entry): { path: string; entry: { bytes: number; hash: string } } => ({
    path: join(folder, entry.path),
    entry,
  }));
  for (const { added } of storedColumns(place)) {
    if (added && !files.some(({ path }) => path === added.path))
      files.push({ path: added.path, entry: added.part });
  }
  return files;
}

/** A scheme that nobody asked for by name is not in the way of a query that does not use it. */
function readMarks(
  place: CatalogPlace,
  scheme: string | undefined,
): { marks: SplitMarks[]; problem: SpillwayError | undefined } {
  try {
    const marks = readSplitMarks(place, scheme);
    if (marks.some(({ rows }) => rows > maxMarkedRows)) throw tooManyRows(place);
    return { marks, problem: undefined };
  } catch (error) {
    if (scheme !== undefined || !(error instanceof SpillwayError)) throw error;
    return { marks: [], problem: error };
  }
}

function viewSql(
  place: CatalogPlace,
  marks: readonly SplitMarks[],
  problem: SpillwayError | undefined,
  excluded: Uint8Array | undefined,
): { sql: string; columns: string[] } {
  const { folder, manifest } = place;
  const stored = storedColumns(place);
  const parts = [...new Set(stored.flatMap(({ added }) => added?.path ?? []))];
  const taken = new Set<string>();
  const columns: string[] = [];
  const selected = stored.map(({ name, added }) => {
    const from = added ? `part${parts.indexOf(added.path)}` : "catalog";
    const alias = freeName(name, taken);
    columns.push(alias);
    return `${from}.${sqlName(name)} AS ${sqlName(alias)}`;
  });
  const files = manifest.catalog.map(({ path }) => sqlText(join(folder, path)));
  const own =
    files.length > 0 ? `read_parquet([${files.join(", ")}], hive_partitioning = false)` : emptySql(place);
  const beside = parts.map(
    (path, k) => ` POSITIONAL JOIN read_parquet(${sqlText(path)}, hive_partitioning = false) part${k}`,
  );
  columns.push("split", "excluded");
  const sql = `SELECT ${[...selected, `${splitSql(marks, problem)} AS split`, `${excludedSql(excluded)} AS excluded`].join(", ")} FROM ${own} catalog${beside.join("")}`;
  return { sql, columns };
}

/** Class fields may differ in capitals alone, which SQL does not tell apart: the second gets a number. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  for (let k = 2; taken.has(free.toLowerCase()); k += 1) free = `${name}_${k}`;
  taken.add(free.toLowerCase());
  return free;
}

function splitSql(marks: readonly SplitMarks[], problem: SpillwayError | undefined): string {
  if (problem) return `error(${sqlText(splitProblemMark)})::VARCHAR`;
  if (marks.length === 0) return "NULL::VARCHAR";
  const cases = marks.map(({ split }, k) => `WHEN ${bitSql(`split${k}`)} THEN ${sqlText(split)}`);
  return `CASE WHEN catalog.id >= ${marks[0]!.rows} THEN NULL ${cases.join(" ")} END`;
}

/** What DuckDB says when a query uses the column `split` and there is a problem with it. */
export const splitProblemMark = "the splits cannot be used";

function excludedSql(excluded: Uint8Array | undefined): string {
  if (!excluded) return "false";
  return `catalog.id < ${excluded.length * 8} AND ${bitSql("excluded")}`;
}

function bitSql(variable: string): string {
  return `get_bit(getvariable('${variable}'), catalog.id::INTEGER) = 1`;
}

/** A table of the same columns without rows, for a dataset whose first shard is not there yet. */
function emptySql(place: CatalogPlace): string {
  const sqlTypes = {
    string: "VARCHAR",
    int64: "BIGINT",
    double: "DOUBLE",
    boolean: "BOOLEAN",
    uint64: "UBIGINT",
  };
  const columns = storedColumns(place)
    .filter(({ added }) => !added)
    .map(({ name, type }) => `NULL::${sqlTypes[type]} AS ${sqlName(name)}`);
  return `(SELECT ${columns.join(", ")} WHERE false)`;
}

function tooManyRows({ folder }: CatalogPlace): SpillwayError {
  return new SpillwayError("usage", `SQL tells the splits of at most ${maxMarkedRows} samples`, {
    remedy: "Leave the column split out of the query.",
    where: { dataset: folder },
  });
}

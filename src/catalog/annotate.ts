// Adds columns to a catalog: rows in any order, from a table or a program, become a part in the order of the samples.
// DuckDB sorts them, on disk where they do not fit in memory; the part is written a group of rows at a time.
// Rule: whoever calls this holds the lock of the folder that is written to. A kill at any moment leaves the columns as
// they were; what it leaves behind is removed by the next call.

import fs from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import { type ColumnValue, checkColumnNames } from "../format/columns.js";
import { withDuckDb } from "../source/duckdb.js";
import { parseBytes } from "../store/byte-size.js";
import { createFolder, syncFolder } from "../store/file.js";
import type { Annotated, AnnotateOptions, GivenRow, Staged } from "./annotate-options.js";
import {
  type AddedPart,
  addedColumns,
  columnsFolder,
  nextVersion,
  partPath,
  readVersions,
  writeVersions,
} from "./annotations.js";
import { type CatalogPlace, classFields } from "./catalog-reader.js";
import { ColumnsWriter } from "./columns-writer.js";
import { stageRows } from "./given-rows.js";
import { stageTable } from "./given-table.js";
import { isMemoryError, tooLittleMemory } from "./sql-errors.js";

const defaultMemoryBytes = 2 ** 28;
const temporaryName = "part.tmp";
const scratchName = ".scratch";
const progressRows = 16_384;
/** Rows that a message names. */
const shownRows = 10;

/**
 * @param given path of a table, or rows
 * @throws SpillwayError `source` for rows that are of no sample or name one twice, `usage` for names that are taken,
 * `memory`, `space`, `io`
 */
export async function annotateCatalog(
  place: CatalogPlace,
  given: string | Iterable<GivenRow> | AsyncIterable<GivenRow>,
  options: AnnotateOptions,
): Promise<Annotated> {
  const target = place.side ?? place.folder;
  const versions = readVersions(target);
  addedColumns(place);
  const folder = join(target, columnsFolder);
  createFolder(folder);
  removeLeftovers(target);
  const scratch = join(folder, scratchName);
  const memoryBytes = options.memory === undefined ? defaultMemoryBytes : parseBytes(options.memory);
  try {
    return await withDuckDb({ memoryBytes, threads: 2, scratch }, async (connection) => {
      const staged =
        typeof given === "string"
          ? await stageTable(connection, given, place, options)
          : await stageRows(connection, given, options);
      for (const note of staged.notes) options.onNote?.(note);
      requireColumns(staged, place);
      const written = await writePart(connection, staged, place, join(folder, temporaryName), options);
      const { rows, fingerprint } = place.manifest.commits.at(-1)!;
      const version = nextVersion(versions);
      const part: AddedPart = {
        version,
        columns: staged.columns,
        rows,
        fingerprint,
        path: `${String(version).padStart(5, "0")}-${written.hash}.parquet`,
        bytes: written.bytes,
        hash: written.hash,
      };
      fs.renameSync(join(folder, temporaryName), partPath(target, part));
      syncFolder(folder);
      writeVersions(target, [...versions, part]);
      return {
        version,
        columns: staged.columns,
        rows: written.matched,
        without: rows - written.matched,
        leftOut: written.leftOut,
      };
    });
  } catch (error) {
    if (isMemoryError(error)) throw tooLittleMemory(error, "the rows cannot be sorted", memoryBytes);
    throw error;
  } finally {
    fs.rmSync(join(folder, temporaryName), { force: true });
    fs.rmSync(scratch, { recursive: true, force: true });
    removeIfEmpty(folder);
  }
}

/** What a kill may have left: a part that is not named, half a part, scratch. */
export function removeLeftovers(target: string): void {
  const named = new Set(readVersions(target).flatMap((part) => ("path" in part ? [part.path] : [])));
  const folder = join(target, columnsFolder);
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const isPart = name.endsWith(".parquet") || name === temporaryName || name === scratchName;
    if (isPart && !named.has(name)) fs.rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // It holds columns.
  }
}

function requireColumns({ columns, from }: Staged, { manifest }: CatalogPlace): void {
  const names = Object.keys(columns);
  if (names.length === 0) {
    throw new SpillwayError("usage", `${from} has no column besides what says which sample a row is of`, {
      remedy: "Add a column with what you want to keep.",
    });
  }
  checkColumnNames(names, classFields(manifest), from);
}

interface Written {
  bytes: number;
  hash: string;
  matched: number;
  leftOut: number;
}

/** Sorts the rows by sample and writes them, with gaps where there are none. */
async function writePart(
  connection: DuckDBConnection,
  staged: Staged,
  { folder, manifest }: CatalogPlace,
  path: string,
  options: AnnotateOptions,
): Promise<Written> {
  const count = manifest.rows;
  const writer = new ColumnsWriter(path, staged.columns);
  const width = Object.keys(staged.columns).length;
  const unmatched = new NamedRows();
  const twice = new NamedRows();
  let matched = 0;
  let last = -1;
  const values: ColumnValue[] = new Array(width).fill(null);
  // Rows that are of no sample come first, in their own order, so that they are named before anything is written.
  const known = `CASE WHEN id BETWEEN 0 AND ${count - 1} THEN id END`;
  const sql = `SELECT * REPLACE (${known} AS id) FROM (${staged.sql}) ORDER BY id NULLS FIRST, line`;
  try {
    const result = await connection.stream(sql);
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const vectors = Array.from({ length: 3 + width }, (_, k) => chunk!.getColumnVector(k));
      for (let row = 0; row < chunk.rowCount; row += 1) {
        const found = vectors[0]!.getItem(row) as bigint | null;
        if (found === null) {
          unmatched.add(vectors[2]!.getItem(row));
          continue;
        }
        if (last < 0 && unmatched.count > 0 && !options.partial) continue;
        const id = Number(found);
        if (id === last) {
          twice.add(vectors[2]!.getItem(row));
          continue;
        }
        last = id;
        writer.skipTo(id);
        for (let k = 0; k < width; k += 1) values[k] = vectors[3 + k]!.getItem(row) as ColumnValue;
        writer.add(values);
        matched += 1;
        if (matched % progressRows === 0) options.onProgress?.({ samples: id, total: count });
      }
    }
  } catch (cause) {
    if (cause instanceof SpillwayError || isMemoryError(cause)) throw cause;
    throw staged.wordError?.(cause) ?? cause;
  }
  refuse(staged, folder, count, options, { unmatched, twice, matched });
  writer.skipTo(count);
  const { bytes, hash } = writer.finish();
  options.onProgress?.({ samples: count, total: count });
  return { bytes, hash, matched, leftOut: unmatched.count };
}

/** Rows that are wrong in the same way: how many, and the first ten by what they call the sample. */
class NamedRows {
  count = 0;
  readonly #names: string[] = [];

  add(name: unknown): void {
    this.count += 1;
    if (this.#names.length < shownRows) this.#names.push(name === null ? "(empty)" : String(name));
  }

  toString(): string {
    const more = this.count - this.#names.length;
    return this.#names.join(", ") + (more > 0 ? `, and ${more} more` : "");
  }
}

/** @throws SpillwayError `source` for rows that cannot be used */
function refuse(
  { from }: Staged,
  dataset: string,
  count: number,
  { partial }: AnnotateOptions,
  { unmatched, twice, matched }: { unmatched: NamedRows; twice: NamedRows; matched: number },
): void {
  const where = { path: from, dataset };
  const rows = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  if (unmatched.count > 0 && !(partial && matched > 0)) {
    throw new SpillwayError(
      "source",
      `${rows(unmatched.count, "row", "rows")} of ${from} ${unmatched.count === 1 ? "is" : "are"} of no sample of ${dataset}, which has ${count}: ${unmatched}`,
      {
        remedy: partial
          ? "Not a single row fits: check which column says what sample a row is of (--key), and how the catalog writes paths (spillway query)."
          : "Correct them, name another column with --key, or leave them out with --partial (partial: true).",
        where,
      },
    );
  }
  if (twice.count > 0) {
    throw new SpillwayError(
      "source",
      `${rows(twice.count, "row", "rows")} of ${from} ${twice.count === 1 ? "names" : "name"} a sample again: ${twice}`,
      { remedy: "Keep one row for each sample.", where },
    );
  }
  if (matched === 0) {
    throw new SpillwayError("source", `${from} has no rows`, {
      remedy: "Give it a row for each sample that has a value.",
      where,
    });
  }
}

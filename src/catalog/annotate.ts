// Adds columns to a catalog: rows in any order, from a table or a program, become a part in the order of the samples.
//
//   rows ──> (by path: match-paths) ──> piles of neighbouring ids ──> sorted, one pile at a time ──> part
//
// Rule: whoever calls this holds the lock of the folder that is written to. A kill at any moment leaves the columns as
// they were; what it leaves behind is removed by the next call.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { type Columns, type ColumnValue, checkColumnNames } from "../format/columns.js";
import { withDuckDb } from "../source/duckdb.js";
import { wordKey } from "../source/label-table.js";
import { createFolder, syncFolder } from "../store/file.js";
import type { Annotated, AnnotateOptions, GivenRow, GivenRows } from "./annotate-options.js";
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
import { givenRows } from "./given-rows.js";
import { givenTable } from "./given-table.js";
import { type Matched, matchPaths } from "./match-paths.js";
import { NamedRows } from "./named-rows.js";
import { pileCount, Spool } from "./spool.js";

/** Reading a table from front to back takes little. */
const duckDb = { memoryBytes: 2 ** 28, threads: 1 };
const temporaryName = "part.tmp";
const scratchName = ".scratch";
const progressRows = 16_384;

/**
 * @param given path of a table, or rows
 * @throws SpillwayError `source` for rows that are of no sample or name one again, `usage` for names that are taken,
 * `space`, `io`
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
  createFolder(join(folder, scratchName));
  try {
    const rows = new RowsById(place, join(folder, scratchName), options);
    const columns =
      typeof given === "string"
        ? await withDuckDb(duckDb, async (connection) =>
            rows.takeIn(await givenTable(connection, given, options)),
          )
        : await rows.takeIn(givenRows(given, options));
    const written = rows.write(join(folder, temporaryName), columns);
    const { rows: count, fingerprint } = place.manifest.commits.at(-1)!;
    const version = nextVersion(versions);
    const { bytes, hash } = written;
    const path = `${String(version).padStart(5, "0")}-${hash}.parquet`;
    const part: AddedPart = { version, columns, rows: count, fingerprint, path, bytes, hash };
    fs.renameSync(join(folder, temporaryName), partPath(target, part));
    syncFolder(folder);
    writeVersions(target, [...versions, part]);
    return {
      version,
      columns,
      rows: written.rows,
      without: count - written.rows,
      leftOut: rows.unmatched.count,
    };
  } finally {
    fs.rmSync(join(folder, temporaryName), { force: true });
    fs.rmSync(join(folder, scratchName), { recursive: true, force: true });
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

/** Rows on their way into the order of the samples. */
class RowsById implements Matched {
  readonly unmatched = new NamedRows();
  readonly #twice = new NamedRows();
  readonly #place: CatalogPlace;
  readonly #options: AnnotateOptions;
  readonly #scratch: string;
  readonly #piles: Spool;
  readonly #pileRows: number;
  #from = "";
  #matched = 0;

  constructor(place: CatalogPlace, scratch: string, options: AnnotateOptions) {
    this.#place = place;
    this.#scratch = scratch;
    this.#options = options;
    const { rows } = place.manifest;
    this.#piles = new Spool(scratch, "rows", pileCount(rows));
    this.#pileRows = Math.ceil(rows / this.#piles.count);
  }

  /** Takes all rows and gives their columns. */
  async takeIn(given: GivenRows): Promise<Columns> {
    this.#from = given.from;
    if (given.kind === "number") {
      let line = 0;
      for await (const { key, values } of given.rows) {
        if (typeof key === "number" && key >= 0 && key < this.#place.manifest.rows) this.add(key, values);
        else this.addUnmatched(line, wordKey(key));
        line += 1;
        this.advance(line);
      }
    } else await matchPaths(this.#place, given, this.#scratch, this);
    const columns = given.columns();
    this.#requireFit(columns);
    return columns;
  }

  add(id: number, values: readonly ColumnValue[]): void {
    this.#matched += 1;
    this.#piles.add(Math.floor(id / this.#pileRows), id, values);
  }

  addUnmatched(line: number, name: string): void {
    this.unmatched.add(line, name);
  }

  addTwice(line: number, name: string): void {
    this.#twice.add(line, name);
  }

  advance(rows: number): void {
    if (rows % progressRows === 0)
      this.#options.onProgress?.({ phase: "reading", done: rows, total: undefined });
  }

  /** Writes the part, with gaps where there are no rows; gives what it is and how many samples have values. */
  write(path: string, columns: Columns): { rows: number; bytes: number; hash: string } {
    const count = this.#place.manifest.rows;
    const writer = new ColumnsWriter(path, columns);
    let rows = 0;
    for (let pile = 0; pile < this.#piles.count; pile += 1) {
      const sorted = [...this.#piles.take(pile)].sort((a, b) => a.number - b.number);
      for (const { number: id, values } of sorted) {
        if (id < writer.next) this.#twice.add(id, wordKey(id));
        else {
          writer.skipTo(id);
          writer.add(values);
          rows += 1;
        }
      }
      this.#options.onProgress?.({ phase: "writing", done: writer.next, total: count });
    }
    this.#requireOnce();
    writer.skipTo(count);
    const { bytes, hash } = writer.finish();
    return { rows, bytes, hash };
  }

  /** @throws SpillwayError for rows that are of no sample, none at all, or columns that cannot be kept */
  #requireFit(columns: Columns): void {
    const { folder, manifest } = this.#place;
    const from = this.#from;
    const where = { path: from, dataset: folder };
    const { count } = this.unmatched;
    if (count === 0 && this.#matched === 0)
      throw new SpillwayError("source", `${from}: there are no rows`, {
        remedy: "Give a row for each sample that has a value.",
        where,
      });
    if (Object.keys(columns).length === 0)
      throw new SpillwayError(
        "usage",
        `${from}: there is no column besides what says which sample a row is of`,
        {
          remedy: "Add a column with what you want to keep.",
          where,
        },
      );
    checkColumnNames(Object.keys(columns), classFields(manifest), from);
    if (count === 0 || (this.#options.partial && this.#matched > 0)) return;
    const are = count === 1 ? "row is" : "rows are";
    throw new SpillwayError(
      "source",
      `${from}: ${count} ${are} of no sample of ${folder}, which has ${manifest.rows}: ${this.unmatched}`,
      {
        remedy:
          this.#matched === 0
            ? "Not a single row fits: check which column says what sample a row is of (--key), and how the catalog writes paths (spillway query)."
            : "Correct them, or leave them out with --partial (partial: true).",
        where,
      },
    );
  }

  #requireOnce(): void {
    const { count } = this.#twice;
    if (count === 0) return;
    throw new SpillwayError(
      "source",
      `${this.#from}: ${count} ${count === 1 ? "row names" : "rows name"} a sample again: ${this.#twice}`,
      {
        remedy: "Keep one row for each sample.",
        where: { path: this.#from, dataset: this.#place.folder },
      },
    );
  }
}

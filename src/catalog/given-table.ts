// Rows about samples that come as a table: each is brought to the id of its sample, by the id itself or by the path of
// the file that the sample came from.

import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { sqlPath } from "../source/duckdb.js";
import {
  columnsBeside,
  findKey,
  openTableFile,
  pathNames,
  plainPathSql,
  type TableFile,
  type TableKey,
} from "../source/table-file.js";
import type { AnnotateOptions, Staged } from "./annotate-options.js";
import { type CatalogPlace, requireWholeFiles } from "./catalog-reader.js";

/** @throws SpillwayError `source` or `usage` for a table that cannot be read, or that has no key */
export async function stageTable(
  connection: DuckDBConnection,
  path: string,
  place: CatalogPlace,
  { key: wanted }: AnnotateOptions,
): Promise<Staged> {
  const table = await openTableFile(connection, path);
  const key = findKey(table, wanted, ["id", ...pathNames]);
  const { kept, left } = columnsBeside(table, key);
  const values = kept.map(({ value }, k) => `${value} AS v${k}`);
  const rows = `SELECT ${[
    `${key.kind === "path" ? plainPathSql(key.column.value) : key.column.value} AS key_value`,
    `${key.row?.value ?? "NULL::BIGINT"} AS key_row`,
    `row_number() OVER () AS line`,
    `${nameSql(key)} AS name`,
    ...values,
  ].join(", ")} FROM ${table.from}`;
  const names = kept.map((_, k) => `given.v${k}`);
  return {
    columns: Object.fromEntries(kept.map(({ name, type }) => [name, type])),
    from: path,
    sql:
      key.kind === "number"
        ? `SELECT ${["key_value AS id", "line", "name", ...names].join(", ")} FROM (${rows}) given`
        : `SELECT ${["catalog.id", "given.line", "given.name", ...names].join(", ")} FROM (${rows}) given ${await joinCatalog(place, key)}`,
    notes: describe(table, key, left),
    wordError: table.wordError,
  };
}

/** What a row calls its sample. */
function nameSql({ column, row }: TableKey): string {
  return row ? `${column.text} || ', row ' || coalesce(${row.text}, '(empty)')` : column.text;
}

/** A path is of all samples that came from the file; with a row, of that one. */
async function joinCatalog({ folder, manifest }: CatalogPlace, key: TableKey): Promise<string> {
  const files = manifest.catalog.map((entry) => ({ path: join(folder, entry.path), entry }));
  await requireWholeFiles(files);
  if (files.length === 0) return "LEFT JOIN (SELECT NULL::BIGINT AS id) catalog ON false";
  const from = `read_parquet([${files.map(({ path }) => sqlPath(path)).join(", ")}])`;
  const within = key.row ? ' AND coalesce(catalog."row", 0) = given.key_row' : "";
  return `LEFT JOIN (SELECT id, path, "row" FROM ${from}) catalog ON catalog.path = given.key_value${within}`;
}

function describe({ path }: TableFile, { column, kind, row }: TableKey, left: readonly string[]): string[] {
  const by = kind === "number" ? "id" : row ? "path and row" : "path";
  const notes = [`Rows of ${path} are matched by ${by} (column "${column.name}").`];
  if (left.length > 0)
    notes.push(`Columns that are left out, since they name samples too: ${left.join(", ")}.`);
  return notes;
}

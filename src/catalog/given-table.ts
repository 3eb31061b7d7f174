// Rows about samples that come as a table, read by DuckDB from front to back: what sample each is of, by id or by path,
// and its values.

import type { DuckDBConnection } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import type { ColumnValue } from "../format/columns.js";
import { placeKey } from "../source/label-table.js";
import {
  columnsBeside,
  findKey,
  openTableFile,
  pathNames,
  plainPathSql,
  type TableColumn,
  type TableFile,
  type TableKey,
} from "../source/table-file.js";
import type { AnnotateOptions, GivenRows, KeyedRow } from "./annotate-options.js";

/**
 * Opens a table; one pass over it finds the types of its columns.
 *
 * @throws SpillwayError `source` or `usage` for a table that cannot be read, or that has no key
 */
export async function givenTable(
  connection: DuckDBConnection,
  path: string,
  { key: wanted, onNote }: AnnotateOptions,
): Promise<GivenRows> {
  const table = await openTableFile(connection, path);
  const key = findKey(table, wanted, ["id", ...pathNames]);
  const { kept, left } = columnsBeside(table, key);
  const kind = key.kind === "number" ? "number" : key.row ? "path and row" : "path";
  onNote?.(
    `Rows of ${path} are matched by ${kind === "number" ? "id" : kind} (column "${key.column.name}").`,
  );
  if (left.length > 0)
    onNote?.(`Columns that are left out, since they name samples too: ${left.join(", ")}.`);
  return {
    from: path,
    kind,
    rows: readTable(connection, table, key, kept),
    columns: () => Object.fromEntries(kept.map(({ name, type }) => [name, type])),
  };
}

async function* readTable(
  connection: DuckDBConnection,
  table: TableFile,
  key: TableKey,
  columns: readonly TableColumn[],
): AsyncGenerator<KeyedRow> {
  const keySql = key.kind === "path" ? plainPathSql(key.column.value) : key.column.value;
  const asked = [keySql, key.row?.value ?? "NULL::BIGINT", ...columns.map(({ value }) => value)];
  try {
    const result = await connection.stream(`SELECT ${asked.join(", ")} FROM ${table.from}`);
    for (
      let chunk = await result.fetchChunk();
      chunk && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const cells = chunk.getColumns() as (string | bigint | null)[][];
      for (let row = 0; row < chunk.rowCount; row += 1) {
        const values: ColumnValue[] = [];
        for (let k = 2; k < cells.length; k += 1) values.push(cells[k]![row]!);
        yield { key: keyOf(key, cells[0]![row]!, cells[1]![row]!), values };
      }
    }
  } catch (cause) {
    throw cause instanceof SpillwayError ? cause : table.wordError(cause);
  }
}

function keyOf({ kind, row }: TableKey, found: unknown, within: unknown): KeyedRow["key"] {
  if (found === null || (row && within === null)) return null;
  if (kind === "number") return Number(found);
  return row ? placeKey(String(found), Number(within)) : String(found);
}

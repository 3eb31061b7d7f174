// Reads columns of a catalog from front to back, wherever they are stored: the catalog's own parts and those that were
// added later come together row by row. A row group of each is in memory at a time; no native module is needed.

import type { AddedColumn } from "./annotations.js";
import {
  type CatalogPart,
  type CatalogPlace,
  type CatalogRecords,
  openCatalogPart,
  scanCatalog,
} from "./catalog-reader.js";
import { findColumn, storedColumns } from "./columns.js";

/**
 * All rows of some columns in order, some thousands at a time. Breaking out closes the files.
 *
 * @param names any stored columns, in the spelling of the catalog (`split` and `excluded` are not stored)
 * @returns records by name: int64 as bigint, missing values as null or undefined
 * @throws SpillwayError `missing` for a column that is not there, `corrupt`, `mismatch`, `io`
 */
export async function* scanColumns(
  place: CatalogPlace,
  names: readonly string[],
): AsyncGenerator<{ firstId: number; records: CatalogRecords }> {
  const stored = storedColumns(place);
  const wanted = names.map((name) => findColumn(stored, name, place.folder));
  const own = wanted.filter(({ added }) => !added).map(({ name }) => name);
  const parts = await openAdded(wanted.flatMap(({ added }) => added ?? []));
  try {
    for await (const { firstId, records } of scanCatalog(place, own.length > 0 ? own : ["id"])) {
      const merged = own.length > 0 ? records : records.map(() => ({}));
      for (const { part, columns, rows } of parts) {
        const end = Math.min(firstId + records.length, rows);
        const found = firstId < end ? await part.read(firstId, end, columns) : [];
        for (let k = 0; k < merged.length; k += 1) Object.assign(merged[k]!, found[k] ?? missing(columns));
      }
      yield { firstId, records: merged };
    }
  } finally {
    for (const { part } of parts) part.close();
  }
}

/** An open part and the columns that are wanted of it. */
export interface OpenAdded {
  part: CatalogPart;
  columns: string[];
  /** Rows that it has; later samples have no value. */
  rows: number;
}

/** Opens the parts that some added columns lie in, each once; whole files are checked first. */
export async function openAdded(columns: readonly AddedColumn[]): Promise<OpenAdded[]> {
  const byPath = new Map<string, OpenAdded>();
  try {
    for (const { name, path, part } of columns) {
      const known = byPath.get(path);
      if (known) known.columns.push(name);
      else byPath.set(path, { part: await openCatalogPart(path, part), columns: [name], rows: part.rows });
    }
  } catch (error) {
    for (const { part } of byPath.values()) part.close();
    throw error;
  }
  return [...byPath.values()];
}

function missing(columns: readonly string[]): Record<string, null> {
  return Object.fromEntries(columns.map((name) => [name, null]));
}

// Rows of a catalog by their ids: what a batch held. Only the row groups that hold one of them are read, without a
// native module.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { asNumber, type ColumnValue } from "../format/columns.js";
import { hexDigits } from "../kernels/hasher.js";
import { type CatalogPlace, maxCheckedBytes, openCatalogPart } from "./catalog-reader.js";
import { storedColumns } from "./columns.js";

/** What the catalog knows of a sample: all its stored columns by name. */
export interface SampleRow {
  id: number;
  /** File that it came from, relative to the source; empty where there is none. */
  path: string;
  /** Row within that file, null where it holds one sample. */
  row: number | null;
  /** Content hash, 16 hexadecimal digits. */
  hash: string;
  /** Class names by field, the user's columns, added columns; int64 beyond 2^53 as bigint. */
  [column: string]: ColumnValue;
}

/** Columns to be read from one file, whose first row is the sample `firstId`. */
interface File {
  path: string;
  entry: { bytes: number; hash: string };
  firstId: number;
  rows: number;
  columns: string[];
}

/**
 * The rows of some samples, in the order of the ids given; one that is given twice comes twice.
 *
 * @throws SpillwayError `usage` for an id that the dataset does not have, `corrupt`, `mismatch`, `missing`, `io`
 */
export async function readRows(place: CatalogPlace, ids: Iterable<number | bigint>): Promise<SampleRow[]> {
  const wanted = Array.from(ids, Number);
  for (const id of wanted) requireId(place, id);
  const stored = storedColumns(place);
  const rows = new Map(wanted.map((id) => [id, emptyRow(id, stored)]));
  const sorted = [...rows.keys()].sort((a, b) => a - b);
  for (const file of filesOf(place, stored)) {
    const end = file.firstId + file.rows;
    const within = sorted.slice(firstAtLeast(sorted, file.firstId), firstAtLeast(sorted, end));
    if (within.length > 0) await readFrom(file, within, rows);
  }
  // Objects of their own, also where an id is given twice.
  return wanted.map((id) => ({ ...rows.get(id)! }));
}

function requireId({ folder, manifest }: CatalogPlace, id: number): void {
  if (Number.isInteger(id) && id >= 0 && id < manifest.rows) return;
  throw new SpillwayError("usage", `${folder} has no sample ${id}: it has ${manifest.rows}`, {
    remedy: manifest.rows === 0 ? "Finish packing first." : `Use ids from 0 to ${manifest.rows - 1}.`,
    where: { dataset: folder },
  });
}

function emptyRow(id: number, stored: ReturnType<typeof storedColumns>): SampleRow {
  const row: Record<string, ColumnValue> = {};
  for (const { name } of stored) row[name] = name === "id" ? id : null;
  return row as SampleRow;
}

/** Every file that holds some of the columns, with those that are wanted of it; ids are known without reading. */
function filesOf({ folder, manifest }: CatalogPlace, stored: ReturnType<typeof storedColumns>): File[] {
  const own = stored.filter(({ added, name }) => !added && name !== "id").map(({ name }) => name);
  const files: File[] = [];
  let firstId = 0;
  for (const entry of manifest.catalog) {
    files.push({ path: join(folder, entry.path), entry, firstId, rows: entry.rows, columns: own });
    firstId += entry.rows;
  }
  const byPath = new Map<string, File>();
  for (const { added } of stored) {
    if (!added) continue;
    const { path, part, name } = added;
    const known = byPath.get(path);
    if (known) known.columns.push(name);
    else byPath.set(path, { path, entry: part, firstId: 0, rows: part.rows, columns: [name] });
  }
  return [...files, ...byPath.values()];
}

/** Reads rows of one file, from the first to the last that is wanted of each row group. */
async function readFrom(
  { path, entry, firstId, columns }: File,
  ids: readonly number[],
  rows: ReadonlyMap<number, SampleRow>,
): Promise<void> {
  const part = await openCatalogPart(path, entry.bytes <= maxCheckedBytes ? entry : undefined);
  try {
    let next = 0;
    for (const group of part.groups) {
      const end = firstAtLeast(ids, firstId + group.end);
      const within = ids.slice(next, end);
      next = end;
      if (within.length === 0) continue;
      const start = within[0]! - firstId;
      const records = await part.read(start, within.at(-1)! - firstId + 1, columns);
      for (const id of within) {
        const record = records[id - firstId - start];
        if (!record) throw cutShort(path, id);
        const row = rows.get(id)!;
        for (const name of columns) row[name] = plainValue(name, record[name]);
      }
    }
  } finally {
    part.close();
  }
}

function plainValue(name: string, value: unknown): ColumnValue {
  if (value === undefined || value === null) return null;
  if (name === "hash") return hexDigits(BigInt.asUintN(64, value as bigint));
  return typeof value === "bigint" ? asNumber(value) : (value as ColumnValue);
}

function cutShort(path: string, id: number): SpillwayError {
  return new SpillwayError("corrupt", `${path} is damaged: it has no row for sample ${id}`, {
    remedy: "Restore it from a copy, or make it again.",
    where: { path, sample: id },
  });
}

/** Place of the first number that is at least `value`, in an ascending list. */
function firstAtLeast(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

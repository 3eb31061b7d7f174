// Checks the added columns in columns/: that the list can be read, that each part belongs to a commit of the dataset, has
// its length and hash, and holds ids in order with values of the types that the list tells.

import { type AddedPart, columnsFolder, partPath, readVersions } from "../catalog/annotations.js";
import { openCatalogPart } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { kindOfType } from "./verify-catalog.js";
import type { ProblemList } from "./verify-problems.js";

export interface ColumnsCheck {
  folder: string;
  manifest: Readonly<Manifest>;
  problems: ProblemList;
  advance(byteLength: number): void;
}

const remedy = "Restore it from a copy, or annotate again; the samples are not touched by it.";

/** Checks all parts of added columns and gives their number. */
export async function verifyColumns(check: ColumnsCheck): Promise<number> {
  const { folder, problems } = check;
  let parts: AddedPart[];
  try {
    parts = readVersions(folder).flatMap((part) => ("path" in part ? [part] : []));
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    problems.add({ path: `${columnsFolder}/columns.json`, what: error.what, remedy });
    return 0;
  }
  for (const part of parts) {
    try {
      await verifyPart(check, part);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      problems.add({ path: `${columnsFolder}/${part.path}`, what: error.what, remedy });
    }
  }
  return parts.length;
}

async function verifyPart(
  { folder, manifest, problems, advance }: ColumnsCheck,
  part: AddedPart,
): Promise<void> {
  const path = `${columnsFolder}/${part.path}`;
  const add = (what: string) => problems.add({ path, what: `${path} ${what}`, remedy });
  const commit = manifest.commits.find(({ fingerprint }) => fingerprint === part.fingerprint);
  if (commit?.rows !== part.rows)
    add(
      `was made for ${part.rows} samples with fingerprint ${part.fingerprint}, which is no commit of this dataset`,
    );
  const file = await openCatalogPart(partPath(folder, part), part);
  try {
    advance(part.bytes);
    if (file.rowCount !== part.rows)
      return add(`is damaged: it has ${file.rowCount} rows, columns.json says ${part.rows}`);
    const missing = ["id", ...Object.keys(part.columns)].find((name) => !file.columns.includes(name));
    if (missing !== undefined) return add(`is damaged: it has no column "${missing}"`);
    for (const { start, end } of file.groups) {
      const records = await file.read(start, end);
      for (let k = 0; k < end - start; k += 1) {
        const record = records[k];
        if (record?.id !== BigInt(start + k))
          return add(`is damaged: row ${start + k} has id ${String(record?.id)}`);
        for (const name in part.columns) {
          const value = record[name];
          if (value == null || typeof value === kindOfType[part.columns[name]!]) continue;
          return add(
            `is damaged: row ${start + k} has a ${typeof value} in column "${name}", which is ${part.columns[name]}`,
          );
        }
      }
      advance(0);
    }
  } finally {
    file.close();
  }
}

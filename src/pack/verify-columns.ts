// Checks the added columns in columns/: that the list can be read, that each part belongs to a commit of the dataset, has
// its length and hash, and holds ids in order with values of the types that the list tells.

import { type AddedPart, columnsFolder, partPath, readVersions } from "../catalog/annotations.js";
import { openCatalogPart } from "../catalog/catalog-reader.js";
import { addThrown, isOfCommit, type KeptCheck, type KeptCount, pathOf } from "./kept-check.js";
import { kindOfType } from "./verify-catalog.js";

const remedy = "Restore it from a copy, or annotate again; the samples are not touched by it.";

/** Checks all parts of added columns in a folder. */
export async function verifyColumns(check: KeptCheck): Promise<KeptCount> {
  let parts: AddedPart[];
  try {
    parts = readVersions(check.folder).flatMap((part) => ("path" in part ? [part] : []));
  } catch (error) {
    addThrown(check, `${columnsFolder}/columns.json`, error, remedy);
    return { own: 0, ofOthers: 0 };
  }
  const own = check.isSide ? parts.filter((part) => isOfCommit(check, part)) : parts;
  for (const part of own) {
    try {
      await verifyPart(check, part);
    } catch (error) {
      addThrown(check, `${columnsFolder}/${part.path}`, error, remedy);
    }
  }
  return { own: own.length, ofOthers: parts.length - own.length };
}

async function verifyPart(check: KeptCheck, part: AddedPart): Promise<void> {
  const { folder, problems, advance } = check;
  const path = pathOf(check, `${columnsFolder}/${part.path}`);
  const add = (what: string) => problems.add({ path, what: `${path} ${what}`, remedy });
  if (!isOfCommit(check, part))
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

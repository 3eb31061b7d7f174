// Checks one part of the catalog: length and hash, and where it is whole, that it describes its samples: ids in order,
// class names that belong to the stored labels. A row group is in memory at a time.

import { join } from "node:path";
import { type CatalogRecords, openCatalogPart } from "../catalog/catalog-reader.js";
import { catalogColumns } from "../catalog/catalog-writer.js";
import { SpillwayError } from "../errors.js";
import type { Columns, ColumnType } from "../format/columns.js";
import { classNames } from "../format/digest.js";
import type { CatalogEntry } from "../format/manifest.js";
import { openFile } from "../store/file.js";
import { type ClassField, type Fields, fieldStride } from "../tensor/field.js";
import type { LabelReader } from "./label-reader.js";
import { type ProblemList, restoreRemedy, type VerifyProblem, wordSamples } from "./verify-problems.js";
import { chunkBytes, type VerifyWorkspace } from "./verify-workspace.js";

export interface CatalogCheck {
  folder: string;
  fields: Fields;
  /** The user's columns. */
  columns: Columns;
  part: CatalogEntry;
  /** Id of the part's first sample. */
  firstSample: number;
  labels: LabelReader;
  workspace: VerifyWorkspace;
  problems: ProblemList;
  /** Takes in the rows that are whole, for the fingerprints of commits. */
  onRows(hashes: BigUint64Array, labels: readonly Uint8Array[]): void;
  advance(byteLength: number): void;
}

/** Checks a part and adds what is wrong with it to the problems. */
export async function verifyCatalogPart(check: CatalogCheck): Promise<void> {
  const { folder, fields, columns, part, firstSample, problems } = check;
  const add = (what: string, more: Partial<VerifyProblem> = {}) =>
    problems.add({
      path: part.path,
      what: `${part.path} is damaged: ${what}`,
      remedy: restoreRemedy,
      ...more,
    });
  const names = classNames(fields);
  try {
    // What is damaged is not decoded: lengths in it could be anything.
    if (!(await areBytesRight(check, add))) return;
    const file = await openCatalogPart(join(folder, part.path));
    try {
      if (file.rowCount !== part.rows)
        return add(`it has ${file.rowCount} rows, dataset.json says ${part.rows}`);
      const wanted = [...catalogColumns, ...names, ...Object.keys(columns)];
      const missing = wanted.find((name) => !file.columns.includes(name));
      if (missing !== undefined) return add(`it has no column "${missing}"`);
      for (const { start, end } of file.groups) {
        const records = await file.read(start, end);
        if (records.length !== end - start)
          return add(`row group ${start} to ${end} has ${records.length} rows`);
        let isRight = checkRecords(check, records, start, add);
        const labels: Uint8Array[] = [];
        for (const name of names) {
          const bytes = await check.labels.read(name, firstSample + start, firstSample + end);
          // What cannot be read of a shard is reported there.
          if (!bytes) continue;
          labels.push(bytes);
          isRight = checkLabels(check, name, bytes, records, start, add) && isRight;
        }
        if (isRight && labels.length === names.length)
          check.onRows(
            BigUint64Array.from(records, ({ hash }) => hash as bigint),
            labels,
          );
        check.advance(0);
      }
    } finally {
      file.close();
    }
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error;
    problems.add({ path: part.path, what: error.what, remedy: restoreRemedy });
  }
}

/** The file has the length and the hash that dataset.json tells. */
async function areBytesRight({ folder, part, workspace, advance }: CatalogCheck, add: Add): Promise<boolean> {
  const file = openFile(join(folder, part.path));
  try {
    const { byteLength } = file;
    if (byteLength !== part.bytes) {
      add(`it has ${byteLength} bytes, dataset.json says ${part.bytes}`);
      return false;
    }
    workspace.startStream();
    for (let at = 0; at < byteLength; at += chunkBytes) {
      const chunk = workspace.chunk.subarray(0, Math.min(chunkBytes, byteLength - at));
      await file.read(chunk, at);
      workspace.addToStream(chunk);
      advance(chunk.length);
    }
    if (workspace.finishStream() === part.hash) return true;
    add("its hash is not the one in dataset.json");
    return false;
  } finally {
    file.close();
  }
}

type Add = (what: string, more?: Partial<VerifyProblem>) => void;

/** What a value of each type is in memory. */
export const kindOfType: Readonly<Record<ColumnType, string>> = {
  string: "string",
  int64: "bigint",
  double: "number",
  boolean: "boolean",
};

/**
 * Whether ids count up, every hash is one, and values have the types that dataset.json tells. Says only the first row of a group
 * that is wrong.
 */
function checkRecords(
  { firstSample, columns }: CatalogCheck,
  records: CatalogRecords,
  start: number,
  add: Add,
): boolean {
  for (let index = 0; index < records.length; index += 1) {
    const { id, hash } = records[index]!;
    const sample = firstSample + start + index;
    const place = { startSample: sample, endSample: sample + 1 };
    if (id !== BigInt(sample)) {
      add(`row ${start + index} has id ${String(id)} instead of ${sample}`, place);
      return false;
    }
    if (typeof hash !== "bigint") {
      add(`row ${start + index} has "${String(hash).slice(0, 32)}" for a content hash`, place);
      return false;
    }
    for (const name in columns) {
      const value = records[index]![name];
      if (value == null || typeof value === kindOfType[columns[name]!]) continue;
      add(`row ${start + index} has a ${typeof value} in column "${name}", which is ${columns[name]}`, place);
      return false;
    }
  }
  return true;
}

/** Whether class names in the catalog are those of the labels in the shard. */
function checkLabels(
  { firstSample, fields }: CatalogCheck,
  name: string,
  bytes: Uint8Array,
  records: CatalogRecords,
  start: number,
  add: Add,
): boolean {
  const field = fields[name] as ClassField;
  const stride = fieldStride(field);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let index = 0; index < records.length; index += 1) {
    const at = index * stride;
    const label =
      stride === 1 ? view.getUint8(at) : stride === 2 ? view.getUint16(at, true) : view.getInt32(at, true);
    const found = records[index]![name];
    if (found === (field.classes[label] ?? "")) continue;
    const sample = firstSample + start + index;
    const stored = field.classes[label] ?? `class ${label}, which has no name`;
    add(`${wordSamples(sample, sample + 1)} is "${String(found)}" there, and "${stored}" in the shard`, {
      field: name,
      startSample: sample,
      endSample: sample + 1,
    });
    return false;
  }
  return true;
}

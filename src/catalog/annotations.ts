// Columns that were added to a catalog later, without rewriting it: parts in columns/, each a Parquet file with a row for
// every sample there was, named by columns/columns.json. Parts are never changed; the newest that has a column counts.
// Rule: a part belongs to a commit, by its rows and fingerprint. Samples that came after it have no value.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { type Columns, type ColumnType, columnsSchema } from "../format/columns.js";
import { replaceFile } from "../store/file.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { readJsonFile } from "./json-file.js";

/** Folder of added columns, in a dataset or in a folder beside it. */
export const columnsFolder = "columns";
const listName = "columns.json";
const maxListBytes = 2 ** 24;
const maxVersions = 10_000;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const hash = z.string().regex(/^[0-9a-f]{16}$/, "is not 16 hexadecimal digits");

const added = z.strictObject({
  version: count.min(1),
  columns: columnsSchema,
  /** Rows and fingerprint of the commit that it was made for. */
  rows: count.min(1),
  fingerprint: hash,
  path: z.string().regex(/^[0-9]{5,9}-[0-9a-f]{16}\.parquet$/, "is no name of a part"),
  bytes: count,
  hash,
});

const dropped = z.strictObject({
  version: count.min(1),
  dropped: z.array(z.string().min(1).max(256)).min(1),
});

const list = z.strictObject({
  format: z.literal("spillway-columns"),
  version: z.number().int().min(1),
  parts: z.array(z.union([added, dropped])).max(maxVersions),
});

/** A part with added columns. */
export type AddedPart = z.infer<typeof added>;
/** From this version on, columns are gone. */
export type DroppedColumns = z.infer<typeof dropped>;
/** All versions, oldest first. */
export type ColumnVersions = readonly (AddedPart | DroppedColumns)[];

/** A column that counts, and where it is. */
export interface AddedColumn {
  name: string;
  type: ColumnType;
  part: AddedPart;
  /** Path of the part's file. */
  path: string;
}

/** Path of a part. */
export function partPath(folder: string, { path }: AddedPart): string {
  return join(folder, columnsFolder, path);
}

/**
 * The versions that a folder holds; none where nothing was added.
 *
 * @throws SpillwayError `version` if a newer Spillway wrote them, `corrupt`, `io`
 */
export function readVersions(folder: string): ColumnVersions {
  const path = join(folder, columnsFolder, listName);
  if (!fs.existsSync(path)) return [];
  const value = readJsonFile(path, maxListBytes);
  const parsed = list.safeParse(value);
  if (parsed.success) return parsed.data.parts;
  const { path: at = [], message = "invalid" } = parsed.error.issues[0] ?? {};
  throw new SpillwayError("corrupt", `${path} is damaged: ${at.join(".") || "content"}: ${message}`, {
    remedy: `Restore it from a copy, or remove ${join(folder, columnsFolder)} and add the columns again.`,
    where: { path },
  });
}

/** Replaces the list of versions. The parts that it names are durable by then. */
export function writeVersions(folder: string, parts: ColumnVersions): void {
  if (parts.length > maxVersions) {
    throw new SpillwayError("usage", `${folder} has ${maxVersions} versions of its columns already`, {
      remedy: "Remove those that no longer count: spillway annotate <dataset> --prune.",
      where: { path: join(folder, columnsFolder) },
    });
  }
  const value: z.infer<typeof list> = { format: "spillway-columns", version: 1, parts: [...parts] };
  replaceFile(join(folder, columnsFolder, listName), `${JSON.stringify(value, null, 1)}\n`);
}

/** The number of the next version. */
export function nextVersion(parts: ColumnVersions): number {
  return parts.reduce((most, { version }) => Math.max(most, version), 0) + 1;
}

/** The columns of one list that count, by their names in small letters. */
export function columnsThatCount(folder: string, parts: ColumnVersions): Map<string, AddedColumn> {
  const columns = new Map<string, AddedColumn>();
  for (const part of parts) {
    if ("dropped" in part) for (const name of part.dropped) columns.delete(name.toLowerCase());
    else {
      const path = partPath(folder, part);
      for (const [name, type] of Object.entries(part.columns))
        columns.set(name.toLowerCase(), { name, type, part, path });
    }
  }
  return columns;
}

/**
 * The added columns of a catalog that count: those of the dataset, then, over them, those of the folder beside it.
 *
 * @throws SpillwayError `mismatch` for a part that was made for other content; as `readVersions`
 */
export function addedColumns({ folder, side, manifest }: CatalogPlace): AddedColumn[] {
  const columns = columnsThatCount(folder, readVersions(folder));
  if (side !== undefined) {
    const parts = readVersions(side);
    for (const part of parts) {
      if ("dropped" in part) for (const name of part.dropped) columns.delete(name.toLowerCase());
    }
    for (const [key, column] of columnsThatCount(side, parts)) columns.set(key, column);
  }
  for (const { part, path } of columns.values()) {
    const commit = manifest.commits.find(({ fingerprint }) => fingerprint === part.fingerprint);
    if (commit?.rows === part.rows) continue;
    const { rows, fingerprint } = manifest.commits.at(-1) ?? { rows: 0, fingerprint: "none" };
    throw new SpillwayError(
      "mismatch",
      `${path} was made for ${part.rows} samples with fingerprint ${part.fingerprint}, ${folder} has ${rows} with ${fingerprint}`,
      {
        remedy:
          "The columns belong to other content: remove the folder that the file lies in, and annotate again.",
        where: { path, dataset: folder },
      },
    );
  }
  return [...columns.values()];
}

/** Names and types of a part's columns. */
export function describeColumns(columns: Columns): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} (${type})`)
    .join(", ");
}

// The versions of added columns as people manage them: listed, a column taken away, parts that no longer count removed.
// Rule: whoever writes holds the lock of the folder.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Columns } from "../format/columns.js";
import { nearestNames } from "../near-names.js";
import { createFolder, syncFolder } from "../store/file.js";
import { removeLeftovers } from "./annotate.js";
import {
  addedColumns,
  columnsFolder,
  columnsThatCount,
  nextVersion,
  partPath,
  readVersions,
  writeVersions,
} from "./annotations.js";
import type { CatalogPlace } from "./catalog-reader.js";

/** One version, as it is listed. */
export interface ListedVersion {
  version: number;
  /** Folder that it lies in: the dataset's, or the one beside it. */
  folder: string;
  columns: Columns;
  /** Columns that this version takes away. */
  dropped: readonly string[];
  /** Those of its columns that count. */
  counting: readonly string[];
  rows: number;
  bytes: number;
}

/** All versions of a dataset's added columns, oldest first, then those of the folder beside it. */
export function listVersions(place: CatalogPlace): ListedVersion[] {
  const counting = addedColumns(place);
  return [place.folder, ...(place.side === undefined ? [] : [place.side])].flatMap((folder) =>
    readVersions(folder).map((part): ListedVersion => {
      if ("dropped" in part) {
        const { version, dropped } = part;
        return { version, folder, columns: {}, dropped, counting: [], rows: 0, bytes: 0 };
      }
      const path = partPath(folder, part);
      return {
        version: part.version,
        folder,
        columns: part.columns,
        dropped: [],
        counting: counting.filter((column) => column.path === path).map(({ name }) => name),
        rows: part.rows,
        bytes: part.bytes,
      };
    }),
  );
}

/**
 * Takes added columns away; their parts stay on disk until they are pruned.
 *
 * @returns number of the version from which on they are gone
 * @throws SpillwayError `missing` for a column that was not added, with the nearest names
 */
export function dropAdded(place: CatalogPlace, names: readonly string[]): number {
  const known = addedColumns(place).map(({ name }) => name);
  for (const name of names) {
    if (known.some((column) => column.toLowerCase() === name.toLowerCase())) continue;
    const isPacked = Object.keys(place.manifest.columns ?? {}).includes(name);
    const near = nearestNames(name, known);
    const nearest = near.length > 0 ? `Nearest: ${near.join(", ")}. ` : "";
    const has = known.length > 0 ? `The added columns are ${known.join(", ")}.` : "No columns were added.";
    throw new SpillwayError(
      "missing",
      `${place.folder} has no added column "${name}"${isPacked ? ": it came with the samples when they were packed" : ""}`,
      { remedy: `${nearest}${has}`, where: { dataset: place.folder } },
    );
  }
  const target = place.side ?? place.folder;
  const versions = readVersions(target);
  const version = nextVersion(versions);
  createFolder(join(target, columnsFolder));
  writeVersions(target, [...versions, { version, dropped: [...names] }]);
  return version;
}

/** Removes the parts of a folder none of whose columns counts any more, and what kills have left. */
export function pruneAdded({ folder, side }: CatalogPlace): { parts: number; bytes: number } {
  const target = side ?? folder;
  const versions = readVersions(target);
  const kept = new Set([...columnsThatCount(target, versions).values()].map(({ part }) => part.path));
  const gone = versions.flatMap((part) => ("path" in part && !kept.has(part.path) ? [part] : []));
  if (gone.length > 0) {
    // First the list, then the files: what is not named may go at any time.
    writeVersions(
      target,
      versions.filter((part) => !("path" in part) || kept.has(part.path)),
    );
    for (const part of gone) fs.rmSync(partPath(target, part), { force: true });
    syncFolder(join(target, columnsFolder));
  }
  removeLeftovers(target);
  return { parts: gone.length, bytes: gone.reduce((sum, { bytes }) => sum + bytes, 0) };
}

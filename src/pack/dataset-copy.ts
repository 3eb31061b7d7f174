// A dataset made of another one keeps what belongs to its samples: ids, catalog, commits, splits, columns. Only the
// layout is new. Copies are made once all samples are in place, right before the new dataset becomes whole.

import fs from "node:fs";
import { join } from "node:path";
import { type CatalogPart, openCatalogPart } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import type { ColumnValue } from "../format/columns.js";
import { firstParts, tellOlder, wholeCommits } from "../format/commits.js";
import type { CatalogEntry, Manifest } from "../format/manifest.js";
import { Hasher } from "../kernels/hasher.js";
import type { Origin, Source } from "../source/source.js";
import { createFolder, ioError, openFile, syncFolder } from "../store/file.js";
import type { Fields } from "../tensor/field.js";

const chunkBytes = 2 ** 20;

/** Folders beside the manifest that belong to ids, and not to the layout. */
const sideFolders = ["splits", "columns", "excluded"] as const;

/** What a source tells of the dataset that it is. */
export type Original = NonNullable<Source["dataset"]>;

/** Parts of the catalog of the commits that are whole. */
function wholeParts(manifest: Readonly<Manifest>): CatalogEntry[] {
  return firstParts(manifest.catalog, wholeCommits(manifest).at(-1)!.rows);
}

/**
 * Copies what belongs to the samples into the new dataset's folder, and into its manifest.
 *
 * @param seed of the layout, undefined where samples lie in the order of their ids
 * @throws SpillwayError `corrupt` if a part of the catalog is not what it was, `io`, `space`
 */
export function keepOriginal(
  original: Original,
  folder: string,
  manifest: Manifest,
  seed: number | undefined,
): void {
  const parts = wholeParts(original.manifest);
  createFolder(join(folder, "catalog"));
  for (const part of parts) {
    copyFile(join(original.folder, part.path), join(folder, part.path), part.hash);
  }
  syncFolder(join(folder, "catalog"));
  for (const side of sideFolders) copyFolder(join(original.folder, side), join(folder, side));
  const { manifest: before } = original;
  manifest.catalog = parts;
  manifest.commits = tellOlder(wholeCommits(before), manifest.fields as Fields);
  manifest.source = before.source;
  if (before.columns) manifest.columns = before.columns;
  if (seed !== undefined) manifest.placed = [{ rows: manifest.rows, seed }];
}

/** Copies a folder with all that is in it, if it is there. */
function copyFolder(from: string, to: string): void {
  if (!fs.existsSync(from)) return;
  createFolder(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target);
    else if (entry.isFile() && !entry.name.endsWith(".tmp")) copyFile(source, target);
  }
  syncFolder(to);
}

/** Copies a file and makes it durable. @throws SpillwayError `corrupt` unless its hash is the one given */
function copyFile(from: string, to: string, hash?: string): void {
  const file = openFile(from);
  try {
    const out = fs.openSync(to, "w");
    const hasher = new Hasher();
    try {
      const chunk = new Uint8Array(Math.max(1, Math.min(chunkBytes, file.byteLength)));
      for (let at = 0; at < file.byteLength; at += chunk.length) {
        const part = chunk.subarray(0, Math.min(chunk.length, file.byteLength - at));
        file.readSync(part, at);
        hasher.update(part);
        fs.writeFileSync(out, part);
      }
      fs.fsyncSync(out);
    } finally {
      fs.closeSync(out);
    }
    if (hash !== undefined && hasher.finishHex() !== hash) {
      throw new SpillwayError("corrupt", `${from} is damaged: its hash is not the one in dataset.json`, {
        remedy: "Restore it from a copy, then run the same command again.",
        where: { path: from },
      });
    }
  } catch (cause) {
    throw cause instanceof SpillwayError ? cause : ioError(cause, to, "cannot be written");
  } finally {
    file.close();
  }
}

/**
 * The samples of a dataset with the paths and rows that its catalog has, to be appended to another one. They have to be
 * asked for in the order of their ids: a row group of the catalog is held at a time, until it is released.
 */
export function withOrigins(
  source: Source,
  { folder, manifest }: Original,
): { source: Source; release(): void } {
  const { readInto } = source;
  const columns = Object.keys(manifest.columns ?? {});
  const origins = originsOf(folder, wholeParts(manifest), columns);
  let loading: Promise<unknown> = Promise.resolve();
  const named: Source = {
    ...source,
    ...(manifest.columns && { columns: manifest.columns }),
    async readInto(id, into) {
      // One after another: whoever comes later needs the same row group, or the next.
      const found = loading.then(() => origins.of(id));
      loading = found.catch(() => {});
      const origin = await found;
      await readInto!.call(source, id, into);
      return origin;
    },
    close: () => source.close(),
  };
  return { source: named, release: origins.close };
}

/** Origins by id, the row group at work in memory. */
function originsOf(folder: string, entries: readonly CatalogEntry[], columns: readonly string[]) {
  let part: CatalogPart | undefined;
  let number = -1;
  let partStart = 0;
  let first = 0;
  let held: Origin[] = [];
  const close = () => {
    part?.close();
    part = undefined;
  };
  return {
    close,
    async of(id: number): Promise<Origin> {
      while (number < entries.length && id >= partStart + (entries[number]?.rows ?? 0)) {
        close();
        partStart += entries[number]?.rows ?? 0;
        number += 1;
      }
      const entry = entries[number];
      if (!entry) return { path: "" };
      part ??= await openCatalogPart(join(folder, entry.path), entry);
      if (id < first || id >= first + held.length) {
        const group = part.groups.find(({ end }) => id - partStart < end);
        const records = group ? await part.read(group.start, group.end, ["path", "row", ...columns]) : [];
        first = partStart + (group?.start ?? 0);
        held = records.map(({ path, row, ...rest }) => ({
          path: String(path ?? ""),
          ...(row == null ? {} : { row: Number(row) }),
          ...(columns.length > 0 && { extra: columns.map((name) => (rest[name] ?? null) as ColumnValue) }),
        }));
      }
      return held[id - first] ?? { path: "" };
    },
  };
}

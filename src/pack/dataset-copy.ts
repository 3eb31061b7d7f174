// A dataset made of another one keeps what belongs to its samples: ids, catalog, commits, splits, columns. Only the
// layout is new. Copies are made once all samples are in place, right before the new dataset becomes whole.

import fs from "node:fs";
import { join } from "node:path";
import { openCatalogPart } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import { type CatalogEntry, type Manifest, wholeCommits } from "../format/manifest.js";
import { Hasher } from "../kernels/hasher.js";
import type { Source } from "../source/source.js";
import { createFolder, ioError, openFile, syncFolder } from "../store/file.js";

const chunkBytes = 2 ** 20;

/** Folders beside the manifest that belong to ids, and not to the layout. */
const sideFolders = ["splits", "columns", "excluded"] as const;

/** What a source tells of the dataset that it is. */
export type Original = NonNullable<Source["dataset"]>;

/** Parts of the catalog of the commits that are whole. */
function wholeParts(manifest: Readonly<Manifest>): CatalogEntry[] {
  const { rows } = wholeCommits(manifest).at(-1)!;
  let end = 0;
  return manifest.catalog.filter((part) => {
    end += part.rows;
    return end <= rows;
  });
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
  for (const side of sideFolders) {
    const from = join(original.folder, side);
    if (!fs.existsSync(from)) continue;
    createFolder(join(folder, side));
    for (const name of fs.readdirSync(from)) {
      if (!name.endsWith(".tmp")) copyFile(join(from, name), join(folder, side, name));
    }
    syncFolder(join(folder, side));
  }
  const { manifest: before } = original;
  manifest.catalog = parts;
  manifest.commits = [...wholeCommits(before)];
  manifest.source = before.source;
  if (seed !== undefined) manifest.placed = [{ rows: manifest.rows, seed }];
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
 * asked for in the order of their ids: a row group of the catalog is held at a time.
 */
export function withOrigins(source: Source, { folder, manifest }: Original): Source {
  const parts = wholeParts(manifest);
  const { readInto } = source;
  let first = 0;
  let origins: { path: string; row?: number }[] = [];
  let loading: Promise<void> = Promise.resolve();
  const load = async (id: number): Promise<void> => {
    if (id >= first && id < first + origins.length) return;
    let partStart = 0;
    for (const entry of parts) {
      if (id < partStart + entry.rows) {
        const part = await openCatalogPart(join(folder, entry.path), entry);
        try {
          const group = part.groups.find(({ end }) => id - partStart < end)!;
          const records = await part.read(group.start, group.end, ["path", "row"]);
          first = partStart + group.start;
          origins = records.map(({ path, row }) => ({
            path: String(path ?? ""),
            ...(row == null ? {} : { row: Number(row) }),
          }));
        } finally {
          part.close();
        }
        return;
      }
      partStart += entry.rows;
    }
  };
  return {
    ...source,
    async readInto(id, into) {
      let origin: { path: string; row?: number } | undefined;
      loading = loading.then(async () => {
        await load(id);
        origin = origins[id - first];
      });
      await loading;
      await readInto!.call(source, id, into);
      return origin ?? { path: "" };
    },
    close: () => source.close(),
  };
}

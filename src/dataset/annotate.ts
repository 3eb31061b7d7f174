// Adding columns to a dataset's catalog, under the lock of the folder that they are written to: the dataset's own, or a
// folder beside it for datasets that are read-only or shared.

import type { Annotated, AnnotateOptions, GivenRow } from "../catalog/annotate-options.js";
import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import { takeLock } from "../pack/lock.js";
import { createFolder } from "../store/file.js";

/** Does the work of `dataset.annotate`, see there. */
export async function annotate(
  place: CatalogPlace,
  given: string | Iterable<GivenRow> | AsyncIterable<GivenRow>,
  options: AnnotateOptions,
): Promise<Annotated> {
  requireWhole(place);
  const { annotateCatalog } = await import("../catalog/annotate.js");
  return withLock(place, options.onNote, () => annotateCatalog(place, given, options));
}

/**
 * Takes added columns away, for the command line; their files stay until they are pruned.
 *
 * @returns number of the version from which on they are gone
 * @throws SpillwayError `missing` for a column that was not added, `locked`, `io`
 */
export async function dropColumns(place: CatalogPlace, names: readonly string[]): Promise<number> {
  const { dropAdded } = await import("../catalog/column-versions.js");
  return withLock(place, undefined, async () => dropAdded(place, names));
}

/**
 * Removes the files of added columns that no longer count, for the command line.
 *
 * @returns how many there were, and the bytes that this frees
 * @throws SpillwayError `corrupt`, `version`, `locked`, `io`
 */
export async function pruneColumns(place: CatalogPlace): Promise<{ parts: number; bytes: number }> {
  const { pruneAdded } = await import("../catalog/column-versions.js");
  return withLock(place, undefined, async () => pruneAdded(place));
}

async function withLock<T>(
  { folder, side }: CatalogPlace,
  note: ((text: string) => void) | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (side !== undefined) createFolder(side);
  const lock = takeLock(side ?? folder);
  try {
    if (lock.takenOverFrom) note?.(`Took over the lock of ${lock.takenOverFrom}.`);
    return await work();
  } finally {
    lock.release();
  }
}

function requireWhole({ folder, manifest }: CatalogPlace): void {
  if (!manifest.packing && manifest.rows > 0) return;
  throw new SpillwayError(
    "mismatch",
    `${folder} is not whole yet, and columns belong to all of its samples`,
    {
      remedy: "Run the pack command again to finish it, then annotate.",
      where: { dataset: folder },
    },
  );
}

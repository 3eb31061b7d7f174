// Leaving samples out, and letting them in again, under the lock of the folder that it is written to.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { readExcluded, writeExcluded } from "../catalog/excluded.js";
import { SpillwayError } from "../errors.js";
import { andNotBits, bitBytes, countBits, cutBits, orBits, setBit } from "../order/bitmap.js";
import { takeLock } from "../pack/lock.js";
import { createFolder } from "../store/file.js";

/** Samples by their ids, or by a condition over the catalog's columns. */
export type Which = { readonly ids: Iterable<number> } | { readonly where: string };

/** What leaving out or letting in changed. */
export interface ExcludeResult {
  /** Samples that were named. */
  named: number;
  /** Those of them that are now left out and were not, or the other way round. */
  changed: number;
  /** Samples that are left out now. */
  excluded: number;
}

/** Does the work of `dataset.exclude` and `dataset.include`, see there. */
export async function changeExcluded(
  place: CatalogPlace,
  which: Which | "all",
  way: "exclude" | "include",
): Promise<ExcludeResult> {
  const { folder, side, manifest } = place;
  const named = await bitsOf(place, which);
  if (side !== undefined) createFolder(side);
  const lock = takeLock(side ?? folder);
  try {
    const bits = new Uint8Array(bitBytes(manifest.rows));
    const before = readExcluded(place);
    if (before) bits.set(before.read().subarray(0, bits.length));
    if (way === "exclude") orBits(bits, named);
    else andNotBits(bits, named);
    const count = countBits(bits);
    if (count === manifest.rows) {
      throw new SpillwayError("usage", `all ${manifest.rows} samples of ${folder} would be left out`, {
        remedy: "Name fewer of them.",
        where: { dataset: folder },
      });
    }
    const commit = manifest.commits.at(-1)!;
    if (count !== (before?.count ?? 0)) writeExcluded(place, commit, bits);
    const changed = Math.abs(count - (before?.count ?? 0));
    return { named: countBits(named), changed, excluded: count };
  } finally {
    lock.release();
  }
}

async function bitsOf(place: CatalogPlace, which: Which | "all"): Promise<Uint8Array> {
  const { rows } = place.manifest;
  const bits = new Uint8Array(bitBytes(rows));
  if (which === "all") return cutBits(bits.fill(255), rows);
  if ("where" in which) {
    const { selectRows } = await import("../catalog/select.js");
    return selectRows(place, which.where);
  }
  for (const id of which.ids) {
    if (!(Number.isInteger(id) && id >= 0 && id < rows)) {
      throw new SpillwayError("usage", `${place.folder} has no sample ${id}: it has ${rows}`, {
        remedy: `Use ids from 0 to ${rows - 1}.`,
        where: { dataset: place.folder },
      });
    }
    setBit(bits, id);
  }
  return bits;
}

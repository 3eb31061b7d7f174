// Catalogs that are arrays: columns of any values, cut into row groups of any length, for a dataset of any commits. So
// that what is made of columns is tested without packing anything.

import type { CatalogPlace } from "#spillway/catalog/catalog-reader";
import type { ColumnReader } from "#spillway/catalog/split-columns";
import type { Manifest } from "#spillway/format/manifest";
import { temporaryFolder } from "../fixtures/packed.js";

/** A reader of columns that are arrays of as many values. */
export function columnsOf(
  columns: Readonly<Record<string, readonly unknown[]>>,
  groupRows = 1000,
): ColumnReader {
  const names = Object.keys(columns);
  const count = columns[names[0]!]!.length;
  return {
    names: async () => names,
    async *scan(_, wanted) {
      for (let firstId = 0; firstId < count; firstId += groupRows) {
        const length = Math.min(groupRows, count - firstId);
        const records = Array.from({ length }, (_, k) =>
          Object.fromEntries(wanted.map((name) => [name, columns[name]![firstId + k]])),
        );
        yield { firstId, records };
      }
    },
  };
}

/** Fingerprint of a commit of so many rows. */
export function fingerprintAt(rows: number): string {
  return rows.toString(16).padStart(16, "0");
}

/** A dataset without anything but commits, each with its number of rows. */
export function placeOf(commits: readonly number[], folder = temporaryFolder()): CatalogPlace {
  const manifest: Manifest = {
    format: "spillway",
    version: 1,
    fields: {},
    layout: { kind: "source" },
    source: { kind: "samples", fingerprint: fingerprintAt(0) },
    rows: commits.at(-1)!,
    shards: [],
    catalog: [],
    commits: commits.map((rows) => ({ rows, fingerprint: fingerprintAt(rows) })),
  };
  return { folder, manifest };
}

/** Random whole numbers below a limit, the same for the same seed. */
export function randomNumbers(seed: number): (limit: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

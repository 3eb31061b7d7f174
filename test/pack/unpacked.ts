// Reads a dataset back as FORMAT.md describes it, with nothing of the code under test but the manifest's parser and the
// Parquet reader: what every test of packing compares with.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { openCatalogPart } from "#spillway/catalog/catalog-reader";
import { type Manifest, parseManifest } from "#spillway/format/manifest";

/** One row: the bytes of each field, and what the catalog tells. */
export interface UnpackedRow {
  bytes: Record<string, Buffer>;
  catalog: Readonly<Record<string, unknown>>;
}

export function manifestOf(path: string): Manifest {
  return parseManifest(fs.readFileSync(join(path, "dataset.json"), "utf8"), path);
}

/** All rows, in order. */
export async function unpack(path: string): Promise<UnpackedRow[]> {
  const manifest = manifestOf(path);
  const rows: UnpackedRow[] = [];
  for (const [number, shard] of manifest.shards.entries()) {
    const file = fs.readFileSync(join(path, shard.path));
    assert.equal(file.length, shard.bytes);
    const part = await openCatalogPart(join(path, manifest.catalog[number]!.path));
    try {
      const records = await part.read(0, part.rowCount);
      assert.equal(records.length, shard.rows);
      for (let row = 0; row < shard.rows; row += 1) {
        const bytes = Object.fromEntries(
          Object.entries(shard.columns).map(([name, { start, stride }]) => [
            name,
            file.subarray(start + row * stride, start + (row + 1) * stride),
          ]),
        );
        for (const [name, { start, offsets }] of Object.entries(shard.encoded ?? {})) {
          const [from, end] = [0, 4].map((at) => file.readInt32LE(offsets + row * 4 + at));
          bytes[name] = file.subarray(start + from!, start + end!);
        }
        rows.push({ bytes, catalog: records[row]! });
      }
    } finally {
      part.close();
    }
  }
  return rows;
}

/** First int32 of a field in each row. */
export async function numbersIn(path: string, field = "data"): Promise<number[]> {
  return (await unpack(path)).map(({ bytes }) => bytes[field]!.readInt32LE(0));
}

// Damage in the catalog is found: parts that are cut, gone or of other samples, and values that are not of their column's
// type.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { verifyDataset } from "#spillway/pack/verify";
import { labelledDataset } from "../fixtures/annotated.js";
import { flip, smallRecords, toDamage } from "./damaged.js";

const small = await smallRecords();

test("a catalog part that is cut, damaged or of another shard is found", async () => {
  const { path, manifest } = toDamage(small);
  const parts = manifest.catalog.map((part) => join(path, part.path));
  fs.truncateSync(parts[0]!, 100);
  flip(parts[1]!, fs.statSync(parts[1]!).size - 2);
  fs.copyFileSync(parts[2]!, parts[3]!);
  fs.rmSync(parts[4]!);
  const report = await verifyDataset(path);
  const found = new Set(report.problems.map((problem) => problem.path));
  assert.deepEqual([...found].sort(), [
    "catalog/00000.parquet",
    "catalog/00001.parquet",
    "catalog/00003.parquet",
    "catalog/00004.parquet",
  ]);
  assert.equal(report.problems.length, 4);
});

test("a catalog part whose bytes decode to something else is found by its hash", async () => {
  const { path, manifest } = toDamage(small);
  const part = join(path, manifest.catalog[2]!.path);
  // A bit of a content hash, which lie uncompressed: still a content hash, of other content.
  const bytes = fs.readFileSync(part);
  const { hash } = await readCatalogRow({ folder: path, manifest }, 205);
  const stored = Buffer.alloc(8);
  stored.writeBigUInt64LE(hash);
  const at = bytes.indexOf(stored);
  assert.ok(at > 0);
  bytes[at]! ^= 1;
  fs.writeFileSync(part, bytes);
  const { problems } = await verifyDataset(path);
  assert.deepEqual(
    problems.map(({ what }) => what),
    ["catalog/00002.parquet is damaged: its hash is not the one in dataset.json"],
  );
});

test("values of the user's columns are checked against their types", async () => {
  const { path, manifest } = toDamage(await labelledDataset(100));
  assert.deepEqual((await verifyDataset(path)).problems, []);
  const names = (columns: Record<string, string>) =>
    fs.writeFileSync(join(path, "dataset.json"), JSON.stringify({ ...manifest, columns }));
  names({ ...manifest.columns, session: "int64" });
  const first = manifest.catalog[0]!.path;
  assert.match(
    (await verifyDataset(path)).problems[0]!.what,
    new RegExp(`^${first} is damaged: row \\d has a string in column "session", which is int64$`),
  );
  names({ ...manifest.columns, age: "int64" });
  assert.equal((await verifyDataset(path)).problems[0]!.what, `${first} is damaged: it has no column "age"`);
});

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type CatalogPlace,
  findByPath,
  openCatalogPart,
  readCatalogRow,
  scanCatalog,
} from "#spillway/catalog/catalog-reader";
import { CatalogWriter } from "#spillway/catalog/catalog-writer";
import { SpillwayError } from "#spillway/errors";
import type { Manifest } from "#spillway/format/manifest";
import { readManifest } from "#spillway/source/manifest-file";
import { classes, type Fields, tensor } from "#spillway/tensor/field";
import { labelNames, packed, temporaryFolder } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";

const folder = await packed({ count: 250, layout: "source", shardSize: 4096 });
const place: CatalogPlace = { folder, manifest: readManifest(folder)! };

test("a row is found by its id in whichever part it lies", async () => {
  assert.ok(place.manifest.catalog.length > 1);
  const border = place.manifest.catalog[0]!.rows;
  for (const id of [0, border - 1, border, 249]) {
    const { hash, ...row } = await readCatalogRow(place, id);
    assert.deepEqual(row, { id, path: `recording-${id}`, row: undefined, labels: [labelNames[id % 3]] });
    assert.ok(hash > 0n);
  }
});

test("an id that is not there is refused with the ids that are", async () => {
  for (const id of [-1, 250, 0.5]) {
    await assert.rejects(readCatalogRow(place, id), (error) => {
      assert.ok(error instanceof SpillwayError && error.code === "usage");
      return /Use 0 to 249\.$/.test(error.message);
    });
  }
});

test("a path is found as the catalog has it, or as the end of what was typed", async () => {
  assert.deepEqual(await findByPath(place, "recording-200"), { id: 200, example: "recording-0" });
  assert.deepEqual(await findByPath(place, "some/where/recording-3"), { id: 3, example: "recording-0" });
  assert.deepEqual(await findByPath(place, "recording-250"), { id: undefined, example: "recording-0" });
  assert.deepEqual(await findByPath(place, "my-recording-3"), { id: undefined, example: "recording-0" });
});

test("a scan gives every row once, in order, with the columns that were asked for", async () => {
  let next = 0;
  for await (const { firstId, records } of scanCatalog(place, ["id", "label"])) {
    assert.equal(firstId, next);
    for (const record of records) {
      assert.deepEqual(record, { id: BigInt(next), label: labelNames[next % 3] });
      next += 1;
    }
  }
  assert.equal(next, 250);
});

test("a large part is read a row group at a time, and rows of files with many samples are told apart", async () => {
  const other = temporaryFolder();
  const path = join(other, "part.parquet");
  const fields = {
    x: tensor("float32", [1]),
    kind: classes(["a"]),
    other: classes(["b"]),
  } as unknown as Manifest["fields"];
  const writer = new CatalogWriter(path, fields as Fields);
  const count = 40_000;
  for (let id = 0; id < count; id += 1) {
    writer.add({
      id,
      path: id < 20_000 ? "first.idx" : "second.idx",
      row: id % 20_000,
      labels: ["a", "b"],
      hash: 0n,
    });
  }
  const { bytes, hash } = writer.finish();
  const part = await openCatalogPart(path);
  try {
    assert.deepEqual(
      part.groups.map(({ start, end }) => end - start),
      [16_384, 16_384, count - 2 * 16_384],
    );
    assert.deepEqual([part.rowCount, part.columns], [count, ["id", "path", "row", "kind", "other", "hash"]]);
    const rows = await part.read(16_380, 16_390, ["id"]);
    assert.deepEqual(
      rows.map(({ id }) => Number(id)),
      Array.from({ length: 10 }, (_, k) => 16_380 + k),
    );
  } finally {
    part.close();
  }
  const manifest = {
    ...place.manifest,
    fields,
    rows: count,
    catalog: [{ path: "part.parquet", rows: count, bytes, hash }],
  };
  assert.equal((await findByPath({ folder: other, manifest }, "second.idx", 77)).id, 20_077);
  assert.deepEqual((await readCatalogRow({ folder: other, manifest }, 20_077)).labels, ["a", "b"]);
});

test("bytes that are no catalog give our error, and leave no file open", async () => {
  const path = join(temporaryFolder(), "part.parquet");
  const open = openFileCount();
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from("PAR1"),
    Buffer.from("PAR1".repeat(50)),
    Buffer.alloc(100),
  ]) {
    fs.writeFileSync(path, bytes);
    await refuses(() => openCatalogPart(path), "corrupt", /part\.parquet is damaged: /);
  }
  assert.equal(openFileCount(), open);
});

test("a part that is not the one dataset.json tells of is refused before it is decoded", async () => {
  const entry = place.manifest.catalog[0]!;
  const good = fs.readFileSync(join(place.folder, entry.path));
  const path = join(temporaryFolder(), "part.parquet");
  for (let at = 0; at < good.length; at += 1) {
    const copy = Buffer.from(good);
    copy[at]! ^= 1 << (at % 8);
    fs.writeFileSync(path, copy);
    const why = "its hash is not the one in dataset.json. Restore it from a copy, or pack again.";
    await refuses(() => openCatalogPart(path, entry), "corrupt", `${path} is damaged: ${why}`);
  }
  fs.writeFileSync(path, good.subarray(0, 100));
  await refuses(() => openCatalogPart(path, entry), "corrupt", /it has 100 bytes, dataset\.json says \d+/);
  fs.writeFileSync(path, good);
  const part = await openCatalogPart(path, entry);
  assert.equal(part.rowCount, entry.rows);
  part.close();
});

// The parts of added columns on disk: what a kill leaves is not seen, a stop at any moment leaves the old columns or
// the new ones, and damage is an error.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { readVersions } from "#spillway/catalog/annotations";
import { annotate } from "#spillway/dataset/annotate";
import { verifyDataset } from "#spillway/pack/verify";
import { damage, placeOf, valuesOf } from "../fixtures/annotated.js";
import { copyOf, packed } from "../fixtures/packed.js";
import { stopAt } from "../pack/stopped-disk.js";
import { refuses } from "../source/fixtures.js";

const count = 230;
const folder = await packed({ count, layout: "source", shardSize: 4096 });

test("what a kill leaves behind is not seen, and goes with the next columns", async () => {
  const at = copyOf(folder);
  await annotate(placeOf(at), [{ id: 0, a: 1 }], {});
  const columns = join(at, "columns");
  fs.writeFileSync(join(columns, "part.tmp"), "half");
  fs.writeFileSync(join(columns, "00002-0123456789abcdef.parquet"), "not named");
  fs.mkdirSync(join(columns, ".scratch"));
  fs.writeFileSync(join(columns, ".scratch", "rows-0.pile"), "x");
  assert.deepEqual((await valuesOf(at, ["a"]))[0], [1n]);
  await annotate(placeOf(at), [{ id: 0, b: 1 }], {});
  const named = readVersions(at).flatMap((part) => ("path" in part ? [part.path] : []));
  assert.deepEqual(fs.readdirSync(columns).sort(), [...named, "columns.json"].sort());
});

test("a stop at any single change of the disk leaves the columns as they were or as they are to be", async () => {
  const given = (a: number) => Array.from({ length: count }, (_, id) => ({ id, a }));
  const reference = copyOf(folder);
  await annotate(placeOf(reference), given(1), {});
  const total = await stopAt(Number.POSITIVE_INFINITY, false, () => {
    const at = copyOf(reference);
    return annotate(placeOf(at), given(2), {});
  });
  assert.ok(total > 10, `${total} changes`);
  const seen = new Set<unknown>();
  for (let stop = 0; stop <= total; stop += 1) {
    const at = copyOf(reference);
    await stopAt(stop, stop % 2 === 0, () => annotate(placeOf(at), given(2), {}));
    const found = new Set((await valuesOf(at, ["a"])).flat());
    assert.equal(found.size, 1, `stopped at change ${stop}: ${[...found].join(", ")}`);
    for (const value of found) seen.add(value);
    assert.deepEqual((await verifyDataset(at)).problems, []);
    await annotate(placeOf(at), given(3), {});
    assert.deepEqual([...new Set((await valuesOf(at, ["a"])).flat())], [3n]);
    const named = readVersions(at).flatMap((part) => ("path" in part ? [part.path] : []));
    assert.deepEqual(fs.readdirSync(join(at, "columns")).sort(), [...named, "columns.json"].sort());
    fs.rmSync(at, { recursive: true });
  }
  assert.deepEqual([...seen].sort(), [1n, 2n]);
});

test("a damaged list or part of added columns is an error, whatever reads it", async () => {
  const at = copyOf(folder);
  await annotate(placeOf(at), [{ id: 0, a: 1 }], {});
  const columns = join(at, "columns");
  const part = fs.readdirSync(columns).find((name) => name.endsWith(".parquet"))!;
  damage(join(columns, part));
  const message = `${join(columns, part)} is damaged: its hash is not the one in dataset.json. Restore it from a copy, or pack again.`;
  const dataset = await open(at, { memory: "16 MiB" });
  await refuses(() => valuesOf(at, ["a"]), "corrupt", message);
  await refuses(() => dataset.catalog.rows([0]), "corrupt", message);
  await refuses(() => dataset.query("select a from catalog"), "corrupt", message);
  await dataset.close();
  const list = join(columns, "columns.json");
  const text = fs.readFileSync(list, "utf8");
  for (const [broken, code, wanted] of [
    ["{", "corrupt", /columns\.json is damaged: it is no JSON/],
    [
      text.replace('"version": 1', '"version": 2'),
      "version",
      /columns\.json has version 2, this Spillway reads up to 1/,
    ],
    [text.replace('"int64"', '"int32"'), "corrupt", /columns\.json is damaged: parts\.0/],
    [text.replace(part, `../${part}`), "corrupt", /columns\.json is damaged: parts\.0/],
  ] as const) {
    fs.writeFileSync(list, broken);
    await refuses(() => valuesOf(at, ["id"]), code, wanted);
  }
});

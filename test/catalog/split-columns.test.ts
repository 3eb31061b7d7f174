import assert from "node:assert/strict";
import { test } from "node:test";
import type { CatalogPlace } from "#spillway/catalog/catalog-reader";
import { type ColumnNumbers, combineColumns, readColumns } from "#spillway/catalog/split-columns";
import { nearestNames } from "#spillway/near-names";
import { readManifest } from "#spillway/source/manifest-file";
import { packed } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { columnsOf, placeOf } from "./fake-columns.js";

const columns = {
  text: ["a", "b", "a", null, "c", "b"],
  whole: [3n, 3n, 5n, 5n, 3n, undefined],
  number: [0.5, Number.NaN, 0.5, 1, 0, -0],
  flag: [true, false, true, true, false, true],
};

function numbersOf({ numbers, values, missing }: ColumnNumbers): unknown {
  return [[...numbers], values, missing.count, missing.firstIds];
}

test("equal values have equal numbers, in the order of their first rows, and -1 says that there is none", async () => {
  for (const groupRows of [1, 2, 4, 100]) {
    const read = await readColumns(placeOf([6]), ["text", "whole", "number", "flag"], 6, {
      reader: columnsOf(columns, groupRows),
    });
    assert.deepEqual(numbersOf(read.get("text")!), [[0, 1, 0, -1, 2, 1], ["a", "b", "c"], 1, [3]]);
    assert.deepEqual(numbersOf(read.get("whole")!), [[0, 0, 1, 1, 0, -1], [3n, 5n], 1, [5]]);
    assert.deepEqual(numbersOf(read.get("number")!), [[0, -1, 0, 1, 2, 2], [0.5, 1, 0], 1, [1]]);
    assert.deepEqual(numbersOf(read.get("flag")!), [[0, 1, 0, 0, 1, 0], [true, false], 0, []]);
  }
});

test("only the rows of the commit are read", async () => {
  const read = await readColumns(placeOf([4]), ["text"], 4, { reader: columnsOf(columns, 3) });
  assert.deepEqual([...read.get("text")!.numbers], [0, 1, 0, -1]);
});

test("columns of a packed dataset are read from its parts", async () => {
  const folder = await packed({ count: 250, layout: "source", shardSize: 4096 });
  const place: CatalogPlace = { folder, manifest: readManifest(folder)! };
  const progress: number[] = [];
  const read = await readColumns(place, ["label", "label", "id"], 250, {
    onRows: (rows) => progress.push(rows),
  });
  assert.deepEqual([...read.keys()], ["label", "id"]);
  assert.deepEqual(
    [...read.get("label")!.numbers],
    Array.from({ length: 250 }, (_, id) => id % 3),
  );
  assert.equal(progress.at(-1), 250);
});

test("a column that is not there is refused, and the nearest names are offered", async () => {
  const folder = await packed({ count: 10, layout: "source" });
  const place: CatalogPlace = { folder, manifest: readManifest(folder)! };
  await refuses(
    () => readColumns(place, ["lable"], 10),
    "missing",
    `the catalog of ${folder} has no column "lable". Did you mean "label"? Its columns are id, path, row, label, hash.`,
  );
  await refuses(
    () => readColumns(place, ["subject"], 10),
    "missing",
    `the catalog of ${folder} has no column "subject". Its columns are id, path, row, label, hash.`,
  );
});

test("a catalog with too few rows is refused", async () => {
  const place = placeOf([9]);
  await refuses(
    () => readColumns(place, ["text"], 9, { reader: columnsOf(columns) }),
    "corrupt",
    `the catalog of ${place.folder} has 6 rows, not 9. Restore it from a copy, or pack again.`,
  );
});

test("columns combine to those classes that occur", async () => {
  const place = placeOf([6]);
  const reader = columnsOf({
    label: ["a", "b", "a", "b", "a", "a"],
    sex: [1n, 2n, 2n, 2n, 1n, 2n],
    x: [0, 0, 0, 0, 0, 1],
  });
  const read = await readColumns(place, ["label", "sex", "x"], 6, { reader });
  const { numbers, count, names } = combineColumns([...read.values()]);
  assert.deepEqual([...numbers], [0, 1, 2, 1, 0, 3]);
  assert.deepEqual([count, names], [4, ["a, 1, 0", "b, 2, 0", "a, 2, 0", "a, 2, 1"]]);
});

test("near names differ by few letters or begin alike", () => {
  const known = ["subject", "label", "session", "path"];
  assert.deepEqual(nearestNames("Subjects", known), ["subject"]);
  assert.deepEqual(nearestNames("lbael", known), ["label"]);
  assert.deepEqual(nearestNames("sub", known), ["subject"]);
  assert.deepEqual(nearestNames("weight", known), []);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { CatalogPlace } from "#spillway/catalog/catalog-reader";
import { CatalogWriter } from "#spillway/catalog/catalog-writer";
import { ContentTable } from "#spillway/catalog/content-table";
import { findContentLeaks, findGroupLeaks } from "#spillway/catalog/leak-check";
import { readColumns } from "#spillway/catalog/split-columns";
import type { Manifest } from "#spillway/format/manifest";
import { classes, type Fields, tensor } from "#spillway/tensor/field";
import { temporaryFolder } from "../fixtures/packed.js";
import { columnsOf, placeOf, randomNumbers } from "./fake-columns.js";

const fields: Fields = { x: tensor("float32", [1]), label: classes(["walk", "run"]) };

/** A dataset of nothing but a catalog, in two parts. */
function catalogOf(hashes: readonly bigint[], labels: readonly string[]): CatalogPlace {
  const folder = temporaryFolder();
  const half = Math.floor(hashes.length / 2);
  const catalog = [
    [0, half],
    [half, hashes.length],
  ].map(([start, end], k) => {
    const writer = new CatalogWriter(join(folder, `${k}.parquet`), fields);
    for (let id = start!; id < end!; id += 1)
      writer.add({ id, path: `rec/${id}.npy`, row: undefined, labels: [labels[id]!], hash: hashes[id]! });
    return { path: `${k}.parquet`, ...writer.finish() };
  });
  const { manifest } = placeOf([hashes.length]);
  return { folder, manifest: { ...manifest, fields: fields as Manifest["fields"], catalog } };
}

test("of 100,000 samples with ten planted duplicates, each of the ten is found, in one pass or many", async () => {
  const count = 100_000;
  const random = randomNumbers(4);
  const hashes = Array.from({ length: count }, (_, id) =>
    BigInt.asUintN(64, BigInt(id + 1) * 0x9e3779b97f4a7c15n),
  );
  const labels = Array.from({ length: count }, (_, id) => (id % 2 === 0 ? "walk" : "run"));
  // Train, val, test and none.
  const parts = Uint8Array.from({ length: count }, () => random(4));
  const planted: [number, number][] = [];
  while (planted.length < 10) {
    const [first, second] = [random(count), random(count)].sort((a, b) => a - b) as [number, number];
    const isFree = planted.every((pair) => !pair.includes(first) && !pair.includes(second));
    if (!isFree || parts[first] === parts[second] || parts[first] === 3 || parts[second] === 3) continue;
    hashes[second] = hashes[first]!;
    labels[second] = planted.length < 3 ? (labels[first] === "walk" ? "run" : "walk") : labels[first]!;
    planted.push([first, second]);
  }
  // These are no leaks: within a split, and with a sample in none.
  const train = parts.indexOf(0);
  const [inTrain, inNone] = [parts.indexOf(0, train + 1), parts.indexOf(3)];
  hashes[inTrain] = hashes[train]!;
  hashes[inNone] = hashes[train]!;
  labels[inTrain] = labels[inNone] = labels[train]!;

  const place = catalogOf(hashes, labels);
  const read = await readColumns(place, ["label"], count);
  const names = ["train", "val", "test"];
  for (const passRows of [undefined, 30_000]) {
    const leaks = await findContentLeaks(place, parts, {
      names,
      labels: read.get("label"),
      ...(passRows !== undefined && { passRows }),
    });
    assert.equal(leaks.contents, 10);
    assert.equal(leaks.unchecked, 0);
    const expected = planted
      .sort((a, b) => a[1] - b[1])
      .map((pair) =>
        pair.map((id) => ({ id, path: `rec/${id}.npy`, split: names[parts[id]!], label: labels[id] })),
      );
    assert.deepEqual(leaks.pairs, expected);
    assert.equal(leaks.labelConflicts?.contents, 3);
    assert.equal(leaks.labelConflicts?.pairs.length, 3);
    for (const [first, second] of leaks.labelConflicts!.pairs) assert.notEqual(first.label, second.label);
  }
});

test("a content that lies in two splits is found, whatever lies between its samples", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 3 }), fc.nat({ max: 1 })), {
        minLength: 1,
        maxLength: 60,
      }),
      fc.integer({ min: 1, max: 20 }),
      async (samples, passRows) => {
        const hash = (content: number) => BigInt.asUintN(64, BigInt(content) * 0x9e3779b97f4a7c15n);
        const parts = Uint8Array.from(samples, ([, part]) => part);
        const place = catalogOf(
          samples.map(([content]) => hash(content)),
          samples.map(([, , label]) => ["walk", "run"][label]!),
        );
        const labels = { numbers: Int32Array.from(samples, ([, , label]) => label), count: 2 };
        const found = await findContentLeaks(place, parts, { names: ["a", "b", "c"], labels, passRows });
        let [leaked, contradicted] = [0, 0];
        for (let content = 0; content <= 12; content += 1) {
          const own = samples.filter(([each]) => each === content);
          if (new Set(own.map(([, part]) => part).filter((part) => part < 3)).size > 1) leaked += 1;
          if (new Set(own.map(([, , label]) => label)).size > 1) contradicted += 1;
        }
        assert.deepEqual([found.contents, found.labelConflicts?.contents], [leaked, contradicted]);
      },
    ),
    { numRuns: 60 },
  );
});

test("samples without a hash are counted, and nothing is said of their contents", async () => {
  const reader = columnsOf({ hash: [null, null, 5n, 6n], path: ["", "", "", ""] });
  const leaks = await findContentLeaks(placeOf([4]), Uint8Array.of(0, 1, 0, 1), {
    names: ["a", "b"],
    reader,
  });
  assert.deepEqual(leaks, { contents: 0, pairs: [], unchecked: 2 });
});

test("groups in two splits are counted, and the first ten named with their samples", async () => {
  const count = 600;
  const groups = Array.from({ length: count }, (_, id) => (id === 599 ? null : `s${Math.floor(id / 20)}`));
  const column = (
    await readColumns(placeOf([count]), ["s"], count, { reader: columnsOf({ s: groups }) })
  ).get("s")!;
  // Even groups are whole or partly in none; of the others every fifth sample is elsewhere.
  const parts = Uint8Array.from({ length: count }, (_, id) => {
    const group = Math.floor(id / 20);
    return group % 2 === 0 ? (id % 7 === 0 ? 2 : 0) : id % 5 === 0 ? 1 : 0;
  });
  const { groups: shared, first, unchecked, column: name } = findGroupLeaks(column, parts, ["train", "val"]);
  assert.deepEqual([shared, first.length, unchecked, name], [15, 10, 1, "s"]);
  assert.deepEqual(first[0], { group: "s1", splits: { train: 16, val: 4 } });
  const whole = findGroupLeaks(column, new Uint8Array(count), ["train", "val"]);
  assert.deepEqual([whole.groups, whole.first], [0, []]);
});

test("a table of contents knows every hash that it was given, and no other", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 })), { maxLength: 3000 }),
      (hashes) => {
        const table = new ContentTable();
        const known = new Map<number, number>();
        hashes.forEach(([low, high], row) => {
          const key = low * 100 + high;
          const before = table.size;
          const entry = table.entryOf(low, high * 2 ** 26, row);
          assert.equal(entry, known.get(key) ?? before);
          if (!known.has(key)) known.set(key, entry);
          assert.equal(table.size, known.size);
        });
      },
    ),
    { numRuns: 50 },
  );
});

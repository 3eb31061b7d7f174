// What is appended: a source that is there already is refused, one without random access is shuffled by itself, and
// another dataset comes with the origins of its samples.

import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, pack } from "spillway";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { append } from "#spillway/pack/pack";
import { samplesOf } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";
import { base, isWhole, numbersOf, small } from "./growing.js";
import { contentOf, idxPair, npyFolder, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

test("the same source is refused a second time, unless that is asked for", async () => {
  const [source, other] = [npyFolder(newPath(), 30, 64), npyFolder(newPath(), 20, 64, 30)];
  const path = newPath();
  await pack(source, path, small);
  await append(other, path, small);
  const before = contentOf(path);
  for (const [again, commit] of [
    [source, 1],
    [other, 2],
    [path, 2],
  ] as const) {
    await refuses(
      () => append(again, path, small),
      "exists",
      `these samples are in ${path} already, since commit ${commit}. There is nothing to do; to have them twice, add --again.`,
    );
    assert.deepEqual(contentOf(path), before);
  }
  assert.equal((await append(source, path, { ...small, again: true })).rows, 80);
  // A dataset that this one was made of is a part of it, too.
  const compact = newPath();
  await pack(path, compact);
  await append(npyFolder(newPath(), 5, 64, 50), compact, small);
  await refuses(() => append(path, compact, small), "exists", /since commit 3/);
  const doubled = await append(compact, compact, { ...small, again: true });
  assert.deepEqual([doubled.rows, doubled.added], [170, 85]);
  const all = await samplesOf(compact);
  assert.deepEqual(all.slice(85), all.slice(0, 85));
  await isWhole(compact);
});

test("sources that go from front to back only are shuffled by themselves", async () => {
  const path = newPath();
  await pack(idxPair(newPath(), 300, 10), path, { ...small, seed: 4 });
  const more = idxPair(newPath(), 200, 10);
  await append(more, path, { ...small, seed: 4 });
  const numbers = (await samplesOf(path)).map(({ image }) => Buffer.from(image!, "latin1").readUInt16LE(0));
  assert.deepEqual(
    [...numbers.slice(300)].sort((a, b) => a - b),
    upTo(200),
  );
  assert.notDeepEqual(numbers.slice(300), upTo(200));
  await isWhole(path);
});

test("datasets are merged by appending one to the other, with the origins of their samples", async () => {
  const path = await base(30);
  const other = newPath();
  const labels = classes(["c", "d", "a"]);
  const samples = upTo(50).map((i) => ({
    data: new Int32Array(40).fill(1000 + i),
    label: "cda"[i % 3]!,
    path: `other ${i}`,
  }));
  await pack(samples, other, { ...small, fields: { ...streamFields, label: labels }, seed: 5 });
  const compacted = newPath();
  await pack(other, compacted, { seed: 6 });
  const opened = openFileCount();
  const result = await append(compacted, path, small);
  assert.equal(openFileCount(), opened);
  assert.deepEqual([result.rows, result.added], [80, 50]);
  // In the order of their ids, so that their catalog is read from front to back.
  assert.deepEqual((await numbersOf(path)).slice(30), await numbersOf(other));
  assert.deepEqual((manifestOf(path).fields.label as { classes: string[] }).classes, ["a", "b", "c", "d"]);
  for (const id of [30, 55, 79]) {
    const row = await readCatalogRow({ folder: path, manifest: manifestOf(path) }, id);
    const from = await readCatalogRow({ folder: other, manifest: manifestOf(other) }, id - 30);
    assert.deepEqual({ ...row, id: 0 }, { ...from, id: 0 });
  }
  await isWhole(path);
});

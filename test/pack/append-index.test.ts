// An index grows by the new files of its folder, and goes on after a stop with those that were new when it began.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { append, index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { samplesOf } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { float64, npyBytes, refuses, writeFile } from "../source/fixtures.js";
import { folderOf, isWhole, namedOf, small } from "./growing.js";
import { contentOf, npyFolder } from "./sources.js";
import { manifestOf } from "./unpacked.js";

test("an index grows by a folder's new files, by folders within it, and by further files of many rows", async () => {
  const source = folderOf("a/0.npy", "b/1.npy");
  const path = newPath();
  await index(source, path);
  await refuses(
    () => append(source, path),
    "exists",
    `these samples are in ${path} already, since commit 1. There is nothing to do; to have them twice, add --again.`,
  );
  writeFile(join(source, "a/00.npy"), npyBytes("<f8", [2], float64(7, 7)));
  writeFile(join(source, "c/2.npy"), npyBytes("<f8", [2], float64(8, 8)));
  const notes: string[] = [];
  const result = await append(source, path, { onNote: (note) => notes.push(note) });
  assert.deepEqual([result.rows, result.added, result.isIndexed], [4, 2, true]);
  assert.ok(notes.includes("2 of the samples are in the index already, 2 are new."));
  assert.deepEqual(await namedOf(path), [
    ["a", 0],
    ["b", 1],
    ["a", 7],
    ["c", 8],
  ]);
  await refuses(() => append(source, path), "exists", /all 4 samples are in/);
  writeFile(join(source, "later/c/9.npy"), npyBytes("<f8", [2], float64(9, 9)));
  await append(join(source, "later"), path);
  const { catalog, files } = manifestOf(path);
  assert.deepEqual(files, { field: "data", root: source });
  assert.equal(catalog.length, 3);
  const row = await readCatalogRow({ folder: path, manifest: manifestOf(path) }, 4);
  assert.deepEqual([row.path, row.labels], ["later/c/9.npy", ["c"]]);
  assert.deepEqual((await namedOf(path)).at(-1), ["c", 9]);
  assert.equal((await append(join(source, "later"), path, { again: true })).rows, 6);
  await isWhole(path);

  const table = newPath("tables");
  const rows = (name: string, from: number) =>
    writeFile(join(table, name), npyBytes("<f8", [3, 2], float64(from, 0, from + 1, 0, from + 2, 0)));
  const many = newPath();
  await index(rows("x.npy", 0), many);
  await append(rows("y.npy", 3), many);
  const numbers = (await samplesOf(many)).map(({ data }) => Buffer.from(data!, "latin1").readDoubleLE());
  assert.deepEqual(numbers, upTo(6));
  await isWhole(many);
});

test("an index takes neither another folder's files nor what cannot stay where it is", async () => {
  const source = folderOf("a/0.npy", "b/1.npy");
  const path = newPath();
  await index(source, path);
  const before = contentOf(path);
  const other = folderOf("a/3.npy", "b/4.npy");
  await refuses(
    () => append(other, path),
    "mismatch",
    `the samples lie in ${other} (field "data"); those of the dataset in ${source} (field "data"). An index is of one folder: put them there, or pack both datasets and append.`,
  );
  await refuses(
    () => append([{ data: [1, 2], label: "a" }], path),
    "source",
    "samples of this source (samples) cannot stay in their files: they have to be decoded or turned first. Pack the dataset first, then append them. Indexes are of plain .npy and IDX files, little-endian and in C order.",
  );
  assert.deepEqual(contentOf(path), before);
});

test("an append to an index that is stopped goes on with the samples that were new when it began", async () => {
  const make = (path: string) => {
    const source = npyFolder(join(path, "source"), 30, 64);
    return { source, target: join(path, "index") };
  };
  const { source, target } = make(newPath());
  await index(source, target);
  npyFolder(source, 120, 64);
  // The first 30 were written anew: they are known by their names, and verify tells that they changed.
  const task = { isIndex: false, isAppend: true, indexRows: 20 };
  const stop = new AbortController();
  const reason = new Error("stopped");
  const onProgress = () => manifestOf(target).rows >= 70 && stop.abort(reason);
  await assert.rejects(
    packSource(source, target, { ...small, signal: stop.signal, onProgress }, task),
    reason,
  );
  await refuses(
    () => packSource(source, target, { ...small, again: true }, task),
    "mismatch",
    /another source/,
  );
  const done = await packSource(source, target, small, task);
  assert.deepEqual([done.rows, done.added], [120, 90]);
  assert.ok(done.resumedAt >= 40);
  const taken = await samplesOf(target, { view: { rows: [30, 120] } });
  const numbers = taken.map(({ data }) => Buffer.from(data!, "latin1").readFloatLE());
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    upTo(120).slice(30),
  );
});

// What is appended a second time: samples that a dataset has are left out, found by path and content, or by the commits
// of the dataset that they come from.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { append, open, type PackOptions, pack } from "spillway";
import { verifyDataset } from "#spillway/pack/verify";
import { samplesOf } from "../fixtures/batches.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { float64, npyBytes, refuses, writeFile } from "../source/fixtures.js";
import { stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

const folder = temporaryFolder();
const small: PackOptions = { memory: "1 MiB", shardSize: 4096 };

function put(source: string, name: string, number: number): void {
  writeFile(join(source, name), npyBytes("<f8", [2], float64(number, -number)));
}

/** Appends, and gives what was said and how many samples came. */
async function grow(source: string, path: string, options: PackOptions = {}) {
  const notes: string[] = [];
  const { added } = await append(source, path, { ...small, ...options, onNote: (note) => notes.push(note) });
  assert.deepEqual((await verifyDataset(path)).problems, []);
  return { added, notes };
}

/** The first number of each sample, in ascending order. */
async function sorted(path: string): Promise<number[]> {
  const samples = await samplesOf(path);
  return samples.map(({ data }) => Buffer.from(data!, "latin1").readDoubleLE(0)).sort((a, b) => a - b);
}

test("a folder that has grown brings its new files alone to a packed dataset, in any layout", async () => {
  for (const layout of ["shuffled", "source"] as const) {
    const [source, path] = [join(folder, `grown ${layout}`), join(folder, `packed ${layout}`)];
    for (let k = 0; k < 40; k += 1) put(source, `${"ab"[k % 2]}/${k}.npy`, k);
    await pack(source, path, { ...small, layout });
    for (let k = 40; k < 55; k += 1) put(source, `${"abc"[k % 3]}/${k}.npy`, k);
    const { added, notes } = await grow(source, path, { layout });
    assert.equal(added, 15);
    assert.ok(
      notes.includes("40 of the samples have paths that the dataset knows: their contents are compared."),
    );
    assert.ok(notes.includes("40 of the samples are in the dataset already, 15 are new."), notes.join("\n"));
    assert.deepEqual(await sorted(path), upTo(55));
    const all = `all 55 samples are in ${path} already. There is nothing to do; to have them twice, add --again.`;
    await refuses(() => append(source, path, small), "exists", all);
    assert.equal((await grow(source, path, { again: true })).added, 55);
  }
});

test("a file with other content is a new sample, also under a path that the dataset knows", async () => {
  const [first, second, path] = ["monday", "tuesday", "week"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (let k = 0; k < 10; k += 1) put(first, `a/${k}.npy`, k);
  await pack(first, path, small);
  for (let k = 0; k < 10; k += 1) put(second, `a/${k}.npy`, k < 3 ? k : 100 + k);
  assert.equal((await grow(second, path)).added, 7);
  assert.deepEqual(await sorted(path), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 103, 104, 105, 106, 107, 108, 109]);
  assert.deepEqual(new Set(manifestOf(path).commits.map(({ rows }) => rows)), new Set([10, 17]));
});

test("a table of many rows that has grown brings its new rows", async () => {
  const [table, path] = [join(folder, "rows.npy"), join(folder, "of rows")];
  const write = (count: number) =>
    writeFile(table, npyBytes("<f8", [count, 2], float64(...Array.from({ length: 2 * count }, (_, k) => k))));
  write(20);
  await pack(table, path, small);
  write(33);
  assert.equal((await grow(table, path)).added, 13);
});

test("a dataset that has grown since it was appended brings its later commits", async () => {
  const [part, path] = [join(folder, "part"), join(folder, "whole")];
  const options = { ...small, fields: streamFields };
  await pack(stream(30), part, options);
  await pack(stream(10), path, options);
  assert.equal((await grow(part, path)).added, 30);
  await append(stream(12, 500), part, options);
  assert.equal((await grow(part, path)).added, 12);
  await refuses(() => append(part, path, small), "exists", /already, since commit 3/);
  const dataset = await open(path, { memory: "16 MiB" });
  const names = (await dataset.catalog.rows(upTo(12).map((k) => 40 + k))).map((row) => row.path);
  assert.deepEqual(
    names.sort(),
    upTo(12).map((k) => `row ${500 + k}`),
  );
  await dataset.close();
});

test("an append of a grown folder that was stopped goes on with the same samples", async () => {
  const [source, path] = [join(folder, "stopped source"), join(folder, "stopped")];
  for (let k = 0; k < 300; k += 1) put(source, `${String(k).padStart(3, "0")}.npy`, k);
  await pack(source, path, small);
  for (let k = 300; k < 900; k += 1) put(source, `${String(k).padStart(3, "0")}.npy`, k);
  const stop = new AbortController();
  const reason = new Error("stopped");
  const onProgress = () => {
    if (manifestOf(path).rows > 300) stop.abort(reason);
  };
  await assert.rejects(append(source, path, { ...small, signal: stop.signal, onProgress }), reason);
  assert.ok(manifestOf(path).packing);
  assert.equal((await grow(source, path)).added, 600);
  assert.deepEqual(await sorted(path), upTo(900));
});

// Damage in a shard or its sums is found, and the samples that it touches are named.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verifyDataset } from "#spillway/pack/verify";
import { flip, largeRecords, placesOf, smallRecords, toDamage } from "./damaged.js";

const small = await smallRecords();
const large = await largeRecords();

test("every flipped bit of a record is found, and its sum's samples are named", async () => {
  const { path, manifest } = toDamage(small);
  const shard = manifest.shards[3]!;
  assert.equal(shard.rows, 100);
  const { start, stride } = shard.columns.data!;
  for (const row of [0, 41, 42, 83, 84, 99]) {
    const at = start + row * stride + (row % stride);
    flip(join(path, shard.path), at, 1 << (row % 8));
    const first = Math.floor(row / 42) * 42;
    const end = Math.min(100, first + 42);
    assert.deepEqual(placesOf(await verifyDataset(path)), [
      {
        path: shard.path,
        shard: shard.path,
        field: "data",
        startSample: 300 + first,
        endSample: 300 + end,
        startByte: start + first * stride,
        endByte: start + end * stride,
      },
    ]);
    flip(join(path, shard.path), at, 1 << (row % 8));
  }
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("damage side by side is one place, damage apart is two", async () => {
  const { path, manifest } = toDamage(small);
  const shard = manifest.shards[0]!;
  const { start, stride } = shard.columns.data!;
  flip(join(path, shard.path), start);
  flip(join(path, shard.path), start + 42 * stride);
  flip(join(path, manifest.shards[1]!.path), start + 99 * stride);
  const report = await verifyDataset(path);
  assert.deepEqual(
    placesOf(report).map(({ shard: name, startSample, endSample }) => [name, startSample, endSample]),
    [
      ["shards/00000.arrow", 0, 84],
      ["shards/00001.arrow", 184, 200],
    ],
  );
  assert.equal(report.damagedSamples, 100);
});

test("a record larger than what is read at once is checked whole", async () => {
  const { path, manifest } = toDamage(large);
  const shard = manifest.shards[1]!;
  const { start, stride } = shard.columns.data!;
  assert.ok(stride > 2 * 2 ** 20);
  flip(join(path, shard.path), start + 2 * stride - 1);
  const [problem, ...others] = placesOf(await verifyDataset(path));
  assert.deepEqual(others, []);
  const firstSample = manifest.shards[0]!.rows;
  assert.deepEqual(
    [problem!.startSample, problem!.endSample, problem!.startByte],
    [firstSample + 1, firstSample + 2, start + stride],
  );
});

test("a flipped label is found by its sum and by the catalog", async () => {
  const { path, manifest } = toDamage(small);
  const shard = manifest.shards[4]!;
  flip(join(path, shard.path), shard.columns.label!.start + 7);
  const report = await verifyDataset(path);
  assert.deepEqual(
    placesOf(report).map(({ path: file, field, startSample, endSample }) => [
      file,
      field,
      startSample,
      endSample,
    ]),
    [
      ["shards/00004.arrow", "label", 400, 450],
      ["catalog/00004.parquet", "label", 407, 408],
    ],
  );
  assert.equal(report.damagedSamples, 50);
});

test("a shard cut short names what is lost, one that is gone all of its samples", async () => {
  const { path, manifest } = toDamage(small);
  const cut = manifest.shards[1]!;
  const { start, stride } = cut.columns.data!;
  fs.truncateSync(join(path, cut.path), start + 50 * stride);
  fs.rmSync(join(path, manifest.shards[2]!.path));
  const report = await verifyDataset(path);
  assert.deepEqual(
    report.problems.map(({ path: file, field, startSample, endSample }) => [
      file,
      field,
      startSample,
      endSample,
    ]),
    [
      ["shards/00001.arrow", undefined, undefined, undefined],
      ["shards/00001.arrow", "data", 142, 200],
      ["shards/00001.arrow", "label", 100, 200],
      ["shards/00002.arrow", undefined, 200, 300],
    ],
  );
  assert.match(
    report.problems[0]!.what,
    /^shards\/00001\.arrow is cut short: it has 8896 bytes, dataset\.json says \d+$/,
  );
  assert.match(report.problems[1]!.what, /samples 142 to 199, field "data", are cut off/);
});

test("damaged sums are told from damaged samples", async () => {
  const { path, manifest } = toDamage(small);
  flip(join(path, manifest.shards[0]!.sums.path), 3);
  const sumsOnly = await verifyDataset(path);
  assert.deepEqual(
    sumsOnly.problems.map(({ what }) => what),
    ["shards/00000.sums is damaged: its hash is not the one in dataset.json; the samples are whole"],
  );
  assert.equal(sumsOnly.damagedSamples, 0);
  flip(join(path, manifest.shards[0]!.path), manifest.shards[0]!.columns.data!.start);
  const both = await verifyDataset(path);
  assert.equal(both.problems.length, 2);
  assert.match(
    both.problems[1]!.what,
    /samples 0 to 41, field "data", do not agree with their sums, which may be the damaged part/,
  );
  fs.truncateSync(join(path, manifest.shards[0]!.sums.path), 5);
  const unknown = await verifyDataset(path);
  assert.deepEqual([unknown.problems.length, unknown.damagedSamples], [2, 100]);
  assert.match(unknown.problems[1]!.what, /damaged somewhere: without its sums the place cannot be told/);
});

test("an Arrow header or footer that is not the expected one is found, though the samples are whole", async () => {
  const { path, manifest } = toDamage(small);
  const shard = manifest.shards[0]!;
  flip(join(path, shard.path), 40);
  flip(join(path, shard.path), shard.bytes - 1);
  const report = await verifyDataset(path);
  assert.deepEqual(
    report.problems.map(({ what }) => /its Arrow (header|footer)/.exec(what)?.[1]),
    ["header", "footer"],
  );
  assert.equal(report.damagedSamples, 0);
});

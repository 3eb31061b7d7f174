// Checking a whole dataset: all of its bytes are read, its commits are held to their rows, and the list of problems has
// an end.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SpillwayError } from "#spillway/errors";
import { verifyDataset } from "#spillway/pack/verify";
import { readManifest } from "#spillway/source/manifest-file";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { flip, largeRecords, smallRecords, toDamage } from "./damaged.js";

const small = await smallRecords();
const large = await largeRecords();

test("a dataset as it was packed has no problems, and all of its bytes are read", async () => {
  for (const path of [small, large]) {
    const manifest = readManifest(path)!;
    const report = await verifyDataset(path);
    assert.deepEqual(
      [report.problems, report.samples, report.damagedSamples, report.packing],
      [[], manifest.rows, 0, undefined],
    );
    const columns = manifest.shards.reduce(
      (sum, shard) =>
        sum + shard.rows * Object.values(shard.columns).reduce((all, { stride }) => all + stride, 0),
      0,
    );
    assert.ok(
      report.bytes > columns && report.bytes < columns * 1.1 + 200_000,
      `${report.bytes} of ${columns}`,
    );
  }
});

test("a commit whose fingerprint is not that of its rows is found", async () => {
  const { path, manifest } = toDamage(small);
  const { fingerprint } = manifest.commits[0]!;
  const other = "0123456789abcdef";
  fs.writeFileSync(
    join(path, "dataset.json"),
    JSON.stringify({ ...manifest, commits: [{ rows: manifest.rows, fingerprint: other }] }),
  );
  const { problems } = await verifyDataset(path);
  assert.deepEqual(
    problems.map(({ what }) => what),
    [`dataset.json is damaged: commit 1 has fingerprint ${other}, its rows give ${fingerprint}`],
  );
});

test("no more than a thousand problems are listed, and the others are counted", async () => {
  // Each sample has a sum of its own, and every second one is damaged.
  const path = await packed({ count: 2400, length: 520 });
  const { shards } = readManifest(path)!;
  const { start, stride } = shards[0]!.columns.data!;
  assert.ok(stride > 2048);
  for (let row = 0; row < 2400; row += 2) flip(join(path, shards[0]!.path), start + row * stride);
  const report = await verifyDataset(path);
  assert.deepEqual(
    [report.problems.length, report.problemsLeftOut, report.damagedSamples],
    [1000, 200, 1000],
  );
});

test("a signal ends the check, and a folder without a dataset is no report", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const ended = verifyDataset(small, {
    signal: controller.signal,
    onProgress: () => controller.abort(reason),
  });
  await assert.rejects(ended, reason);
  await assert.rejects(
    verifyDataset(temporaryFolder()),
    (error) => error instanceof SpillwayError && error.code === "missing",
  );
});

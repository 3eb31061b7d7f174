// What bench prints: its shape, never its figures, which are the machine's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

const path = await packed({ count: 640, length: 50 });
const env = { XDG_CACHE_HOME: temporaryFolder() };
const quick = ["--memory", "64 MiB", "--seconds", "1", "--batch-size", "20"];

test("bench prints a figure to a line, and why the device was not measured", async () => {
  const args = ["bench", path, ...quick, "--augment", "jitter:sigma=0.1"];
  const { code, stdout, stderr } = await spillway(args, { env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /: 640 samples, batches of 20\n/);
  for (const line of [
    /^ {2}speed +[\d,.]+ samples\/s, .+\/s$/m,
    /^ {2}limit +[\d.]+ % of /m,
    /^ {2}epoch +[\d.:]+ s$/m,
    /^ {2}next epoch +[\d.:]+ s, [\d,]+ samples\/s$/m,
    /^ {2}first batch +after [\d,.]+ ms$/m,
    /^ {2}reading +(pinned|page cache|direct|buffered): /m,
    /^ {2}bottleneck +\S/m,
    /^ {2}jitter +[\d,.]+ us per sample \(data\)$/m,
    /^ {2}shuffle +label: classes vary from batch to batch [\d.]+ times as much as in a true shuffle$/m,
    /^ {2}two models +[\d,.]+ samples\/s in all from one feed, [\d,.]+ from a loop for each$/m,
    /^ {2}peak memory +/m,
  ])
    assert.match(stdout, line);
});

test("bench --json gives the same as one value", async () => {
  const { code, value } = await spillwayJson(["bench", path, ...quick, "--readers", "1"], { env });
  assert.equal(code, 0);
  assert.equal(value.loop.samples, 640);
  assert.equal(value.loop.isWhole, true);
  assert.equal(value.loop.stats.readers.readers, 1);
  assert.equal(value.loop.stats.batches, 32);
  // 32 batches of a true shuffle stray from 1 by a quarter at most once in a million times; of sorted data it is 0 or 20.
  assert.ok(value.loop.classMix.label > 0.3 && value.loop.classMix.label < 2.5, value.loop.classMix.label);
  assert.equal(value.again.samples, 640);
  assert.ok(value.two.feed > 0 && value.two.loops > 0);
  assert.deepEqual(value.images, []);
});

test("bench refuses what makes no sense, and a folder that is no dataset", async () => {
  const refused = await spillway(["bench", path, "--batch-size", "0"], { env });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--batch-size "0" is not a whole number from 1 to 1000000/);
  const unknown = await spillway(["bench", path, ...quick, "--augment", "shake"], { env });
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /shake/);
  const missing = await spillway(["bench", `${path}-not`], { env });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /does not exist/);
});

// What verify finds in excluded/: any single bit that is turned around in the record or the bits, and records that
// contradict their bits or their dataset.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { append, type Dataset, open } from "spillway";
import type { ExcludedRecord } from "#spillway/catalog/excluded";
import { hashHex } from "#spillway/kernels/hasher";
import { verifyDataset } from "#spillway/pack/verify";
import { verifyExcluded } from "#spillway/pack/verify-excluded";
import { ProblemList } from "#spillway/pack/verify-problems";
import { VerifyWorkspace } from "#spillway/pack/verify-workspace";
import { fieldsFor, packed, samplesFor, temporaryFolder, upTo } from "../fixtures/packed.js";
import { openFileCount } from "../source/fixtures.js";
import { manifestOf } from "./unpacked.js";

const remedy =
  'Restore it from a copy; or remove the folder "excluded" that it is in, and all samples are in again.';

async function using(path: string, work: (dataset: Dataset) => Promise<unknown>): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB" });
  try {
    await work(dataset);
  } finally {
    await dataset.close();
  }
}

/** A dataset of 21 samples of which three are left out, and its record and bits. */
async function threeLeftOut() {
  const path = await packed({ count: 21 });
  await using(path, (dataset) => dataset.exclude({ ids: [0, 9, 20] }));
  const json = join(path, "excluded/excluded.json");
  const record = JSON.parse(fs.readFileSync(json, "utf8")) as ExcludedRecord;
  return { path, json, record, bits: join(path, "excluded", record.path) };
}

/** Problems of a dataset, each as its path and its sentences. */
async function problemsOf(path: string): Promise<[path: string, message: string][]> {
  const { problems } = await verifyDataset(path);
  return problems.map((each) => [each.path, `${each.what}. ${each.remedy}`]);
}

test("a list of excluded samples is checked and counted, also one of none and one of an earlier commit", async () => {
  const { path, json } = await threeLeftOut();
  const listsOf = async () => {
    const { excludedLists, problems, side } = await verifyDataset(path);
    assert.deepEqual([problems, side], [[], undefined]);
    return excludedLists;
  };
  assert.equal(await listsOf(), 1);
  await append(samplesFor({ count: 10 }), path, { fields: fieldsFor({}), memory: "16 MiB", again: true });
  assert.equal(await listsOf(), 1);
  await using(path, (dataset) => dataset.include("all"));
  assert.equal(await listsOf(), 1);
  fs.rmSync(json);
  assert.equal(await listsOf(), 0);
});

test("every bit that is turned around in excluded/ is found, in the file that it is in or by it", async () => {
  const { path, json, bits } = await threeLeftOut();
  const check = {
    folder: path,
    isSide: false,
    manifest: manifestOf(path),
    workspace: new VerifyWorkspace(),
    advance: () => {},
  };
  const opened = openFileCount();
  for (const file of [json, bits]) {
    const whole = fs.readFileSync(file);
    for (const bit of upTo(whole.length * 8)) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      fs.writeFileSync(file, bytes);
      const problems = new ProblemList();
      await verifyExcluded({ ...check, problems });
      assert.ok(problems.problems.length > 0, `bit ${bit} of ${file}: ${bytes}`);
      for (const problem of problems.problems) assert.ok(problem.path.startsWith("excluded/"), problem.path);
    }
    fs.writeFileSync(file, whole);
  }
  const problems = new ProblemList();
  assert.deepEqual(await verifyExcluded({ ...check, problems }), { own: 1, ofOthers: 0 });
  assert.deepEqual(problems.problems, []);
  assert.equal(openFileCount(), opened);
});

test("damage of every kind is named with what is wrong", async () => {
  const { path, json, bits, record } = await threeLeftOut();
  const [wholeRecord, wholeBits] = [fs.readFileSync(json), fs.readFileSync(bits)];
  const name = `excluded/${record.path}`;
  const tell = (change: Partial<Record<keyof ExcludedRecord, unknown>>) =>
    fs.writeFileSync(json, JSON.stringify({ ...record, ...change }));
  /** Bits whose record is right in all but what is looked for. */
  const write = (bytes: Uint8Array, change: Partial<ExcludedRecord> = {}) => {
    fs.writeFileSync(bits, bytes);
    tell({ hash: hashHex(bytes), ...change });
  };
  const cases: readonly (readonly [damage: () => void, file: string, what: string])[] = [
    [
      () => fs.truncateSync(bits, 2),
      name,
      `${name} is damaged: it has 2 bytes, 21 samples need 3. ${remedy}`,
    ],
    [
      () => fs.appendFileSync(bits, "x"),
      name,
      `${name} is damaged: it has 4 bytes, 21 samples need 3. ${remedy}`,
    ],
    [
      () => write(Uint8Array.of(1, 2, 0x30)),
      name,
      `${name} is damaged: it has bits beyond the 21 samples. ${remedy}`,
    ],
    [
      () => fs.writeFileSync(bits, Uint8Array.of(1, 4, 16)),
      name,
      `${name} is damaged: its hash is not the one in excluded.json. ${remedy}`,
    ],
    [
      () => tell({ count: 4 }),
      name,
      `${name} is damaged: it holds 3 samples, excluded.json says 4. ${remedy}`,
    ],
    [() => fs.rmSync(bits), name, `${bits} does not exist. ${remedy}`],
    [
      () => tell({ fingerprint: "0".repeat(16) }),
      "excluded/excluded.json",
      `excluded/excluded.json was written for 21 samples with fingerprint 0000000000000000, which is no commit of this dataset. ${remedy}`,
    ],
    [
      () => fs.writeFileSync(json, "{"),
      "excluded/excluded.json",
      `${json} is damaged: it is no JSON. ${remedy}`,
    ],
    [
      () => tell({ path: "../../secret" }),
      "excluded/excluded.json",
      `${json} is damaged: Invalid string: must match pattern /^[0-9a-f]{16}\\.bits$/. ${remedy}`,
    ],
    [
      () => tell({ version: 2 }),
      "excluded/excluded.json",
      `${json} has version 2, this Spillway reads up to 1. Update Spillway: npm install spillway@latest.`,
    ],
  ];
  for (const [damage, file, what] of cases) {
    damage();
    assert.deepEqual(await problemsOf(path), [[file, what]]);
    fs.writeFileSync(json, wholeRecord);
    fs.writeFileSync(bits, wholeBits);
  }
  assert.deepEqual(await problemsOf(path), []);
});

test("a bit that is turned around in any file beside dataset.json and the schemes is found in that file", async () => {
  const whole = await packed({ count: 130, shardSize: 4096, length: 24 });
  await using(whole, async (dataset) => {
    await dataset.split({ test: 0.2 }, { folds: 3 });
    await dataset.annotate(upTo(130).map((id) => ({ id, score: id / 7 })));
    await dataset.exclude({ ids: [1, 128] });
  });
  const path = join(temporaryFolder(), "dataset");
  fs.cpSync(whole, path, { recursive: true });
  const files = fs
    .readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));
  const folders = new Set(files.map((file) => file.split("/")[0]));
  assert.deepEqual([...folders].sort(), [
    "catalog",
    "columns",
    "dataset.json",
    "excluded",
    "shards",
    "splits",
  ]);
  const opened = openFileCount();
  for (const file of files.filter((each) => !each.endsWith(".json") || each.startsWith("excluded/"))) {
    const bytes = fs.readFileSync(join(path, file));
    // Between the columns of a shard lie zeros that nobody reads.
    const shard = manifestOf(path).shards.find((each) => each.path === file);
    const { start, stride } = shard?.columns.data ?? { start: 0, stride: 0 };
    const [from, to] = shard ? [start, start + shard.rows * stride - 1] : [0, bytes.length - 1];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from, max: to }), fc.nat(7), async (at, bit) => {
        bytes[at]! ^= 1 << bit;
        fs.writeFileSync(join(path, file), bytes);
        const { problems } = await verifyDataset(path);
        bytes[at]! ^= 1 << bit;
        assert.ok(problems.length > 0);
        const folder = `${file.split("/")[0]}/`;
        for (const problem of problems) assert.ok(problem.path.startsWith(folder), problem.path);
        if (!file.endsWith(".json")) assert.ok(problems.some((problem) => problem.path === file));
      }),
      { numRuns: 4 },
    );
    fs.writeFileSync(join(path, file), bytes);
  }
  assert.deepEqual((await verifyDataset(path)).problems, []);
  assert.equal(openFileCount(), opened);
});

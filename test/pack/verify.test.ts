import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { append, pack } from "spillway";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { drawScheme, keepScheme } from "#spillway/catalog/make-scheme";
import { readScheme, type Scheme } from "#spillway/catalog/scheme";
import { type DrawOptions, parseRule, type SplitBy } from "#spillway/catalog/split-rule";
import { SpillwayError } from "#spillway/errors";
import type { Manifest } from "#spillway/format/manifest";
import { type VerifyReport, verifyDataset } from "#spillway/pack/verify";
import type { VerifyProblem } from "#spillway/pack/verify-problems";
import { readManifest } from "#spillway/source/manifest-file";
import { labelledDataset } from "../fixtures/annotated.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

// Small records share sums (41 samples each), large ones have their own; a shard has 100 samples, one class column.
const small = await packed({ count: 450, length: 24, shardSize: 97 * 100 });
const large = await packed({
  count: 6,
  length: 700_000,
  dtype: "float32",
  shardSize: "7 MiB",
  memory: "64 MiB",
});

/** A copy of a dataset, to be damaged. */
function copyOf(path: string): { path: string; manifest: Manifest } {
  const copy = join(temporaryFolder(), "dataset");
  fs.cpSync(path, copy, { recursive: true });
  return { path: copy, manifest: readManifest(copy)! };
}

function flip(file: string, at: number, bit = 1): void {
  const fd = fs.openSync(file, "r+");
  try {
    const byte = new Uint8Array(1);
    fs.readSync(fd, byte, 0, 1, at);
    byte[0]! ^= bit;
    fs.writeSync(fd, byte, 0, 1, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** Problems without their wording. */
function placesOf(report: VerifyReport): Omit<VerifyProblem, "what" | "remedy">[] {
  return report.problems.map(({ what: _what, remedy: _remedy, ...place }) => place);
}

test("a dataset as it was packed has no problems, and all of its bytes are read", async () => {
  for (const path of [small, large]) {
    const { manifest } = copyOf(path);
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

test("every flipped bit of a record is found, and its sum's samples are named", async () => {
  const { path, manifest } = copyOf(small);
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
  const { path, manifest } = copyOf(small);
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
  const { path, manifest } = copyOf(large);
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
  const { path, manifest } = copyOf(small);
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
  const { path, manifest } = copyOf(small);
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
  const { path, manifest } = copyOf(small);
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
  const { path, manifest } = copyOf(small);
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

test("a catalog part that is cut, damaged or of another shard is found", async () => {
  const { path, manifest } = copyOf(small);
  const parts = manifest.catalog.map((part) => join(path, part.path));
  fs.truncateSync(parts[0]!, 100);
  flip(parts[1]!, fs.statSync(parts[1]!).size - 2);
  fs.copyFileSync(parts[2]!, parts[3]!);
  fs.rmSync(parts[4]!);
  const report = await verifyDataset(path);
  const found = new Set(report.problems.map((problem) => problem.path));
  assert.deepEqual([...found].sort(), [
    "catalog/00000.parquet",
    "catalog/00001.parquet",
    "catalog/00003.parquet",
    "catalog/00004.parquet",
  ]);
  assert.equal(report.problems.length, 4);
});

test("a catalog part whose bytes decode to something else is found by its hash", async () => {
  const { path, manifest } = copyOf(small);
  const part = join(path, manifest.catalog[2]!.path);
  // A bit of a content hash, which lie uncompressed: still a content hash, of other content.
  const bytes = fs.readFileSync(part);
  const { hash } = await readCatalogRow({ folder: path, manifest }, 205);
  const stored = Buffer.alloc(8);
  stored.writeBigUInt64LE(hash);
  const at = bytes.indexOf(stored);
  assert.ok(at > 0);
  bytes[at]! ^= 1;
  fs.writeFileSync(part, bytes);
  const { problems } = await verifyDataset(path);
  assert.deepEqual(
    problems.map(({ what }) => what),
    ["catalog/00002.parquet is damaged: its hash is not the one in dataset.json"],
  );
});

test("a commit whose fingerprint is not that of its rows is found", async () => {
  const { path, manifest } = copyOf(small);
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

/** Makes and stores a scheme of a dataset. */
async function makeScheme(
  path: string,
  manifest: Manifest,
  scheme: string,
  what: SplitBy,
  draw: DrawOptions = {},
): Promise<Scheme> {
  const rule = parseRule(what, draw);
  const { draft } = await drawScheme({ folder: path, manifest }, { scheme, seed: 0, rule });
  return keepScheme(path, draft, rule);
}

test("split bits are checked against their scheme, and a scheme against the dataset", async () => {
  const { path, manifest } = copyOf(small);
  const scheme = await makeScheme(path, manifest, "main", { train: 0.8, val: 0.2 });
  const other = { ...manifest, commits: [{ rows: manifest.rows, fingerprint: "0".repeat(16) }] };
  await makeScheme(path, other, "old", { all: 1 });
  const good = await verifyDataset(path);
  assert.deepEqual(
    [good.schemes, good.problems.map(({ path: file }) => file)],
    [["main", "old"], ["splits/old.json"]],
  );
  flip(join(path, "splits", scheme.splits.train!.path), 5);
  fs.truncateSync(join(path, "splits", scheme.splits.val!.path), 5);
  fs.writeFileSync(join(path, "splits/old.json"), "{");
  const bad = await verifyDataset(path);
  assert.deepEqual(
    bad.problems.map(({ path: file }) => file),
    [`splits/${scheme.splits.train!.path}`, `splits/${scheme.splits.val!.path}`, "splits/old.json"],
  );
});

test("folds, earlier commits and lists of schemes are checked too", async () => {
  const path = join(temporaryFolder(), "grown");
  const options = { fields: streamFields, shardSize: "12 KiB", memory: "1 MiB" };
  await pack(stream(197), path, options);
  const list = join(temporaryFolder(), "mine.csv");
  fs.writeFileSync(list, "id,split\n1,train\n7,val\n");
  const listed = await makeScheme(path, manifestOf(path), "listed", { from: list });
  await makeScheme(path, manifestOf(path), "main", { test: 0.2 }, { folds: 3, stratify: "label" });
  await append(stream(303), path, options);
  const scheme = readScheme({ folder: path }, "main");
  assert.deepEqual([scheme.rows, scheme.history.map(({ rows }) => rows)], [500, [197]]);
  assert.deepEqual((await verifyDataset(path)).problems, []);

  const json = join(path, "splits/main.json");
  const whole = fs.readFileSync(json);
  const problemsWith = async (change: (value: Scheme) => void) => {
    const value = JSON.parse(whole.toString()) as Scheme;
    change(value);
    fs.writeFileSync(json, JSON.stringify(value));
    const { problems } = await verifyDataset(path);
    fs.writeFileSync(json, whole);
    return problems.map(({ what }) => what);
  };
  const [fold] = scheme.folds as [Scheme["folds"][number]];
  const file = `splits/${fold.path}`;
  const cases: readonly (readonly [(value: Scheme) => void, string])[] = [
    [
      (value) => {
        value.folds[0]!.history[0]!.hash = "2".repeat(16);
      },
      `${file} (fold 0) is damaged: cut to its first 197 samples, its hash is not the one in main.json`,
    ],
    [
      (value) => {
        value.folds[0]!.history[0]!.count += 1;
      },
      `${file} (fold 0) is damaged: cut to its first 197 samples, it holds ${fold.history[0]!.count} samples, main.json says ${fold.history[0]!.count + 1}`,
    ],
    [
      (value) => {
        value.folds[0]!.count -= 1;
      },
      `${file} (fold 0) is damaged: it holds ${fold.count} samples, main.json says ${fold.count - 1}`,
    ],
    [
      (value) => {
        value.folds[1] = value.folds[0]!;
      },
      `${file} holds samples that another split of its scheme holds too`,
    ],
    [
      (value) => {
        value.history[0]!.fingerprint = "3".repeat(16);
      },
      "splits/main.json was made for 197 samples with fingerprint 3333333333333333, which is no commit of this dataset",
    ],
    [
      (value) => {
        value.folds[0]!.history = [];
      },
      `${json} is damaged: fold 0 tells of 0 earlier commits, the scheme of 1`,
    ],
  ];
  for (const [change, what] of cases) assert.deepEqual(await problemsWith(change), [what]);

  assert.ok(listed.rule.kind === "from");
  fs.appendFileSync(join(path, "splits", listed.rule.path), "8,val\n");
  const { problems } = await verifyDataset(path);
  assert.deepEqual(
    problems.map(({ what }) => what),
    [`splits/${listed.rule.path} is damaged: its hash is not the one in listed.json`],
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

test("values of the user's columns are checked against their types", async () => {
  const { path, manifest } = copyOf(await labelledDataset(100));
  assert.deepEqual((await verifyDataset(path)).problems, []);
  const names = (columns: Record<string, string>) =>
    fs.writeFileSync(join(path, "dataset.json"), JSON.stringify({ ...manifest, columns }));
  names({ ...manifest.columns, session: "int64" });
  const first = manifest.catalog[0]!.path;
  assert.match(
    (await verifyDataset(path)).problems[0]!.what,
    new RegExp(`^${first} is damaged: row \\d has a string in column "session", which is int64$`),
  );
  names({ ...manifest.columns, age: "int64" });
  assert.equal((await verifyDataset(path)).problems[0]!.what, `${first} is damaged: it has no column "age"`);
});

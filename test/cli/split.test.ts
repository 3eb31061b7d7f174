import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, open, pack, tensor } from "spillway";
import { drawScheme, keepScheme } from "#spillway/catalog/make-scheme";
import { parseRule } from "#spillway/catalog/split-rule";
import { readManifest } from "#spillway/source/manifest-file";
import { labelNames, packed, temporaryFolder } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

test("split shares all samples out, the same for the same seed, and says when it replaces a scheme", async () => {
  const path = await packed({ count: 1000, layout: "source" });
  const first = await spillway(["split", path, "train=0.8", "val=0.1", "test=0.1"]);
  assert.deepEqual(first, {
    code: 0,
    stdout: [
      'splits of scheme "main" (random, seed 0):',
      "  train  800  80.0 %",
      "  val    100  10.0 %",
      "  test   100  10.0 %",
      "shares of each label:",
      "             all   train     val    test",
      "  circle  33.4 %  33.8 %  30.0 %  34.0 %",
      "  raise   33.3 %  33.8 %  34.0 %  29.0 %",
      "  wave    33.3 %  32.5 %  36.0 %  37.0 %",
      'deviation from what was asked: splits 0 %, classes at most -1.92 % ("wave" in train: -6.4 samples)',
      "no content lies in two splits",
      "",
    ].join("\n"),
    stderr: "",
  });
  const same = await spillway(["split", path, "train=0.8", "val=0.1", "test=0.1"]);
  assert.equal(same.stderr, 'Scheme "main" was there already, and is the same as before.\n');
  const other = await spillway(["split", path, "train=80%", "val=10%", "test=10%", "--seed", "5"]);
  assert.match(
    other.stderr,
    /^This replaced a scheme of the name "main": train, val, test hold other samples now\. Resume tokens of runs over them no longer fit/,
  );
  const small = await spillwayJson(["split", path, "try=0.05", "--scheme", "small"]);
  assert.deepEqual(
    [small.value.scheme, small.value.splits.try.count, small.value.replaced, small.value.stored],
    ["small", 50, false, true],
  );
  assert.deepEqual([small.value.report.none, small.value.report.contentLeaks.contents], [950, 0]);
  const { value } = await spillwayJson(["info", path]);
  assert.deepEqual(
    value.schemes.map(({ name, seed }: { name: string; seed: number }) => [name, seed]),
    [
      ["main", 5],
      ["small", 0],
    ],
  );
});

test("folds, classes and groups are asked for by flags, and info tells of them", async () => {
  const path = await packed({ count: 900, layout: "source" });
  const args = [
    "split",
    path,
    "test=0.2",
    "--folds",
    "5",
    "--stratify",
    "label",
    "--group",
    "path",
    "--seed",
    "3",
  ];
  const { code, stdout } = await spillway(args);
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  for (const line of [
    'splits of scheme "main" (stratified by label, no path in two splits, 5 folds, seed 3):',
    "  test    180  20.0 %",
    "  fold 4  144  16.0 %",
    "             all    test           folds",
    "deviation from what was asked: splits 0 %, classes 0 %",
    "no path lies in two splits",
  ]) {
    assert.ok(lines.includes(line), `${line}\nin\n${stdout}`);
  }
  const info = await spillway(["info", path]);
  assert.ok(
    info.stdout.includes(
      'splits of scheme "main" (stratified by label, no path in two splits, 5 folds, seed 3):\n  test    180  20.0 %\n  fold 0  144  16.0 %\n',
    ),
    info.stdout,
  );
  const { value } = await spillwayJson(["info", path]);
  assert.equal(value.schemes[0].folds.length, 5);
});

/** Eight subjects of 20 samples; the last sample is the first one again, under another label. */
async function packSubjects(): Promise<string> {
  const path = join(temporaryFolder(), "dataset");
  const samples = Array.from({ length: 160 }, (_, i) => ({
    data: Float32Array.of(i === 159 ? 0 : i),
    label: labelNames[i % 3]!,
    path: `s${Math.floor(i / 20)}`,
  }));
  const fields = { data: tensor("float32", [1]), label: classes(labelNames) };
  await pack(samples, path, { fields, memory: "16 MiB", layout: "source" });
  return path;
}

test("a check names what two splits share, and exits with 0", async () => {
  const path = await packSubjects();
  const list = join(temporaryFolder(), "ids.csv");
  const lines = Array.from({ length: 160 }, (_, i) => `${i},${i < 130 ? "train" : "val"}`);
  fs.writeFileSync(list, `id,split\n${lines.join("\n")}\n160,val\n`);
  const refused = await spillway(["split", path, "--from", list]);
  assert.deepEqual(
    [refused.code, refused.stderr],
    [
      1,
      `error: 1 of the 161 names in ${list} are no samples of ${path}: 160. Correct them, or allow it: --allow-unmatched.\n`,
    ],
  );
  const made = await spillway(["split", path, "--from", list, "--allow-unmatched"]);
  assert.equal(made.code, 0);
  assert.ok(made.stdout.includes("warning: 1 of its names are no samples: 160\n"), made.stdout);
  const { code, stdout, stderr } = await spillway(["split", path, "--check", "--group", "path"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    [
      'splits of scheme "main" (from file ids.csv):',
      "  train  130  81.3 %",
      "  val     30  18.8 %",
      "shares of each label:",
      "             all   train     val",
      "  circle  33.8 %  33.8 %  33.3 %",
      "  raise   33.1 %  33.1 %  33.3 %",
      "  wave    33.1 %  33.1 %  33.3 %",
      "the file names 161 samples; 0 that it does not name are in none",
      "warning: 1 of its names are no samples: 160",
      "warning: 1 content lies in two splits:",
      "  sample 0 (s0) in train, sample 159 (s7) in val",
      "warning: 1 value of path lies in two splits:",
      "  s6: 10 in train, 10 in val",
      "its definition still gives the same splits",
      "",
    ].join("\n"),
  );
  const { value } = await spillwayJson(["split", path, "--check", "--group", "path"]);
  assert.deepEqual(value.report.groupLeaks.first, [{ group: "s6", splits: { train: 10, val: 10 } }]);
  assert.deepEqual(
    value.report.contentLeaks.pairs[0].map(({ id, split }: { id: number; split: string }) => [id, split]),
    [
      [0, "train"],
      [159, "val"],
    ],
  );
});

test("a column can say the split, and a dry run stores nothing", async () => {
  const path = await packSubjects();
  const dry = await spillway(["split", path, "--by", "path", "--dry-run"]);
  assert.deepEqual([dry.code, dry.stderr], [0, "Nothing was stored: this was a dry run.\n"]);
  assert.ok(
    dry.stdout.startsWith('splits of scheme "main" (by column "path"):\n  s0  20  12.5 %\n'),
    dry.stdout,
  );
  assert.ok(!fs.existsSync(join(path, "splits")));
  const made = await spillwayJson(["split", path, "--by", "path"]);
  assert.deepEqual(Object.keys(made.value.splits), ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"]);
});

test("splits can lie in a folder of one's own", async () => {
  const path = await packed({ count: 100 });
  const side = join(temporaryFolder(), "mine");
  assert.equal((await spillway(["split", path, "train=60", "val=40", "--in", side])).code, 0);
  assert.ok(!fs.existsSync(join(path, "splits")));
  assert.deepEqual((await spillwayJson(["info", path])).value.schemes, []);
  const { value } = await spillwayJson(["info", path, "--in", side]);
  assert.deepEqual(value.schemes[0].rule, { kind: "counts", counts: { train: 60, val: 40 } });
  const checked = await spillway(["split", path, "--check", "--in", side]);
  assert.equal(checked.code, 0);
  const missing = await spillway(["split", path, "--check"]);
  assert.deepEqual([missing.code, /has no scheme "main"/.test(missing.stderr)], [1, true]);
});

test("a scheme of an earlier commit is used for its samples, and info counts those added since", async () => {
  const path = await packed({ count: 300, layout: "source" });
  const commit = { rows: 100, fingerprint: "1".repeat(16) };
  const packedOnce = readManifest(path)!;
  const manifest = { ...packedOnce, commits: [commit, ...packedOnce.commits] };
  fs.writeFileSync(join(path, "dataset.json"), JSON.stringify(manifest));
  const rule = parseRule({ train: 0.8, val: 0.1 }, {});
  const early = { folder: path, manifest: { ...manifest, rows: commit.rows, commits: [commit] } };
  const { draft } = await drawScheme(early, { scheme: "main", seed: 0, rule });
  await keepScheme(path, draft, rule);
  const { stdout } = await spillway(["info", path]);
  assert.match(stdout, /\n {2}\(in none\) +10 +3\.3 %\n {2}\(added since\) +200 +66\.7 %\n/);
  assert.equal((await spillway(["split", path, "--check"])).code, 0);
  const dataset = await open(path, { memory: "16 MiB" });
  assert.equal(dataset.view({ split: "train" }).size, 80);
  await dataset.close();
});

test("split refuses what cannot be, says the nearest column, and a dataset that somebody is writing", async () => {
  const path = await packed({ count: 10 });
  const sum = await spillway(["split", path, "a=0.8", "b=0.8"]);
  assert.deepEqual(
    [sum.code, sum.stderr],
    [2, "error: the shares add up to 1.6, more than 1. Lower them: train=0.8 val=0.1 test=0.1.\n"],
  );
  const counts = await spillway(["split", path, "a=8", "b=3"]);
  assert.deepEqual(
    [counts.code, counts.stderr],
    [
      2,
      "error: the counts add up to 11, there are 10 samples. Lower them, or give shares: train=0.8 val=0.2.\n",
    ],
  );
  const column = await spillway(["split", path, "a=0.5", "--stratify", "labels"]);
  assert.deepEqual(
    [column.code, column.stderr],
    [
      1,
      `error: the catalog of ${path} has no column "labels". Did you mean "label"? Its columns are id, path, row, label, hash.\n`,
    ],
  );
  const { takeLock } = await import("#spillway/pack/lock");
  const lock = takeLock(path);
  try {
    const { code, value } = await spillwayJson(["split", path, "a=0.5"]);
    assert.deepEqual([code, value.error.code], [1, "locked"]);
  } finally {
    lock.release();
  }
});

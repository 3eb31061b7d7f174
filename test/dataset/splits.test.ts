import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { classes, type Dataset, open, type PlainViewOptions, pack, tensor } from "spillway";
import { collect, labelNames, packed, temporaryFolder, upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const memory = "24 MiB";
const path = await packed({ count: 600, shardSize: 25 * 200, layout: "source" });

/** A dataset of its own to be split. */
async function copyOf(from = path, options: { side?: string } = {}): Promise<Dataset> {
  const copy = join(temporaryFolder(), "dataset");
  fs.cpSync(from, copy, { recursive: true });
  return open(copy, { memory, ...options });
}

/** All files below a folder. */
function filesIn(folder: string): string[] {
  return (fs.readdirSync(folder, { recursive: true }) as string[]).sort();
}

async function samplesOf(dataset: Dataset, view: PlainViewOptions): Promise<number[]> {
  const numbers = await collect(dataset.view(view).batches({ batchSize: 50 }));
  return numbers.sort((a, b) => a - b);
}

test("a view of a fold gives its samples, and train those of the other folds", async () => {
  const dataset = await copyOf();
  const { scheme, report } = await dataset.split({ test: 0.25 }, { folds: 3, stratify: "label", seed: 2 });
  assert.deepEqual(
    scheme.folds.map(({ count }) => count),
    [150, 150, 150],
  );
  const held = await samplesOf(dataset, { split: "test", fold: 1 });
  assert.deepEqual(held, await samplesOf(dataset, { split: "test" }));
  const inVal: number[] = [];
  for (const fold of [0, 1, 2]) {
    const [train, val] = [
      await samplesOf(dataset, { split: "train", fold }),
      await samplesOf(dataset, { split: "val", fold }),
    ];
    assert.deepEqual(
      [...train, ...val, ...held].sort((a, b) => a - b),
      upTo(600),
    );
    inVal.push(...val);
    const view = dataset.view({ split: "val", fold });
    assert.deepEqual([view.split, view.scheme, view.fold], ["val", "main", fold]);
  }
  assert.equal(new Set(inVal).size, 450);
  assert.deepEqual(
    report.parts.map(({ name, count, deviation }) => [name, count, deviation]),
    [
      ["test", 150, 0],
      ["fold 0", 150, 0],
      ["fold 1", 150, 0],
      ["fold 2", 150, 0],
    ],
  );
  await refuses(
    () => dataset.view({ fold: 1 }),
    "usage",
    'a fold is of a split, and none is named. Use split: "train" or "val" with it.',
  );
  await dataset.close();
});

test("a report tells class shares, how far they are from what was asked, and what splits share", async () => {
  const folder = join(temporaryFolder(), "dataset");
  // Ten samples are there twice, two of them with another label; 40 recordings of 15 samples.
  const samples = Array.from({ length: 600 }, (_, i) => ({
    data: Float32Array.of(i >= 590 ? i - 590 : i),
    label: labelNames[i >= 598 ? (i - 589) % 3 : (i >= 590 ? i - 590 : i) % 3]!,
    path: `subject-${Math.floor(i / 15)}`,
  }));
  await pack(samples, folder, {
    fields: { data: tensor("float32", [1]), label: classes(labelNames) },
    memory: "16 MiB",
    layout: "source",
  });
  const dataset = await open(folder, { memory });
  const { report } = await dataset.split({ train: 0.5, val: 0.5 }, { group: "path", seed: 1 });
  assert.deepEqual(report.groupLeaks, { column: "path", groups: 0, first: [], unchecked: 0 });
  assert.equal(report.rule, "random, no path in two splits, seed 1");
  assert.equal(report.none, 0);
  const [table] = report.classes;
  assert.deepEqual(table!.columns, ["label"]);
  for (const { name, count, share, parts } of table!.classes) {
    assert.equal(count, samples.filter(({ label }) => label === name).length);
    assert.equal(share, count / 600);
    assert.equal(parts[0]!.count + parts[1]!.count, count);
    assert.ok(Math.abs(parts[0]!.deviation! - (parts[0]!.count / count - 0.5)) < 1e-12);
    assert.equal(parts[0]!.share, parts[0]!.count / report.parts[0]!.count);
  }
  const deviations = table!.classes.flatMap(({ parts }) =>
    parts.map(({ deviation }) => Math.abs(deviation!)),
  );
  assert.ok(Math.abs(Math.abs(table!.largestDeviation!.deviation) - Math.max(...deviations)) < 1e-12);
  const isInTrain = new Set(await idsOf(dataset, "train"));
  const leaked = upTo(10).filter((i) => isInTrain.has(i) !== isInTrain.has(590 + i));
  assert.equal(report.contentLeaks!.contents, leaked.length);
  assert.deepEqual(
    report.contentLeaks!.pairs.map(([first, second]) => [first.id, second.id]),
    leaked.map((i) => [i, 590 + i]),
  );
  assert.equal(report.contentLeaks!.labelConflicts!.contents, 2);

  await dataset.split({ train: 0.5, val: 0.5 }, { scheme: "loose" });
  const checked = await dataset.checkSplits({ scheme: "loose", group: "path" });
  assert.ok(checked.report.groupLeaks!.groups > 30);
  assert.equal(checked.movedSamples, 0);
  await refuses(
    () => dataset.checkSplits({ group: "subject" }),
    "missing",
    `the catalog of ${folder} has no column "subject". Its columns are id, path, row, label, hash.`,
  );
  await dataset.close();
});

async function idsOf(dataset: Dataset, split: string): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of dataset.view({ split }).batches({ batchSize: 64 })) ids.push(...batch.ids);
  return ids;
}

test("a dry run reports and stores nothing", async () => {
  const dataset = await copyOf();
  const before = filesIn(dataset.path);
  const { scheme, report } = await dataset.split({ train: 0.8, val: 0.2 }, { dryRun: true });
  assert.deepEqual(filesIn(dataset.path), before);
  assert.equal(report.parts[0]!.count, 480);
  const stored = await dataset.split({ train: 0.8, val: 0.2 });
  assert.deepEqual(stored, { scheme, report });
  await dataset.close();
});

test("splits in a folder of one's own leave the dataset as it is, and are bound to it", async () => {
  const side = join(temporaryFolder(), "mine");
  const dataset = await copyOf(path, { side });
  await dataset.split({ train: 0.5, val: 0.5 }, { stratify: "label" });
  const before = filesIn(dataset.path);
  assert.ok(!before.includes("splits"));
  assert.equal(filesIn(side).filter((file) => file.startsWith("splits/")).length, 3);
  assert.ok(!filesIn(side).includes(".lock"));
  assert.equal((await samplesOf(dataset, { split: "train" })).length, 300);
  const plain = await open(dataset.path, { memory });
  await refuses(
    () => plain.view({ split: "train" }),
    "missing",
    /has no scheme "main" of splits: it has none yet/,
  );
  // The dataset's own schemes are there too, under their names.
  await plain.split({ train: 0.1 }, { scheme: "own" });
  assert.equal(dataset.view({ split: "train", scheme: "own" }).size, 60);

  const other = await copyOf(await packed({ count: 100 }), { side });
  await refuses(
    () => other.split({ train: 0.5 }),
    "exists",
    `scheme "main" in ${side} was made for another dataset, with fingerprint ${dataset.fingerprint}. Give the new one another name with --scheme, or use another folder.`,
  );
  await other.split({ train: 0.5 }, { scheme: "second" });
  await refuses(() => other.view({ split: "train" }), "mismatch", /was made for 600 samples/);
  assert.equal(other.view({ split: "train", scheme: "second" }).size, 50);
  await Promise.all([dataset, plain, other].map((each) => each.close()));
});

test("a batch's resume token fits a view of the same fold, and of no other", async () => {
  const dataset = await copyOf();
  await dataset.split({}, { folds: 4 });
  const batches = dataset.view({ split: "train", fold: 2 }).batches({ batchSize: 50, seed: 1 });
  let resume = "";
  for await (const batch of batches) {
    resume = batch.resume;
    break;
  }
  let count = 0;
  for await (const batch of dataset.view({ split: "train", fold: 2 }).batches({ batchSize: 50, resume }))
    count += batch.size;
  assert.equal(count, 400);
  const other = dataset.view({ split: "train", fold: 1 });
  assert.throws(() => other.batches({ resume }), /the resume token is of view/);
  await dataset.close();
});

test("a scheme whose column changed since is told, and one that was not packed whole is not made", async () => {
  const dataset = await copyOf();
  const { scheme } = await dataset.split({ train: 0.5, val: 0.5 }, { stratify: "label" });
  const file = join(dataset.path, "splits/main.json");
  fs.writeFileSync(file, JSON.stringify({ ...scheme, seed: 1 }));
  const { movedSamples } = await dataset.checkSplits();
  assert.ok(movedSamples > 200 && movedSamples < 400, `${movedSamples}`);
  const manifest = join(dataset.path, "dataset.json");
  const value = JSON.parse(fs.readFileSync(manifest, "utf8"));
  fs.writeFileSync(manifest, JSON.stringify({ ...value, packing: { rows: 700 } }));
  const unfinished = await open(dataset.path, { memory });
  await refuses(
    () => unfinished.split({ train: 0.5 }),
    "mismatch",
    `${dataset.path} is not whole yet, and splits belong to all of its samples. Run the pack command again to finish it, then split.`,
  );
  await Promise.all([dataset, unfinished].map((each) => each.close()));
});

test("a damaged part of the catalog is named, and nothing is stored", async () => {
  const dataset = await copyOf();
  const part = join(dataset.path, dataset.manifest.catalog[1]!.path);
  const bytes = fs.readFileSync(part);
  bytes[100]! ^= 1;
  fs.writeFileSync(part, bytes);
  const message = `${part} is damaged: its hash is not the one in dataset.json. Restore it from a copy, or pack again.`;
  await refuses(() => dataset.split({ train: 0.5 }, { stratify: "label" }), "corrupt", message);
  assert.ok(!fs.existsSync(join(dataset.path, "splits")));
  assert.ok(!fs.existsSync(join(dataset.path, ".lock")));
  await dataset.close();
});

test("opening, and viewing by split, load no native module", async () => {
  const dataset = await copyOf();
  await dataset.split({}, { folds: 3 });
  await dataset.close();
  const script = `
    const { open } = await import("spillway");
    const dataset = await open(${JSON.stringify(dataset.path)}, { memory: "24 MiB" });
    let count = 0;
    for await (const batch of dataset.view({ split: "train", fold: 0 }).batches({ batchSize: 100 })) count += batch.size;
    await dataset.close();
    const native = process.report.getReport().sharedObjects.filter((file) => file.endsWith(".node"));
    console.log(JSON.stringify({ count, native }));
  `;
  const file = join(import.meta.dirname, `loads-${process.pid}.mjs`);
  fs.writeFileSync(file, script);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    assert.deepEqual(JSON.parse(stdout), { count: 400, native: [] });
  } finally {
    fs.rmSync(file);
  }
});

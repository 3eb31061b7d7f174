import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { drawScheme, extendScheme, keepScheme } from "#spillway/catalog/make-scheme";
import type { Scheme } from "#spillway/catalog/scheme";
import { findSplitBits, readAssignment } from "#spillway/catalog/split-bits";
import { parseRule, type SplitBy } from "#spillway/catalog/split-rule";
import { hashHex } from "#spillway/kernels/hasher";
import { countBits, orBits } from "#spillway/order/bitmap";
import { temporaryFolder } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { fingerprintAt, placeOf } from "./fake-columns.js";

async function make(
  what: SplitBy,
  rows: number,
  folds?: number,
): Promise<{ folder: string; scheme: Scheme }> {
  const place = placeOf([rows], temporaryFolder());
  const rule = parseRule(what, { folds });
  const { draft } = await drawScheme(place, { scheme: "main", seed: 0, rule });
  return { folder: place.folder, scheme: await keepScheme(place.folder, draft, rule) };
}

test("a fold is val, the others are train, and what is held out is in neither", async () => {
  const { folder } = await make({ test: 0.2 }, 1003, 5);
  const place = placeOf([1003], folder);
  const held = findSplitBits(place, { scheme: "main", split: "test" });
  for (let fold = 0; fold < 5; fold += 1) {
    const [train, val, same] = ["train", "val", "test"].map((split) =>
      findSplitBits(place, { scheme: "main", split, fold }),
    );
    assert.equal(same!.hash, held.hash);
    const all = [train!, val!, held].map((each) => {
      const bits = each.read();
      assert.deepEqual([countBits(bits), hashHex(bits), each.rows], [each.count, each.hash, 1003]);
      return bits;
    });
    assert.equal(train!.count + val!.count + held.count, 1003);
    assert.equal(countBits(all.reduce((joined, bits) => orBits(joined, bits))), 1003);
  }
});

test("a scheme of an earlier commit speaks of that commit's rows", async () => {
  const { folder } = await make({ train: 0.5 }, 500);
  const { rows, count } = findSplitBits(placeOf([200, 500, 800], folder), { scheme: "main", split: "train" });
  assert.deepEqual([rows, count], [500, 250]);
});

test("at a commit between those of a scheme its bits are cut there", async () => {
  const { folder } = await make({ train: 0.5 }, 500);
  await extendScheme(placeOf([500, 700, 1000], folder), "main");
  const choice = { scheme: "main", split: "train" };
  const between = findSplitBits(placeOf([500, 700, 1000], folder), choice, 700);
  const bits = between.read();
  assert.deepEqual([bits.length, countBits(bits), hashHex(bits)], [88, between.count, between.hash]);
  // A process that has the dataset open at its first commit sees the scheme as it was then.
  const { rows, count } = findSplitBits(placeOf([500], folder), choice);
  assert.deepEqual([rows, count], [500, 250]);
});

test("schemes, splits and folds that are not there are refused, with what there is", async () => {
  const plain = await make({ train: 0.8, val: 0.2 }, 100);
  const folds = await make({ test: 0.2 }, 100, 4);
  const attempt = ({ folder }: { folder: string }, split: string, fold?: number) =>
    findSplitBits(placeOf([100], folder), { scheme: "main", split, fold });
  await refuses(
    () => attempt(plain, "test"),
    "missing",
    `scheme "main" of ${plain.folder} has no split "test". Use one of train, val.`,
  );
  for (const name of ["constructor", "__proto__"])
    await refuses(() => attempt(plain, name), "missing", /has no split/);
  await refuses(
    () => attempt(plain, "train", 0),
    "usage",
    `scheme "main" of ${plain.folder} has no folds. Leave fold out: its splits are train, val.`,
  );
  for (const fold of [4, -1, 0.5]) {
    await refuses(
      () => attempt(folds, "val", fold),
      "usage",
      `scheme "main" of ${folds.folder} has no fold ${fold}. Use 0 to 3.`,
    );
  }
  await refuses(
    () => attempt(folds, "train"),
    "usage",
    `"train" of scheme "main" of ${folds.folder} depends on the fold. Say which one is val: fold 0 to 3.`,
  );
  await refuses(
    () => attempt(folds, "dev"),
    "missing",
    `scheme "main" of ${folds.folder} has no split "dev". Use one of test, train, val.`,
  );
});

test("a scheme for other content is refused, with both sides", async () => {
  const { folder } = await make({ train: 0.8 }, 100);
  const place = placeOf([100, 120], folder);
  place.manifest.commits[0]!.fingerprint = "f".repeat(16);
  await refuses(
    () => findSplitBits(place, { scheme: "main", split: "train" }),
    "mismatch",
    `scheme "main" was made for 100 samples with fingerprint ${fingerprintAt(100)}, ${folder} has 120 with ${fingerprintAt(120)}. Make it again: spillway split ${folder} ...`,
  );
});

test("bits that are damaged or were made anew are told when they are read", async () => {
  const { folder, scheme } = await make({ train: 0.8, val: 0.2 }, 100);
  const place = placeOf([100], folder);
  const view = findSplitBits(place, { scheme: "main", split: "train" });
  const path = join(folder, "splits", scheme.splits.train!.path);
  const good = fs.readFileSync(path);
  const damaged = `${path} is damaged: its hash is not the one in its scheme. Run the split command again.`;
  for (const bad of [good.subarray(1), Buffer.from(good.map((byte, k) => (k === 3 ? byte ^ 4 : byte)))]) {
    fs.writeFileSync(path, bad);
    await refuses(() => view.read(), "corrupt", damaged);
    await refuses(() => readAssignment(place, scheme), "corrupt", damaged);
  }
  fs.writeFileSync(path, good);
  view.read();
  const rule = parseRule({ train: 0.7, val: 0.3 }, {});
  const { draft } = await drawScheme(place, { scheme: "main", seed: 0, rule });
  await keepScheme(folder, draft, rule);
  await refuses(
    () => view.read(),
    "mismatch",
    'scheme "main" was made anew since this view of it. Make the view again: its splits hold other samples now.',
  );
});

test("a sample in two splits is damage", async () => {
  const { folder, scheme } = await make({ train: 0.8, val: 0.2 }, 100);
  const twice = { ...scheme, splits: { train: scheme.splits.train!, val: scheme.splits.train! } };
  await refuses(
    () => readAssignment(placeOf([100], folder), twice),
    "corrupt",
    /^scheme "main" of .* is damaged: sample \d+ is in train and in val\. Run the split command again\.$/,
  );
});

// Schemes of splits are checked: their bits, folds, earlier commits and lists.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { append, pack } from "spillway";
import { drawScheme, keepScheme } from "#spillway/catalog/make-scheme";
import { readScheme, type Scheme } from "#spillway/catalog/scheme";
import { type DrawOptions, parseRule, type SplitBy } from "#spillway/catalog/split-rule";
import type { Manifest } from "#spillway/format/manifest";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";
import { flip, smallRecords, toDamage } from "./damaged.js";
import { stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

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
  const { path, manifest } = toDamage(await smallRecords());
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

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { drawScheme, extendScheme, keepScheme } from "#spillway/catalog/make-scheme";
import { listSchemes, readScheme, type Scheme } from "#spillway/catalog/scheme";
import { readAssignment } from "#spillway/catalog/split-bits";
import { parseRule } from "#spillway/catalog/split-rule";
import { temporaryFolder } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { placeOf } from "./fake-columns.js";

const shares = { train: 0.8, val: 0.1, test: 0.1 };

async function make(
  rows: number,
  { scheme = "main", seed = 0, folder = temporaryFolder() } = {},
): Promise<{ folder: string; scheme: Scheme; bits: Record<string, Uint8Array> }> {
  const rule = parseRule(shares, {});
  const { draft } = await drawScheme(placeOf([rows]), { scheme, seed, rule });
  const made = await keepScheme(folder, draft, rule);
  const bits = Object.fromEntries(
    Object.entries(made.splits).map(([split, { path }]) => [
      split,
      fs.readFileSync(join(folder, "splits", path)),
    ]),
  );
  return { folder, scheme: made, bits };
}

/** Rows whose bit is set. */
function rowsOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, row) => row).filter(
    (row) => (bits[row >> 3]! >> (row & 7)) & 1,
  );
}

test("splits are disjoint, have their counts, and cover all samples where the shares add up to 1", async () => {
  for (const rows of [10, 63, 64, 65, 1001]) {
    const { scheme, bits } = await make(rows);
    const all = Object.values(bits).flatMap(rowsOf);
    assert.deepEqual(
      all.sort((a, b) => a - b),
      Array.from({ length: rows }, (_, row) => row),
    );
    for (const [split, { count }] of Object.entries(scheme.splits)) {
      assert.equal(rowsOf(bits[split]!).length, count);
      assert.equal(bits[split]!.length, Math.ceil(rows / 8));
    }
  }
});

test("a scheme is read back as it was made, and a new one replaces it with its bits", async () => {
  const { folder, scheme } = await make(100);
  assert.deepEqual(readScheme({ folder }, "main"), scheme);
  await make(100, { scheme: "other", folder });
  const again = (await make(100, { seed: 5, folder })).scheme;
  assert.deepEqual(listSchemes({ folder }), ["main", "other"]);
  assert.deepEqual(readScheme({ folder }, "main"), again);
  const files = fs.readdirSync(join(folder, "splits"));
  assert.equal(files.length, 2 + 6);
  for (const { path } of Object.values(again.splits)) assert.ok(files.includes(path));
});

test("a folder of the user's own is looked into first, and the dataset's is there too", async () => {
  const { folder } = await make(100);
  await make(100, { scheme: "shared", folder });
  const own = await make(100, { seed: 9 });
  const place = { folder, side: own.folder };
  assert.deepEqual(listSchemes(place), ["main", "shared"]);
  assert.equal(readScheme(place, "main").seed, 9);
  assert.equal(readScheme({ folder }, "main").seed, 0);
  assert.equal(readScheme(place, "shared").scheme, "shared");
  const commits = placeOf([100]).manifest;
  assert.deepEqual(
    rowsOf(own.bits.val!),
    [...readAssignment({ ...place, manifest: commits }, own.scheme).entries()].flatMap(([row, part]) =>
      part === 1 ? [row] : [],
    ),
  );
});

test("a scheme that is missing, damaged or newer is refused, each with what to do", async () => {
  const { folder } = await make(100);
  await refuses(
    () => readScheme({ folder }, "none"),
    "missing",
    `${folder} has no scheme "none" of splits: it has main. Make it: spillway split ${folder} train=0.8 val=0.2 --scheme none.`,
  );
  await refuses(() => readScheme({ folder: temporaryFolder() }, "main"), "missing", /it has none yet/);
  const path = join(folder, "splits/main.json");
  const good = JSON.parse(fs.readFileSync(path, "utf8"));
  const cases: readonly (readonly [unknown, string])[] = [
    [{}, 'format: Invalid input: expected "spillway-split"'],
    [[], "content: Invalid input: expected object, received array"],
    [{ ...good, rows: 0 }, "rows: Too small: expected number to be >=1"],
    [
      { ...good, splits: { train: { ...good.splits.train, path: "../x" } } },
      "splits.train.path: Invalid string: must match pattern /^[A-Za-z0-9_.-]{1,255}$/",
    ],
    [{ ...good, rows: 50 }, "train has 80 samples of 50"],
    [{ ...good, history: [{ rows: 100, fingerprint: good.fingerprint }] }, "its commits do not grow"],
    [
      { ...good, history: [{ rows: 50, fingerprint: good.fingerprint }] },
      "train tells of 0 earlier commits, the scheme of 1",
    ],
  ];
  for (const [value, why] of cases) {
    fs.writeFileSync(path, JSON.stringify(value));
    await refuses(
      () => readScheme({ folder }, "main"),
      "corrupt",
      `${path} is damaged: ${why}. Run the split command again.`,
    );
  }
  fs.writeFileSync(path, JSON.stringify({ ...good, version: 2 }));
  await refuses(
    () => readScheme({ folder }, "main"),
    "version",
    `${path} has version 2, this Spillway reads up to 1. Update Spillway: npm install spillway@latest.`,
  );
});

test("any damage to a scheme's file gives a scheme or our error", async () => {
  const { folder } = await make(100);
  await extendScheme(placeOf([100, 150], folder), "main");
  const path = join(folder, "splits/main.json");
  const good = fs.readFileSync(path);
  for (let at = 0; at < good.length; at += 1) {
    const copy = Buffer.from(good);
    copy[at]! ^= 1 << (at % 8);
    fs.writeFileSync(path, copy);
    try {
      readScheme({ folder }, "main");
    } catch (error) {
      assert.match(String(error), /SpillwayError: .* is damaged: |has version/);
    }
  }
});

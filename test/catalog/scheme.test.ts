import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import {
  countShares,
  createScheme,
  listSchemes,
  readScheme,
  type SchemeOptions,
} from "#spillway/catalog/scheme";
import { temporaryFolder } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const commit = (rows: number) => ({ rows, fingerprint: "0123456789abcdef" });
const shares = { train: 0.8, val: 0.1, test: 0.1 };

function made(rows: number, options: Partial<SchemeOptions> = {}, folder = temporaryFolder()) {
  const scheme = createScheme(folder, commit(rows), { scheme: "main", seed: 0, shares, ...options });
  const bits = Object.fromEntries(
    Object.entries(scheme.splits).map(([split, { path }]) => [
      split,
      fs.readFileSync(join(folder, "splits", path)),
    ]),
  );
  return { folder, scheme, bits };
}

/** Rows whose bit is set. */
function rowsOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, row) => row).filter(
    (row) => (bits[row >> 3]! >> (row & 7)) & 1,
  );
}

test("shares are counted in proportion, and all samples of whole shares are given out", () => {
  assert.deepEqual(countShares(1000, shares), { train: 800, val: 100, test: 100 });
  assert.deepEqual(countShares(10, { a: 0.5, b: 0.25 }), { a: 5, b: 3 });
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 2 ** 40 }),
      fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 }),
      (rows, parts) => {
        const sum = parts.reduce((a, b) => a + b, 0);
        const wanted = Object.fromEntries(parts.map((part, k) => [`s${k}`, part / sum]));
        let counts: Record<string, number>;
        try {
          counts = countShares(rows, wanted);
        } catch (error) {
          // Few samples and a small share: a split would be empty.
          assert.ok(error instanceof SpillwayError && error.code === "usage");
          return;
        }
        assert.equal(
          Object.values(counts).reduce((a, b) => a + b, 0),
          rows,
        );
        for (const [split, count] of Object.entries(counts))
          assert.ok(Math.abs(count - rows * wanted[split]!) <= 1, split);
      },
    ),
  );
});

test("the largest remainders are rounded up, the first where they are alike", () => {
  assert.deepEqual(countShares(10, { a: 0.34, b: 0.33, c: 0.33 }), { a: 4, b: 3, c: 3 });
  assert.deepEqual(countShares(7, { a: 0.5, b: 0.5 }), { a: 4, b: 3 });
  assert.deepEqual(countShares(10, { a: 0.26, b: 0.26, c: 0.48 }), { a: 3, b: 2, c: 5 });
});

test("splits are disjoint, have their counts, and cover all samples where the shares add up to 1", () => {
  for (const rows of [10, 63, 64, 65, 1001]) {
    const { scheme, bits } = made(rows);
    const all = Object.values(bits).flatMap(rowsOf);
    assert.deepEqual(
      [...all].sort((a, b) => a - b),
      Array.from({ length: rows }, (_, row) => row),
    );
    for (const [split, { count }] of Object.entries(scheme.splits)) {
      assert.equal(rowsOf(bits[split]!).length, count);
      assert.equal(bits[split]!.length, Math.ceil(rows / 8));
    }
  }
  const { bits } = made(1000, { shares: { some: 0.1, more: 0.2 } });
  assert.deepEqual([rowsOf(bits.some!).length, rowsOf(bits.more!).length], [100, 200]);
});

test("the rows of a split are these, now and always: changing them breaks people's experiments", () => {
  const { bits } = made(40, { seed: 7, shares: { train: 0.8, val: 0.2 } });
  assert.deepEqual(rowsOf(bits.val!), [6, 10, 20, 25, 27, 32, 37, 38]);
});

test("the same seed gives the same bits, another seed or name others", () => {
  const first = made(500).bits;
  assert.deepEqual(made(500).bits, first);
  assert.notDeepEqual(made(500, { seed: 1 }).bits, first);
  assert.notDeepEqual(made(500, { scheme: "other" }).bits, first);
});

test("a scheme is read back as it was made, and a new one replaces it with its bits", () => {
  const { folder, scheme } = made(100);
  assert.deepEqual(readScheme(folder, "main"), scheme);
  made(100, { scheme: "other" }, folder);
  const again = made(100, { seed: 5 }, folder).scheme;
  assert.deepEqual(listSchemes(folder), ["main", "other"]);
  assert.deepEqual(readScheme(folder, "main"), again);
  const files = fs.readdirSync(join(folder, "splits"));
  assert.equal(files.length, 2 + 6);
  for (const { path } of Object.values(again.splits)) assert.ok(files.includes(path));
});

test("shares, names and seeds that make no sense are refused", async () => {
  const cases: [Partial<SchemeOptions>, RegExp][] = [
    [{ shares: {} }, /^no split is named\./],
    [{ shares: { train: 0.8, val: 0.3 } }, /^the shares add up to 1\.1, more than 1/],
    [{ shares: { train: 0 } }, /^the share 0 of "train" is not above 0 and at most 1/],
    [{ shares: { train: -0.5 } }, /^the share -0\.5/],
    [{ shares: { train: 1.5 } }, /^the share 1\.5/],
    [{ shares: { train: Number.NaN } }, /^the share NaN/],
    [{ shares: { "../train": 0.5 } }, /^"\.\.\/train" is no name for a split/],
    [{ shares: { "": 0.5 } }, /^"" is no name for a split/],
    [{ shares: { [`a${"b".repeat(64)}`]: 0.5 } }, /is no name for a split/],
    [{ scheme: "../main" }, /^"\.\.\/main" is no name for a scheme/],
    [{ scheme: ".main" }, /is no name for a scheme/],
    [{ seed: -1 }, /seed/],
    [{ seed: 0.5 }, /seed/],
  ];
  for (const [options, message] of cases) {
    const folder = temporaryFolder();
    await refuses(
      () => createScheme(folder, commit(100), { scheme: "main", seed: 0, shares, ...options }),
      "usage",
      message,
    );
    assert.deepEqual(fs.readdirSync(folder), []);
  }
  await refuses(
    () => countShares(3, shares),
    "usage",
    'split "val" would get none of the 3 samples. Raise its share, or leave it out.',
  );
});

test("a scheme that is missing, damaged or newer is refused, each with what to do", async () => {
  const { folder } = made(100);
  await refuses(
    () => readScheme(folder, "none"),
    "missing",
    `${folder} has no scheme "none" of splits: it has main. Make it: spillway split ${folder} train=0.8 val=0.2 --scheme none.`,
  );
  await refuses(() => readScheme(temporaryFolder(), "main"), "missing", /it has none yet/);
  const path = join(folder, "splits/main.json");
  const good = JSON.parse(fs.readFileSync(path, "utf8"));
  for (const value of [
    {},
    [],
    null,
    { ...good, rows: 0 },
    { ...good, splits: { train: { ...good.splits.train, path: "../x" } } },
  ]) {
    fs.writeFileSync(path, JSON.stringify(value));
    await refuses(
      () => readScheme(folder, "main"),
      "corrupt",
      /main\.json is damaged: .*Run the split command again/,
    );
  }
  fs.writeFileSync(path, JSON.stringify({ ...good, version: 2 }));
  await refuses(() => readScheme(folder, "main"), "version", /has version 2, this Spillway reads up to 1/);
});

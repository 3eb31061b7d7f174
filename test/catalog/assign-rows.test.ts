import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assign } from "#spillway/catalog/assign";
import { type Assignment, type Numbering, tally } from "#spillway/catalog/assignment";
import type { DrawRule } from "#spillway/catalog/split-rule";
import { targetsOf } from "#spillway/catalog/split-targets";
import { randomNumbers } from "./fake-columns.js";

/** Class of each row: `count` classes, small numbers more often. */
function randomStrata(rows: number, count: number, seed: number): Numbering {
  const random = randomNumbers(seed);
  return { numbers: Int32Array.from({ length: rows }, () => random(random(count) + 1)), count };
}

function draw(
  rule: DrawRule,
  rows: number,
  more: {
    strata?: Numbering;
    seed?: number;
    scheme?: string;
    before?: { rows: number; parts: Assignment };
  } = {},
): Assignment {
  const { strata, seed = 0, scheme = "main", before } = more;
  return assign({ rows, targets: targetsOf(rule, rows, before !== undefined), strata, seed, scheme, before });
}

const rule: DrawRule = { kind: "shares", shares: { train: 0.8, val: 0.2 } };

const anyRule = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 0, max: 30 }),
    fc.option(fc.integer({ min: 2, max: 6 })),
  )
  .map(([parts, rest, folds]): DrawRule => {
    const sum = parts.reduce((a, b) => a + b, 0) + rest + (folds === null ? 0 : 10);
    const shares = Object.fromEntries(parts.map((part, k) => [`s${k}`, part / sum]));
    return { kind: "shares", shares, ...(folds !== null && { folds }) };
  });

test("each class has its exact share in each part, to within one sample, and so has the whole", () => {
  fc.assert(
    fc.property(
      anyRule,
      fc.integer({ min: 200, max: 3000 }),
      fc.integer({ min: 1, max: 60 }),
      fc.nat(),
      (anyOne, rows, classCount, seed) => {
        const strata = randomStrata(rows, classCount, seed);
        const { shares, totals } = targetsOf(anyOne, rows, false);
        const parts = draw(anyOne, rows, { strata, seed });
        const width = shares.length;
        const cells = tally(parts, width - 1, strata, 0, rows);
        const sizes = tally(new Uint8Array(rows), 0, strata, 0, rows);
        cells.forEach((count, at) => {
          const exact = sizes[Math.floor(at / width)]! * shares[at % width]!;
          assert.ok(Math.abs(count - exact) < 1, `${count} for ${exact}`);
        });
        tally(parts, width - 1, undefined, 0, rows).forEach((count, part) => {
          assert.ok(Math.abs(count - rows * shares[part]!) < 1 + 1e-9, `part ${part}: ${count}`);
          assert.ok(Math.abs(count - totals[part]!) <= 1, `part ${part}: ${count} for ${totals[part]}`);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("counts are met exactly, over all and with classes", () => {
  const counts: DrawRule = { kind: "counts", counts: { train: 701, val: 99 } };
  for (const strata of [undefined, randomStrata(1000, 13, 5)]) {
    const parts = draw(counts, 1000, strata && { strata });
    assert.deepEqual([...tally(parts, 2, undefined, 0, 1000)], [701, 99, 200]);
  }
});

test("the rows of a split are these, now and always: changing them breaks people's experiments", () => {
  const val = (parts: Assignment) => [...parts.keys()].filter((row) => parts[row] === 1);
  assert.deepEqual(val(draw(rule, 40, { seed: 7 })), [6, 10, 20, 25, 27, 32, 37, 38]);
  const strata = { numbers: Int32Array.from({ length: 40 }, (_, row) => (row < 10 ? 0 : 1)), count: 2 };
  assert.deepEqual(val(draw(rule, 40, { seed: 7, strata })), [4, 6, 10, 25, 27, 32, 37, 38]);
});

test("the same seed draws the same, another seed or scheme another", () => {
  const first = draw(rule, 500);
  assert.deepEqual(draw(rule, 500), first);
  assert.notDeepEqual(draw(rule, 500, { seed: 1 }), first);
  assert.notDeepEqual(draw(rule, 500, { scheme: "other" }), first);
});

test("every row of a class is as likely as another to be in a split", () => {
  const strata = { numbers: Int32Array.from({ length: 30 }, (_, row) => (row < 10 ? 0 : 1)), count: 2 };
  const inVal = new Array<number>(30).fill(0);
  for (let seed = 0; seed < 2000; seed += 1) {
    draw(rule, 30, { strata, seed }).forEach((part, row) => {
      inVal[row]! += part;
    });
  }
  // 400 expected, standard deviation 18.
  for (const count of inVal) assert.ok(Math.abs(count - 400) < 100, `${inVal}`);
});

test("of classes with one sample each, every split gets its share", () => {
  const strata = { numbers: Int32Array.from({ length: 1000 }, (_, row) => row), count: 1000 };
  const parts = draw({ kind: "shares", shares: { train: 0.7, val: 0.2 } }, 1000, { strata });
  assert.deepEqual([...tally(parts, 2, undefined, 0, 1000)], [700, 200, 100]);
});

test("folds are equal to within one sample, with splits held out or without", () => {
  for (const rows of [100, 101, 104, 1003]) {
    const folds = [...tally(draw({ kind: "shares", shares: {}, folds: 5 }, rows), 5, undefined, 0, rows)];
    assert.equal(folds.pop(), 0);
    assert.ok(Math.max(...folds) - Math.min(...folds) <= 1, `${folds}`);
    const held = draw({ kind: "counts", counts: { test: 20 }, folds: 3 }, rows);
    const [heldOut, ...others] = tally(held, 4, undefined, 0, rows);
    assert.equal(heldOut, 20);
    assert.equal(others.pop(), 0);
    assert.ok(Math.max(...others) - Math.min(...others) <= 1, `${others}`);
  }
});

test("more than 254 parts are numbers of two bytes", () => {
  const parts = draw({ kind: "shares", shares: {}, folds: 300 }, 3000);
  assert.ok(parts instanceof Uint16Array);
  assert.deepEqual([...new Set(tally(parts, 300, undefined, 0, 3000).subarray(0, 300))], [10]);
});

test("rows that join later leave the others where they are, and fill up what is missing", () => {
  fc.assert(
    fc.property(
      anyRule,
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(),
      (anyOne, more, classCount, seed) => {
        let rows = 300;
        const all = rows + more.reduce((a, b) => a + b, 0);
        const strata = randomStrata(all, classCount, seed);
        let parts = draw(anyOne, rows, { strata, seed });
        for (const count of more) {
          const before = { rows, parts };
          rows += count;
          const grown = draw(anyOne, rows, { strata, seed, before });
          assert.deepEqual(grown.subarray(0, before.rows), parts);
          assert.equal(grown.length, rows);
          parts = grown;
        }
        const { shares } = targetsOf(anyOne, rows, false);
        const width = shares.length;
        const sizes = tally(new Uint8Array(rows), 0, strata, 0, rows);
        tally(parts, width - 1, strata, 0, rows).forEach((count, at) => {
          const exact = sizes[Math.floor(at / width)]! * shares[at % width]!;
          assert.ok(Math.abs(count - exact) <= 2.5, `${count} for ${exact}`);
        });
      },
    ),
    { numRuns: 200 },
  );
});

test("rows that join one by one keep the shares, also where each is of a new class", () => {
  let parts = draw(rule, 50);
  const strata = { numbers: Int32Array.from({ length: 150 }, (_, row) => row), count: 0 };
  for (let rows = 51; rows <= 150; rows += 1) {
    strata.count = rows;
    parts = draw(rule, rows, { strata, before: { rows: rows - 1, parts } });
  }
  assert.deepEqual([...tally(parts, 2, undefined, 0, 150)], [120, 30, 0]);
});

test("counts that were reached stay: later rows are in none, or in folds", () => {
  const counts: DrawRule = { kind: "counts", counts: { train: 80, val: 20 } };
  const grown = draw(counts, 200, { before: { rows: 100, parts: draw(counts, 100) } });
  assert.deepEqual([...tally(grown, 2, undefined, 0, 200)], [80, 20, 100]);
  const folds: DrawRule = { kind: "counts", counts: { test: 20 }, folds: 4 };
  const inFolds = draw(folds, 180, { before: { rows: 100, parts: draw(folds, 100) } });
  assert.deepEqual([...tally(inFolds, 5, undefined, 0, 180)], [20, 40, 40, 40, 40, 0]);
});

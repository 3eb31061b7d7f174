import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { countShares, roundTable, withoutDebts } from "#spillway/catalog/apportion";
import { refuses } from "../source/fixtures.js";

const shares = { train: 0.8, val: 0.1, test: 0.1 };

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

test("a split that would be empty is refused", async () => {
  await refuses(
    () => countShares(3, shares),
    "usage",
    'split "val" would get none of the 3 samples. Raise its share, or leave it out.',
  );
});

/** Whole weights as shares of 1. */
const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 7 });
const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 });

test("a table is rounded so that every cell, row and column is its exact number up or down", () => {
  fc.assert(
    fc.property(sizes, weights, fc.integer(), (rowSizes, columnWeights, turn) => {
      const sum = columnWeights.reduce((a, b) => a + b, 0);
      const parts = columnWeights.map((weight) => weight / sum);
      const width = parts.length;
      const all = rowSizes.reduce((a, b) => a + b, 0);
      const exact = Float64Array.from(rowSizes.flatMap((size) => parts.map((part) => size * part)));
      const exactTotals = parts.map((part) => part * all);
      // Any rounding of the totals may be asked for; not every one can be had.
      const totals = exactTotals.map(Math.floor);
      for (let left = all - totals.reduce((a, b) => a + b, 0), k = turn >>> 1; left > 0; k += 1) {
        const column = k % width;
        if (totals[column]! + 1 >= exactTotals[column]! + 1 - 1e-9) continue;
        totals[column]! += 1;
        left -= 1;
      }
      const rows = rowSizes.length;
      const cells = roundTable({
        cells: exact,
        sizes: Float64Array.from(rowSizes),
        totals,
        exactTotals,
        rowAt: (place) => (place + (turn >>> 1)) % rows,
      });
      const sums = new Array<number>(width).fill(0);
      rowSizes.forEach((size, row) => {
        const own = [...cells.subarray(row * width, (row + 1) * width)];
        assert.equal(
          own.reduce((a, b) => a + b, 0),
          size,
        );
        own.forEach((cell, column) => {
          assert.ok(
            Math.abs(cell - exact[row * width + column]!) < 1 - 1e-7,
            `${cell} for ${exact[row * width + column]}`,
          );
          sums[column]! += cell;
        });
      });
      sums.forEach((found, column) => {
        assert.ok(Math.abs(found - exactTotals[column]!) < 1 - 1e-7, `${found} for ${exactTotals[column]}`);
      });
    }),
    { numRuns: 500 },
  );
});

test("many rows of one sample each still give the totals that were asked for", () => {
  const count = 10_000;
  const parts = [0.8, 0.13, 0.07];
  const totals = parts.map((part) => part * count);
  const cells = roundTable({
    cells: Float64Array.from({ length: count * 3 }, (_, at) => parts[at % 3]!),
    sizes: new Float64Array(count).fill(1),
    totals,
    exactTotals: totals,
    rowAt: (place) => place,
  });
  const sums = [0, 0, 0];
  cells.forEach((cell, at) => {
    sums[at % 3]! += cell;
  });
  assert.deepEqual(
    sums,
    totals.map((total) => Math.round(total)),
  );
});

test("what is wanted is made possible: nothing below 0, and the same sum", () => {
  assert.deepEqual(withoutDebts([8.5, -0.5, 2], 10), [8.25, 0, 1.75]);
  assert.deepEqual(withoutDebts([1, -1], 0), [0, 0]);
  const numbers = fc.array(fc.integer({ min: -50, max: 100 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(numbers, (wanted) => {
      const sum = wanted.reduce((a, b) => a + b, 0);
      fc.pre(sum >= 0);
      const given = withoutDebts(wanted, sum);
      assert.ok(given.every((value) => value >= 0));
      assert.ok(Math.abs(given.reduce((a, b) => a + b, 0) - sum) < 1e-9);
    }),
  );
});

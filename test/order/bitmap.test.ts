import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bitmapBytes, directoryBytes, fillDirectory, select } from "#spillway/order/bitmap";

function bitmapOf(
  rows: number,
  chosen: Iterable<number>,
): { bits: Uint32Array; directory: Float64Array; count: number } {
  const bits = new Uint32Array(bitmapBytes(rows) / 4);
  for (const row of chosen) bits[Math.floor(row / 32)]! |= 1 << (row % 32);
  const directory = new Float64Array(directoryBytes(rows) / 8);
  return { bits, directory, count: fillDirectory(bits, directory) };
}

test("select gives the rows of any set in order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20_000 }),
      fc.array(fc.nat(), { maxLength: 400 }),
      (rows, numbers) => {
        const chosen = [...new Set(numbers.map((number) => number % rows))].sort((a, b) => a - b);
        const { bits, directory, count } = bitmapOf(rows, chosen);
        assert.equal(count, chosen.length);
        assert.deepEqual(
          chosen.map((_, index) => select(bits, directory, index)),
          chosen,
        );
      },
    ),
  );
});

test("select finds each row of full and of nearly empty sets over many blocks", () => {
  const rows = 10_000;
  const full = bitmapOf(
    rows,
    Array.from({ length: rows }, (_, row) => row),
  );
  for (let row = 0; row < rows; row += 1) assert.equal(select(full.bits, full.directory, row), row);
  const ends = bitmapOf(rows, [0, rows - 1]);
  assert.deepEqual(
    [select(ends.bits, ends.directory, 0), select(ends.bits, ends.directory, 1)],
    [0, rows - 1],
  );
});

test("select refuses an index beyond the set", () => {
  const { bits, directory } = bitmapOf(100, [5]);
  assert.throws(() => select(bits, directory, 1), RangeError);
});

test("a view of 100 million rows costs 1.02 bits each", () => {
  const rows = 100_000_000;
  assert.ok(((bitmapBytes(rows) + directoryBytes(rows)) * 8) / rows < 1.04);
});

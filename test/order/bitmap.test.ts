import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  andBits,
  andNotBits,
  bitBytes,
  bitmapBytes,
  countBits,
  cutBits,
  directoryBytes,
  fillDirectory,
  hasBit,
  orBits,
  select,
  setBit,
} from "#spillway/order/bitmap";

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

/** Bytes of a set of rows. */
function bytesOf(rows: number, chosen: Iterable<number>): Uint8Array {
  const bits = new Uint8Array(bitBytes(rows));
  for (const row of chosen) setBit(bits, row);
  return bits;
}

/** Rows of a set that is given as bytes. */
function rowsOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, row) => row).filter((row) => hasBit(bits, row));
}

test("sets are counted, met, joined, left out of each other and cut like sets of numbers", () => {
  const numbers = fc.array(fc.nat({ max: 499 }), { maxLength: 200 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 500 }),
      numbers,
      numbers,
      (rowsA, rowsB, a, b) => {
        const setA = new Set(a.filter((row) => row < rowsA));
        const setB = new Set(b.filter((row) => row < rowsB));
        const make = () => bytesOf(rowsA, setA);
        const other = bytesOf(rowsB, setB);
        const sorted = [...setA].sort((x, y) => x - y);
        assert.deepEqual(rowsOf(make()), sorted);
        assert.equal(countBits(make()), setA.size);
        assert.deepEqual(
          rowsOf(andBits(make(), other)),
          sorted.filter((row) => setB.has(row)),
        );
        assert.deepEqual(
          rowsOf(andNotBits(make(), other)),
          sorted.filter((row) => !setB.has(row)),
        );
        const all = new Set([...setA, ...[...setB].filter((row) => row < bitBytes(rowsA) * 8)]);
        assert.deepEqual(
          rowsOf(orBits(make(), other)),
          [...all].sort((x, y) => x - y),
        );
        const cut = cutBits(make(), Math.min(rowsA, rowsB));
        assert.equal(cut.length, bitBytes(Math.min(rowsA, rowsB)));
        assert.deepEqual(
          rowsOf(cut),
          sorted.filter((row) => row < rowsB),
        );
      },
    ),
  );
});

// Where ids lie: the reader's way (kernel, in runs), the reference (order/permutation) and the way back from rows to
// ids agree for any number of samples and blocks.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idOfRow, placedRows } from "#spillway/format/placed";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { Placement } from "#spillway/load/placement";
import type { LoopPlan } from "#spillway/load/plan";
import { layoutPermutation } from "#spillway/order/layout";
import { permutation, rounds } from "#spillway/order/permutation";

const runLength = 64;
const memory = sharedMemory(65_536);
const kernels = bindKernels(kernelModule(), memory);
const seed = fc.maxSafeNat();

/** A placement in memory of its own, as a reader makes it. */
function placementOf(placed: { rows: number; seed: number }[]): Placement {
  const scratch = {
    rows: 0,
    keys: runLength * 16,
    sum: 0,
    records: 0,
    recordBytes: 0,
    block: 0,
    byteLength: 0,
  };
  return new Placement(placed, { runLength, scratch } as LoopPlan, kernels, memory, 4096);
}

test("the kernel finds the places that the reference finds, for any number of samples up to 2^48", () => {
  const n = fc.oneof(
    fc.integer({ min: 1, max: 3000 }),
    fc.nat(47).map((bits) => 2 ** bits),
    fc.nat(47).map((bits) => 2 ** bits + 1),
    fc.nat(48).map((bits) => Math.max(1, 2 ** bits - 1)),
    fc.integer({ min: 1, max: 2 ** 48 }),
  );
  const epoch = fc.nat(1000);
  fc.assert(
    fc.property(
      n,
      seed,
      epoch,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), {
        minLength: 1,
        maxLength: 20,
      }),
      (size, key, turn, shares) => {
        const order = permutation(size, key, turn, "0123456789abcdef");
        const values = shares.map((share) => Math.floor(share * size));
        const at = 4096;
        new Uint32Array(memory.buffer, 0, rounds).set(order.keys);
        const places = new Float64Array(memory.buffer, at, values.length);
        places.set(values);
        const { leftBits, rightBits } = order.halves;
        kernels.placesOf(at, values.length, size, 0, rounds, leftBits, rightBits);
        assert.deepEqual([...places], values.map(order.placeOf));
        assert.deepEqual([...places].map(order.at), values);
      },
    ),
    { numRuns: 300 },
  );
});

test("a placement is the inverse of the layout's order, in several blocks and behind them", () => {
  const blocks = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 90 }), seed }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(blocks, fc.nat(40), fc.integer({ min: 1, max: runLength }), (placed, more, length) => {
      const placement = placementOf(placed);
      const total = placedRows({ placed }) + more;
      const rows: number[] = [];
      for (let first = 0; first < total; first += length) {
        const count = Math.min(length, total - first);
        const ids = Float64Array.from({ length: count }, (_, k) => first + k);
        rows.push(...placement.rowsOf(ids, count).slice(0, count));
      }
      assert.deepEqual(
        [...rows].sort((a, b) => a - b),
        Array.from({ length: total }, (_, row) => row),
      );
      rows.forEach((row, id) => {
        assert.equal(idOfRow({ placed }, row), id);
      });
      let start = 0;
      for (const block of placed) {
        const order = layoutPermutation(block.rows, block.seed);
        for (let p = 0; p < block.rows; p += 1) assert.equal(rows[start + order.at(p)], start + p);
        start += block.rows;
      }
    }),
  );
});

test("ids of a run may come in any order and from any blocks, and are left as they are", () => {
  const blocks = fc.array(fc.record({ rows: fc.integer({ min: 1, max: 5000 }), seed }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(blocks, fc.array(fc.nat(20_000), { minLength: 1, maxLength: runLength }), (placed, any) => {
      const total = placedRows({ placed }) + 3;
      const ids = Float64Array.from(any, (number) => number % total);
      const before = [...ids];
      const rows = placementOf(placed).rowsOf(ids, ids.length).slice(0, ids.length);
      assert.deepEqual([...ids], before);
      assert.deepEqual(
        [...rows].map((row) => idOfRow({ placed }, row)),
        before,
      );
    }),
  );
});

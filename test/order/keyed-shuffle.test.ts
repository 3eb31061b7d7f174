import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DrawKeys, purposes } from "#spillway/order/draw-keys";
import { listedSize, maxShuffled, shuffledAt } from "#spillway/order/keyed-shuffle";
import { murmur3, orderVersion, words } from "#spillway/order/keys";
import { permutation, rounds } from "#spillway/order/permutation";
import { chiSquareBound } from "./chi-square.js";

const view = "0123456789abcdef";
const keysOf = (seed: number) => new DrawKeys(purposes.members, seed, view, rounds);

test("is a bijection for any size and keys", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.maxSafeNat(), fc.nat(), (n, seed, a) => {
      const keys = keysOf(seed).derive(a, 0, 0);
      const values = new Set(Array.from({ length: n }, (_, place) => shuffledAt(n, place, keys)));
      assert.equal(values.size, n);
      for (const value of values) assert.ok(value >= 0 && value < n);
    }),
  );
});

test("above 64 it is the permutation of the same keys, up to 2^32 values", () => {
  const sizes = fc.oneof(
    fc.integer({ min: listedSize + 1, max: 5000 }),
    fc.integer({ min: 2 ** 16 - 2, max: 2 ** 16 + 2 }),
    fc.integer({ min: 2 ** 31 - 2, max: 2 ** 31 + 2 }),
    fc.integer({ min: 2 ** 30, max: maxShuffled }),
    fc.constant(maxShuffled),
  );
  fc.assert(
    fc.property(sizes, fc.maxSafeNat(), fc.maxSafeNat(), (n, seed, number) => {
      const order = permutation(n, seed, 3, view);
      const place = number % n;
      assert.equal(shuffledAt(n, place, order.keys), order.at(place));
    }),
  );
});

test("every value is as likely as any other at every place, in small shuffles too", () => {
  for (const n of [2, 3, 7, 64, 65, 100]) {
    const keys = keysOf(n);
    const shuffles = 400 * n;
    for (const place of [0, 1, n - 1]) {
      const counts = new Float64Array(n);
      for (let k = 0; k < shuffles; k += 1) counts[shuffledAt(n, place, keys.derive(5, k, 0))]! += 1;
      const chi = counts.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0);
      assert.ok(chi < chiSquareBound(n - 1), `n = ${n}, place ${place}: chi-square ${chi.toFixed(1)}`);
    }
  }
});

test("neighbours in small shuffles are as varied as chance has it", () => {
  const n = 5;
  const keys = keysOf(1);
  const pairs = new Float64Array(n * n);
  const shuffles = 20_000;
  for (let k = 0; k < shuffles; k += 1) {
    const now = keys.derive(0, k, 0);
    pairs[shuffledAt(n, 2, now) * n + shuffledAt(n, 3, now)]! += 1;
  }
  const expected = shuffles / (n * (n - 1));
  let chi = 0;
  for (let a = 0; a < n; a += 1) {
    for (let b = 0; b < n; b += 1) if (a !== b) chi += (pairs[a * n + b]! - expected) ** 2 / expected;
  }
  assert.ok(chi < chiSquareBound(n * (n - 1) - 1), `chi-square ${chi.toFixed(1)}`);
});

test("keys are MurmurHash3 of the purpose, the seed, the view and the draw's three numbers", () => {
  const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.maxSafeNat(), uint32, uint32, uint32, (seed, a, b, c) => {
      const values = [orderVersion, purposes.cycle, ...words(seed), 0x01234567, 0x89abcdef, a, b, c];
      assert.deepEqual(
        [...new DrawKeys(purposes.cycle, seed, view, 4).derive(a, b, c)],
        [0, 1, 2, 3].map((key) => murmur3(values, Math.imul(key + 1, 0x9e3779b1))),
      );
    }),
  );
});

// Changing these breaks the resume of people's runs: raise orderVersion in order/keys.ts with them.
test("the first places are those of order version 1", () => {
  const first = (n: number) => {
    const keys = keysOf(7).derive(1, 2, 3);
    return Array.from({ length: Math.min(n, 8) }, (_, place) => shuffledAt(n, place, keys));
  };
  assert.deepEqual(first(5), [0, 4, 2, 3, 1]);
  assert.deepEqual(first(64), [6, 60, 18, 21, 62, 11, 40, 55]);
  assert.deepEqual(first(1000), [453, 894, 921, 538, 708, 740, 343, 898]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { halvesOf, maxSize, permutation, rounds } from "#spillway/order/permutation";

const view = "0123456789abcdef";

/** Whether the kernel's values at all places are each of 0 .. n-1 once. */
function isBijection(n: number, seed: number, epoch: number): boolean {
  const memory = sharedMemory(65_536);
  const kernels = bindKernels(kernelModule(), memory);
  const { keys, halves } = permutation(n, seed, epoch, view);
  new Uint32Array(memory.buffer, 0, rounds).set(keys);
  const run = 1024;
  const values = new Float64Array(memory.buffer, 64, run);
  const seen = new Uint8Array(n);
  for (let place = 0; place < n; place += run) {
    const count = Math.min(run, n - place);
    kernels.permuteRun(place, count, n, 0, rounds, halves.leftBits, halves.rightBits, 64);
    for (let k = 0; k < count; k += 1) {
      const value = values[k]!;
      if (!(value >= 0 && value < n) || seen[value] === 1) return false;
      seen[value] = 1;
    }
  }
  return true;
}

test("is a bijection at 1, 2, 3 and around each power of two up to 2^22", () => {
  for (let k = 0; k <= 22; k += 1) {
    for (const n of [2 ** k - 1, 2 ** k, 2 ** k + 1]) {
      if (n >= 1) assert.ok(isBijection(n, 7, k), `n = ${n}`);
    }
  }
});

test("is a bijection for any size, seed and epoch", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.maxSafeNat(), fc.maxSafeNat(), (n, seed, epoch) =>
      isBijection(n, seed, epoch),
    ),
  );
});

test("has an inverse at sizes up to 2^48, so that it is a bijection there too", () => {
  for (let k = 23; k <= 48; k += 1) {
    for (const n of [2 ** k - 1, 2 ** k, 2 ** k + 1]) {
      if (n > maxSize) continue;
      const order = permutation(n, 42, k, view);
      for (let i = 0; i < 300; i += 1) {
        const x = i < 10 ? i : i < 20 ? n - 1 - (i - 10) : Math.floor((n / 280) * (i - 20));
        const value = order.at(x);
        assert.ok(Number.isInteger(value) && value >= 0 && value < n);
        assert.equal(order.placeOf(value), x);
        assert.equal(order.at(order.placeOf(x)), x);
      }
    }
  }
});

test("the kernel computes what the reference computes, over the end of the epoch too", () => {
  const memory = sharedMemory(65_536);
  const kernels = bindKernels(kernelModule(), memory);
  const run = 50;
  const values = new Float64Array(memory.buffer, 64, run);
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 2 ** 31, max: 2 ** 33 }),
    fc.integer({ min: 2 ** 47, max: maxSize }),
  );
  fc.assert(
    fc.property(sizes, fc.maxSafeNat(), fc.nat(), (n, seed, start) => {
      const order = permutation(n, seed, 3, view);
      new Uint32Array(memory.buffer, 0, rounds).set(order.keys);
      kernels.permuteRun(start, run, n, 0, rounds, order.halves.leftBits, order.halves.rightBits, 64);
      for (let k = 0; k < run; k += 1) assert.equal(values[k], order.at((start + k) % n));
    }),
  );
});

test("halves differ by one bit at most", () => {
  for (let n = 1; n <= maxSize; n *= 2) {
    const { leftBits, rightBits } = halvesOf(n);
    assert.ok(rightBits - leftBits === 0 || rightBits - leftBits === 1);
    assert.ok(2 ** (leftBits + rightBits) >= n);
    assert.ok(rightBits <= 24);
  }
});

// Changing these breaks the resume of people's runs: raise orderVersion in order/keys.ts with them.
test("the first ten positions are those of order version 1", () => {
  const golden: Record<number, number[]> = {
    10: [8, 9, 6, 3, 4, 5, 2, 0, 7, 1],
    1000: [839, 977, 542, 219, 37, 772, 623, 758, 200, 46],
    1000000: [975817, 586124, 652814, 455129, 671613, 546113, 478045, 369586, 47482, 961970],
    281474976710656: [
      9873966745893, 143265769556254, 257639065041881, 148319931076835, 100711090632832, 153214942650336,
      88680674449075, 254802124021622, 221761290768782, 11246456523101,
    ],
  };
  for (const [n, first] of Object.entries(golden)) {
    const order = permutation(Number(n), 7, 0, view);
    assert.deepEqual(
      Array.from({ length: 10 }, (_, place) => order.at(place)),
      first,
      `n = ${n}`,
    );
  }
});

test("seed 42 in epoch 1 has nothing to do with seed 43 in epoch 0", () => {
  const n = 10_000;
  const a = permutation(n, 42, 1, view);
  const b = permutation(n, 43, 0, view);
  let same = 0;
  for (let place = 0; place < n; place += 1) if (a.at(place) === b.at(place)) same += 1;
  assert.ok(same < 10, `${same} of ${n} places agree`);
});

test("batches of class-sorted data mix classes as a true shuffle does, within 5 %", () => {
  const n = 20_000;
  const classCount = 20;
  const batchSize = 100;
  const share = 1 / classCount;
  const expected = batchSize * share * (1 - share) * ((n - batchSize) / (n - 1));
  let squares = 0;
  let counted = 0;
  for (let epoch = 0; epoch < 20; epoch += 1) {
    const order = permutation(n, 7, epoch, view);
    for (let first = 0; first < n; first += batchSize) {
      const counts = new Float64Array(classCount);
      for (let k = 0; k < batchSize; k += 1) counts[Math.floor((order.at(first + k) / n) * classCount)]! += 1;
      for (const count of counts) squares += (count - batchSize * share) ** 2;
      counted += classCount;
    }
  }
  const ratio = squares / counted / expected;
  assert.ok(ratio > 0.95 && ratio < 1.05, `class-mix variance is ${ratio.toFixed(3)} of a true shuffle's`);
});

test("neighbours in small orders are as varied as chance has it", () => {
  for (const n of [3, 5, 8, 16, 17, 60]) {
    const epochs = 2000;
    const differences = new Float64Array(n);
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      const order = permutation(n, 7, epoch, view);
      for (let place = 1; place < n; place += 1)
        differences[(order.at(place) - order.at(place - 1) + n) % n]! += 1;
    }
    let chi = 0;
    for (let d = 1; d < n; d += 1) chi += (differences[d]! - epochs) ** 2 / epochs;
    assert.ok(
      chi / Math.max(1, n - 2) < 5,
      `n = ${n}: chi-square per degree of freedom ${(chi / (n - 2)).toFixed(2)}`,
    );
  }
});

test("refuses sizes that are no whole number from 1 to 2^48", () => {
  for (const n of [0, -1, 1.5, Number.NaN, maxSize + 2]) {
    assert.throws(
      () => permutation(n, 0, 0, view),
      (error) => error instanceof SpillwayError && error.code === "usage",
    );
  }
});

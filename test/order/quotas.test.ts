import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { quotasOf } from "#spillway/order/quotas";

const weights = fc.array(fc.double({ min: 0.1, max: 20, noNaN: true }), { minLength: 1, maxLength: 8 });

test("quotas add up to the batch, none is 0, and each is within one of its weight's part", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), weights, (batchSize, parts) => {
      const sum = parts.reduce((total, part) => total + part, 0);
      try {
        const quotas = quotasOf(batchSize, parts);
        assert.equal(
          quotas.reduce((total, quota) => total + quota, 0),
          batchSize,
        );
        quotas.forEach((quota, k) => {
          assert.ok(quota >= 1 && Math.abs(quota - (batchSize * parts[k]!) / sum) < 1 + 1e-6);
        });
      } catch (error) {
        assert.ok(error instanceof SpillwayError && error.code === "usage");
        const least = Number(/Raise batchSize to (\d+)/.exec(error.message)![1]);
        assert.ok(least > batchSize && !quotasOf(least, parts).includes(0));
        if (least > batchSize + 1) assert.throws(() => quotasOf(least - 1, parts), /has no room for/);
      }
    }),
  );
});

test("the largest remainders are rounded up, the earlier view first where they are equal", () => {
  assert.deepEqual(quotasOf(64, [0.7, 0.3]), [45, 19]);
  assert.deepEqual(quotasOf(10, [7, 3]), [7, 3]);
  assert.deepEqual(quotasOf(10, [1, 1, 1]), [4, 3, 3]);
  assert.deepEqual(quotasOf(3, [0.1, 0.1, 0.1]), [1, 1, 1]);
  assert.deepEqual(quotasOf(9, [0.2, 0.3, 0.5]), [2, 3, 4]);
});

test("refuses weights that are none, and a batch too small to have one sample of each view", () => {
  const refusals: [number, number[], string][] = [
    [
      4,
      [0.9, 0.1],
      "a batch of 4 has no room for views[1], whose weight is 0.1 of 1. Raise batchSize to 6, or the weight.",
    ],
    [
      8,
      [1, 0],
      "the weight 0 of views[1] is no number above 0. Give each view its part, such as [0.7, 0.3].",
    ],
    [
      8,
      [Number.NaN, 1],
      "the weight NaN of views[0] is no number above 0. Give each view its part, such as [0.7, 0.3].",
    ],
    [
      8,
      [Number.POSITIVE_INFINITY],
      "the weight Infinity of views[0] is no number above 0. Give each view its part, such as [0.7, 0.3].",
    ],
  ];
  for (const [batchSize, parts, message] of refusals) {
    assert.throws(() => quotasOf(batchSize, parts), { code: "usage", message });
  }
});

test("a weight next to nothing asks for a batch size that is surely large enough, soon", () => {
  assert.throws(() => quotasOf(64, [1, 1e-9]), /Raise batchSize to 1000000001, or the weight/);
});

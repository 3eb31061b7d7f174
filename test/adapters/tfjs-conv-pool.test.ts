// Pooling on the wasm backend: gradients are those of the "cpu" backend, or of differences where "cpu" is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor4D } from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertIsDifference, assertSameAsCpu, gradientsOn, noise, tf } from "./gradients.js";

const between = (min: number, max: number) => fc.integer({ min, max });

const pools = fc
  .record({
    samples: between(1, 3),
    lengths: fc.tuple(between(1, 7), between(1, 9)),
    channels: between(1, 9),
    filter: fc.tuple(between(1, 3), between(1, 4)),
    strides: fc.tuple(between(1, 3), between(1, 3)),
    pad: fc.constantFrom<"same" | "valid">("same", "valid"),
  })
  .filter(
    ({ lengths, filter, pad }) => pad === "same" || filter.every((length, axis) => length <= lengths[axis]!),
  );

test("gradients of max pooling are those of the cpu backend, equal and negative numbers included", async () => {
  await fc.assert(
    fc.asyncProperty(
      pools,
      fc.boolean(),
      async ({ samples, lengths, channels, filter, strides, pad }, isCoarse) => {
        const x = noise([samples, ...lengths, channels], 1);
        if (isCoarse)
          x.data.forEach((value, at) => {
            x.data[at] = Math.round(value * 2) - 1;
          });
        await assertSameAsCpu((given) => tf.maxPool(given as Tensor4D, filter, strides, pad), [x]);
      },
    ),
    { numRuns: 150 },
  );
});

test("gradients of average pooling are those of the cpu backend where nothing is padded", async () => {
  await fc.assert(
    fc.asyncProperty(pools, async ({ samples, lengths, channels, filter, strides, pad }) => {
      fc.pre(pad === "valid");
      const x = noise([samples, ...lengths, channels], 2);
      await assertSameAsCpu((given) => tf.avgPool(given as Tensor4D, filter, strides, pad), [x]);
    }),
    { numRuns: 50 },
  );
});

test("gradients of average pooling are its differences, at the edges too", async () => {
  for (const [filter, strides] of [
    [2, 2],
    [3, 2],
    [3, 1],
  ] as const)
    await assertIsDifference(
      (x) => tf.avgPool(x as Tensor4D, filter, strides, "same"),
      [noise([2, 5, 4, 3], 3)],
    );
});

test("what windows hand out is what they got", async () => {
  const operations = [tf.maxPool, tf.avgPool].map((pool) => (x: Tensor4D) => pool(x, 3, 2, "same"));
  for (const operation of operations) {
    const [out, dx] = await gradientsOn("wasm", (x) => operation(x as Tensor4D), [noise([3, 7, 5, 4], 4)]);
    const sum = (numbers: Float32Array) => numbers.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum(noise(out!.shape, 99).data) - sum(dx!.data)) < 1e-4);
  }
});

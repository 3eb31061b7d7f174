// Convolutions on the wasm backend: their gradients are those of the "cpu" backend and of differences, whatever the
// shapes.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor, Tensor3D, Tensor4D } from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertIsDifference, assertSameAsCpu, noise, tf } from "./gradients.js";

const between = (min: number, max: number) => fc.integer({ min, max });

/** Convolutions of any kind that there is, small. */
const convolutions = fc
  .record({
    samples: between(1, 3),
    lengths: fc.tuple(between(1, 7), between(1, 9)),
    channels: fc.tuple(between(1, 5), between(1, 10)),
    filter: fc.tuple(between(1, 4), between(1, 5)),
    strides: fc.tuple(between(1, 3), between(1, 3)),
    pad: fc.constantFrom<"same" | "valid">("same", "valid"),
  })
  .filter(
    ({ lengths, filter, pad }) => pad === "same" || filter.every((length, axis) => length <= lengths[axis]!),
  );

test("convolutions and their gradients are those of the cpu backend, for any shape, stride and padding", async () => {
  await fc.assert(
    fc.asyncProperty(convolutions, async ({ samples, lengths, channels, filter, strides, pad }) => {
      await assertSameAsCpu(
        (x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, strides, pad),
        [noise([samples, ...lengths, channels[0]], 1), noise([...filter, ...channels], 2)],
      );
    }),
    { numRuns: 150 },
  );
});

test("a convolution with bias and activation is that of the cpu backend, its filter shorter than the stride too", async () => {
  for (const strides of [1, 3]) {
    await assertSameAsCpu(
      (x, filter, bias) =>
        tf.fused.conv2d({
          x: x as Tensor4D,
          filter: filter as Tensor4D,
          strides,
          pad: "same",
          bias,
          activation: "relu",
        }),
      [noise([2, 6, 6, 3], 15), noise([2, 1, 3, 4], 16), noise([4], 17)],
    );
  }
});

test("padding in numbers may differ from side to side, and exceed the filter", async () => {
  const pad: [[0, 0], [number, number], [number, number], [0, 0]] = [
    [0, 0],
    [0, 3],
    [4, 1],
    [0, 0],
  ];
  for (const strides of [1, 2]) {
    await assertSameAsCpu(
      (x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, strides, pad),
      [noise([2, 5, 4, 3], 3), noise([2, 3, 3, 4], 4)],
    );
  }
});

test("gradients of a convolution are its differences", async () => {
  for (const [strides, pad] of [
    [1, "same"],
    [2, "same"],
    [2, "valid"],
  ] as const) {
    await assertIsDifference(
      (x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, strides, pad),
      [noise([2, 5, 6, 2], 5), noise([3, 2, 2, 3], 6)],
    );
  }
});

test("series are convolved likewise", async () => {
  for (const [stride, pad] of [
    [1, "same"],
    [2, "same"],
    [3, "valid"],
  ] as const) {
    await assertSameAsCpu(
      (x, w) => tf.conv1d(x as Tensor3D, w as Tensor3D, stride, pad),
      [noise([4, 33, 6], 7), noise([5, 6, 12], 8)],
    );
  }
});

test("transposed convolutions, and their gradients, are those of the cpu backend", async () => {
  for (const strides of [1, 2]) {
    const size = 4 * strides;
    await assertSameAsCpu(
      (x, w) => tf.conv2dTranspose(x as Tensor4D, w as Tensor4D, [2, size, size, 3], strides, "same"),
      [noise([2, 4, 4, 5], 9), noise([3, 3, 3, 5], 10)],
    );
  }
});

test("matrix products with turned factors are those of the cpu backend", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(between(1, 9), between(1, 9), between(1, 9)),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom([], [1], [3]),
      async ([m, k, n], transposeA, transposeB, leading) => {
        const shape = (rows: number, columns: number, isTurned: boolean) =>
          isTurned ? [...leading, columns, rows] : [...leading, rows, columns];
        await assertSameAsCpu(
          (a, b) => tf.matMul(a, b, transposeA, transposeB),
          [noise(shape(m, k, transposeA), 11), noise(shape(k, n, transposeB), 12)],
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("a factor that is multiplied in two shapes is not mistaken for the other", () => {
  const [a, b] = [noise([4, 4], 13), noise([2, 8], 14)];
  tf.tidy(() => {
    const second = tf.tensor(b.data, b.shape, "float32");
    const products = (reshaped: Tensor) => {
      const left = tf.tensor(a.data, a.shape, "float32");
      return tf.matMul(left, reshaped.as2D(4, 4), true, false).dataSync();
    };
    tf.matMul(tf.ones([3, 2]), second);
    assert.deepEqual(products(second), products(tf.tensor(b.data, b.shape, "float32")));
  });
});

test("channels that come first are refused", () => {
  const call = (kernel: string, inputs: Record<string, Tensor>, attrs: object) =>
    tf.tidy(() =>
      tf.engine().runKernel(kernel, inputs, { strides: 1, pad: "same", dataFormat: "NCHW", ...attrs }),
    );
  const [x, filter] = [tf.ones([1, 2, 4, 4]), tf.ones([3, 3, 2, 2])];
  const expected = {
    code: "usage",
    message:
      "on the wasm backend convolutions train with channels last, NHWC, not with NCHW. " +
      "Leave out dataFormat, and give tensors as [samples, height, width, channels].",
  };
  assert.throws(() => call("Conv2DBackpropFilter", { x, dy: x }, { filterShape: filter.shape }), expected);
  assert.throws(() => call("Conv2DBackpropInput", { dy: x, filter }, { inputShape: x.shape }), expected);
  tf.dispose([x, filter]);
});

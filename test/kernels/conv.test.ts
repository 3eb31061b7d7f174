// Gradients of convolutions and max pooling against plain loops, on whole numbers: there sums are exact in any order.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";

const memory = sharedMemory(2 ** 20);
const kernels = bindKernels(kernelModule(), memory);
const between = (min: number, max: number) => fc.integer({ min, max });

/** Whole numbers from -4 to 4 at an address, equal ones among neighbours. */
function fill(at: number, count: number, seed: number): Float32Array {
  const values = new Float32Array(memory.buffer, at, count);
  return values.map((_, k) => {
    values[k] = ((Math.imul(k + seed, 0x9e3779b1) >>> 16) % 9) - 4;
    return values[k]!;
  });
}

test("a sample's part of a filter's gradient is the sum over places of what met there", () => {
  fc.assert(
    fc.property(
      fc.tuple(between(1, 5), between(1, 5)),
      fc.tuple(between(1, 3), between(1, 3)),
      fc.tuple(between(1, 3), between(1, 3)),
      between(1, 5),
      fc.constantFrom(8, 16, 24),
      (
        [outHeight, outWidth],
        [filterHeight, filterWidth],
        [strideHeight, strideWidth],
        inChannels,
        outChannels,
      ) => {
        const height = (outHeight - 1) * strideHeight + filterHeight;
        const rowLength = ((outWidth - 1) * strideWidth + filterWidth) * inChannels;
        const covered = filterWidth * inChannels;
        const coveredWide = Math.ceil(covered / 4) * 4;
        const [xAt, dyAt, outAt] = [0, 2 ** 18, 2 ** 19];
        const x = fill(xAt, height * rowLength, 1);
        const dy = fill(dyAt, outHeight * outWidth * outChannels, 2);
        const before = fill(outAt, filterHeight * coveredWide * outChannels, 3);
        kernels.addFilterGradient(
          xAt,
          dyAt,
          outAt,
          rowLength,
          strideHeight * rowLength,
          strideWidth * inChannels,
          outHeight,
          outWidth,
          outChannels,
          filterHeight,
          coveredWide,
        );
        const found = new Float32Array(memory.buffer, outAt, before.length);
        for (let i = 0; i < filterHeight; i += 1) {
          for (let r = 0; r < covered; r += 1) {
            for (let o = 0; o < outChannels; o += 1) {
              const at = (i * coveredWide + r) * outChannels + o;
              let sum = before[at]!;
              for (let y = 0; y < outHeight; y += 1) {
                for (let z = 0; z < outWidth; z += 1) {
                  const met = x[(y * strideHeight + i) * rowLength + z * strideWidth * inChannels + r]!;
                  sum += met * dy[(y * outWidth + z) * outChannels + o]!;
                }
              }
              assert.equal(found[at], sum);
            }
          }
        }
      },
    ),
  );
});

test("the first maximum of each window gets its gradient, padding never, and an empty window nothing", () => {
  fc.assert(
    fc.property(
      fc.tuple(between(1, 6), between(1, 6)),
      fc.tuple(between(1, 3), between(1, 3)),
      fc.tuple(between(1, 3), between(1, 3)),
      fc.tuple(between(0, 3), between(0, 3)),
      fc.constantFrom(4, 8),
      ([inHeight, inWidth], filter, strides, [top, left], channels) => {
        const outHeight = Math.ceil((inHeight + top) / strides[0]);
        const outWidth = Math.ceil((inWidth + left) / strides[1]);
        const [xAt, dyAt, dxAt] = [0, 2 ** 18, 2 ** 19];
        const x = fill(xAt, inHeight * inWidth * channels, 4);
        const dy = fill(dyAt, outHeight * outWidth * channels, 5);
        fill(dxAt, x.length, 6);
        const sizes = [inHeight, inWidth, outHeight, outWidth, ...filter, ...strides, top, left] as const;
        kernels.maxPoolGradient(xAt, dyAt, dxAt, channels, ...sizes);
        const expected = new Float32Array(x.length);
        for (let at = 0; at < dy.length; at += 1) {
          const channel = at % channels;
          const place = (at - channel) / channels;
          let best: number | undefined;
          for (let i = 0; i < filter[0]; i += 1) {
            for (let j = 0; j < filter[1]; j += 1) {
              const row = Math.floor(place / outWidth) * strides[0] - top + i;
              const column = (place % outWidth) * strides[1] - left + j;
              if (row < 0 || row >= inHeight || column < 0 || column >= inWidth) continue;
              const from = (row * inWidth + column) * channels + channel;
              if (best === undefined || x[from]! > x[best]!) best = from;
            }
          }
          if (best !== undefined) expected[best]! += dy[at]!;
        }
        assert.deepEqual(new Float32Array(memory.buffer, dxAt, x.length).slice(), expected);
      },
    ),
  );
});

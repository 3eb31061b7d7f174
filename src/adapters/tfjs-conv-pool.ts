// Gradients of pooling, one pass over the windows each. TensorFlow.js's own search every window once for each place of
// the input; that of max pooling takes no number below 0 for a maximum, that of average pooling divides by places of
// padding too, which its forward pass does not count.
// Rule: each window hands out what it got, no more and no less: sum of dx = sum of dy.

import type { AvgPoolGradAttrs, MaxPoolGradAttrs, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Shape4, viewOf } from "./tfjs-conv-scratch.js";
import { copyPlaces, gradientKernels, reserve, roundUp } from "./tfjs-conv-workspace.js";
import type { TensorFlow } from "./tfjs-load.js";

interface PoolInputs {
  dy: TensorInfo;
  input: TensorInfo;
}

/** The kernel MaxPoolGrad. Of equal maxima the first in a window gets the gradient, as on TensorFlow.js's "cpu" backend. */
export function maxPoolGradient(
  tf: TensorFlow,
  backend: BackendWasm,
  { dy, input }: PoolInputs,
  { filterSize, strides, pad, dimRoundingMode }: MaxPoolGradAttrs,
): TensorInfo {
  const shape = input.shape as Shape4;
  const pool = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = pool;
  const wide = roundUp(inChannels, 4);
  const [inPlaces, outPlaces] = [inHeight * inWidth, outHeight * outWidth];
  const result = backend.makeOutput([...shape], "float32");
  const kernels = gradientKernels();
  const [x, given, taken] = reserve(inPlaces * wide, outPlaces * wide, inPlaces * wide);
  const [values, gradients, results] = [viewOf(backend, input), viewOf(backend, dy), viewOf(backend, result)];
  for (let sample = 0; sample < batchSize; sample += 1) {
    const inStart = sample * inPlaces * inChannels;
    const outStart = sample * outPlaces * inChannels;
    copyPlaces(
      { data: values, start: inStart, wide: inChannels },
      { data: x.data, start: 0, wide },
      inPlaces,
    );
    copyPlaces(
      { data: gradients, start: outStart, wide: inChannels },
      { data: given.data, start: 0, wide },
      outPlaces,
    );
    kernels.maxPoolGradient(
      x.at,
      given.at,
      taken.at,
      wide,
      inHeight,
      inWidth,
      outHeight,
      outWidth,
      pool.filterHeight,
      pool.filterWidth,
      pool.strideHeight,
      pool.strideWidth,
      pool.padInfo.top,
      pool.padInfo.left,
    );
    copyPlaces(
      { data: taken.data, start: 0, wide },
      { data: results, start: inStart, wide: inChannels },
      inPlaces,
    );
  }
  return result;
}

/** The kernel AvgPoolGrad: a window's gradient goes to its places within the input in equal parts. */
export function averagePoolGradient(
  tf: TensorFlow,
  backend: BackendWasm,
  { dy, input }: PoolInputs,
  { filterSize, strides, pad }: AvgPoolGradAttrs,
): TensorInfo {
  const pool = tf.backend_util.computePool2DInfo(input.shape as Shape4, filterSize, strides, 1, pad);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = pool;
  const result = backend.makeOutput([...input.shape], "float32");
  const [given, taken] = [viewOf(backend, dy), viewOf(backend, result)];
  taken.fill(0);
  let source = 0;
  for (let sample = 0; sample < batchSize; sample += 1) {
    for (let y = 0; y < outHeight; y += 1) {
      const top = y * pool.strideHeight - pool.padInfo.top;
      const startRow = Math.max(0, top);
      const endRow = Math.min(inHeight, top + pool.filterHeight);
      for (let x = 0; x < outWidth; x += 1) {
        const left = x * pool.strideWidth - pool.padInfo.left;
        const startColumn = Math.max(0, left);
        const endColumn = Math.min(inWidth, left + pool.filterWidth);
        const share = 1 / ((endRow - startRow) * (endColumn - startColumn));
        for (let row = startRow; row < endRow; row += 1) {
          let target = ((sample * inHeight + row) * inWidth + startColumn) * inChannels;
          for (let column = startColumn; column < endColumn; column += 1) {
            for (let channel = 0; channel < inChannels; channel += 1) {
              taken[target]! += given[source + channel]! * share;
              target += 1;
            }
          }
        }
        source += inChannels;
      }
    }
  }
  return result;
}

// The gradient of a convolution by its filter: for each sample, x with its padding and dy go to the workspace, and a
// kernel adds the sample's part to the sums. Composed of the backend's own kernels it would be a convolution whose
// filter is the whole batch, which is packed anew at every step and so takes three times as long.
// Rule: what the workspace holds does not depend on the size of the batch.

import type { Conv2DBackpropFilterAttrs, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { checkChannelsLast, type Shape4, viewOf } from "./tfjs-conv-scratch.js";
import { copyPlaces, gradientKernels, reserve, roundUp } from "./tfjs-conv-workspace.js";
import type { TensorFlow } from "./tfjs-load.js";

/** The kernel Conv2DBackpropFilter: [kh, kw, ci, co] from x [n, h, w, ci] and dy [n, oh, ow, co]. */
export function filterGradient(
  tf: TensorFlow,
  backend: BackendWasm,
  { x, dy }: { x: TensorInfo; dy: TensorInfo },
  attrs: Conv2DBackpropFilterAttrs,
): TensorInfo {
  const { strides, pad, dimRoundingMode, filterShape, dataFormat } = attrs;
  checkChannelsLast(dataFormat);
  const shape = x.shape as Shape4;
  const conv = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, padInfo } = conv;
  const { filterHeight, filterWidth, strideHeight, strideWidth } = conv;
  // Rows and columns of x, padding included, that the filter reaches.
  const height = (outHeight - 1) * strideHeight + filterHeight;
  const width = (outWidth - 1) * strideWidth + filterWidth;
  const rowCount = Math.min(inHeight, height - padInfo.top);
  const columnCount = Math.min(inWidth, width - padInfo.left);
  const covered = filterWidth * inChannels;
  const coveredWide = roundUp(covered, 4);
  const outWide = roundUp(outChannels, 8);
  const places = outHeight * outWidth;

  const result = backend.makeOutput([...filterShape], "float32");
  const kernels = gradientKernels();
  const [padded, given, sums] = reserve(
    height * width * inChannels,
    places * outWide,
    filterHeight * coveredWide * outWide,
  );
  const [values, gradients] = [viewOf(backend, x), viewOf(backend, dy)];
  for (let sample = 0; sample < batchSize; sample += 1) {
    for (let row = 0; row < rowCount; row += 1) {
      copyPlaces(
        { data: values, start: (sample * inHeight + row) * inWidth * inChannels, wide: inChannels },
        {
          data: padded.data,
          start: ((row + padInfo.top) * width + padInfo.left) * inChannels,
          wide: inChannels,
        },
        columnCount,
      );
    }
    copyPlaces(
      { data: gradients, start: sample * places * outChannels, wide: outChannels },
      { data: given.data, start: 0, wide: outWide },
      places,
    );
    kernels.addFilterGradient(
      padded.at,
      given.at,
      sums.at,
      width * inChannels,
      strideHeight * width * inChannels,
      strideWidth * inChannels,
      outHeight,
      outWidth,
      outWide,
      filterHeight,
      coveredWide,
    );
  }
  const filter = viewOf(backend, result);
  for (let row = 0; row < filterHeight; row += 1) {
    copyPlaces(
      { data: sums.data, start: row * coveredWide * outWide, wide: outWide },
      { data: filter, start: row * covered * outChannels, wide: outChannels },
      covered,
    );
  }
  return result;
}

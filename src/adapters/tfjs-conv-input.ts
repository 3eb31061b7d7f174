// The gradient of a convolution by its input, out of convolutions: dy goes through the filter turned round, with input
// and output channels exchanged. With strides only every s-th row of the filter meets a given row of the input, so rows
// fall into s phases, each with a small filter of its own: no multiplication by the zeros between strides.
// Rule: a place of the input belongs to exactly one phase.
//
//   one axis: place i = s * u + r - pad of the input, phase r:  dx[i] = sum over j of dy[u - j] * filter[r + s * j]

import type { Conv2DBackpropInputAttrs, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { checkChannelsLast, Scratch, type Shape4 } from "./tfjs-conv-scratch.js";
import type { TensorFlow } from "./tfjs-load.js";

/** One axis of a convolution. */
interface Axis {
  inLength: number;
  outLength: number;
  filterLength: number;
  stride: number;
  /** Places of padding before the first of the input. */
  padding: number;
}

/** A phase of an axis: which part of the filter it has, and which convolution of dy gives its places. */
interface Phase {
  axis: Axis;
  /** r: the first place of its filter. */
  start: number;
  tapCount: number;
  /** Its places of the input, as u: half-open. */
  firstU: number;
  endU: number;
  /** Padding of dy, and the u of the first number that comes out. */
  padBefore: number;
  padAfter: number;
  firstOut: number;
  outCount: number;
}

/** The kernel Conv2DBackpropInput: [n, h, w, ci] from dy [n, oh, ow, co] and the filter [kh, kw, ci, co]. */
export function inputGradient(
  tf: TensorFlow,
  backend: BackendWasm,
  { dy, filter }: { dy: TensorInfo; filter: TensorInfo },
  attrs: Conv2DBackpropInputAttrs,
): TensorInfo {
  const { strides, pad, dimRoundingMode, inputShape, dataFormat } = attrs;
  checkChannelsLast(dataFormat);
  const filterShape = filter.shape as Shape4;
  const conv = tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, 1, pad, dimRoundingMode);
  const vertical = phasesOf({
    inLength: conv.inHeight,
    outLength: conv.outHeight,
    filterLength: conv.filterHeight,
    stride: conv.strideHeight,
    padding: conv.padInfo.top,
  });
  const horizontal = phasesOf({
    inLength: conv.inWidth,
    outLength: conv.outWidth,
    filterLength: conv.filterWidth,
    stride: conv.strideWidth,
    padding: conv.padInfo.left,
  });
  return Scratch.use(tf, backend, (scratch) => {
    const [[rows], [columns]] = [vertical, horizontal];
    if (rows && columns && isWhole(rows) && isWhole(columns))
      return scratch.keep(convolve(scratch, dy, filter, rows, columns));
    const result = scratch.allocate([...inputShape]);
    scratch.view(result).fill(0);
    for (const rows of vertical) {
      for (const columns of horizontal) {
        const part = convolve(scratch, dy, filter, rows, columns);
        spread(scratch.view(part), scratch.view(result), rows, columns, conv);
      }
    }
    return scratch.keep(result);
  });
}

/** The phases that have both a part of the filter and places of the input; elsewhere the gradient is 0. */
function phasesOf(axis: Axis): Phase[] {
  const { inLength, outLength, filterLength, stride, padding } = axis;
  const phases: Phase[] = [];
  for (let start = 0; start < Math.min(stride, filterLength); start += 1) {
    const tapCount = Math.ceil((filterLength - start) / stride);
    const firstU = Math.max(0, Math.ceil((padding - start) / stride));
    const endU = Math.floor((inLength - 1 + padding - start) / stride) + 1;
    if (endU <= firstU) continue;
    // Where the padding would be less than nothing, more comes out than is used.
    const padBefore = Math.max(0, tapCount - 1 - firstU);
    const padAfter = Math.max(0, endU - outLength);
    const outCount = outLength + padBefore + padAfter - tapCount + 1;
    const firstOut = tapCount - 1 - padBefore;
    phases.push({ axis, start, tapCount, firstU, endU, padBefore, padAfter, firstOut, outCount });
  }
  return phases;
}

/** Whether a phase gives the whole axis, place by place. */
function isWhole({ axis, firstU, endU, firstOut, outCount }: Phase): boolean {
  return axis.stride === 1 && firstOut === firstU && outCount === endU - firstU;
}

function convolve(
  scratch: Scratch,
  dy: TensorInfo,
  filter: TensorInfo,
  rows: Phase,
  columns: Phase,
): TensorInfo {
  const [, width, inChannels, outChannels] = filter.shape as Shape4;
  const turned = scratch.allocate([rows.tapCount, columns.tapCount, outChannels, inChannels]);
  const [from, to] = [scratch.view(filter), scratch.view(turned)];
  let target = 0;
  for (let i = rows.tapCount - 1; i >= 0; i -= 1) {
    for (let j = columns.tapCount - 1; j >= 0; j -= 1) {
      const row = rows.start + rows.axis.stride * i;
      const column = columns.start + columns.axis.stride * j;
      const tap = (row * width + column) * inChannels * outChannels;
      for (let output = 0; output < outChannels; output += 1) {
        for (let input = 0; input < inChannels; input += 1) {
          to[target] = from[tap + input * outChannels + output]!;
          target += 1;
        }
      }
    }
  }
  const pad = [
    [0, 0],
    [rows.padBefore, rows.padAfter],
    [columns.padBefore, columns.padAfter],
    [0, 0],
  ];
  return scratch.run(
    "Conv2D",
    { x: dy, filter: turned },
    { strides: [1, 1], pad, dataFormat: "NHWC", dilations: [1, 1] },
  );
}

/** Puts the places of a phase where they belong, every `stride`-th. */
function spread(
  part: Float32Array,
  result: Float32Array,
  rows: Phase,
  columns: Phase,
  {
    batchSize,
    inHeight,
    inWidth,
    inChannels,
  }: { batchSize: number; inHeight: number; inWidth: number; inChannels: number },
): void {
  for (let sample = 0; sample < batchSize; sample += 1) {
    for (let v = rows.firstU; v < rows.endU; v += 1) {
      const row = rows.axis.stride * v + rows.start - rows.axis.padding;
      for (let u = columns.firstU; u < columns.endU; u += 1) {
        const column = columns.axis.stride * u + columns.start - columns.axis.padding;
        let source =
          ((sample * rows.outCount + v - rows.firstOut) * columns.outCount + u - columns.firstOut) *
          inChannels;
        let target = ((sample * inHeight + row) * inWidth + column) * inChannels;
        for (let channel = 0; channel < inChannels; channel += 1) {
          result[target] = part[source]!;
          source += 1;
          target += 1;
        }
      }
    }
  }
}

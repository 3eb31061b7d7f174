// Convolutions with padding "same" whose filter is shorter than their stride. The wasm backend works out how much to pad
// without minding that it can be less than nothing, and gives wrong numbers: there the padding is told in numbers.
// Rule: what the backend's own kernel does well goes to it untouched.

import type { Conv2DAttrs, KernelFunc, NamedAttrMap, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { Shape4 } from "./tfjs-conv-scratch.js";
import type { TensorFlow } from "./tfjs-load.js";

/** The kernels Conv2D and FusedConv2D, on top of the backend's own. */
export function convolveSame(
  tf: TensorFlow,
  backend: BackendWasm,
  inputs: { x: TensorInfo; filter: TensorInfo },
  attrs: Conv2DAttrs,
  stock: KernelFunc,
): TensorInfo {
  return stock({
    inputs,
    attrs: { ...attrs, pad: paddingOf(tf, inputs, attrs) } as unknown as NamedAttrMap,
    backend,
  }) as TensorInfo;
}

function paddingOf(
  tf: TensorFlow,
  { x, filter }: { x: TensorInfo; filter: TensorInfo },
  { pad, strides, dilations, dimRoundingMode, dataFormat }: Conv2DAttrs,
): Conv2DAttrs["pad"] {
  const [shape, filterShape] = [x.shape as Shape4, filter.shape as Shape4];
  const isShort = [strides].flat().some((stride) => Math.min(filterShape[0], filterShape[1]) < stride);
  if (pad !== "same" || dataFormat !== "NHWC" || !isShort) return pad;
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    shape,
    filterShape,
    strides,
    dilations,
    pad,
    dimRoundingMode,
  );
  return [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ];
}

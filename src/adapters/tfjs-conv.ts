// The kernels that TensorFlow.js's wasm backend lacks for training convolutions, or has only in a naive form. Called by
// `useWasm` once the backend is in use; from then on every model of the process trains with them.
// Rule: a backend that has a gradient of its own for the filter, the user's or TensorFlow.js's, is left as it is.

import type {
  AvgPoolGradAttrs,
  BatchMatMulAttrs,
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  KernelConfig,
  KernelFunc,
  MaxPoolGradAttrs,
  TensorInfo,
} from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { SpillwayError } from "../errors.js";
import { filterGradient } from "./tfjs-conv-filter.js";
import { inputGradient } from "./tfjs-conv-input.js";
import { averagePoolGradient, maxPoolGradient } from "./tfjs-conv-pool.js";
import { convolveSame } from "./tfjs-conv-same.js";
import type { TensorFlow } from "./tfjs-load.js";
import { multiplyMatrices } from "./tfjs-matmul.js";

/** What a kernel of some tensors is given. */
interface Call<Inputs extends string, Attrs> {
  inputs: Record<Inputs, TensorInfo>;
  attrs: Attrs;
  backend: BackendWasm;
}

/** Gradients that the backend does not have, with what needs them. */
const missingGradients = {
  DepthwiseConv2dNativeBackpropInput: "depthwise and separable convolutions",
  DepthwiseConv2dNativeBackpropFilter: "depthwise and separable convolutions",
  UnsortedSegmentSum: "embeddings and tf.gather",
};

/**
 * Puts kernels in place that train convolutions on the wasm backend, channels last.
 *
 * - conv1d, conv2d, conv2dTranspose with padding "same", "valid" or in numbers, and strides; maxPooling and
 *   averagePooling of series and pictures train by them.
 * - globalAveragePooling, globalMaxPooling, batchNormalization, dropout, dense layers train as shipped.
 * - Dilated convolutions do not train: TensorFlow.js has no gradient for them on any backend, and says so.
 * - Depthwise and separable convolutions and embeddings do not train: their gradients throw a SpillwayError.
 *
 * Done once: where there is a kernel Conv2DBackpropFilter already, because of an earlier call, the user's own or a later
 * TensorFlow.js, nothing changes. Kernels of your own for what is named here are registered after `useWasm`.
 */
export function registerConvolutions(tf: TensorFlow): void {
  if (isRegistered(tf, "Conv2DBackpropFilter")) return;
  const stock = (kernelName: string) => tf.getKernel(kernelName, "wasm").kernelFunc;
  const convolveAbove = (own: KernelFunc) =>
    kernel<Call<"x" | "filter", Conv2DAttrs>>(({ inputs, attrs, backend }) =>
      convolveSame(tf, backend, inputs, attrs, own),
    );
  const multiply = stock("BatchMatMul");
  const kernels: Record<string, KernelFunc> = {
    Conv2D: convolveAbove(stock("Conv2D")),
    FusedConv2D: convolveAbove(stock("FusedConv2D")),
    BatchMatMul: kernel<Call<"a" | "b", BatchMatMulAttrs>>(({ inputs, attrs, backend }) =>
      multiplyMatrices(tf, backend, inputs, attrs, multiply),
    ),
    Conv2DBackpropFilter: kernel<Call<"x" | "dy", Conv2DBackpropFilterAttrs>>(({ inputs, attrs, backend }) =>
      filterGradient(tf, backend, inputs, attrs),
    ),
    Conv2DBackpropInput: kernel<Call<"dy" | "filter", Conv2DBackpropInputAttrs>>(
      ({ inputs, attrs, backend }) => inputGradient(tf, backend, inputs, attrs),
    ),
    MaxPoolGrad: kernel<Call<"dy" | "input", MaxPoolGradAttrs>>(({ inputs, attrs, backend }) =>
      maxPoolGradient(tf, backend, inputs, attrs),
    ),
    AvgPoolGrad: kernel<Call<"dy" | "input", AvgPoolGradAttrs>>(({ inputs, attrs, backend }) =>
      averagePoolGradient(tf, backend, inputs, attrs),
    ),
  };
  for (const [kernelName, kernelFunc] of Object.entries(kernels)) {
    // TensorFlow.js warns of a kernel that is registered over another.
    if (isRegistered(tf, kernelName)) tf.unregisterKernel(kernelName, "wasm");
    tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
  }
  for (const [kernelName, layers] of Object.entries(missingGradients)) {
    if (!isRegistered(tf, kernelName)) tf.registerKernel(refusal(kernelName, layers));
  }
}

function isRegistered(tf: TensorFlow, kernelName: string): boolean {
  return tf.getKernel(kernelName, "wasm") !== undefined;
}

/** TensorFlow.js's type for all kernels names neither inputs nor attributes. */
function kernel<Given>(work: (call: Given) => TensorInfo): KernelFunc {
  return work as unknown as KernelFunc;
}

function refusal(kernelName: string, layers: string): KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: () => {
      throw new SpillwayError(
        "usage",
        `${layers} do not train on the wasm backend of TensorFlow.js, which has no ${kernelName}`,
        { remedy: 'Use ordinary convolutions or dense layers, or another backend: tf.setBackend("cpu").' },
      );
    },
  };
}

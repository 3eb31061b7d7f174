// Matrix products with a factor turned round, which is what the gradients of dense layers are. The wasm backend has
// them as three plain loops, 50 times slower than its product of factors as they lie: so the factor is turned first.
// Rule: what the backend's own kernel does well goes to it untouched.

import type { BatchMatMulAttrs, KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { Scratch } from "./tfjs-conv-scratch.js";
import type { TensorFlow } from "./tfjs-load.js";

/** The kernel BatchMatMul, on top of the backend's own: a [batch, m, k] * b [batch, k, n], or either of them turned. */
export function multiplyMatrices(
  tf: TensorFlow,
  backend: BackendWasm,
  { a, b }: { a: TensorInfo; b: TensorInfo },
  attrs: BatchMatMulAttrs,
  stock: KernelFunc,
): TensorInfo {
  const multiply = (a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: BatchMatMulAttrs) =>
    stock({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend }) as TensorInfo;
  const isTurned = attrs.transposeA || attrs.transposeB;
  if (!isTurned || !isMatrix(a) || !isMatrix(b)) return multiply(a, b, attrs);
  return Scratch.use(tf, backend, (scratch) => {
    const turned = (x: TensorInfo) => {
      const last = x.shape.length - 1;
      const perm = x.shape.map((_, axis) => (axis < last - 1 ? axis : 2 * last - 1 - axis));
      return scratch.run("Transpose", { x }, { perm });
    };
    const left = attrs.transposeA ? turned(a) : a;
    const right = attrs.transposeB ? turned(b) : copyOf(scratch, b);
    return multiply(left, right, { transposeA: false, transposeB: false });
  });
}

/** Whether a tensor is one matrix of float32, not several. */
function isMatrix({ shape, dtype }: TensorInfo): boolean {
  return dtype === "float32" && shape.slice(0, -2).every((length) => length === 1);
}

/** A copy: the backend keeps what it prepares of a second factor as long as that lives, by its id alone, whatever its shape. */
function copyOf(scratch: Scratch, tensor: TensorInfo): TensorInfo {
  const copy = scratch.allocate([...tensor.shape]);
  scratch.view(copy).set(scratch.view(tensor));
  return copy;
}

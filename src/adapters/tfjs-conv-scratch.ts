// What a convolution's kernel needs of the wasm backend: numbers on its heap, and the kernels that the backend has.
// Rule: a view of the heap is taken after the last allocation before its use, because a heap that grows takes all views
// with it; and what a kernel made on its way is freed when it ends, however it ends.

import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { SpillwayError } from "../errors.js";
import type { TensorFlow } from "./tfjs-load.js";

/** Shape of pictures, [samples, height, width, channels]; series have height 1. */
export type Shape4 = [number, number, number, number];

/** Values that a kernel makes on its way to its result. */
export class Scratch {
  readonly tf: TensorFlow;
  readonly backend: BackendWasm;
  readonly #own: TensorInfo[] = [];

  private constructor(tf: TensorFlow, backend: BackendWasm) {
    this.tf = tf;
    this.backend = backend;
  }

  /** Runs a kernel's work, then frees what it allocated and did not hand out by `keep`. */
  static use(tf: TensorFlow, backend: BackendWasm, work: (scratch: Scratch) => TensorInfo): TensorInfo {
    const scratch = new Scratch(tf, backend);
    try {
      return work(scratch);
    } finally {
      for (const { dataId } of scratch.#own) scratch.backend.disposeData(dataId);
    }
  }

  /** Room for float32 of that shape; what it holds is not defined. */
  allocate(shape: number[]): TensorInfo {
    return this.#take(this.backend.makeOutput(shape, "float32"));
  }

  /** What another kernel of the backend makes of tensors. */
  run(kernelName: string, inputs: NamedTensorInfoMap, attrs: NamedAttrMap): TensorInfo {
    const { kernelFunc } = this.tf.getKernel(kernelName, "wasm");
    return this.#take(kernelFunc({ inputs, attrs, backend: this.backend }) as TensorInfo);
  }

  /** Numbers of a tensor, valid until the next `allocate` or `run`. */
  view(tensor: TensorInfo): Float32Array {
    return viewOf(this.backend, tensor);
  }

  /** A tensor of this scratch that is the kernel's result, and so is not freed. */
  keep(tensor: TensorInfo): TensorInfo {
    this.#own.splice(this.#own.indexOf(tensor), 1);
    return tensor;
  }

  #take(tensor: TensorInfo): TensorInfo {
    this.#own.push(tensor);
    return tensor;
  }
}

/** Numbers of a float32 tensor, valid until the heap grows: with the next tensor that is made, maybe. */
export function viewOf(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** @throws SpillwayError `usage` for channels that do not come last */
export function checkChannelsLast(dataFormat: string): void {
  if (dataFormat === "NHWC") return;
  throw new SpillwayError(
    "usage",
    `on the wasm backend convolutions train with channels last, NHWC, not with ${dataFormat}`,
    { remedy: "Leave out dataFormat, and give tensors as [samples, height, width, channels]." },
  );
}

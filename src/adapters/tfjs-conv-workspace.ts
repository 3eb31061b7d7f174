// Memory in which Spillway's kernels compute gradients of convolutions: samples of tensors are copied in from
// TensorFlow.js's heap, which kernels of another module cannot reach, and results are copied back.
// Rule: it holds one sample at a time. It grows to the largest that was ever asked for, and stays.

import { bindKernels, type Kernels, kernelModule, pageBytes } from "../kernels/kernels.js";

/** 4 GiB, the most that a WebAssembly memory can have. */
const maximumPages = 65_536;

/** Room in the memory, zeros at first. */
export interface Room {
  /** Where it starts, for kernels: a byte offset. */
  at: number;
  data: Float32Array;
}

/** Memory, and the kernels that work on it. */
interface Workspace {
  memory: WebAssembly.Memory;
  kernels: Kernels;
}

let workspace: Workspace | undefined;

/** The kernels, bound to the one workspace of this thread: they run one after the other. */
export function gradientKernels(): Kernels {
  return theWorkspace().kernels;
}

/** Room for so many float32 each, valid until the next call. A kernel may read 16 bytes past the end of each. */
export function reserve<Counts extends readonly number[]>(
  ...counts: Counts
): { [Index in keyof Counts]: Room } {
  const { memory } = theWorkspace();
  let end = 0;
  const starts = counts.map((count) => {
    const start = end;
    end += roundUp(count * 4, 16) + 16;
    return start;
  });
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return counts.map((count, index) => {
    const data = new Float32Array(memory.buffer, starts[index]!, count);
    data.fill(0);
    return { at: starts[index]!, data };
  }) as { [Index in keyof Counts]: Room };
}

function theWorkspace(): Workspace {
  if (!workspace) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared: true });
    workspace = { memory, kernels: bindKernels(kernelModule(), memory) };
  }
  return workspace;
}

/** A run of places with their channels in some array: `wide` numbers from one place to the next. */
export interface Places {
  data: Float32Array;
  start: number;
  wide: number;
}

/** Copies the channels of `count` places from one array to another; of channels that only one has, nothing is touched. */
export function copyPlaces(from: Places, to: Places, count: number): void {
  if (from.wide === to.wide) {
    to.data.set(from.data.subarray(from.start, from.start + count * from.wide), to.start);
    return;
  }
  const channels = Math.min(from.wide, to.wide);
  for (let place = 0; place < count; place += 1) {
    const source = from.start + place * from.wide;
    const target = to.start + place * to.wide;
    for (let channel = 0; channel < channels; channel += 1)
      to.data[target + channel] = from.data[source + channel]!;
  }
}

/** The next multiple of `step`. */
export function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}

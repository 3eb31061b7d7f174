// The kernels as other folders use them: WebAssembly compiled once per process and bound, per thread, to the memory
// that holds the data. Addresses are byte offsets in that memory. The code itself is in wasm/ (AssemblyScript).
// Rule: a Kernels object never grows or keeps memory; it computes where the caller points.

import { readFileSync } from "node:fs";
import { type DType, elementBytes } from "../tensor/dtype.js";
import type { AugmentKernels } from "./augmentation.js";

/** Converts `count` values at `from` into float32 (or float16) at `to`. */
export type Convert = (from: number, to: number, count: number) => void;

/**
 * Decodes `count` values at `from` into float32 at `to`, by the parameters at `code` (see decoding.ts); the value at
 * `from` is the `first`-th element of a sample.
 */
export type Decode = (from: number, to: number, first: number, count: number, code: number) => void;

/** What the WebAssembly module exports; see wasm/ for the meaning of each. */
export interface Kernels extends AugmentKernels {
  copyRun(from: number, to: number, byteLength: number): void;
  xxh64Matches(at: number, length: number, sum: number): number;
  xxh64Runs(at: number, runLength: number, length: number, to: number): void;
  xxh64Start(state: number): void;
  xxh64Update(state: number, at: number, length: number): void;
  xxh64Finish(state: number, at: number, length: number): bigint;
  permuteRun(
    start: number,
    count: number,
    n: number,
    keys: number,
    rounds: number,
    leftBits: number,
    rightBits: number,
    to: number,
  ): void;
  placesOf(
    at: number,
    count: number,
    n: number,
    keys: number,
    rounds: number,
    leftBits: number,
    rightBits: number,
  ): void;
  nextOfClass(
    labels: number,
    width: number,
    rows: number,
    bits: number,
    label: number,
    row: number,
    skip: number,
  ): number;
  spreadFloat64(kind: number, from: number, to: number, runs: number, inner: number, step: number): number;
  spreadPair(from: number, to: number, next: number, rows: number, step: number): void;
  measureRun(at: number, count: number, state: number): number;
  fitRun(at: number, count: number, state: number): void;
  tryFormula(
    at: number,
    count: number,
    known: number,
    divided: number,
    scale: number,
    offset: number,
    trial: number,
  ): void;
  addFilterGradient(
    x: number,
    dy: number,
    out: number,
    rowLength: number,
    rowStep: number,
    columnStep: number,
    outHeight: number,
    outWidth: number,
    outChannels: number,
    filterHeight: number,
    covered: number,
  ): void;
  maxPoolGradient(
    x: number,
    dy: number,
    dx: number,
    channels: number,
    inHeight: number,
    inWidth: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
  ): void;
  uint8ToFloat32: Convert;
  int8ToFloat32: Convert;
  uint16ToFloat32: Convert;
  int16ToFloat32: Convert;
  uint32ToFloat32: Convert;
  int32ToFloat32: Convert;
  uint64ToFloat32: Convert;
  int64ToFloat32: Convert;
  float16ToFloat32: Convert;
  float64ToFloat32: Convert;
  float32ToFloat16: Convert;
  uint8Decode: Decode;
  int8Decode: Decode;
  uint16Decode: Decode;
  int16Decode: Decode;
  uint32Decode: Decode;
  int32Decode: Decode;
  uint64Decode: Decode;
  int64Decode: Decode;
  float16Decode: Decode;
  float32Decode: Decode;
  float64Decode: Decode;
}

/** Bytes of a WebAssembly page, the unit in which memory is taken. */
export const pageBytes = 65_536;

let compiled: WebAssembly.Module | undefined;

/** The compiled module; it can be posted to other threads, which then need not compile it. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL("./kernels.wasm", import.meta.url)));
  return compiled;
}

/** Kernels that work on `memory`, which must be shared. */
export function bindKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}

/** A shared memory of a fixed size, in bytes rounded up to whole pages; untouched pages cost nothing. */
export function sharedMemory(byteLength: number): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil(byteLength / pageBytes));
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/** The kernel that converts a dtype to float32; undefined for float32 itself, which needs none. */
export function converterOf(kernels: Kernels, dtype: DType): Convert | undefined {
  if (dtype === "float32") return undefined;
  return kernels[`${dtype === "bool" ? "uint8" : dtype}ToFloat32`];
}

/** The kernel that decodes a stored dtype. */
export function decoderOf(kernels: Kernels, dtype: DType): Decode {
  return kernels[`${dtype === "bool" ? "uint8" : dtype}Decode`];
}

/** Converts `count` numbers at `from`, whole samples, into what is delivered at `to`. */
export type Conversion = (from: number, to: number, count: number) => void;

/** What a field's records are, and what is delivered. */
export interface ConversionPlan {
  stored: DType;
  /** The stored dtype, "float32" or "float16". */
  delivered: DType;
  /** Offset of the parameters of its decoding; undefined where stored numbers are the values. */
  code: number | undefined;
}

/** Numbers that are float32 at once, on their way to float16: they stay in the first-level cache. */
export const blockElements = 2048;

/**
 * How a field's records are converted; undefined where they are delivered as they are.
 *
 * @param address start of the loop's reservation
 * @param block room for a block of float32, the reader's own
 */
export function conversionOf(
  kernels: Kernels,
  { stored, delivered, code }: ConversionPlan,
  address: number,
  block: number,
): Conversion | undefined {
  if (code === undefined && stored === delivered) return undefined;
  const decode = code === undefined ? undefined : decoderOf(kernels, stored);
  const at = address + (code ?? 0);
  if (delivered === "float32") {
    if (decode) return (from, to, count) => decode(from, to, 0, count, at);
    return converterOf(kernels, stored);
  }
  if (!decode && stored === "float32") return kernels.float32ToFloat16;
  const convert = converterOf(kernels, stored);
  const toFloat32: Decode = decode ?? ((from, to, _, count) => convert!(from, to, count));
  const storedBytes = elementBytes(stored);
  const deliveredBytes = elementBytes(delivered);
  return (from, to, count) => {
    for (let first = 0; first < count; first += blockElements) {
      const length = Math.min(blockElements, count - first);
      toFloat32(from + first * storedBytes, block, first, length, at);
      kernels.float32ToFloat16(block, to + first * deliveredBytes, length);
    }
  };
}

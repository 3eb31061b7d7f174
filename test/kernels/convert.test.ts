import assert from "node:assert/strict";
import { test } from "node:test";
import { bindKernels, converterOf, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { type DType, dtypes, elementBytes, viewAs } from "#spillway/tensor/dtype";

const memory = sharedMemory(2 ** 20);
const kernels = bindKernels(kernelModule(), memory);
const target = 2 ** 19;

/** float16 by its definition: sign, exponent, fraction. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function converted(dtype: DType, count: number): Float32Array {
  converterOf(kernels, dtype)!(64, target, count);
  return new Float32Array(memory.buffer, target, count);
}

test("every one of the 65,536 float16 values comes out as its definition says", () => {
  const source = new Uint16Array(memory.buffer, 64, 65_536);
  for (let bits = 0; bits < 65_536; bits += 1) source[bits] = bits;
  const out = converted("float16", 65_536);
  for (let bits = 0; bits < 65_536; bits += 1)
    assert.ok(Object.is(out[bits], half(bits)), `0x${bits.toString(16)}: ${out[bits]}`);
});

test("every 8-bit and 16-bit integer comes out exactly", () => {
  for (const dtype of ["uint8", "int8", "bool", "uint16", "int16"] as const) {
    const count = elementBytes(dtype) === 1 ? 256 : 65_536;
    const source = viewAs(dtype, memory.buffer, 64, count);
    for (let k = 0; k < count; k += 1) source[k] = k;
    const out = converted(dtype, count);
    for (let k = 0; k < count; k += 1) assert.equal(out[k], source[k], dtype);
  }
});

test("wide numbers round to the nearest float32, ties to even", () => {
  const values: Partial<Record<DType, (number | bigint)[]>> = {
    float64: [
      0,
      -0,
      0.1,
      -1e300,
      1e300,
      1e-40,
      1e-46,
      Math.PI,
      Number.NaN,
      16777217,
      16777219,
      Number.POSITIVE_INFINITY,
    ],
    uint32: [0, 1, 16777217, 16777219, 2 ** 31, 2 ** 32 - 1],
    int32: [0, -1, 16777217, -16777219, -(2 ** 31), 2 ** 31 - 1],
    uint64: [0n, 1n, 16777217n, 2n ** 63n, 2n ** 64n - 1n],
    int64: [0n, -1n, -16777219n, -(2n ** 63n), 2n ** 63n - 1n],
  };
  for (const [dtype, list] of Object.entries(values) as [DType, (number | bigint)[]][]) {
    // Twice, and one more, so that both the wide steps and the rest are used.
    const all = [...list, ...list, list[0]!];
    const source = viewAs(dtype, memory.buffer, 64, all.length);
    all.forEach((value, k) => {
      source[k] = value as never;
    });
    const out = converted(dtype, all.length);
    for (const [k, value] of all.entries()) {
      assert.ok(Object.is(out[k], Math.fround(Number(value))), `${dtype} ${value}: ${out[k]}`);
    }
  }
});

test("counts that are no multiple of a step leave what follows alone", () => {
  for (const dtype of dtypes) {
    const convert = converterOf(kernels, dtype);
    if (!convert) continue;
    for (let count = 0; count < 20; count += 1) {
      new Float32Array(memory.buffer, target, 40).fill(-7);
      convert(64, target, count);
      assert.equal(new Float32Array(memory.buffer, target, 40)[count], -7, `${dtype}, ${count}`);
    }
  }
});

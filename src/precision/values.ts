// Stored bytes as numbers and back: one array of float64 for every dtype, so that what measures and codes values is
// written once. Whole numbers of 64 bits are exact up to 2^53; beyond that they are said to be.

import { type DType, elementBytes, viewAs } from "../tensor/dtype.js";
import { fromFloat16, toFloat16 } from "../tensor/float16.js";

/** Largest finite float16 and float32. */
export const largestFinite: Readonly<Partial<Record<DType, number>>> = {
  float16: 65_504,
  float32: 3.4028234663852886e38,
};

/** Numbers of one dtype, in memory that is used again. */
export class Values {
  readonly dtype: DType;
  /** The numbers that the last `read` gave, or that `write` will take. */
  readonly numbers: Float64Array;
  /** Whole numbers beyond 2^53 that the last `read` met: they are not what they were. */
  inexact = 0;
  readonly #bytes: Uint8Array;
  readonly #raw: ReturnType<typeof viewAs>;

  constructor(dtype: DType, count: number) {
    this.dtype = dtype;
    const buffer = new ArrayBuffer(count * elementBytes(dtype));
    this.#bytes = new Uint8Array(buffer);
    this.#raw = viewAs(dtype, buffer, 0, count);
    this.numbers = dtype === "float64" ? (this.#raw as Float64Array) : new Float64Array(count);
  }

  /** Takes the bytes of as many numbers as there is room for, little-endian. */
  read(bytes: Uint8Array): Float64Array {
    const { numbers, dtype } = this;
    this.#bytes.set(bytes);
    if (dtype === "float64") return numbers;
    if (dtype === "float16") {
      const halves = this.#raw as Uint16Array;
      for (let k = 0; k < numbers.length; k += 1) numbers[k] = fromFloat16(halves[k]!);
    } else if (dtype === "int64" || dtype === "uint64") {
      const whole = this.#raw as BigInt64Array;
      this.inexact = 0;
      for (let k = 0; k < numbers.length; k += 1) {
        const number = Number(whole[k]!);
        numbers[k] = number;
        if (!Number.isSafeInteger(number)) this.inexact += 1;
      }
    } else numbers.set(this.#raw as Float32Array);
    return numbers;
  }

  /** Puts the numbers into bytes; those that are not in the dtype's range are cut off as typed arrays do. */
  write(bytes: Uint8Array): void {
    const { numbers, dtype } = this;
    if (dtype === "float16") {
      const halves = this.#raw as Uint16Array;
      for (let k = 0; k < numbers.length; k += 1) halves[k] = toFloat16(numbers[k]!);
    } else if (dtype === "int64" || dtype === "uint64") {
      const whole = this.#raw as BigInt64Array;
      for (let k = 0; k < numbers.length; k += 1) whole[k] = BigInt(numbers[k]!);
    } else if (dtype !== "float64") (this.#raw as Float32Array).set(numbers);
    bytes.set(this.#bytes);
  }
}

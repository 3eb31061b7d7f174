// Encodes the values of a tensor field, and decodes each at once to see what is left of it: whether it came back bit for
// bit, whether it is the same float32, how far it is off. What is claimed of a field rests on these tallies alone.

import type { DType } from "../tensor/dtype.js";
import { integerRanges } from "../tensor/dtype.js";
import type { CodeError } from "../tensor/encoding.js";
import { channelRuns, elementCount, type TensorField } from "../tensor/field.js";
import { fromFloat16, toFloat16 } from "../tensor/float16.js";
import { decodedOf, type Formula, formulaOf, storedOf } from "./formula.js";
import { largestFinite, Values } from "./values.js";

/** What became of the values of one channel. */
export interface CodeTally {
  /** Values coded so far. */
  count: number;
  /** Values beyond what can be stored, infinities and NaN among them where they cannot be. */
  clipped: number;
  /** Values that do not come back bit for bit, and those that do not give the same float32. */
  changed: number;
  changedAsFloat32: number;
  /** Largest and sum of squares of the differences; of finite values that were not clipped. */
  max: number;
  squares: number;
}

/** A value that cannot be stored. */
export interface Misfit {
  /** Place within the sample. */
  index: number;
  channel: number;
  value: number;
}

export class Coder {
  /** The field as it is stored. */
  readonly field: TensorField;
  readonly tallies: readonly CodeTally[];
  readonly #formulas: readonly Formula[];
  readonly #channels: number;
  readonly #inner: number;
  readonly #original: Values;
  readonly #stored: Values;
  readonly #spread: readonly Spread[];

  /** @param field with its encoding; of a claim or errors nothing is used */
  constructor(field: TensorField) {
    this.field = field;
    const { encoding, shape, dtype } = field;
    const { channels, inner } = channelRuns(shape, encoding?.axis);
    const codes = encoding?.channels ?? [];
    this.#channels = channels;
    this.#inner = inner;
    this.#formulas = Array.from({ length: channels }, (_, k) =>
      formulaOf(codes.length > 1 ? codes[k] : codes[0]),
    );
    this.tallies = this.#formulas.map(() => ({
      count: 0,
      clipped: 0,
      changed: 0,
      changedAsFloat32: 0,
      max: 0,
      squares: 0,
    }));
    this.#spread = this.#formulas.map(() => new Spread());
    const count = elementCount(field);
    this.#original = new Values(encoding?.original ?? dtype, count);
    this.#stored = new Values(dtype, count);
  }

  /**
   * Encodes a sample.
   *
   * @param original its bytes before
   * @param stored where its bytes go; left out where it is only counted what becomes of them
   * @returns the first value that cannot be stored, and was clipped
   */
  encode(original: Uint8Array, stored?: Uint8Array): Misfit | undefined {
    const values = this.#original.read(original);
    const target = this.#stored.numbers;
    let misfit: Misfit | undefined;
    for (let start = 0, run = 0; start < values.length; start += this.#inner, run += 1) {
      const channel = run % this.#channels;
      const index = this.#encodeRun(channel, values, target, start, start + this.#inner);
      if (index >= 0) misfit ??= { index, channel, value: values[index]! };
    }
    if (stored) this.#stored.write(stored);
    return misfit;
  }

  /** The values of stored bytes; valid until the next call. */
  decode(stored: Uint8Array): Float64Array {
    const numbers = this.#stored.read(stored);
    const values = this.#original.numbers;
    for (let start = 0, run = 0; start < values.length; start += this.#inner, run += 1) {
      const formula = this.#formulas[run % this.#channels]!;
      for (let k = start; k < start + this.#inner; k += 1) values[k] = decodedOf(numbers[k]!, formula);
    }
    return values;
  }

  /** The bytes of a sample before it was encoded, as far as they can be had. */
  restore(stored: Uint8Array, original: Uint8Array): void {
    this.decode(stored);
    this.#original.write(original);
  }

  /** How far values are off, by channel. */
  errors(): CodeError[] {
    return this.tallies.map(({ count, clipped, max, squares }, channel) => {
      const kept = Math.max(1, count - clipped);
      const rms = Math.sqrt(squares / kept);
      const power = this.#spread[channel]!.variance;
      return { max, rms, sqnrDb: squares === 0 ? null : 10 * Math.log10((power * kept) / squares), clipped };
    });
  }

  /** @returns the place of the first value that cannot be stored, -1 if all can */
  #encodeRun(
    channel: number,
    values: Float64Array,
    target: Float64Array,
    start: number,
    end: number,
  ): number {
    const formula = this.#formulas[channel]!;
    const tally = this.tallies[channel]!;
    const spread = this.#spread[channel]!;
    const { dtype } = this.field;
    const [low, high] = integerRanges[dtype] ?? [0, 0];
    const isInteger = high > 0;
    const limit = largestFinite[dtype] ?? Number.MAX_VALUE;
    let first = -1;
    for (let k = start; k < end; k += 1) {
      const value = values[k]!;
      let q = storedOf(value, formula);
      let isClipped = false;
      if (isInteger) {
        // Rounding gives -0 too, which no integer is.
        q = Math.round(q) + 0;
        isClipped = !(q >= low && q <= high);
        if (isClipped) q = q < low ? low : q > high ? high : 0;
      } else {
        const whole = Math.round(q);
        q = dtype === "float16" ? fromFloat16(toFloat16(q)) : dtype === "float32" ? Math.fround(q) : q;
        if (q === 0 && isSame(decodedOf(-0, formula), value)) q = -0;
        // A recorder's whole numbers are met up to rounding alone, which a float near 0 would keep.
        if (q !== whole && isSame(decodedOf(whole, formula), value) && isHeld(whole, dtype)) q = whole;
        isClipped = Math.abs(q) === Number.POSITIVE_INFINITY && Math.abs(value) !== Number.POSITIVE_INFINITY;
        if (isClipped) q = q < 0 ? -limit : limit;
      }
      target[k] = q;
      if (isClipped) {
        tally.clipped += 1;
        if (first < 0) first = k;
      }
      const back = decodedOf(q, formula);
      if (!isSame(back, value)) {
        tally.changed += 1;
        if (!isSame(Math.fround(back), Math.fround(value))) tally.changedAsFloat32 += 1;
        const error = Math.abs(back - value);
        if (!isClipped && error < Number.POSITIVE_INFINITY) {
          if (error > tally.max) tally.max = error;
          tally.squares += error * error;
        }
      }
      if (value - value === 0) spread.add(value);
    }
    tally.count += end - start;
    return first;
  }
}

/** Whether a float type holds a whole number. */
function isHeld(whole: number, dtype: DType): boolean {
  return dtype === "float16"
    ? fromFloat16(toFloat16(whole)) === whole
    : dtype !== "float32" || Math.fround(whole) === whole;
}

/** The same number, zeros told apart, NaN as NaN. */
function isSame(a: number, b: number): boolean {
  return a === b ? a !== 0 || 1 / a === 1 / b : Number.isNaN(a) && Number.isNaN(b);
}

/** Variance of values as they come, from differences to the first: large offsets cost no digits. */
class Spread {
  #first = 0;
  #count = 0;
  #sum = 0;
  #squares = 0;

  add(value: number): void {
    if (this.#count === 0) this.#first = value;
    const difference = value - this.#first;
    this.#count += 1;
    this.#sum += difference;
    this.#squares += difference * difference;
  }

  get variance(): number {
    if (this.#count === 0) return 0;
    const mean = this.#sum / this.#count;
    return Math.max(0, this.#squares / this.#count - mean * mean);
  }
}

// How a field's stored numbers become what is delivered, as parameters for the kernels of wasm/decode.ts: a formula per
// channel, or per element of a period, in which normalisation is folded in. Made once per loop, and laid out where the
// kernels read it.
//
//   runs    channels of many elements each (channels first), or one formula for all: zero, scale, divisor, offset of each
//   table   channels that change from element to element (channels last): these four for each element of a period
//
// Rule: without normalisation the steps are those of FORMAT.md ("Encodings"), and what a formula leaves out is a number
// that changes nothing: -0, 1, 1, -0. They are done in float32 where that is known to give the same.

import { type DType, elementBytes, viewAs } from "../tensor/dtype.js";
import type { ChannelCode } from "../tensor/encoding.js";
import { channelRuns, type TensorField } from "../tensor/field.js";
import type { Decode, Kernels } from "./kernels.js";

/** Delivered is (value - shift) * factor, per place of an axis, or with one of each for all. */
export interface Normalisation {
  /** Axis of a sample; may be left out where there is one shift and factor. */
  axis?: number | undefined;
  /** In the unit of the values. */
  shift: ArrayLike<number>;
  factor: ArrayLike<number>;
}

/** A formula with nothing left out: ((q + zero) * scale) / divisor + offset. */
export interface Formula {
  zero: number;
  scale: number;
  divisor: number;
  offset: number;
}

/** Which operations there are: 0 scale and offset, 1 also zero, 2 also divisor; 3 and 4 are 1 and 2 in float32. */
type Steps = 0 | 1 | 2 | 3 | 4;

/** Parameters of a field's decoding. */
export interface Decoding {
  /** One, or one for each channel. */
  formulas: readonly Formula[];
  layout: { kind: "runs"; inner: number } | { kind: "table"; inner: number; period: number };
  steps: Steps;
  /** Bytes that it takes where kernels read it. */
  byteLength: number;
}

const headBytes = 16;
/** Bytes of a formula, in float64 and in float32. */
const formulaBytes = 32;
const singleBytes = 16;

/** Runs that are shorter pay for their start: a table is faster. */
const shortRun = 32;

/** Tables of short runs do not exceed this, a part of the second-level cache. */
const maxTableBytes = 65_536;

/** A table has at least so many elements, so that the loop over it is worth its start. */
const leastPeriod = 64;

/** Elements that a kernel decodes at once. */
const lanes = 4;

const unchanged: Formula = { zero: -0, scale: 1, divisor: 1, offset: -0 };

/**
 * How a field is decoded; undefined where its stored numbers are converted as they are.
 *
 * @param normalisation the axis, where it has one and the encoding too, is the encoding's
 */
export function planDecoding(
  { dtype, shape, encoding }: TensorField,
  normalisation?: Normalisation,
): Decoding | undefined {
  const codes = encoding?.channels.map(formulaOf) ?? [];
  if (!normalisation && codes.every((code) => isUnchanged(code, dtype))) return undefined;
  const formulas = normalisation ? normalised(codes, normalisation) : codes;
  const isPerChannel = formulas.length > 1;
  const axis = encoding?.axis ?? normalisation?.axis;
  const { channels, inner } = channelRuns(shape, isPerChannel ? axis : undefined);
  const steps = stepsOf(formulas, dtype, normalisation !== undefined);
  const bytes = steps > 2 ? singleBytes : formulaBytes;
  // One formula: a run without an end.
  if (!isPerChannel) return asRuns(formulas, 0xffffffff, steps);
  const period = channels * inner;
  if (inner >= shortRun || (inner > 1 && period * bytes > maxTableBytes))
    return asRuns(formulas, inner, steps);
  const whole = wholePeriod(period);
  return {
    formulas,
    layout: { kind: "table", inner, period: whole },
    steps,
    byteLength: headBytes + whole * bytes,
  };
}

function stepsOf(formulas: readonly Formula[], dtype: DType, isNormalised: boolean): Steps {
  const divides = formulas.some(({ divisor }) => divisor !== 1);
  if (!isNormalised && formulas.every((formula) => isSameInSingle(formula, dtype))) return divides ? 4 : 3;
  if (divides) return 2;
  return formulas.some(({ zero }) => !Object.is(zero, -0)) ? 1 : 0;
}

/** Largest magnitude of the integers that may be decoded in float32. */
const mostStored: Partial<Record<DType, number>> = {
  bool: 255,
  uint8: 255,
  int8: 128,
  uint16: 65_535,
  int16: 32_768,
};

/** Numbers of this size and its inverse are far from where float32 ends. */
const moderate = 2 ** 100;

/**
 * Whether float32 arithmetic gives what rounding the result of float64 gives. It does for one operation on two numbers
 * that float32 holds: rounding first to 53 bits, then to 24, is then rounding once (S. A. Figueroa, "When is double
 * rounding innocuous?", 1995). So all but the last of the operations that change something must be exact.
 */
function isSameInSingle({ zero, scale, divisor, offset }: Formula, dtype: DType): boolean {
  const most = mostStored[dtype];
  if (most === undefined) return false;
  const moved = most + Math.abs(zero);
  const isModerate = [scale, divisor].every((by) => Math.abs(by) < moderate && Math.abs(by) > 1 / moderate);
  if (!isModerate || Math.abs(offset) > moderate || moved > 2 ** 24) return false;
  if (![zero, scale, divisor, offset].every((number) => Object.is(number, Math.fround(number)))) return false;
  if (Object.is(offset, -0)) return true;
  // A product of so few bits is exact, and the sum is then the one operation that rounds.
  return divisor === 1 && Math.ceil(Math.log2(moved + 1)) + significantBits(scale) <= 24;
}

/** Bits from the first to the last that is set, of a float32. */
function significantBits(number: number): number {
  const fraction = new Uint32Array(Float32Array.of(number).buffer)[0]! & 0x7fffff;
  if (fraction === 0) return 1;
  return 24 - (31 - Math.clz32(fraction & -fraction));
}

function asRuns(formulas: readonly Formula[], inner: number, steps: Steps): Decoding {
  const byteLength = headBytes + formulas.length * (steps > 2 ? singleBytes : formulaBytes);
  return { formulas, layout: { kind: "runs", inner }, steps, byteLength };
}

/** The period, again and again until it is long enough and a multiple of the lanes, unless it is long anyway. */
function wholePeriod(period: number): number {
  if (period * formulaBytes * lanes > maxTableBytes) return period;
  let whole = period;
  while (whole < leastPeriod || whole % lanes !== 0) whole += period;
  return whole;
}

/** A channel's formula with nothing left out. */
export function formulaOf(code: ChannelCode): Formula {
  const { zero = unchanged.zero } = code;
  if (code.kind === "divided") return { ...unchanged, zero, divisor: code.divisor };
  const { scale = unchanged.scale, offset = unchanged.offset } = code;
  return { ...unchanged, zero, scale, offset };
}

function changesNothing(code: Formula): boolean {
  return Object.entries(unchanged).every(([key, value]) => Object.is(code[key as keyof Formula], value));
}

/** Whether a formula gives the stored number itself. 64-bit integers go through float64, which may round them. */
function isUnchanged(code: Formula, dtype: DType): boolean {
  return dtype !== "uint64" && dtype !== "int64" && changesNothing(code);
}

/** Formulas of the values, with normalisation folded in; each number rounded once more than without. */
function normalised(codes: readonly Formula[], { shift, factor }: Normalisation): Formula[] {
  const count = Math.max(codes.length, shift.length, factor.length);
  return Array.from({ length: count }, (_, channel) => {
    const code = (codes.length > 1 ? codes[channel] : codes[0]) ?? unchanged;
    const moved = shift[shift.length > 1 ? channel : 0]!;
    const times = factor[factor.length > 1 ? channel : 0]!;
    // Stored values are moved before they are scaled: a large mean then costs no digits.
    if (changesNothing(code)) return { ...unchanged, zero: -moved, scale: times };
    const scale = (code.scale * times) / code.divisor;
    return { zero: code.zero, scale, divisor: 1, offset: (code.offset - moved) * times };
  });
}

/** Lays parameters out where a kernel reads them. @param address a multiple of 8 */
export function writeDecoding(decoding: Decoding, buffer: ArrayBufferLike, address: number): void {
  const { formulas, layout, steps } = decoding;
  const isTable = layout.kind === "table";
  const head = new Uint32Array(buffer, address, headBytes / 4);
  head.set([isTable ? 0 : layout.inner, isTable ? layout.period : formulas.length, steps, 0]);
  const dtype = steps > 2 ? "float32" : "float64";
  const count = (decoding.byteLength - headBytes) / elementBytes(dtype);
  const numbers = viewAs(dtype, buffer, address + headBytes, count) as Float64Array;
  if (!isTable) {
    formulas.forEach(({ zero, scale, divisor, offset }, channel) => {
      numbers.set([zero, scale, divisor, offset], channel * 4);
    });
    return;
  }
  const { inner, period } = layout;
  for (let at = 0; at < period; at += 1) {
    const { zero, scale, divisor, offset } = formulas[Math.floor(at / inner) % formulas.length]!;
    numbers[at] = zero;
    numbers[at + period] = scale;
    numbers[at + 2 * period] = divisor;
    numbers[at + 3 * period] = offset;
  }
}

/** One number decoded, as float64: what the kernels do. */
export function decodeNumber(q: number, { zero, scale, divisor, offset }: Formula): number {
  return ((q + zero) * scale) / divisor + offset;
}

/** The kernel that decodes a stored dtype. */
export function decoderOf(kernels: Kernels, dtype: DType): Decode {
  return kernels[`${dtype === "bool" ? "uint8" : dtype}Decode`];
}

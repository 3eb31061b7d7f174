// What a channel would be in each type: how many bytes, with which formula, what comes back and what is lost. Lossless and
// exact rest on facts about every value; how much a lossy type loses is measured on the kept values, and bounded by half
// a step for all.

import type { DType } from "../tensor/dtype.js";
import { bytesOf, elementBytes, integerRanges } from "../tensor/dtype.js";
import type { ChannelCode, Claim } from "../tensor/encoding.js";
import type { TensorField } from "../tensor/field.js";
import { Coder } from "./coder.js";
import { type ChannelFacts, deviation, notFinite } from "./facts.js";
import { decodedOf, formulaOf } from "./formula.js";
import { ulpOf } from "./levels.js";
import type { Settled } from "./settled.js";

/** One way to store a channel. */
export interface Candidate {
  dtype: DType;
  /** "as it is": stored numbers are the values; "steps": the step was found; "range" and "standardised" fit the range. */
  form: "as it is" | "steps" | "range" | "standardised";
  bytesPerValue: number;
  /** undefined where stored numbers are the values. */
  code?: ChannelCode;
  /** "none": it cannot be stored so, `outOfRange` says how much of it. */
  claim: Claim | "none";
  /** Values that the type has no place for: beyond its range; for integers also NaN and infinities. */
  outOfRange: number;
  /** Differences on the kept values, in the unit of the values; 0 where nothing is lost. */
  maxError: number;
  rmsError: number;
  /** 10 log10 of the variance of all values over the mean square difference; null without loss, and of constants. */
  sqnrDb: number | null;
  /** No value within range is further off. */
  bound: number;
  /** Values that the errors were measured on. */
  measuredOn: number;
}

/** Whole numbers in a row that a type holds exactly, and the least of them. */
const wholes: readonly { dtype: DType; least: number; steps: number; hasNaN: boolean }[] = [
  { dtype: "uint8", least: 0, steps: 2 ** 8 - 1, hasNaN: false },
  { dtype: "int16", least: -(2 ** 15), steps: 2 ** 16 - 1, hasNaN: false },
  { dtype: "float16", least: -2048, steps: 4096, hasNaN: true },
  { dtype: "int32", least: -(2 ** 31), steps: 2 ** 32 - 1, hasNaN: false },
  { dtype: "float32", least: -(2 ** 24), steps: 2 ** 25, hasNaN: true },
];

/** Stretches of kept values, as `channelValues` gives them. */
export interface KeptValues {
  values: Float64Array;
  /** Values in a stretch. */
  length: number;
}

/** A channel as it is. */
export function asItIs(dtype: DType): Candidate {
  return lossless(dtype, "as it is");
}

/** Every way to store a channel that makes sense for its original dtype; the first is as it is. */
export function candidatesOf(
  original: DType,
  facts: ChannelFacts,
  settled: Settled | undefined,
  kept: KeptValues,
): Candidate[] {
  const isFloat = original.startsWith("float");
  const list = [asItIs(original), ...floats(original, facts, kept), ...steps(original, facts, settled)];
  if (isFloat && facts.finite > 0 && facts.max > facts.min) list.push(...ranges(facts, kept, list));
  return list;
}

function lossless(dtype: DType, form: Candidate["form"], code?: ChannelCode): Candidate {
  return {
    dtype,
    form,
    bytesPerValue: elementBytes(dtype),
    ...(code ? { code } : {}),
    claim: "lossless",
    outOfRange: 0,
    maxError: 0,
    rmsError: 0,
    sqnrDb: null,
    bound: 0,
    measuredOn: 0,
  };
}

/** float32 and float16, as they are and standardised. */
function floats(original: DType, facts: ChannelFacts, kept: KeptValues): Candidate[] {
  const list: Candidate[] = [];
  const magnitude = magnitudeOf(facts);
  if (original !== "float32" && original !== "float16") {
    if (facts.areAll.float32) list.push(lossless("float32", "as it is"));
    else {
      list.push({
        ...measured("float32", "as it is", undefined, facts, kept),
        claim: facts.beyond.float32 > 0 ? "lossy" : "exact",
        outOfRange: facts.beyond.float32,
        bound: Math.max(magnitude * 2 ** -24, 2 ** -150),
      });
    }
  }
  if (original === "float16") return list;
  if (facts.areAll.float16) list.push(lossless("float16", "as it is"));
  else {
    const bound = Math.max(magnitude * 2 ** -11, 2 ** -25);
    const raw = measured("float16", "as it is", undefined, facts, kept);
    list.push({ ...raw, outOfRange: facts.beyond.float16, bound });
  }
  const scale = deviation(facts);
  if (scale > 0 && scale < Number.POSITIVE_INFINITY) {
    const code = { kind: "scaled", scale, offset: facts.mean } as const;
    const away = Math.max(facts.max - facts.mean, facts.mean - facts.min) / scale;
    const bound = scale * Math.max(away * 2 ** -11, 2 ** -25);
    list.push({ ...measured("float16", "standardised", code, facts, kept), bound });
  }
  return list;
}

/** Types that count the steps of the formula that was found; of floats those that do not hold the values as they are. */
function steps(original: DType, facts: ChannelFacts, settled: Settled | undefined): Candidate[] {
  if (!settled) return [];
  const isFloat = original.startsWith("float");
  const { code, low, high, loses } = settled;
  const missing = notFinite(facts);
  // Infinity times a negative scale would change its sign.
  if (missing > facts.nan && isNegative(code)) return [];
  const list: Candidate[] = [];
  for (const { dtype, least, steps: most, hasNaN } of wholes) {
    if (high - low > most || (hasNaN ? !isFloat : missing > 0)) continue;
    if (hasNaN && (elementBytes(dtype) >= elementBytes(original) || isHeld(dtype, facts))) continue;
    const zero = low >= least && high <= least + most ? 0 : low - least;
    const whole: ChannelCode = zero === 0 ? code : { ...code, zero };
    const isPlain = whole.kind === "scaled" && Object.keys(whole).length === 1;
    list.push({
      ...lossless(dtype, isPlain ? "as it is" : "steps", isPlain ? undefined : whole),
      ...(loses === "bits" ? { claim: "exact", bound: magnitudeOf(facts) * 2 ** -24 } : {}),
      ...(loses === "signs" && !(hasNaN && Object.is(decodedOf(-0, formulaOf(whole)), -0))
        ? { claim: "lossy" }
        : {}),
    });
  }
  return list;
}

function isHeld(dtype: DType, { areAll }: ChannelFacts): boolean {
  return dtype === "float16" ? areAll.float16 : areAll.float32;
}

function magnitudeOf({ min, max }: ChannelFacts): number {
  return Math.max(Math.abs(min), Math.abs(max));
}

function isNegative(code: ChannelCode): boolean {
  return code.kind === "divided" ? code.divisor < 0 : (code.scale ?? 1) < 0;
}

/** int16 and uint8 over the range of the values, where they are not in the list without loss. */
function ranges(facts: ChannelFacts, kept: KeptValues, before: readonly Candidate[]): Candidate[] {
  const list: Candidate[] = [];
  for (const dtype of ["int16", "uint8"] as const) {
    if (before.some((one) => one.dtype === dtype)) continue;
    const code = rangeCode(dtype, facts);
    if (!code) continue;
    const missing = notFinite(facts);
    list.push({
      ...measured(dtype, "range", code, facts, kept),
      ...(missing > 0 ? { claim: "none" as const } : {}),
      outOfRange: missing,
      // Half a step, and what float64 rounds while decoding.
      bound: code.scale! / 2 + magnitudeOf(facts) * 2 ** -52,
    });
  }
  return list;
}

/** Scale and offset that spread an integer type over the range; undefined where float64 cannot tell its steps apart. */
function rangeCode(dtype: "int16" | "uint8", { min, max }: ChannelFacts) {
  const [low, high] = integerRanges[dtype]!;
  const scale = max / (high - low) - min / (high - low);
  if (!(scale > 2 ** -1000 && scale > 4 * ulpOf(Math.max(-min, max)))) return undefined;
  return { kind: "scaled", scale, offset: min - low * scale } as const;
}

/** A lossy way, with its errors on the kept values. */
function measured(
  dtype: DType,
  form: Candidate["form"],
  code: ChannelCode | undefined,
  facts: ChannelFacts,
  { values, length }: KeptValues,
): Candidate {
  const field: TensorField = {
    kind: "tensor",
    dtype,
    shape: [length],
    encoding: { original: "float64", claim: "lossy", channels: code ? [code] : [] },
  };
  const coder = new Coder(field);
  const bytes = bytesOf(values);
  const stored = new Uint8Array(length * elementBytes(dtype));
  for (let start = 0; start < bytes.length; start += length * 8) {
    coder.encode(bytes.subarray(start, start + length * 8), stored);
  }
  const { count, clipped, max, squares } = coder.tallies[0]!;
  const rms = Math.sqrt(squares / Math.max(1, count - clipped));
  const variance = deviation(facts) ** 2;
  return {
    dtype,
    form,
    bytesPerValue: elementBytes(dtype),
    ...(code ? { code } : {}),
    claim: "lossy",
    outOfRange: 0,
    maxError: max,
    rmsError: rms,
    sqnrDb: rms === 0 || variance === 0 ? null : 10 * Math.log10(variance / rms ** 2),
    bound: 0,
    measuredOn: values.length,
  };
}

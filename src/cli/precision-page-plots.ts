// Numbers of the plots of a channel, from the stretches of values that were kept: a histogram, a stretch with what each
// way makes of it, and spectra. What a way makes of values is computed by encoding and decoding them as a pack would.

import type { Candidate } from "../precision/candidates.js";
import { Coder } from "../precision/coder.js";
import type { ChannelReport } from "../precision/report.js";
import { bytesOf, elementBytes } from "../tensor/dtype.js";
import type { Histogram, Spectra, Steps, Stretch } from "./precision-page-data.js";
import { meanPower, wholeSegments } from "./precision-page-spectrum.js";

/** How much is drawn of a channel. */
export interface Detail {
  /** Values of the stretch. */
  values: number;
  /** Values of a segment of the spectrum, at most. */
  segment: number;
  bins: number;
}

/** Kept values of a channel, stretch after stretch, `length` in each. */
export interface KeptChannel {
  values: Float64Array;
  length: number;
}

const mostSegments = 16;
/** Stretches below this are joined, since no course of time can be seen in them. */
const shortestSeries = 16;
/** How much longer than from the 1st to the 99th percentile a range is before its ends are gathered in one bin each. */
const longTails = 8;

/** What a way makes of values; they themselves where they cannot be stored so. */
export function reducedBy(candidate: Candidate | undefined, values: Float64Array): Float64Array {
  if (!candidate) return values;
  const { dtype, code, claim } = candidate;
  const coder = new Coder({
    kind: "tensor",
    dtype,
    shape: [values.length],
    encoding: {
      original: "float64",
      claim: claim === "none" ? "lossy" : claim,
      channels: code ? [code] : [],
    },
  });
  const stored = new Uint8Array(values.length * elementBytes(dtype));
  coder.encode(bytesOf(values), stored);
  return coder.decode(stored).slice();
}

/** Finite kept values in bins of one width, whole multiples of the step where there is one. */
export function histogramOf(
  { values }: KeptChannel,
  step: number | null,
  bins: number,
): Histogram | undefined {
  const finite = values.filter((value) => value - value === 0).sort();
  if (finite.length === 0) return undefined;
  const [first, last] = [finite[0]!, finite[finite.length - 1]!];
  const markAt = (share: number) => finite[Math.round(share * (finite.length - 1))]!;
  const core = markAt(0.99) - markAt(0.01);
  const isCut = core > 0 && last - first > longTails * core;
  const [low, high] = isCut
    ? [Math.max(first, markAt(0.01) - core / 4), Math.min(last, markAt(0.99) + core / 4)]
    : [first, last];
  if (!(high > low)) {
    const width = Math.max(Math.abs(low) / 8, 2 ** -40);
    return { low: low - width / 2, width, counts: [finite.length], isCut: false };
  }
  // A bin of 2.5 steps would hold two levels here and three there, and show a comb that is none.
  const levels = step ? (high - low) / step : 0;
  const perBin = step && levels > 1 && levels < 2 ** 53 ? Math.ceil(levels / bins) * step : 0;
  const width = perBin || partOf(low, high, bins);
  const start = perBin ? low - step! / 2 : low;
  const count = Math.max(1, Math.min(bins + 1, Math.ceil((high - start) / width)));
  const counts = new Array<number>(count).fill(0);
  for (const value of finite) {
    const bin = Math.floor(stepsFrom(start, value, width));
    counts[Math.max(0, Math.min(count - 1, bin))]! += 1;
  }
  return { low: start, width, counts, isCut };
}

/** Some values in a row, and the error of each way on them. */
export function stretchOf(
  { values, length }: KeptChannel,
  ways: readonly (Candidate | undefined)[],
  most: number,
): Stretch {
  const isSeries = length >= shortestSeries;
  const start = isSeries ? telling(values, length) : 0;
  const own = values.slice(start, start + Math.min(most, isSeries ? length : values.length));
  const errors = ways.map((way): Steps | null => {
    const reduced = reducedBy(way, own);
    const error = own.map((value, k) => (value - value === 0 ? reduced[k]! - value : Number.NaN));
    return error.some((one) => Math.abs(one) > 0) ? stepsOf(error, 2000) : null;
  });
  return { values: stepsOf(own, 10_000), errors, isSeries };
}

/** Where the stretch begins that has the most changes from value to value: one that shows something. */
function telling(values: Float64Array, length: number): number {
  let [best, most] = [0, -1];
  for (let start = 0; start + length <= values.length; start += length) {
    let changes = 0;
    for (let k = start + 1; k < start + length; k += 1) {
      const change = values[k]! - values[k - 1]!;
      if (change !== 0 && change - change === 0) changes += 1;
    }
    if (changes > most) [best, most] = [start, changes];
    if (changes > 0.9 * length) break;
  }
  return best;
}

/** Power of the signal and of the errors over frequency. */
export function spectraOf(
  { values, length }: KeptChannel,
  ways: readonly (Candidate | undefined)[],
  { deviation }: Pick<ChannelReport, "deviation">,
  longest: number,
): Spectra | undefined {
  const { starts, size } = wholeSegments(values, length, { longest, most: mostSegments });
  const segments = starts.map((start) => values.slice(start, start + size));
  const powers = meanPower(segments);
  const reference = deviation ** 2;
  if (!powers || !(reference > 0 && reference < Number.POSITIVE_INFINITY)) return undefined;
  const decibels = (power: number) =>
    power > 0 ? Math.round(100 * Math.log10(power / reference)) / 10 : null;
  return {
    signal: Array.from(powers, decibels),
    errors: ways.map((way) => {
      const errors = segments.map((segment) => {
        const reduced = reducedBy(way, segment);
        return segment.map((value, k) => reduced[k]! - value);
      });
      if (!errors.some((error) => error.some((one) => one !== 0))) return null;
      return Array.from(meanPower(errors)!, decibels);
    }),
  };
}

/** One of so many parts of a range, which may be wider than the largest number; never 0. */
function partOf(low: number, high: number, parts: number): number {
  const range = high - low;
  const part = range < Number.POSITIVE_INFINITY ? range / parts : high / parts - low / parts;
  return Math.min(Number.MAX_VALUE, Math.max(part, Number.MIN_VALUE));
}

/** Steps from one number to another, also where their difference is beyond the largest number. */
function stepsFrom(from: number, to: number, step: number): number {
  const away = to - from;
  return away < Number.POSITIVE_INFINITY ? away / step : to / step - from / step;
}

/** Numbers rounded to so many steps of their range; what is not finite is left out. */
export function stepsOf(values: Float64Array, resolution: number): Steps {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value - value !== 0) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { from: 0, step: 0, counts: Array.from(values, () => null) };
  const step = low < high ? partOf(low, high, resolution) : 0;
  const counts = Array.from(values, (value) => {
    if (value - value !== 0) return null;
    return step > 0 ? Math.round(stepsFrom(low, value, step)) : 0;
  });
  return { from: low, step, counts };
}

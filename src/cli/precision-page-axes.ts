// Numbers of plots as the browser draws and writes them: out of whole steps, in a unit that axes can count in, with as
// many digits as tell neighbours apart. Needs nothing but numbers.

import type { Steps } from "./precision-page-data.js";

export type Numbers = (number | null)[];

/** Numbers in a unit; divided first, since steps times their count may be beyond the largest number. */
export function numbersOf({ from, step, counts }: Steps, unit = 1): Numbers {
  return counts.map((count) => (count === null ? null : from / unit + (step / unit) * count));
}

/** The unit for numbers in whole steps. */
export function unitOfSteps({ from, step, counts }: Steps): number {
  return unitOf(from, from + step * Math.max(0, ...counts.map((count) => count ?? 0)));
}

/** What numbers are divided by so that axes can count them: 1, but for those that are very large or very small. */
export function unitOf(...numbers: number[]): number {
  const largest = Math.max(0, ...numbers.map(Math.abs));
  const isUsual = largest === 0 || (largest >= 1e-12 && largest < 1e12);
  return isUsual ? 1 : Math.max(10 ** Math.floor(Math.log10(Math.min(largest, 1e308))), Number.MIN_VALUE);
}

export function valueLabel(label: string, unit: number): string {
  return unit === 1 ? label : `${label}, in ${unit.toExponential().replace("e+", "e")}`;
}

/** A range with a margin; one around a single value. */
export function padded(numbers: Numbers): [number, number] {
  const finite = numbers.filter((one) => one !== null);
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const margin = high > low ? (high - low) * 0.05 : Math.abs(low) / 10 || 1;
  return [low - margin, high + margin];
}

/** 1, 2 or 5 times a power of ten, the next one below. */
export function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

/** Numbers of an axis, with as many digits as tell neighbours apart. */
export function ticks(splits: number[]): string[] {
  const largest = Math.max(...splits.map(Math.abs));
  const gap = splits.length > 1 ? splits[1]! - splits[0]! : largest;
  const digits = Math.max(0, -Math.floor(Math.log10(gap) + 1e-9));
  return splits.map((split) => {
    if (split === 0) return "0";
    if (largest >= 1e7 || digits > 6) {
      const more = Math.max(0, Math.min(6, Math.floor(Math.log10(largest)) + digits));
      return Number(split.toExponential(more)).toExponential().replace("e+", "e").replace("-", "−");
    }
    return split
      .toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
      .replace("-", "−");
  });
}

/** A number in running text. */
export function readable(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4))
    return value.toExponential(2).replace("e+", "e").replace("-", "−");
  return Number(value.toPrecision(5)).toLocaleString("en-US", { maximumFractionDigits: 9 }).replace("-", "−");
}

/** A large round number for an axis: "2,000" or "2e7". */
export function short(value: number): string {
  return value >= 1e5 ? value.toExponential(0).replace("e+", "e") : readable(value);
}

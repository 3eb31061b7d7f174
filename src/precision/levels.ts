// The levels of a channel: its distinct values in ascending order, and how far apart they are. Recorders leave values
// that are whole multiples of a step away from each other, but for the rounding of float64 (or float32).

/** How values must come back: bit for bit, or as the same float32. */
export type Sameness = "float64" | "float32";

const number = new Float64Array(1);
const words = new Uint32Array(number.buffer);
const bits = new BigInt64Array(number.buffer);

/** Distance to the next larger float64 of a magnitude. */
export function ulpOf(value: number): number {
  number[0] = value;
  const exponent = (words[1]! >>> 20) & 0x7ff;
  if (exponent <= 53) return 2 ** (Math.max(1, exponent) - 1075);
  words[0] = 0;
  words[1] = (exponent - 52) << 20;
  return number[0]!;
}

/** The float64 some steps further up (or down). */
export function stepped(value: number, steps: number): number {
  number[0] = Math.abs(value);
  const place = (value < 0 ? -bits[0]! : bits[0]!) + BigInt(steps);
  bits[0] = place < 0n ? -place : place;
  return place < 0n ? -number[0]! : number[0]!;
}

/** Distinct finite values in ascending order; both zeros count as 0. */
export function levelsOf(values: Float64Array): Float64Array {
  const sorted = values.filter((value) => value - value === 0).sort();
  let count = 0;
  for (let k = 0; k < sorted.length; k += 1) {
    const value = sorted[k]! + 0;
    if (count === 0 || value !== sorted[count - 1]) {
      sorted[count] = value;
      count += 1;
    }
  }
  return sorted.slice(0, count);
}

/** Whole numbers of steps from the first level to each, and the step. */
export interface Grid {
  step: number;
  places: Float64Array;
}

/** Largest number of steps that a range may have: what 32 bits hold. */
export const mostSteps = 2 ** 32;

/**
 * The step that all levels are whole multiples of away from the first, by Euclid's algorithm on differences that are off
 * by rounding; undefined where there is none that 32 bits could count.
 *
 * @param levels at least two, ascending
 */
export function gridOf(levels: Float64Array, sameness: Sameness): Grid | undefined {
  const first = levels[0]!;
  const last = levels[levels.length - 1]!;
  const range = last - first;
  const largest = Math.max(Math.abs(first), Math.abs(last));
  // Rounded twice, a product that may be twice as large as the value.
  const slack = ulpOf(largest) * (sameness === "float32" ? 2 ** 29 : 1) * 2;
  if (!(range < Number.POSITIVE_INFINITY)) return undefined;
  const gaps = new Float64Array(levels.length - 1);
  for (let k = 1; k < levels.length; k += 1) gaps[k - 1] = levels[k]! - levels[k - 1]!;
  gaps.sort();
  const limit = Math.max(range / mostSteps, 4 * slack);
  let step = gaps[0]!;
  let doubt = slack;
  // Small gaps first, then distances from the first level: what is known of the step grows with what it is tried on.
  for (let turn = 0; turn < 64; turn += 1) {
    let isFound = true;
    if (!(step > limit)) return undefined;
    for (let k = 0; k < gaps.length + levels.length - 1; k += 1) {
      const length = k < gaps.length ? gaps[k]! : levels[k - gaps.length + 1]! - first;
      const count = Math.round(length / step);
      const rest = Math.abs(length - count * step);
      const tolerance = slack + count * doubt;
      if (rest <= tolerance && tolerance < step / 4) {
        if (count > 0 && slack / count < doubt) {
          step = length / count;
          doubt = slack / count;
        }
      } else if (rest <= tolerance) return undefined;
      else {
        step = rest;
        doubt = tolerance;
        isFound = false;
        break;
      }
    }
    if (isFound) return { step, places: levels.map((value) => Math.round((value - first) / step)) };
  }
  return undefined;
}

/**
 * The largest number that all distances between levels are exact multiples of; undefined where more than 2^53 of it make
 * up a level.
 */
export function exactStep(levels: Float64Array): number | undefined {
  const last = Math.max(Math.abs(levels[0]!), Math.abs(levels[levels.length - 1]!));
  let common = 0;
  for (let k = 1; k < levels.length; k += 1) {
    let a = levels[k]! - levels[k - 1]!;
    // A difference that is rounded has no exact divisor in common with the rest.
    if (levels[k - 1]! + a !== levels[k]! || levels[k]! - a !== levels[k - 1]!) return undefined;
    while (a !== 0) [common, a] = [a, common % a];
    if (common * mostSteps < last - levels[0]! || common * 2 ** 53 < last) return undefined;
  }
  return common;
}

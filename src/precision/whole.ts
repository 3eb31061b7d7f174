// Formulas that need no search: whole numbers, exact multiples of a step (powers of two and their multiples), decimals
// and fractions of one divisor. Each is tried on all levels, so that what comes out of here holds for them.

import type { ChannelCode } from "../tensor/encoding.js";
import { decodedOf, formulaOf, storedOf } from "./formula.js";
import { exactStep, type Grid, mostSteps, type Sameness } from "./levels.js";

/** A formula that gives every level back, and how many steps lie between the lowest and the highest. */
export interface Found {
  code: ChannelCode;
  steps: number;
}

/**
 * Largest whole number that a formula may count to: beyond 2^50 it is not certain which one is the nearest, unless nothing
 * is computed.
 */
export function largestWhole(code: ChannelCode): number {
  return code.kind === "scaled" && code.scale === undefined && code.offset === undefined ? 2 ** 53 : 2 ** 50;
}

/** Tries a formula on levels; the whole numbers may be as large as float64 counts exactly. */
export function tryCode(levels: Float64Array, code: ChannelCode, sameness: Sameness): Found | undefined {
  const formula = formulaOf(code);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < levels.length; k += 1) {
    const level = levels[k]!;
    const n = Math.round(storedOf(level, formula));
    const back = decodedOf(n, formula);
    if (sameness === "float64" ? back !== level : Math.fround(back) !== Math.fround(level)) return undefined;
    if (n < low) low = n;
    if (n > high) high = n;
  }
  const steps = high - low;
  if (!(steps <= mostSteps - 1) || Math.max(-low, high) > largestWhole(code)) return undefined;
  return { code, steps };
}

const mostDecimals = 17;

/** The formulas that hold, in the order in which they are to be preferred. */
export function plainCodes(levels: Float64Array, grid: Grid | undefined, sameness: Sameness): Found[] {
  const found: Found[] = [];
  const add = (code: ChannelCode) => {
    const one = tryCode(levels, code, sameness);
    if (one) found.push(one);
    return one !== undefined;
  };
  add({ kind: "scaled" });
  for (let digits = 1; digits <= mostDecimals; digits += 1) {
    const divisor = 10 ** digits;
    if (!add({ kind: "divided", divisor })) continue;
    // 0.05, 0.10, 0.15: of the hundredths only every fifth is there.
    const common = commonFactor(levels, divisor);
    if (common > 1 && divisor % common === 0) add({ kind: "divided", divisor: divisor / common });
    break;
  }
  const step = exactStep(levels);
  if (step !== undefined) {
    const largest = Math.max(Math.abs(levels[0]!), Math.abs(levels[levels.length - 1]!));
    const isFar = largest > step * 2 ** 49;
    const rest = isFar ? levels[0]! : ((levels[0]! % step) + step) % step;
    if (rest !== 0) add({ kind: "scaled", scale: step, offset: rest });
    else if (step !== 1) add({ kind: "scaled", scale: step });
  }
  if (grid && grid.step < 2) {
    // k / 255, k / 127.5: the step is one part of a whole number, or of half of one.
    const middle = Math.round(2 / grid.step);
    for (const twice of [middle, middle - 1, middle + 1]) {
      if (twice > 2 && twice < 2 ** 27 && add({ kind: "divided", divisor: twice / 2 })) break;
    }
  }
  return found;
}

/** Greatest whole number that divides all levels times the divisor. */
function commonFactor(levels: Float64Array, divisor: number): number {
  let common = 0;
  for (const level of levels) {
    let a = Math.abs(Math.round(level * divisor));
    while (a !== 0) [common, a] = [a, common % a];
    if (common === 1) break;
  }
  return common;
}

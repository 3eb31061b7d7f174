// From values of a channel to the formula that gives each one back, if there is one: the cheap kinds first, a recorder's
// gain and offset where they leave more bits than the step asks for. What holds for some values is a guess for the rest:
// a pass over all of them decides.

import type { ChannelCode } from "../tensor/encoding.js";
import { gainCode } from "./gain.js";
import { gridOf, levelsOf, type Sameness } from "./levels.js";
import { type Found, plainCodes, tryCode } from "./whole.js";

/** Bytes of the smallest integer type for so many steps; the types are uint8, int16 and int32. */
export function bytesForSteps(steps: number): number {
  return steps < 2 ** 8 ? 1 : steps < 2 ** 16 ? 2 : steps < 2 ** 32 ? 4 : 8;
}

/**
 * The formula of the smallest type that gives all finite values back.
 *
 * @param values in any order; NaN and infinities are left out
 * @param sameness "float32" where the values are float32 themselves, and need only come back as such
 * @param effort share of half a second that the search for a gain may take, at most
 * @returns undefined where none was found: for noise in full precision, say. Where there are zeros of both signs they come
 *   back as 0, which is for the caller to know
 */
export function findCode(
  values: Float64Array,
  sameness: Sameness = "float64",
  effort = 1,
): Found | undefined {
  const levels = levelsOf(values);
  if (levels.length === 0) return undefined;
  const zeros = signsOfZeros(values);
  if (levels.length === 1) return { code: constantCode(levels[0]!, zeros === "negative"), steps: 0 };
  const grid = gridOf(levels, sameness);
  let best: Found | undefined;
  const consider = (found: Found) => {
    const signed = zeros === "negative" ? negated(levels, found, sameness) : found;
    if (signed && (!best || bytesForSteps(signed.steps) < bytesForSteps(best.steps))) best = signed;
  };
  for (const found of plainCodes(levels, grid, sameness)) consider(found);
  const needed = grid ? bytesForSteps(grid.places[levels.length - 1]!) : 8;
  if (grid && (!best || needed < bytesForSteps(best.steps))) {
    const found = gainCode(levels, grid, sameness, effort);
    if (found) consider(found);
  }
  return best;
}

/** The formula of a single value, of which q = 0 gives it back; of a whole number q is the number. */
export function constantCode(value: number, isNegativeZero: boolean): ChannelCode {
  // 0 times a negative scale is -0.
  if (value === 0) return isNegativeZero ? { kind: "scaled", scale: -1 } : { kind: "scaled" };
  return Number.isSafeInteger(value) ? { kind: "scaled" } : { kind: "scaled", offset: value };
}

function signsOfZeros(values: Float64Array): "none" | "positive" | "negative" | "both" {
  let positive = false;
  let negative = false;
  for (let k = 0; k < values.length; k += 1) {
    if (values[k] !== 0) continue;
    if (1 / values[k]! > 0) positive = true;
    else negative = true;
  }
  return positive ? (negative ? "both" : "positive") : negative ? "negative" : "none";
}

/** The same levels from a gain of the other sign, with which q = 0 gives -0; only without an offset. */
function negated(levels: Float64Array, { code }: Found, sameness: Sameness): Found | undefined {
  if (code.kind === "divided") return tryCode(levels, { ...code, divisor: -code.divisor }, sameness);
  if (code.offset !== undefined) return undefined;
  return tryCode(levels, { ...code, scale: -(code.scale ?? 1) }, sameness);
}

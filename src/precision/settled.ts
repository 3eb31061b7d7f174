// The formula that is certain for a channel once all of its values went by: the one that was tried and gave every value
// back, or one that follows from the facts without a trial (whole numbers, constants).

import type { ChannelCode } from "../tensor/encoding.js";
import type { ChannelPart } from "./facts.js";
import { formulaOf, storedOf } from "./formula.js";
import { constantCode } from "./step.js";
import { largestWhole } from "./whole.js";

export interface Settled {
  code: ChannelCode;
  /** Least and largest whole number that values are coded as, no zero point taken off. */
  low: number;
  high: number;
  /**
   * "nothing": every value comes back bit for bit; "bits": each gives the same float32; "signs": every value comes back but
   * for the sign of zeros, which are -0 here and 0 there.
   */
  loses: "nothing" | "bits" | "signs";
}

/** @param code the formula that was tried, if one was */
export function settledOf({ facts, trial }: ChannelPart, code: ChannelCode | null): Settled | undefined {
  if (facts.finite === 0) return undefined;
  const { min, max, zeros, negativeZeros } = facts;
  if (code && trial && !(trial.bits && (trial.float32 || trial.signs))) {
    // Numbers are coded in the order in which they are, or in the opposite one.
    const formula = formulaOf(code);
    const ends = [min, max].map((value) => Math.round(storedOf(value, formula)) + 0);
    const [low, high] = [Math.min(...ends), Math.max(...ends)];
    if (high - low < 2 ** 32 && Math.max(-low, high) <= largestWhole(code))
      return { code, low, high, loses: trial.bits ? "bits" : trial.signs ? "signs" : "nothing" };
  }
  const isMixed = negativeZeros > 0 && (negativeZeros < zeros || min !== max);
  const isWhole = facts.areAll.whole && Math.max(-min, max) <= 2 ** 53 && max - min < 2 ** 32;
  if (isWhole && (isMixed || negativeZeros === 0)) {
    return { code: { kind: "scaled" }, low: min + 0, high: max + 0, loses: isMixed ? "signs" : "nothing" };
  }
  if (min !== max) return undefined;
  return { code: constantCode(min, negativeZeros > 0), low: 0, high: 0, loses: "nothing" };
}

// The formula that is certain for a channel once all of its values went by: the one that was tried and gave every value
// back, or one that follows from the facts without a trial (whole numbers, constants).

import type { ChannelCode } from "../tensor/encoding.js";
import type { ChannelPart } from "./facts.js";
import { constantCode } from "./step.js";

export interface Settled {
  code: ChannelCode;
  /** Least and largest whole number that values are coded as, no zero point taken off. */
  low: number;
  high: number;
  /** Whether every value comes back bit for bit; if not, each gives the same float32. */
  isLossless: boolean;
}

/** @param code the formula that was tried, if one was */
export function settledOf({ facts, trial }: ChannelPart, code: ChannelCode | null): Settled | undefined {
  if (facts.finite === 0) return undefined;
  if (code && trial && trial.changedAsFloat32 === 0 && trial.high - trial.low < 2 ** 32) {
    return { code, low: trial.low, high: trial.high, isLossless: trial.changed === 0 };
  }
  const { min, max, zeros, negativeZeros } = facts;
  if (negativeZeros > 0 && (negativeZeros < zeros || min !== max)) return undefined;
  const isWhole = facts.notIn.integers === 0 && negativeZeros === 0 && Math.max(-min, max) <= 2 ** 53;
  if (isWhole && max - min < 2 ** 32)
    return { code: { kind: "scaled" }, low: min, high: max, isLossless: true };
  if (min !== max) return undefined;
  return { code: constantCode(min, negativeZeros > 0), low: 0, high: 0, isLossless: true };
}

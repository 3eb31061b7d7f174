// The report on a field after the last pass: per channel what the values are like, and what each type would make of
// them. Plain data, for tables, JSON and pictures; the choice (choose.ts) is made from it alone.

import type { DType } from "../tensor/dtype.js";
import type { ChannelCode } from "../tensor/encoding.js";
import type { TensorField } from "../tensor/field.js";
import { asItIs, type Candidate, candidatesOf } from "./candidates.js";
import { type ChannelFacts, deviation, type FieldPart } from "./facts.js";
import { type Information, informationOf } from "./information.js";
import { channelValues } from "./kept.js";
import { levelsOf } from "./levels.js";
import { noiseOf } from "./noise.js";
import type { PassPlan } from "./plan.js";
import { quantiles } from "./ranks.js";
import { type Settled, settledOf } from "./settled.js";

/** Shares of the values that quantiles are given for. */
export const quantileShares = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999] as const;

export interface ChannelReport {
  channel: number;
  facts: ChannelFacts;
  /** Standard deviation; NaN where nothing is finite. */
  deviation: number;
  /** For `quantileShares`; ranks are off by less than 2 % of the values, by nothing up to a few hundred of them. */
  quantiles: number[];
  isConstant: boolean;
  isWhole: boolean;
  /** Formula that every value was found to come from; undefined where there is none. */
  found?: Settled;
  /** Distance of neighbouring values: of the formula, else the least between kept values; null for less than two. */
  step: number | null;
  /** Digits after the decimal point that all kept values do with, up to 9; null where they need more. */
  decimals: number | null;
  /** Noise floor in the unit of the values, of the kept ones; null where samples are too short to tell. */
  noise: number | null;
  information: Information | null;
  /** Distinct finite values among the kept ones. */
  distinct: number;
  /** Values that were kept: what quantities of kept values rest on. */
  kept: number;
  /** Ways to store it, the first as it is. */
  candidates: Candidate[];
}

export interface FieldReport {
  /** dtype and shape as they are. */
  dtype: DType;
  shape: readonly number[];
  axis?: number;
  samples: number;
  /** Passes over the data. */
  passes: number;
  /** 64-bit integers of 2^53 and above: the field is kept as it is. */
  inexact: number;
  channels: ChannelReport[];
}

/** @param part what the last pass found, all of its parts together */
export function reportOf(field: TensorField, plan: PassPlan, part: FieldPart): FieldReport {
  const { dtype, shape } = field;
  return {
    dtype,
    shape,
    ...(plan.axis === undefined ? {} : { axis: plan.axis }),
    samples: part.samples,
    passes: plan.pass,
    inexact: part.inexact,
    channels: part.channels.map((channel, k): ChannelReport => {
      const { facts, ranks } = channel;
      const kept = { values: channelValues(part.kept, k), length: part.kept.length };
      const levels = levelsOf(kept.values);
      const settled = part.inexact > 0 ? undefined : settledOf(channel, plan.codes[k] ?? null);
      return {
        channel: k,
        facts,
        deviation: deviation(facts),
        quantiles: quantiles(ranks, quantileShares),
        isConstant: facts.finite === facts.count && facts.count > 0 && facts.min === facts.max,
        isWhole: facts.finite > 0 && facts.areAll.whole,
        ...(settled ? { found: settled } : {}),
        step: settled && settled.high > settled.low ? stepOf(settled.code) : leastGap(levels),
        decimals: decimalsOf(levels),
        noise: noiseOf(kept.values, kept.length),
        information: informationOf(kept.values, kept.length),
        distinct: levels.length,
        kept: kept.values.length,
        candidates: part.inexact > 0 ? [asItIs(dtype)] : candidatesOf(dtype, facts, settled, kept),
      };
    }),
  };
}

/** How far off standardised float16 is at most where nine in ten of the values lie. */
export function bulkBound({ facts, quantiles: marks }: ChannelReport): number {
  const low = marks[quantileShares.indexOf(0.05)]!;
  const high = marks[quantileShares.indexOf(0.95)]!;
  return Math.max(facts.mean - low, high - facts.mean) * 2 ** -11;
}

function stepOf(code: ChannelCode): number {
  return Math.abs(code.kind === "divided" ? 1 / code.divisor : (code.scale ?? 1));
}

function leastGap(levels: Float64Array): number | null {
  let least = Number.POSITIVE_INFINITY;
  for (let k = 1; k < levels.length; k += 1) least = Math.min(least, levels[k]! - levels[k - 1]!);
  return levels.length < 2 ? null : least;
}

function decimalsOf(levels: Float64Array): number | null {
  if (levels.length === 0) return null;
  for (let digits = 0; digits <= 9; digits += 1) {
    const power = 10 ** digits;
    if (levels.every((level) => Math.round(level * power) / power === level)) return digits;
  }
  return null;
}

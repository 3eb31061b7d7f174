// What is known of a channel after its values went by, as plain data that threads can post, and how what is known of two
// parts of the data is put together. Counts and the range are those of all values, however they were parted; mean and
// sum of squares agree but for rounding.

import { type Kept, mergeKept } from "./kept.js";
import { mergeRanks, type Ranks, rankRoom } from "./ranks.js";

/** Facts about every value of a channel. */
export interface ChannelFacts {
  count: number;
  /** Values that are neither NaN nor infinite; the range, mean and squares are of these. */
  finite: number;
  nan: number;
  positiveInfinity: number;
  negativeInfinity: number;
  /** Zeros of both signs, and those of them that are -0. */
  zeros: number;
  negativeZeros: number;
  /** Values other than 0 too small for full precision in the type: below its least normal number. */
  subnormal: { float64: number; float32: number; float16: number };
  /** Finite values that would become infinite in the type. */
  beyond: { float32: number; float16: number };
  /** Whether every finite value is a whole number, a float32, a float16. */
  areAll: { whole: boolean; float32: boolean; float16: boolean };
  /** Infinity and -Infinity where nothing is finite; an end at -0 is 0 here, and counted above. */
  min: number;
  max: number;
  /** Least magnitude that is not 0; infinity where there is none. */
  leastMagnitude: number;
  mean: number;
  /** Sum of squares about the mean. */
  squares: number;
}

/** What a formula did not give back of the finite values of a channel. */
export interface Trial {
  /** Some value other than 0 did not come back bit for bit; of such, some did not give the same float32. */
  bits: boolean;
  float32: boolean;
  /** Some -0 came back as 0, or the other way round. */
  signs: boolean;
  /** Some of the values, zeros left out. */
  examples: number[];
}

export interface ChannelPart {
  facts: ChannelFacts;
  /** Of the formula that the plan gave for the channel, if one. */
  trial?: Trial;
  ranks: Ranks;
}

/** What is known of a part of a field's data; plain, so that it can be posted between threads. */
export interface FieldPart {
  samples: number;
  /** 64-bit integers of 2^53 and above: these are not measured exactly. */
  inexact: number;
  channels: ChannelPart[];
  kept: Kept;
}

/** Changed values that are listed at most. */
export const exampleRoom = 64;

/** Facts about the values of two parts. */
function mergeFacts(a: ChannelFacts, b: ChannelFacts): ChannelFacts {
  const finite = a.finite + b.finite;
  const delta = b.mean - a.mean;
  const share = finite === 0 ? 0 : b.finite / finite;
  return {
    count: a.count + b.count,
    finite,
    nan: a.nan + b.nan,
    positiveInfinity: a.positiveInfinity + b.positiveInfinity,
    negativeInfinity: a.negativeInfinity + b.negativeInfinity,
    zeros: a.zeros + b.zeros,
    negativeZeros: a.negativeZeros + b.negativeZeros,
    subnormal: {
      float64: a.subnormal.float64 + b.subnormal.float64,
      float32: a.subnormal.float32 + b.subnormal.float32,
      float16: a.subnormal.float16 + b.subnormal.float16,
    },
    beyond: {
      float32: a.beyond.float32 + b.beyond.float32,
      float16: a.beyond.float16 + b.beyond.float16,
    },
    areAll: {
      whole: a.areAll.whole && b.areAll.whole,
      float32: a.areAll.float32 && b.areAll.float32,
      float16: a.areAll.float16 && b.areAll.float16,
    },
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    leastMagnitude: Math.min(a.leastMagnitude, b.leastMagnitude),
    mean: a.finite === 0 ? b.mean : a.mean + delta * share,
    squares: a.squares + b.squares + (finite === 0 ? 0 : delta * delta * share * a.finite),
  };
}

function mergeTrials(a: Trial | undefined, b: Trial | undefined): Trial | undefined {
  if (!a || !b) return a ?? b;
  return {
    bits: a.bits || b.bits,
    float32: a.float32 || b.float32,
    signs: a.signs || b.signs,
    examples: [...a.examples, ...b.examples].slice(0, exampleRoom),
  };
}

/**
 * What is known of two parts that were measured by the same plan, as of one. Any order of merging gives the same facts.
 *
 * @param keepValues the plan's
 */
export function mergeParts(a: FieldPart, b: FieldPart, { keepValues }: { keepValues: number }): FieldPart {
  const room = rankRoom(a.channels.length);
  return {
    samples: a.samples + b.samples,
    inexact: a.inexact + b.inexact,
    channels: a.channels.map((one, k) => {
      const other = b.channels[k]!;
      const trial = mergeTrials(one.trial, other.trial);
      return {
        facts: mergeFacts(one.facts, other.facts),
        ...(trial ? { trial } : {}),
        ranks: mergeRanks(one.ranks, other.ranks, room),
      };
    }),
    kept: mergeKept(a.kept, b.kept, keepValues),
  };
}

/** Standard deviation of the finite values; NaN where there are none. */
export function deviation({ finite, squares }: ChannelFacts): number {
  return finite === 0 ? Number.NaN : Math.sqrt(squares / finite);
}

/** Values that no integer type has. */
export function notFinite({ nan, positiveInfinity, negativeInfinity }: ChannelFacts): number {
  return nan + positiveInfinity + negativeInfinity;
}

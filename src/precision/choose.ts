// Chooses the type of a field from the report on it: one dtype for the field, a formula for each channel. Without
// permission to lose anything only what gives every value back counts; with it, errors that the channel's own noise hides.
// Rules: int16 if its step is at most half of the noise; uint8, and float16 of the standardised channel, if their error is
// 6 dB under it; never float16 of values as they are, unless it holds them.

import { SpillwayError } from "../errors.js";
import { type DType, elementBytes, integerRanges } from "../tensor/dtype.js";
import type { ChannelCode, Claim, Encoding } from "../tensor/encoding.js";
import type { Candidate } from "./candidates.js";
import { reasonForChoice, reasonToKeep } from "./reasons.js";
import { bulkBound, type ChannelReport, type FieldReport } from "./report.js";

export interface ChoiceOptions {
  /** "keep", "auto", or a type that is wanted in any case; default "auto". */
  dtype?: "keep" | "auto" | DType;
  /** Whether "auto" may lose what noise hides; default false. */
  lossy?: boolean;
}

export interface Choice {
  /** Type to store the field in. */
  dtype: DType;
  /** How; undefined where the field is kept as it is. `errors` is left to who encodes all values. */
  encoding?: Encoding;
  /** Why, in a sentence. */
  reason: string;
  /** The channel that stands in the way of a smaller type, and what it has; undefined where none could be smaller. */
  hindrance?: { channel: number; why: string };
  /** Values by channel that the type has no place for; only of a type that is wanted in any case. */
  outOfRange: { channel: number; count: number }[];
}

/** What is tried, smallest first; of one size what is simplest to read comes first. */
const ofFloats: readonly { dtype: DType; form?: Candidate["form"] }[] = [
  { dtype: "uint8" },
  { dtype: "int16" },
  { dtype: "float16" },
  { dtype: "float32", form: "as it is" },
  { dtype: "int32" },
  { dtype: "float32" },
];
const ofIntegers: typeof ofFloats = [{ dtype: "uint8" }, { dtype: "int16" }, { dtype: "int32" }];

/**
 * The type for a field, and why.
 *
 * @throws SpillwayError `usage` for a type that a channel cannot be stored in at all
 */
export function choose(report: FieldReport, options: ChoiceOptions = {}): Choice {
  const { dtype = "auto", lossy = false } = options;
  const kept = (reason: string): Choice => ({ dtype: report.dtype, reason, outOfRange: [] });
  if (dtype === "keep" || dtype === report.dtype) return kept("It is kept as it is.");
  if (report.samples === 0) return kept("There are no values.");
  if (report.inexact > 0) {
    const values = report.inexact === 1 ? "value is" : "values are";
    return kept(
      `${report.inexact} ${values} beyond 2^53, where float64 does not count whole numbers one by one: the field is kept as it is.`,
    );
  }
  if (dtype !== "auto") return forced(report, dtype);
  const isLossless: IsGood = (candidate) => isSafe(candidate, report.dtype);
  const isGood: IsGood = (candidate, channel) =>
    isLossless(candidate, channel) || (lossy && isHidden(candidate, channel));
  const order = report.dtype.startsWith("float") ? ofFloats : ofIntegers;
  for (const bytes of [1, 2, 4]) {
    if (bytes >= elementBytes(report.dtype)) break;
    const sized = order.filter(({ dtype: one }) => elementBytes(one) === bytes);
    // Of one size what loses nothing comes first.
    for (const isTaken of lossy ? [isLossless, isGood] : [isLossless]) {
      for (const { dtype: one, form } of sized) {
        const ways = waysOf(report, one, form, isTaken);
        if (!ways) continue;
        const chosen = withWays(report, one, ways);
        const hindrance = hindranceOf(report, bytes, isGood);
        return { ...chosen, ...(hindrance ? { hindrance } : {}) };
      }
    }
  }
  const hindrance = hindranceOf(report, elementBytes(report.dtype), isGood);
  return { ...kept(reasonToKeep(report, hindrance)), ...(hindrance ? { hindrance } : {}) };
}

type IsGood = (candidate: Candidate, channel: ChannelReport) => boolean;

/** How each channel is stored in a type; undefined where one of them cannot be well enough. */
function waysOf(
  { channels }: FieldReport,
  dtype: DType,
  form: Candidate["form"] | undefined,
  isGood: IsGood,
): Candidate[] | undefined {
  const ways = channels.flatMap((channel) => {
    const fitting = channel.candidates.filter(
      (way) => way.dtype === dtype && (form ?? way.form) === way.form && isGood(way, channel),
    );
    const way = fitting.find(({ claim }) => claim === "lossless") ?? fitting[0];
    return way ? [way] : [];
  });
  return ways.length === channels.length ? ways : undefined;
}

/** Nothing is lost: every value comes back; of float32 and narrower values, as what they were. */
function isSafe({ claim }: Candidate, original: DType): boolean {
  return claim === "lossless" || (claim === "exact" && (original === "float32" || original === "float16"));
}

/** What is lost is less than what nobody could tell from noise. */
function isHidden(candidate: Candidate, channel: ChannelReport): boolean {
  const { claim, dtype, form, rmsError, code, outOfRange } = candidate;
  const { noise } = channel;
  if (claim === "exact") return true;
  // A channel with zeros of both signs loses nothing but these.
  if (claim === "lossy" && form === "steps") return true;
  if (claim !== "lossy" || outOfRange > 0 || form === "as it is" || noise === null) return false;
  // Squares of values beyond 1e154 are infinite: nothing can be said of their errors.
  if (!Number.isFinite(rmsError) || !Number.isFinite(noise)) return false;
  if (dtype === "int16" && code?.kind === "scaled") return code.scale! <= noise / 2;
  // Of heavy tails the bulk counts: spikes are as exact, for their size, as anything is in float16.
  return rmsError <= noise / 2 || (dtype === "float16" && bulkBound(channel) <= noise / 2);
}

/** The first channel that has no smaller type than `bytes`. */
function hindranceOf(report: FieldReport, bytes: number, isGood: IsGood): Choice["hindrance"] {
  const smaller = [4, 2, 1].find((size) => size < bytes);
  if (smaller === undefined) return undefined;
  for (const channel of report.channels) {
    const fits = channel.candidates.some(
      (candidate) => candidate.bytesPerValue <= smaller && isGood(candidate, channel),
    );
    if (!fits) return { channel: channel.channel, why: whyNot(channel, smaller) };
  }
  return undefined;
}

function whyNot({ facts, found }: ChannelReport, bytes: number): string {
  const missing = facts.nan + facts.positiveInfinity + facts.negativeInfinity;
  const name =
    facts.nan === missing ? "NaN" : facts.nan === 0 ? "infinite values" : "NaN and infinite values";
  if (found?.loses === "signs" && found.high - found.low < 2 ** (8 * bytes)) {
    const { negativeZeros: count } = facts;
    return count === 1
      ? "one of its zeros has a minus sign, which integers have not"
      : `${count.toLocaleString("en")} of its zeros have a minus sign, which integers have not`;
  }
  if (found) {
    const steps = `its values span ${(found.high - found.low).toLocaleString("en")} steps`;
    return missing > 0 && found.high - found.low < 2 ** (8 * bytes)
      ? `it has ${missing.toLocaleString("en")} ${name}, which no integer stands for`
      : steps;
  }
  if (missing > 0 && facts.finite === 0) return `it has nothing but ${name}`;
  return "its values are no multiples of a step";
}

/** A type that is wanted in any case: without loss where that can be, else fitted to the range. */
function forced(report: FieldReport, dtype: DType): Choice {
  const ways = report.channels.map((channel): Candidate => {
    const { candidates, facts } = channel;
    const fitting = candidates.filter((candidate) => candidate.dtype === dtype);
    const best =
      fitting.find(({ claim }) => claim === "lossless") ??
      fitting.find(({ claim }) => claim === "exact") ??
      fitting.find(({ form }) => form === "steps") ??
      fitting.find(({ form }) => form === "standardised") ??
      fitting[0];
    if (best) return best;
    const range = integerRanges[dtype];
    const isSameKind = channel.isWhole || facts.finite === 0;
    if (range === undefined || !isSameKind) {
      throw new SpillwayError(
        "usage",
        `channel ${channel.channel} cannot be stored as ${dtype}: ${whyNot(channel, elementBytes(dtype))}`,
        { remedy: "Use auto, float32, float16, int16 or uint8." },
      );
    }
    // Whole numbers are not rescaled: what does not fit is out of range, and counted while encoding.
    const isBeyond = facts.finite > 0 && (facts.min < range[0] || facts.max > range[1]);
    return { ...candidates[0]!, dtype, form: "as it is", claim: isBeyond ? "none" : "lossless" };
  });
  return withWays(report, dtype, ways);
}

function withWays(report: FieldReport, dtype: DType, ways: readonly Candidate[]): Choice {
  const outOfRange = ways.flatMap(({ outOfRange: count }, channel) =>
    count > 0 ? [{ channel, count }] : [],
  );
  const claim = ways.reduce<Claim>((worst, way) => worse(worst, way.claim), "lossless");
  const natural = naturalOf(report, dtype, ways);
  const reason = reasonForChoice(report, natural ?? dtype, claim, ways);
  const { axis } = report;
  const codes = ways.map(({ code }): ChannelCode => code ?? { kind: "scaled" });
  const isSame = codes.every((code) => JSON.stringify(code) === JSON.stringify(codes[0]));
  const isPlain = natural !== undefined || ways.every(({ code }) => code === undefined);
  const encoding: Encoding = {
    original: report.dtype,
    claim,
    ...(isSame || isPlain || axis === undefined ? {} : { axis }),
    channels: isPlain ? [] : isSame ? codes.slice(0, 1) : codes,
    reason,
  };
  return { dtype: natural ?? dtype, encoding, reason, outOfRange };
}

function worse(a: Claim, b: Candidate["claim"]): Claim {
  const order = ["lossless", "exact", "lossy"] as const;
  return order[Math.max(order.indexOf(a), b === "none" ? 2 : order.indexOf(b))]!;
}

/** The integer type of the same size that holds whole numbers as they are, where all channels have such. */
function naturalOf(report: FieldReport, dtype: DType, ways: readonly Candidate[]): DType | undefined {
  if (!integerRanges[dtype] || ways.some(({ claim }) => claim !== "lossless")) return undefined;
  const isPlain = report.channels.every(
    ({ found }) => found?.code.kind === "scaled" && Object.keys(found.code).every((key) => key === "kind"),
  );
  if (!isPlain) return undefined;
  const low = Math.min(...report.channels.map(({ found }) => found!.low));
  const high = Math.max(...report.channels.map(({ found }) => found!.high));
  const types: readonly DType[] = [dtype, "uint8", "int8", "uint16", "int16", "uint32", "int32"];
  return types.find((type) => {
    const [least, most] = integerRanges[type]!;
    return elementBytes(type) === elementBytes(dtype) && low >= least && high <= most;
  });
}

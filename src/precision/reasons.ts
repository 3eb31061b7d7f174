// Reasons for a choice, each one sentence that needs no knowledge of number formats.

import { type DType, elementBytes } from "../tensor/dtype.js";
import type { Claim } from "../tensor/encoding.js";
import type { Candidate } from "./candidates.js";
import { bulkBound, type ChannelReport, type FieldReport } from "./report.js";

/** Why a type was chosen. */
export function reasonForChoice(
  report: FieldReport,
  dtype: DType,
  claim: Claim,
  ways: readonly Candidate[],
): string {
  const bits = 8 * elementBytes(dtype);
  const signs = ways.every(
    ({ claim: one, form }) =>
      one === "lossless" || (one === "lossy" && form !== "range" && form !== "standardised"),
  )
    ? report.channels.reduce(
        (sum, { facts, found }) => sum + (found?.loses === "signs" ? facts.negativeZeros : 0),
        0,
      )
    : 0;
  if (claim === "lossy" && signs > 0) {
    return `${levelsReason(report.channels)}: ${bits} bits give each one back but for the minus sign of ${signs.toLocaleString("en")} ${signs === 1 ? "zero" : "zeros"}.`;
  }
  if (claim === "lossy") return lossyReason(report, dtype, ways);
  const back =
    claim === "lossless" ? "give each one back exactly" : "give each one back as exactly the same float32";
  if (ways.every(({ form, code }) => form === "as it is" && !code) && dtype.startsWith("float")) {
    return claim === "lossless"
      ? `Every value is one that ${dtype} has: ${bits} bits ${back}.`
      : `Training takes float32 anyway: ${bits} bits ${back}.`;
  }
  const start = `${levelsReason(report.channels)}: ${bits}`;
  if (!dtype.startsWith("float")) return `${start} bits ${back}.`;
  const has = (is: (channel: ChannelReport) => boolean) => report.channels.some(is);
  const kept = has(({ facts }) => facts.nan > 0)
    ? "NaN"
    : has(({ facts }) => facts.finite < facts.count)
      ? "infinite values"
      : has(({ found }) => found?.loses === "signs") && "the minus sign of zeros";
  return kept
    ? `${start}-bit floats, which keep ${kept} as integers cannot, ${back}.`
    : `${start}-bit floats ${back}.`;
}

/** Where the values of all channels lie. */
function levelsReason(channels: readonly ChannelReport[]): string {
  const found = channels.flatMap((channel) => (channel.found ? [channel.found] : []));
  if (found.length === 0) return "There are no numbers among the values";
  const varied = found.filter(({ low, high }) => high > low);
  if (varied.length === 0) {
    const [first] = channels;
    return channels.length === 1
      ? `Every value is ${shown(first!.facts.min)}`
      : `In each of ${channels.length} channels all values are the same`;
  }
  const isWhole = channels.every((channel) => channel.isWhole || channel.facts.finite === 0);
  if (isWhole) {
    const low = Math.min(...channels.map(({ facts }) => facts.min));
    const high = Math.max(...channels.map(({ facts }) => facts.max));
    return `Every value is a whole number from ${low} to ${high}`;
  }
  const divisors = varied.map(({ code }) => (code.kind === "divided" ? Math.abs(code.divisor) : undefined));
  const [divisor] = divisors;
  if (divisors.every((one) => one === divisor) && divisor !== undefined) {
    const digits = Math.log10(divisor);
    return Number.isInteger(digits) && digits > 0
      ? `Every value has at most ${digits} ${digits === 1 ? "decimal" : "decimals"}`
      : `Every value is a whole multiple of 1/${shown(divisor)}`;
  }
  const steps = varied.map(({ code }) =>
    Math.abs(code.kind === "divided" ? 1 / code.divisor : (code.scale ?? 1)),
  );
  const bits = Math.max(...varied.map(({ low, high }) => Math.ceil(Math.log2(high - low + 1))));
  const least = Math.min(...steps);
  const most = Math.max(...steps);
  if (least === most) {
    const offsets = varied.map(({ code }) => (code.kind === "scaled" ? (code.offset ?? 0) : 0));
    const from = offsets.every((offset) => offset === offsets[0]) ? offsets[0]! : Number.NaN;
    const start =
      from === 0 ? "" : Number.isNaN(from) ? "an offset of its channel plus " : `${shown(from)} plus `;
    return `Every value is ${start}a whole multiple of ${shown(least)}, as ${bits === 8 || bits === 11 || bits === 18 ? "an" : "a"} ${bits}-bit recorder leaves it`;
  }
  return `In each channel every value is a whole multiple of a step of its own (${shown(least)} to ${shown(most)}), as recorders of up to ${bits} bits leave it`;
}

function lossyReason({ channels }: FieldReport, dtype: DType, ways: readonly Candidate[]): string {
  let worst = -1;
  let share = 0;
  // Spikes that float16 holds as well as any number say nothing of the rest.
  const isBulk = (k: number) => dtype === "float16" && ways[k]!.rmsError > (channels[k]!.noise ?? 0) / 2;
  ways.forEach(({ claim, rmsError }, k) => {
    const { noise, deviation } = channels[k]!;
    const against = (isBulk(k) ? bulkBound(channels[k]!) : rmsError) / (noise || deviation || 1);
    if (claim !== "lossless" && claim !== "exact" && (worst < 0 || against > share))
      [worst, share] = [k, against];
  });
  if (worst < 0) return `${8 * elementBytes(dtype)} bits were asked for.`;
  const { noise } = channels[worst]!;
  const which = channels.length === 1 ? "the noise" : `the noise of channel ${worst}, the worst`;
  const { rmsError, sqnrDb } = ways[worst]!;
  if (noise && isBulk(worst) && share < 1) {
    return `Spikes reach far beyond the rest, and 16-bit floats are off in proportion: where nine in ten values lie by ${shown(share * noise, 3)} at most, ${shown(1 / share, 2)} times less than ${which}.`;
  }
  const off = `${8 * elementBytes(dtype)} bits are off by ${shown(rmsError, 3)} on average`;
  if (rmsError === 0)
    return `${8 * elementBytes(dtype)} bits make no difference on any of the values kept to measure it.`;
  if (noise)
    return `${off}, ${share < 1 ? `${shown(1 / share, 2)} times less than` : `${shown(share, 2)} times`} ${which}.`;
  return sqnrDb === null
    ? `${off}.`
    : `${off}, ${sqnrDb.toFixed(0)} dB under the signal; how much noise there is cannot be told.`;
}

/** Why a field is kept, and what it would cost not to. */
export function reasonToKeep(report: FieldReport, hindrance?: { channel: number; why: string }): string {
  const bits = 8 * elementBytes(report.dtype);
  if (!hindrance) {
    return bits === 8 || report.channels.length === 1
      ? `${bits} bits are as few as it can have.`
      : "Each channel would fit into a smaller type, but no type is one for all of them.";
  }
  const { channel, why } = hindrance;
  const where = report.channels.length === 1 ? why : `channel ${channel} stands in the way: ${why}`;
  const start = `No smaller type gives every value back: ${where}`;
  if (report.channels[channel]!.found?.loses === "signs") return `${start}; nothing else would be lost.`;
  const int16 = report.channels[channel]!.candidates.find(
    ({ dtype, form }) => dtype === "int16" && form === "range",
  );
  const error = int16 && int16.claim !== "none" && int16.sqnrDb !== null && Number.isFinite(int16.sqnrDb);
  return error
    ? `${start}; 16 bits would be off by at most ${shown(int16.bound)} (${int16.sqnrDb!.toFixed(0)} dB under the signal).`
    : `${start}.`;
}

/** A number with no more digits than one reads. */
export function shown(value: number, digits = 6): string {
  const short = String(value);
  return short.length <= 12 && digits === 6 ? short : String(Number(value.toPrecision(digits)));
}

// The precision report in lines for people: what each channel is like, what each type would cost, and what to take.

import type { FieldPrecision, PrecisionReport } from "../pack/precision-of-source.js";
import type { Candidate } from "../precision/candidates.js";
import type { Choice } from "../precision/choose.js";
import type { ChannelReport } from "../precision/report.js";
import { formatBytes } from "../store/byte-size.js";
import { elementBytes } from "../tensor/dtype.js";
import { describeField, elementCount } from "../tensor/field.js";
import { formatCount, formatNumber, formatTable, wrap } from "./output.js";

/** Channels that are listed; --json has all. */
const maxChannels = 16;

/**
 * All fields, one after another.
 *
 * @param columns of the terminal; sentences are not broken where there is none
 */
export function describePrecision(report: PrecisionReport, columns = Number.POSITIVE_INFINITY): string[] {
  const { path, samples, of, isEstimate, fields } = report;
  const looked = isEstimate
    ? `an ESTIMATE from ${formatCount(samples)} of ${of === undefined ? "an unknown number of" : formatCount(of)} samples`
    : `every value of ${formatCount(samples)} samples`;
  const names = Object.keys(fields);
  if (names.length === 0) return [`${path} has no tensor field`];
  return [
    `${path}: ${looked}`,
    ...Object.entries(fields).flatMap(([name, field]) => ["", ...describeOne(name, field, report, columns)]),
  ];
}

function describeOne(
  name: string,
  field: FieldPrecision,
  { of, samples }: PrecisionReport,
  columns: number,
): string[] {
  const { report, auto, lossy } = field;
  const { channels, axis } = report;
  const many = axis === undefined ? "" : `, ${formatCount(channels.length)} channels (axis ${axis})`;
  const bytes = (dtype: Choice["dtype"]) => elementCount(field.field) * elementBytes(dtype) * (of ?? samples);
  const now = bytes(report.dtype);
  const choice = (flag: string, { dtype, encoding, reason }: Choice) => {
    const size =
      dtype === report.dtype ? "" : `, ${formatBytes(bytes(dtype))} instead of ${formatBytes(now)}`;
    return sentence(`${flag}: ${dtype}${encoding ? ` (${encoding.claim})` : ""}${size}. ${reason}`);
  };
  const sentence = (text: string) =>
    wrap(text, Math.max(20, columns - 4)).map((line, k) => `${k === 0 ? "  " : "    "}${line}`);
  return [
    `${name}: ${describeField(field.field)}${many}`,
    ...describeChannels(channels),
    ...describeCandidates(channels, report.dtype),
    ...choice("--dtype auto", auto),
    ...(lossy.dtype === auto.dtype ? [] : choice("--dtype auto --lossy", lossy)),
    ...(auto.hindrance
      ? sentence(`in the way of fewer bits: channel ${auto.hindrance.channel}: ${auto.hindrance.why}`)
      : []),
  ];
}

function describeChannels(channels: readonly ChannelReport[]): string[] {
  const head = ["channel", "min", "max", "mean", "std", "noise", "step", "bits", "NaN, Inf"];
  const rows = channels.slice(0, maxChannels).map((channel) => {
    const { facts, deviation, noise, information } = channel;
    const missing = facts.count - facts.finite;
    const hasValues = facts.finite > 0;
    const cells = hasValues
      ? [facts.min, facts.max, facts.mean, deviation].map(formatNumber)
      : ["", "", "", ""];
    return [
      channels.length === 1 ? "all" : String(channel.channel),
      ...cells,
      noise === null ? "" : formatNumber(noise),
      describeStep(channel),
      information ? formatNumber(information.keptBits) : "",
      missing === 0 ? "" : formatCount(missing),
    ];
  });
  const more = channels.length - maxChannels;
  return [
    ...formatFilled(
      head,
      rows,
      head.map(() => "right" as const),
    ),
    ...(more > 0 ? [`  (and ${formatCount(more)} more channels: --json)`] : []),
  ];
}

/** The step of a formula that was found; of others nothing: the least difference of noise says nothing. */
function describeStep({ found, step }: ChannelReport): string {
  if (!found || step === null) return "";
  if (found.code.kind === "divided") return `1/${formatNumber(found.code.divisor)}`;
  return step < 1 && Number.isInteger(1 / step) ? `1/${formatNumber(1 / step)}` : formatNumber(step);
}

/** A line for each type and form: the worst of all channels. */
function describeCandidates(channels: readonly ChannelReport[], original: string): string[] {
  const head = ["type", "of now", "max error", "rms error", "SQNR", "out of range", ""];
  const now = channels[0]!.candidates[0]!.bytesPerValue;
  const rows = waysOf(channels).map(({ dtype, form, own }) => {
    const worst = (pick: (candidate: Candidate) => number) =>
      own.reduce((most, each) => Math.max(most, pick(each)), 0);
    const sqnr = own.flatMap(({ sqnrDb }) => (sqnrDb === null ? [] : [sqnrDb]));
    const outOfRange = own.reduce((sum, each) => sum + each.outOfRange, 0);
    const { bytesPerValue } = own[0]!;
    return [
      `${dtype}${formNames[form]}`,
      `${formatNumber((100 * bytesPerValue) / now)} %`,
      worstText(worst(({ maxError }) => maxError)),
      worstText(worst(({ rmsError }) => rmsError)),
      sqnr.length === 0 ? "" : `${Math.min(...sqnr).toFixed(1)} dB`,
      outOfRange === 0 ? "" : formatCount(outOfRange),
      claimOf(own, dtype === original && form === "as it is"),
    ];
  });
  return formatFilled(head, rows, ["left", "right", "right", "right", "right", "right", "left"]);
}

/** A table without the columns that nothing stands in. */
function formatFilled(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[],
): string[] {
  const isFilled = align.map((_, k) => rows.some((row) => row[k] !== ""));
  const filled = <Cell>(cells: readonly Cell[]) => cells.filter((_, k) => isFilled[k]);
  return formatTable([head, ...rows].map(filled), filled(align));
}

/** What is said of a form; "mixed": each channel has the best of its own. */
const formNames = {
  "as it is": "",
  steps: ", by its steps",
  range: ", over its range",
  standardised: ", standardised",
  mixed: "",
} as const;

/** One way to store all channels, with each one's candidate. */
interface Way {
  dtype: Candidate["dtype"];
  form: keyof typeof formNames;
  own: readonly Candidate[];
}

/** The ways that every channel has; of a type that they have in different forms only, each one's best. */
function waysOf(channels: readonly ChannelReport[]): Way[] {
  const all = channels.flatMap(({ candidates }) => candidates);
  const dtypes = [...new Set(all.map(({ dtype }) => dtype))];
  return dtypes.flatMap((dtype): Way[] => {
    const forms = [...new Set(all.flatMap((each) => (each.dtype === dtype ? [each.form] : [])))];
    const ways = forms.flatMap((form): Way[] => {
      const own = channels.flatMap(({ candidates }) =>
        candidates.filter((each) => each.dtype === dtype && each.form === form).slice(0, 1),
      );
      return own.length === channels.length ? [{ dtype, form, own }] : [];
    });
    if (ways.length > 0) return ways;
    const best = channels.flatMap(({ candidates }) =>
      candidates
        .filter((each) => each.dtype === dtype)
        .sort((a, b) => a.rmsError - b.rmsError)
        .slice(0, 1),
    );
    return best.length === channels.length ? [{ dtype, form: "mixed", own: best }] : [];
  });
}

function worstText(error: number): string {
  return error === 0 ? "" : formatNumber(error);
}

/** The least that is claimed of any channel. */
function claimOf(candidates: readonly Candidate[], isOriginal: boolean): string {
  if (isOriginal) return "as it is";
  const claims = candidates.map(({ claim }) => claim);
  if (claims.includes("none")) return "does not fit";
  if (claims.includes("lossy")) return "lossy";
  return claims.includes("exact") ? "exact" : "lossless";
}

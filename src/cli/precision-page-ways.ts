// Ways to store a whole field, as the page lists them: one row per type, of floats also per form, each with what it is for
// every channel. What is true of the worst channel is true of the row.

import type { FieldPrecision } from "../pack/precision-of-source.js";
import type { Candidate } from "../precision/candidates.js";
import type { Choice } from "../precision/choose.js";
import type { ChannelReport } from "../precision/report.js";
import { elementBytes } from "../tensor/dtype.js";
import type { ChannelCode } from "../tensor/encoding.js";
import { elementCount } from "../tensor/field.js";

/** A way to store a field. */
export interface Way {
  /** "int16" or "float16 standardised". */
  label: string;
  dtype: Candidate["dtype"];
  bytesPerValue: number;
  /** By channel; undefined where the channel cannot be stored so at all. */
  candidates: (Candidate | undefined)[];
  /** Of the worst channel; "none" where one of them does not fit. */
  claim: Candidate["claim"];
  /** Values that there is no place for, all channels together. */
  outOfRange: number;
  /** Channels with the largest error, the largest rms error, and the least SQNR; undefined without any loss. */
  worst?: { max: number; rms: number; sqnr: number };
}

const claims = ["lossless", "exact", "lossy", "none"] as const;
const typeOrder = ["uint8", "int16", "float16", "float32", "int32"] as const;

/** Every way to store a field that is smaller, and before them as it is. */
export function waysOf({ report, field }: FieldPrecision): Way[] {
  const { channels } = report;
  const asItIs = wayOf(field.dtype, field.dtype, channels, ({ candidates }) => candidates[0]);
  const list = [asItIs];
  for (const dtype of typeOrder) {
    // What is no smaller is no way to save anything.
    if (elementBytes(dtype) >= elementBytes(field.dtype)) continue;
    const all = channels.flatMap(({ candidates }) => candidates.filter((one) => one.dtype === dtype));
    if (all.length === 0) continue;
    const forms = dtype.startsWith("float") ? (["as it is", "standardised", "steps"] as const) : [undefined];
    for (const form of forms) {
      if (form && !all.some((one) => one.form === form)) continue;
      const label = form === undefined || form === "as it is" ? dtype : `${dtype} ${form}`;
      list.push(wayOf(label, dtype, channels, ({ candidates }) => bestOf(candidates, dtype, form)));
    }
  }
  // An integer that gives every value back leaves nothing to larger types that count the same steps.
  const whole = list.find(({ dtype, claim }) => dtype.includes("int") && claim === "lossless");
  return list.filter(
    (way, k) =>
      k === 0 ||
      whole === undefined ||
      way === whole ||
      way.bytesPerValue < whole.bytesPerValue ||
      !(way.label.endsWith(" steps") || way.dtype === "int32"),
  );
}

/** The candidate of a type, and of a form if there is one of it; else what loses least. */
function bestOf(
  candidates: readonly Candidate[],
  dtype: Candidate["dtype"],
  form: Candidate["form"] | undefined,
): Candidate | undefined {
  const fitting = candidates.filter((one) => one.dtype === dtype);
  const rank = (one: Candidate) => claims.indexOf(one.claim) + (one.form === "standardised" ? 0 : 0.5);
  return fitting.find((one) => one.form === form) ?? fitting.sort((a, b) => rank(a) - rank(b))[0];
}

function wayOf(
  label: string,
  dtype: Candidate["dtype"],
  channels: readonly ChannelReport[],
  pick: (channel: ChannelReport) => Candidate | undefined,
): Way {
  const candidates = channels.map(pick);
  const claim = candidates.reduce<Candidate["claim"]>((worst, one) => {
    const own = one && one.outOfRange === 0 ? one.claim : "none";
    return claims[Math.max(claims.indexOf(worst), claims.indexOf(own))]!;
  }, "lossless");
  const worstBy = (measure: (one: Candidate) => number) =>
    candidates.reduce((worst, one, k) => {
      const other = candidates[worst];
      return one && (!other || measure(one) > measure(other)) ? k : worst;
    }, 0);
  const lossy = candidates.some((one) => one !== undefined && one.rmsError > 0);
  return {
    label,
    dtype,
    bytesPerValue: candidates.find((one) => one)?.bytesPerValue ?? 0,
    candidates,
    claim,
    outOfRange: candidates.reduce((sum, one) => sum + (one?.outOfRange ?? 0), 0),
    ...(lossy && {
      worst: {
        max: worstBy((one) => one.maxError),
        rms: worstBy((one) => one.rmsError),
        sqnr: worstBy((one) => -(one.sqnrDb ?? Number.POSITIVE_INFINITY)),
      },
    }),
  };
}

/** Place of the way that was chosen. */
export function chosenWay(ways: readonly Way[], { dtype, encoding }: Choice): number {
  if (!encoding) return 0;
  // Whole numbers are stored in the type of the same size that has them as they are.
  const size = dtype.replace("uint16", "int16").replace("uint32", "int32");
  const wanted = size === "int8" ? "uint8" : size;
  const places = ways.flatMap((way, k) => (k > 0 && way.dtype === wanted ? [k] : []));
  const { channels } = encoding;
  const codeOf = (k: number): ChannelCode | undefined => (channels.length > 1 ? channels[k] : channels[0]);
  const isIt = (place: number) => ways[place]!.candidates.every((one, k) => sameCode(one?.code, codeOf(k)));
  return places.find(isIt) ?? places[0] ?? 0;
}

function sameCode(a: ChannelCode | undefined, b: ChannelCode | undefined): boolean {
  const plain: ChannelCode = { kind: "scaled" };
  return JSON.stringify(a ?? plain) === JSON.stringify(b ?? plain);
}

/** Bytes of all samples of a field in a type of so many bytes. */
export function bytesOfField({ field }: FieldPrecision, samples: number, bytesPerValue: number): number {
  return samples * elementCount(field) * bytesPerValue;
}

/** What a row's claim is called. */
export function claimText(claim: Candidate["claim"]): string {
  return claim === "exact" ? "exact as float32" : claim === "none" ? "does not fit" : claim;
}

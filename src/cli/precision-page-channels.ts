// Chooses how much of each channel the page shows, so that it stays small, and collects it: figures of every channel,
// plots of as many as there is room for, the fewer values in each the more there are.

import type { FieldPrecision } from "../pack/precision-of-source.js";
import type { Candidate } from "../precision/candidates.js";
import { notFinite } from "../precision/facts.js";
import { channelValues } from "../precision/kept.js";
import type { ChannelReport } from "../precision/report.js";
import type { ChannelPlots } from "./precision-page-data.js";
import { type Detail, histogramOf, spectraOf, stretchOf } from "./precision-page-plots.js";
import { formatDecibels, formatFigure } from "./precision-page-text.js";
import { claimText, type Way } from "./precision-page-ways.js";

/** Labels of the figures of a channel. */
export const figureLabels = [
  "range",
  "mean",
  "deviation",
  "noise floor",
  "step",
  "decimals",
  "real information",
  "NaN, infinite",
  "distinct values",
] as const;

const details: readonly Detail[] = [
  { values: 256, segment: 512, bins: 64 },
  { values: 160, segment: 256, bins: 48 },
  { values: 96, segment: 128, bins: 40 },
  { values: 64, segment: 64, bins: 32 },
];
/** Bytes of the figures and losses of a channel, about. */
const figureBytes = 420;

/** How much is shown: of the first channels of each field plots, of some more figures. */
export interface Room {
  detail: Detail;
  /** By field. */
  plotted: number[];
  listed: number[];
}

/** Shares the bytes of a page among the channels of its fields. */
export function planRoom(fields: readonly { channels: number; ways: number }[], bytes: number): Room {
  const listed = dealt(fields, (bytes * 0.4) / figureBytes);
  const left = bytes - figureBytes * listed.reduce((sum, one) => sum + one, 0);
  const ways = Math.max(1, ...fields.map((field) => field.ways));
  const wanted = listed.reduce((sum, one) => sum + one, 0);
  const detail = details.find((one) => costOf(one, ways) * wanted <= left) ?? details[details.length - 1]!;
  const plotted = dealt(
    listed.map((channels) => ({ channels })),
    left / costOf(detail, ways),
  );
  return { detail, plotted, listed };
}

/** Bytes of the plots of a channel, about. */
function costOf({ values, segment, bins }: Detail, ways: number): number {
  return values * (5 + 5.2 * ways) + (segment / 2 + 1) * 6.4 * (ways + 1) + bins * 5 + 200;
}

/** Places dealt out to fields, none more than it has channels, the small ones first. */
function dealt(fields: readonly { channels: number }[], places: number): number[] {
  const shares = fields.map(() => 0);
  const order = fields.map((_, k) => k).sort((a, b) => fields[a]!.channels - fields[b]!.channels);
  let left = Math.floor(places);
  order.forEach((field, k) => {
    shares[field] = Math.min(fields[field]!.channels, Math.max(0, Math.floor(left / (order.length - k))));
    left -= shares[field]!;
  });
  return shares;
}

/** A field's channels as the page shows them. */
export function channelsOf(
  { report, kept }: FieldPrecision,
  ways: readonly Way[],
  { detail, plotted, listed }: { detail: Detail; plotted: number; listed: number },
): ChannelPlots[] {
  return report.channels.slice(0, listed).map((channel, k): ChannelPlots => {
    const candidates = ways.map((way) => way.candidates[k]);
    const plots: ChannelPlots = {
      channel: channel.channel,
      note: "",
      figures: figuresOf(channel),
      losses: candidates.map((one) => (one ? lossText(one) : null)),
    };
    if (k >= plotted) return { ...plots, note: "There is no room for its plots in this page." };
    const own = { values: channelValues(kept, k), length: kept.length };
    const histogram = histogramOf(own, channel.found ? channel.step : null, detail.bins);
    if (!histogram) return { ...plots, note: "There are no numbers to draw." };
    const spectra = spectraOf(own, candidates, channel, detail.segment);
    return {
      ...plots,
      histogram,
      stretch: stretchOf(own, candidates, detail.values),
      ...(spectra ? { spectra } : {}),
    };
  });
}

/** The figures in the order of their labels. */
export function figuresOf(channel: ChannelReport): string[] {
  const { facts, deviation, noise, decimals, information, distinct, kept } = channel;
  const isEmpty = facts.finite === 0;
  const infinite = notFinite(facts) - facts.nan;
  return [
    isEmpty ? "none" : `${formatFigure(facts.min, 6)} to ${formatFigure(facts.max, 6)}`,
    isEmpty ? "none" : formatFigure(facts.mean),
    isEmpty ? "none" : formatFigure(deviation),
    noise === null ? "not known" : formatFigure(noise),
    stepText(channel),
    isEmpty ? "none" : decimals === null ? "more than 9" : String(decimals),
    information === null
      ? "not known"
      : information.keptBits === 0
        ? "none"
        : `${formatFigure(information.bits, 3)} bits, in the first ${information.keptBits} of 64`,
    [facts.nan, infinite].map((count) => count.toLocaleString("en-US")).join(", "),
    `${distinct.toLocaleString("en-US")} of ${kept.toLocaleString("en-US")} kept`,
  ];
}

function stepText({ found, step }: ChannelReport): string {
  if (step === null) return "none";
  return found ? formatFigure(step) : `none found, closest ${formatFigure(step, 2)} apart`;
}

function lossText({ claim, outOfRange, maxError, rmsError, sqnrDb }: Candidate): string {
  if (outOfRange > 0) {
    return `does not fit: ${outOfRange.toLocaleString("en-US")} out of range`;
  }
  if (rmsError === 0) return claimText(claim);
  return `${claimText(claim)}: off by ${formatFigure(maxError, 3)} at most, ${formatFigure(rmsError, 3)} rms, ${formatDecibels(sqnrDb)}`;
}

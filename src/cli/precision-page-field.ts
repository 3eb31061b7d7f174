// The part of the page about one field: what is chosen and why, bytes per way as bars, a table of all ways, and a card per
// channel with its figures and places for its plots, which the script in the browser fills.

import type { FieldPrecision } from "../pack/precision-of-source.js";
import type { Choice } from "../precision/choose.js";
import { formatBytes } from "../store/byte-size.js";
import { elementBytes } from "../tensor/dtype.js";
import { describeField } from "../tensor/field.js";
import { figureLabels } from "./precision-page-channels.js";
import type { ChannelPlots } from "./precision-page-data.js";
import { counted, formatDecibels, formatFigure, Html, html } from "./precision-page-text.js";
import { bytesOfField, chosenWay, claimText, type Way } from "./precision-page-ways.js";

/** Channels that have a card of their own; the others are chosen from a select box. */
export const cardChannels = 12;

/** What the page says about a field. */
export interface FieldStory {
  name: string;
  place: number;
  precision: FieldPrecision;
  ways: readonly Way[];
  /** Way that the plots show first. */
  shown: number;
  channels: readonly ChannelPlots[];
  /** Samples that the bytes are of. */
  samples: number;
  isEstimate: boolean;
}

const signs = { lossless: "✓", exact: "≈", lossy: "~", none: "✕" } as const;

export function fieldSection(story: FieldStory): Html {
  const { name, place, precision, ways, channels } = story;
  const { field, report } = precision;
  const all = report.channels.length;
  return html`<section class="field" id="field-${place}" aria-labelledby="name-${place}">
<h2 id="name-${place}">${name}</h2>
<p class="aside">${describeField(field)}, ${all === 1 ? "one channel" : counted(all, "channel")}</p>
${verdict(story)}
<h3>Bytes per choice</h3>
${bars(story)}
<h3>What each choice costs</h3>
${table(story)}
${
  ways.length < 2
    ? ""
    : html`<div class="choose"><label for="way-${place}">Plots show the values as</label>
<select id="way-${place}" class="way" autocomplete="off">${ways
        .slice(1)
        .map(
          (way, k) =>
            html`<option value="${k}"${k === story.shown ? new Html(" selected") : ""}>${way.label} (${claimText(way.claim)})</option>`,
        )}</select></div>`
}
<div class="cards">${channels.slice(0, cardChannels).map((channel) => card(channel, all))}</div>
${
  channels.length <= cardChannels
    ? ""
    : html`<div class="choose further"><label for="further-${place}">Another channel</label>
<select id="further-${place}" autocomplete="off"></select></div>`
}
${
  channels.length >= all
    ? ""
    : html`<p class="aside">Of ${counted(all, "channel")} the first ${channels.length} are in this page; --json has all of them.</p>`
}
</section>`;
}

/** What is chosen, how much it saves, and why: a sentence for auto, one for --lossy where that is something else. */
function verdict({ precision, samples, isEstimate }: FieldStory): Html {
  const { auto, lossy } = precision;
  const start = isEstimate ? "Estimate: " : "";
  const other = JSON.stringify([auto.dtype, auto.encoding]) !== JSON.stringify([lossy.dtype, lossy.encoding]);
  return html`<p class="verdict"><strong>${start}${choiceText(precision, auto, samples)}</strong> ${auto.reason}</p>
${
  other
    ? html`<p class="verdict"><strong>${start}${start ? "with" : "With"} --lossy: ${choiceText(precision, lossy, samples)}</strong> ${lossy.reason}</p>`
    : html`<p class="aside">--lossy would choose the same.</p>`
}`;
}

function choiceText(precision: FieldPrecision, { dtype, encoding }: Choice, samples: number): string {
  const original = precision.field.dtype;
  const [before, after] = [elementBytes(original), elementBytes(dtype)];
  const now = formatBytes(bytesOfField(precision, samples, before));
  if (!encoding) return `Kept as ${original}, ${now}.`;
  const then = formatBytes(bytesOfField(precision, samples, after));
  return `${original} → ${dtype}, ${claimText(encoding.claim)}: ${now} → ${then}, ${before / after} times smaller.`;
}

function bars({ precision, ways, samples }: FieldStory): Html {
  const most = ways[0]!.bytesPerValue;
  const [auto, lossy] = [chosenWay(ways, precision.auto), chosenWay(ways, precision.lossy)];
  return html`<ul class="bars">${ways.map((way, k) => {
    const bytes = formatBytes(bytesOfField(precision, samples, way.bytesPerValue));
    const mark = k === auto ? "auto" : k === lossy ? "--lossy" : "";
    return html`<li class="${way.claim}"><span class="type">${k === 0 ? `${way.label} (as it is)` : way.label}</span>
<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${(100 * way.bytesPerValue) / most}" height="10"/></svg>
<span class="bytes">${bytes}</span> <span class="claim">${signs[way.claim]} ${claimText(way.claim)}</span>
${mark ? html`<span class="mark">${mark}</span>` : ""}</li>`;
  })}</ul>`;
}

const columns = [
  "type",
  "bytes",
  "saved",
  "largest error",
  "rms error",
  "SQNR",
  "out of range",
  "what comes back",
] as const;

function table({ precision, ways, samples, isEstimate }: FieldStory): Html {
  const { report } = precision;
  const several = report.channels.length > 1;
  const measured = Math.max(0, ...report.channels.map(({ kept }) => kept));
  const cells = (way: Way): string[] => {
    const { worst, candidates, bytesPerValue, claim } = way;
    const unmeasured = claim === "none" ? "–" : "0";
    const of = (k: number | undefined, text: (one: NonNullable<Way["candidates"][number]>) => string) => {
      const one = k === undefined ? undefined : candidates[k];
      if (!one) return unmeasured;
      return `${text(one)}${several ? ` (channel ${k})` : ""}`;
    };
    return [
      formatBytes(bytesOfField(precision, samples, bytesPerValue)),
      `${(100 * (1 - bytesPerValue / ways[0]!.bytesPerValue)).toFixed(1)} %`,
      of(worst?.max, (one) => formatFigure(one.maxError)),
      of(worst?.rms, (one) => formatFigure(one.rmsError)),
      worst || claim === "none" ? of(worst?.sqnr, (one) => formatDecibels(one.sqnrDb)) : "no loss",
      outOfRangeText(way),
      `${signs[way.claim]} ${claimText(way.claim)}`,
    ];
  };
  return html`<table class="ways" role="table"><caption>${
    several ? "Of each the worst channel. " : ""
  }Lossless, exact and out of range: ${
    isEstimate ? "an estimate from the samples that were looked at" : "every value was looked at"
  }. Errors: measured on ${counted(measured, "value")}${several ? " of each channel" : ""}, in the unit of the values.</caption>
<thead role="rowgroup"><tr role="row">${columns.map((name) => html`<th role="columnheader" scope="col">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${ways.map(
    (way) =>
      html`<tr role="row" class="${way.claim}"><th role="rowheader" scope="row">${way.label}</th>${cells(
        way,
      ).map((text, k) => html`<td role="cell" data-label="${columns[k + 1]!}">${text}</td>`)}</tr>`,
  )}</tbody></table>`;
}

function outOfRangeText({ outOfRange, candidates }: Way): string {
  const without = candidates.filter((one) => !one).length;
  if (without > 0 && candidates.length === 1) return "all";
  const some = outOfRange.toLocaleString("en-US");
  if (without === 0) return some;
  return `${counted(without, "channel")}${outOfRange > 0 ? ` and ${some}` : ""}`;
}

/** Figures of a channel, and places for its plots. */
function card({ channel, figures, note }: ChannelPlots, all: number): Html {
  const plot = (kind: string, title: string) =>
    html`<figure class="${kind}"><figcaption>${title}</figcaption><div class="plot"></div></figure>`;
  return html`<article class="channel" data-channel="${channel}"><h4>${all === 1 ? "All values" : `Channel ${channel}`}</h4>
<dl class="figures">${figureLabels.map(
    (label, k) => html`<div><dt>${label}</dt><dd>${figures[k]!}</dd></div>`,
  )}</dl>
<p class="loss" aria-live="polite"></p>
<div class="plots">${plot("histogram", "Values")}${plot("course", "Original and reduced")}${plot("spectrum", "Power over frequency")}</div>
<p class="aside note">${note}</p></article>`;
}

// The report of `spillway precision` as one HTML page: choices and their reasons, bytes, errors, and plots per channel. The
// page holds all that it needs; its content security policy lets the browser load nothing, and run only these scripts.

import { createHash } from "node:crypto";
import type { FieldPrecision, PrecisionReport } from "../pack/precision-of-source.js";
import { formatBytes } from "../store/byte-size.js";
import { elementBytes } from "../tensor/dtype.js";
import { formatSeconds } from "./output.js";
import { channelsOf, figureLabels, planRoom } from "./precision-page-channels.js";
import type { PageData } from "./precision-page-data.js";
import { type FieldStory, fieldSection } from "./precision-page-field.js";
import { pageScript, plotLibrary } from "./precision-page-script.js";
import { pageStyle } from "./precision-page-style.js";
import { counted, Html, html, jsonForScript } from "./precision-page-text.js";
import { bytesOfField, chosenWay, claimText, waysOf } from "./precision-page-ways.js";

/** Fields that have a section of their own; all are in the table. */
const mostSections = 48;
/** Bytes of the plots' data, about: with the rest a page stays below 1.5 MB. */
const dataBytes = 1_000_000;
const sectionBytes = 12_000;

/**
 * A report as a page.
 *
 * @returns HTML that needs no other file
 * @throws SpillwayError `missing` where uPlot is not installed
 */
export function writePrecisionPage(report: PrecisionReport): string {
  const library = plotLibrary();
  const script = pageScript();
  const stories = storiesOf(report);
  const data: PageData = {
    labels: [...figureLabels],
    fields: stories.map(({ name, ways, shown, channels }) => ({
      name,
      ways: ways.slice(1).map(({ label }) => label),
      shown,
      channels: [...channels],
    })),
  };
  const styles = [library.style, pageStyle];
  const policy = [
    "default-src 'none'",
    `script-src ${[library.script, script].map(sourceHash).join(" ")}`,
    `style-src ${styles.map(sourceHash).join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Precision of ${report.path}</title>
${styles.map((style) => html`<style>${new Html(style)}</style>\n`)}</head>
<body>
<header><h1>Precision of ${report.path}</h1>
${overview(report)}</header>
<main>
${Object.keys(report.fields).length === 0 ? html`<p>It has no tensor fields: there is nothing to measure.</p>` : ""}
${stories.length > 1 ? summary(report, stories) : ""}
${stories.map(fieldSection)}
</main>
<noscript><p class="estimate">The plots need JavaScript, which is switched off.</p></noscript>
<script type="application/json" id="page-data">${jsonForScript(data)}</script>
<script>${new Html(library.script)}</script>
<script type="module">${new Html(script)}</script>
</body>
</html>
`.text;
}

function sourceHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Samples that a report speaks of: all, where their number is known. */
function samplesOf({ samples, of }: PrecisionReport): number {
  return of ?? samples;
}

function storiesOf(report: PrecisionReport): FieldStory[] {
  const fields = Object.entries(report.fields).slice(0, mostSections);
  const ways = fields.map(([, precision]) => waysOf(precision));
  const sizes = fields.map(([, precision], k) => ({
    channels: precision.report.channels.length,
    ways: ways[k]!.length - 1,
  }));
  const { detail, plotted, listed } = planRoom(sizes, dataBytes - sectionBytes * fields.length);
  return fields.map(([name, precision], k) => ({
    name,
    place: k,
    precision,
    ways: ways[k]!,
    shown: shownFirst(precision, ways[k]!),
    channels: channelsOf(precision, ways[k]!.slice(1), {
      detail,
      plotted: plotted[k]!,
      listed: listed[k]!,
    }),
    samples: samplesOf(report),
    isEstimate: report.isEstimate,
  }));
}

/** The way with which the plots begin: the choice with a loss, else one that would lose something, else the choice. */
function shownFirst({ auto, lossy }: FieldPrecision, ways: FieldStory["ways"]): number {
  const chosen = chosenWay(ways, lossy) || chosenWay(ways, auto);
  return Math.max(0, (chosen || ways.findIndex(({ dtype }) => dtype === "int16") || 1) - 1);
}

function overview(report: PrecisionReport): Html {
  const { samples, of, isEstimate, seconds } = report;
  const all = of === undefined ? "an unknown number of" : of.toLocaleString("en-US");
  return html`${
    isEstimate
      ? html`<p class="estimate" role="note">An estimate: ${samples.toLocaleString("en-US")} of ${all} samples were looked at. What is said of every value holds for these alone${
          of === undefined ? ", and bytes are of these alone" : ""
        }.</p>`
      : html`<p class="aside">All ${counted(samples, "sample")} were looked at, in ${formatSeconds(seconds)}.</p>`
  }`;
}

/** All fields in a table, with what they take together. */
function summary(report: PrecisionReport, stories: readonly FieldStory[]): Html {
  const fields = Object.entries(report.fields);
  const samples = samplesOf(report);
  const bytes = (pick: (precision: FieldPrecision) => number) =>
    fields.reduce((sum, [, precision]) => sum + bytesOfField(precision, samples, pick(precision)), 0);
  const now = bytes(({ field }) => elementBytes(field.dtype));
  const then = bytes(({ auto }) => elementBytes(auto.dtype));
  const columns = ["type", "choice", "bytes now", "bytes then", "why"] as const;
  const row = ([name, precision]: [string, FieldPrecision], k: number) => {
    const { field, auto } = precision;
    const cells = [
      field.dtype,
      auto.encoding ? `${auto.dtype}, ${claimText(auto.encoding.claim)}` : "kept",
      formatBytes(bytesOfField(precision, samples, elementBytes(field.dtype))),
      formatBytes(bytesOfField(precision, samples, elementBytes(auto.dtype))),
      auto.reason,
    ];
    return html`<tr role="row"><th role="rowheader" scope="row">${
      k < stories.length ? html`<a href="#field-${k}">${name}</a>` : name
    }</th>${cells.map((text, at) => html`<td role="cell" data-label="${columns[at]!}">${text}</td>`)}</tr>\n`;
  };
  return html`<section aria-label="All fields"><p class="verdict"><strong>All fields: ${
    now === then
      ? `${formatBytes(now)}, all are kept`
      : `${formatBytes(now)} → ${formatBytes(then)}, ${(now / then).toFixed(1)} times smaller`
  }.</strong></p>
<table class="summary" role="table"><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">field</th>${columns.map(
    (name) => html`<th role="columnheader" scope="col">${name}</th>`,
  )}</tr></thead><tbody role="rowgroup">${fields.map(row)}</tbody></table>
${
  fields.length > stories.length
    ? html`<p class="aside">The first ${stories.length} fields follow in detail; --json has all of them.</p>`
    : ""
}</section>`;
}

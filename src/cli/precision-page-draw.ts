// Draws the plots of a channel with uPlot, in the browser: a histogram, a stretch of values over its error, and spectra.
// This file, precision-page-axes.ts and precision-page-browser.ts are put into the page one after another
// (precision-page-script.ts): of packages they import types alone. Colours are read from the style, so that drawing
// again follows light and dark.

import type Plot from "uplot";
import {
  type Numbers,
  numbersOf,
  padded,
  readable,
  roundBelow,
  short,
  ticks,
  unitOf,
  unitOfSteps,
  valueLabel,
} from "./precision-page-axes.js";
import type { ChannelPlots, Histogram, Spectra, Stretch } from "./precision-page-data.js";

declare const uPlot: typeof Plot;

/** Room below a plot for numbers and a label, and above it, in CSS pixels. */
const below = 46;
const above = 8;
const courseHeight = 150;
const errorHeight = 150;
const font = "12px system-ui, sans-serif";

/** Stretches that were drawn: each is a pair of plots with one cursor. */
let stretches = 0;

/** Draws all plots of a channel into its card. */
export function drawChannel(card: Element, plots: ChannelPlots, way: number, wayName: string): Plot[] {
  const place = (kind: string, isThere: boolean): HTMLElement => {
    const figure = card.querySelector<HTMLElement>(`figure.${kind}`)!;
    figure.hidden = !isThere;
    const into = figure.querySelector<HTMLElement>(".plot")!;
    into.replaceChildren();
    return into;
  };
  const { histogram, stretch, spectra } = plots;
  const [bars, course, spectrum] = [
    place("histogram", histogram !== undefined),
    place("course", stretch !== undefined),
    place("spectrum", spectra !== undefined),
  ];
  return [
    ...(histogram ? [drawHistogram(bars, histogram)] : []),
    ...(stretch ? drawStretch(course, stretch, { way, wayName, fits: plots.losses[way] !== null }) : []),
    ...(spectra ? [drawSpectra(spectrum, spectra, { way, wayName })] : []),
  ];
}

function drawHistogram(into: HTMLElement, { low, width, counts, isCut }: Histogram): Plot {
  const unit = unitOf(low, low + counts.length * width);
  const edgeOf = (k: number) => low / unit + k * (width / unit);
  const edges = counts.map((_, k) => edgeOf(k));
  const most = counts.indexOf(Math.max(...counts));
  const total = counts.reduce((sum, one) => sum + one, 0);
  const tails = isCut ? ", the first and last bin with all beyond" : "";
  return made(into, {
    label: `Histogram of ${total} kept values from ${readable(edgeOf(0) * unit)} to ${readable(edgeOf(counts.length) * unit)}${tails}; most, ${counts[most]}, between ${readable(edgeOf(most) * unit)} and ${readable(edgeOf(most + 1) * unit)}`,
    height: courseHeight + errorHeight - 60,
    x: {
      label: valueLabel(isCut ? "value (end bins: all beyond)" : "value", unit),
      range: [edgeOf(0), edgeOf(counts.length)],
    },
    y: { label: "kept values per bin", range: [0, Math.max(...counts) * 1.05] },
    series: [
      {
        label: "values",
        stroke: colour("signal"),
        fill: colour("signal"),
        width: 0,
        paths: uPlot.paths.bars!({ size: [1, Number.POSITIVE_INFINITY], align: 1, gap: 1 }),
        points: { show: false },
      },
    ],
    data: [edges, counts],
  });
}

function drawStretch(
  into: HTMLElement,
  { values, errors, isSeries }: Stretch,
  { way, wayName, fits }: { way: number; wayName: string; fits: boolean },
): Plot[] {
  const unit = unitOfSteps(values);
  const original = numbersOf(values, unit);
  const own = errors[way];
  const error = own ? numbersOf(own, unit) : original.map((one) => (one === null ? null : 0));
  const reduced = original.map((one, k) => (one === null || !fits ? null : one + error[k]!));
  const x = original.map((_, k) => k);
  const range = padded([...original, ...reduced]);
  const joined = (size: number) => (isSeries ? {} : { paths: () => null, points: { show: true, size } });
  const axis = { width: 0 };
  stretches += 1;
  const sync = `stretch ${stretches}`;
  const top = made(into, {
    label: `${original.length} kept values and what ${wayName} makes of them, from ${readable(range[0] * unit)} to ${readable(range[1] * unit)}`,
    height: courseHeight,
    x: { range: [0, Math.max(1, x.length - 1)] },
    y: { label: valueLabel("value", unit), range, axis },
    sync,
    series: [
      { label: "original", stroke: colour("signal"), width: 3, ...joined(9) },
      { label: wayName, stroke: colour("reduced"), width: 1.25, ...joined(4) },
    ],
    data: [x, original, reduced],
  });
  const largest = Math.max(0, ...error.map((one) => Math.abs(one ?? 0)));
  const span = ((range[1] - range[0]) * (errorHeight - above - below)) / (courseHeight - above - 8);
  const factor = largest > 0 ? roundBelow(span / (2.1 * largest)) : 1;
  const half = span / factor / 2;
  const magnified = `${readable(factor)}× magnified`;
  const bottom = made(into, {
    label: !fits
      ? `${wayName} cannot hold the values`
      : largest > 0
        ? `Error of ${wayName}, ${magnified}: at most ${readable(largest * unit)} on these values`
        : `Error of ${wayName}: none, every value comes back`,
    height: errorHeight,
    x: {
      label: isSeries ? "place in a kept stretch" : "kept values of samples",
      range: [0, Math.max(1, x.length - 1)],
    },
    y: {
      label: largest > 0 ? `error, ${factor === 1 ? "same scale" : `${short(factor)}×`}` : "error",
      range: [-half, half],
      axis,
    },
    // One under the other, their axes are as wide as the wider one: how wide this one's is shows only now.
    ready: () => top.redraw(false, true),
    sync,
    series: [
      {
        label: largest > 0 ? `error, ${magnified}` : "no error",
        stroke: colour("error"),
        width: 1.25,
        ...joined(5),
      },
    ],
    data: [x, fits ? error : error.map(() => null)],
  });
  return [top, bottom];
}

function drawSpectra(
  into: HTMLElement,
  { signal, errors }: Spectra,
  { way, wayName }: { way: number; wayName: string },
): Plot {
  const x = signal.map((_, k) => k / (2 * (signal.length - 1)));
  // The mean was taken off: what is left at 0 says nothing.
  const lone = (powers: Numbers): Numbers => powers.map((power, k) => (k === 0 ? null : power));
  const error = errors[way];
  const numbers = [...lone(signal), ...(error ? lone(error) : [])].filter((one) => one !== null);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const peak = signal.indexOf(Math.max(...lone(signal).filter((one) => one !== null)));
  const level = error ? lone(error).filter((one) => one !== null) : [];
  const mean = level.reduce((sum, one) => sum + one / level.length, 0);
  return made(into, {
    label: `Power over frequency: the signal is strongest at ${readable(x[peak]!)} cycles per value; ${error ? `the error of ${wayName} lies at ${mean.toFixed(0)} dB on average` : `${wayName} has no error`}`,
    height: courseHeight + errorHeight - 60,
    x: { label: "frequency (cycles per value)", range: [0, 0.5] },
    y: {
      label: "power (dB of the signal)",
      range: [Math.floor(low / 10) * 10 - 5, Math.ceil(high / 10) * 10 + 5],
    },
    series: [
      { label: "signal", stroke: colour("signal"), width: 1.5, points: { show: false } },
      {
        label: error ? `error of ${wayName}` : "no error",
        stroke: colour("error"),
        width: 1.5,
        points: { show: false },
      },
    ],
    data: [x, lone(signal), error ? lone(error) : x.map(() => null)],
  });
}

interface PlotPlan {
  label: string;
  height: number;
  x: { label?: string; range: [number, number] };
  /** `axis` is shared by plots that are to have axes of one width, in CSS pixels. */
  y: { label: string; range: [number, number]; axis?: { width: number } };
  series: Plot.Series[];
  data: [number[], ...Numbers[]];
  sync?: string;
  ready?: () => void;
}

function made(into: HTMLElement, plan: PlotPlan): Plot {
  const shared = plan.y.axis ?? { width: 0 };
  const { label, height, x, y, series, data, sync } = plan;
  const value = (_: Plot, one: number | null) => readable(one);
  const axis = { stroke: colour("soft"), font, labelFont: font, labelSize: 16, labelGap: 0, gap: 4 };
  const grid = { stroke: colour("grid"), width: 1 };
  const plot = new uPlot(
    {
      width: Math.max(200, into.clientWidth),
      height,
      padding: [above, 12, 0, 0],
      scales: { x: { time: false, range: () => x.range }, y: { range: () => y.range } },
      axes: [
        {
          ...axis,
          grid,
          ticks: { ...grid, size: 4 },
          ...(x.label ? { label: x.label, size: below - 16 } : { size: 8, values: () => [] }),
          ...(x.label && { values: (_: Plot, splits: number[]) => ticks(splits) }),
        },
        {
          ...axis,
          grid,
          ticks: { ...grid, size: 4 },
          label: y.label,
          space: 24,
          size: (_: Plot, texts: string[] | null) => {
            const longest = Math.max(3, ...(texts ?? []).map((text) => text.length));
            shared.width = Math.max(shared.width, 26 + 6.8 * longest);
            return shared.width;
          },
          values: (_: Plot, splits: number[]) => ticks(splits),
        },
      ],
      series: [
        { label: x.label ?? "place", value },
        ...series.map((one) => ({ value, spanGaps: false, ...one })),
      ],
      cursor: { drag: { x: false, y: false }, ...(sync ? { sync: { key: sync } } : {}) },
      legend: { show: true, live: true },
      ...(plan.ready ? { hooks: { ready: [plan.ready] } } : {}),
    },
    data,
    into,
  );
  const wrap = plot.root.querySelector(".u-wrap")!;
  wrap.setAttribute("role", "img");
  wrap.setAttribute("aria-label", label);
  return plot;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

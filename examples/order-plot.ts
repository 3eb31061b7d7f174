// Draws accuracy over passes as an SVG file that needs nothing else: panels side by side, light and dark by the viewer's own
// setting, the lines named where they end.

/** One line of the plot. */
export interface PlotLine {
  name: string;
  /** CSS class that decides the colour: "a", "b" or "c". */
  colour: "a" | "b" | "c";
  /** Mean, lowest and highest over the seeds, 0 to 1, at each of `PlotOptions.passes`. */
  points: readonly { mean: number; low: number; high: number }[];
}

/** One of the plots that stand side by side. */
export interface PlotPanel {
  heading: string;
  lines: readonly PlotLine[];
}

export interface PlotOptions {
  title: string;
  subtitle: string;
  /** Place of each point on the horizontal axis. */
  passes: readonly number[];
}

const height = 420;
const panelWidth = 484;
/** Of the first panel; the others stand to its right. */
const plot = { left: 68, right: 336, top: 118, bottom: 356 };
const labelGap = 36;

const style = `
  svg { --ground: #ffffff; --text: #1c2024; --soft: #5f6872; --grid: #e3e6ea; --a: #0b62d6; --b: #b35309; --c: #8a3ffc;
        font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #14171b; --text: #eceff2; --soft: #a3adb8; --grid: #2c3238; --a: #6cb0ff; --b: #ffa657; --c: #c8a5ff; }
  }
  .ground { fill: var(--ground); }
  .title { font-size: 20px; font-weight: 650; fill: var(--text); }
  .heading { font-size: 14px; font-weight: 600; fill: var(--text); }
  .soft { font-size: 13px; fill: var(--soft); }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
  .band { stroke: none; opacity: 0.18; }
  .name { font-size: 14px; font-weight: 600; }
  .a { --own: var(--a); } .b { --own: var(--b); } .c { --own: var(--c); }
  .line { stroke: var(--own); } .band, .name, .dot { fill: var(--own); }`;

/** The text of the SVG file. */
export function drawOrderPlot(panels: readonly PlotPanel[], options: PlotOptions): string {
  const { title, subtitle, passes } = options;
  const width = panels.length * panelWidth + 20;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title subtitle">`,
    `<style>${style}\n</style>`,
    `<rect class="ground" width="${width}" height="${height}" rx="8"/>`,
    `<text id="title" class="title" x="24" y="36">${escapeText(title)}</text>`,
    `<text id="subtitle" class="soft" x="24" y="59">${escapeText(subtitle)}</text>`,
    ...panels.map(
      (panel, at) => `<g transform="translate(${at * panelWidth} 0)">\n${drawPanel(panel, passes)}\n</g>`,
    ),
    "</svg>\n",
  ].join("\n");
}

function drawPanel({ heading, lines }: PlotPanel, passes: readonly number[]): string {
  const last = passes.at(-1)!;
  const x = (pass: number) => plot.left + (pass / last) * (plot.right - plot.left);
  const y = (share: number) => plot.bottom - share * (plot.bottom - plot.top);
  const at = (pass: number, share: number) => `${x(pass).toFixed(1)},${y(share).toFixed(1)}`;

  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (share) =>
      `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y(share)}" y2="${y(share)}"/>` +
      `<text class="soft" x="${plot.left - 10}" y="${y(share) + 4.5}" text-anchor="end">${share * 100} %</text>`,
  );
  const ticks = Array.from({ length: Math.floor(last) + 1 }, (_, pass) => pass)
    .filter((pass) => pass % Math.ceil(last / 10) === 0)
    .map(
      (pass) =>
        `<text class="soft" x="${x(pass).toFixed(1)}" y="${plot.bottom + 21}" text-anchor="middle">${pass}</text>`,
    );
  const bands = lines.map(({ colour, points }) => {
    const upper = points.map(({ high }, k) => at(passes[k]!, high));
    const lower = points.map(({ low }, k) => at(passes[k]!, low)).reverse();
    return `<polygon class="band ${colour}" points="${[...upper, ...lower].join(" ")}"/>`;
  });
  const curves = lines.map(
    ({ colour, points }) =>
      `<polyline class="line ${colour}" points="${points.map(({ mean }, k) => at(passes[k]!, mean)).join(" ")}"/>`,
  );
  const names = spreadOut(lines.map(({ points }) => y(points.at(-1)!.mean))).map((place, k) => {
    const { name, colour, points } = lines[k]!;
    const { mean } = points.at(-1)!;
    return (
      `<circle class="dot ${colour}" cx="${x(last)}" cy="${y(mean).toFixed(1)}" r="4"/>` +
      `<text class="name ${colour}" x="${x(last) + 14}" y="${place.toFixed(1)}">${escapeText(name)}</text>` +
      `<text class="soft" x="${x(last) + 14}" y="${(place + 16).toFixed(1)}">${(mean * 100).toFixed(1)} %</text>`
    );
  });
  return [
    `<text class="heading" x="${plot.left}" y="${plot.top - 18}">${escapeText(heading)}</text>`,
    ...grid,
    ...ticks,
    `<text class="soft" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 44}" text-anchor="middle">passes over the data</text>`,
    ...bands,
    ...curves,
    ...names,
  ].join("\n");
}

/** Heights of the names, moved apart, around where they belong, where their lines end close together. */
function spreadOut(heights: readonly number[]): number[] {
  const placed = heights.map((height) => height + 4);
  const order = heights.map((_, k) => k).sort((a, b) => heights[a]! - heights[b]!);
  for (let k = 1; k < order.length; k += 1) {
    placed[order[k]!] = Math.max(placed[order[k]!]!, placed[order[k - 1]!]! + labelGap);
  }
  return placed;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

// Draws peak memory beside the size of the data as an SVG file that needs nothing else, light and dark by the viewer's
// own setting. The data axis is logarithmic, the memory axis is not.

/** One process, in bytes. */
export interface MemoryPoint {
  dataBytes: number;
  peakBytes: number;
  /** Peak before any data was there. */
  bareBytes: number;
  heldBytes: number;
}

const size = { width: 720, height: 380 };
const plot = { left: 76, right: 520, top: 96, bottom: 316 };

const style = `
  svg { --ground: #ffffff; --text: #1c2024; --soft: #5f6872; --grid: #e3e6ea; --process: #0b62d6; --data: #b35309;
        font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #14171b; --text: #eceff2; --soft: #a3adb8; --grid: #2c3238; --process: #6cb0ff; --data: #ffa657; }
  }
  .ground { fill: var(--ground); } .title { font-size: 20px; font-weight: 650; fill: var(--text); }
  .soft { font-size: 13px; fill: var(--soft); } .grid { stroke: var(--grid); }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; } .name { font-size: 14px; font-weight: 600; }
  .process { stroke: var(--process); } .data { stroke: var(--data); stroke-dasharray: 6 5; }
  .name.process, .dot { fill: var(--process); stroke: none; } .name.data { fill: var(--data); stroke: none; }`;

/** The text of the SVG file. */
export function drawMemoryPlot(points: readonly MemoryPoint[], memory: number): string {
  const mebi = 2 ** 20;
  const [first, last] = [points[0]!.dataBytes, points.at(-1)!.dataBytes];
  const top = Math.ceil((memory + 100 * mebi) / (50 * mebi)) * 50;
  const x = (bytes: number) =>
    plot.left + ((plot.right - plot.left) * Math.log(bytes / first)) / Math.log(last / first);
  const y = (bytes: number) => plot.bottom - ((plot.bottom - plot.top) * bytes) / (top * mebi);
  const path = (values: readonly [number, number][]) =>
    values
      .map(([data, bytes], k) => `${k === 0 ? "M" : "L"}${x(data).toFixed(1)} ${y(bytes).toFixed(1)}`)
      .join(" ");
  const ticks = Array.from({ length: top / 50 + 1 }, (_, k) => k * 50);
  const peak = points.at(-1)!.peakBytes;
  const beyond = Math.min(top * mebi, last);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-labelledby="title subtitle">
<style>${style}
</style>
<rect class="ground" width="${size.width}" height="${size.height}" rx="8"/>
<text id="title" class="title" x="24" y="36">Memory does not grow with the data</text>
<text id="subtitle" class="soft" x="24" y="59">Most that the whole process had resident in an epoch of training and validation, ${memory / mebi} MiB given.</text>
${ticks.map((tick) => `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y(tick * mebi).toFixed(1)}" y2="${y(tick * mebi).toFixed(1)}"/><text class="soft" x="${plot.left - 10}" y="${(y(tick * mebi) + 4).toFixed(1)}" text-anchor="end">${tick} MiB</text>`).join("\n")}
${points.map(({ dataBytes }) => `<text class="soft" x="${x(dataBytes).toFixed(1)}" y="${plot.bottom + 22}" text-anchor="middle">${sizeText(dataBytes)}</text>`).join("\n")}
<text class="soft" x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 46}" text-anchor="middle">size of the data</text>
<path class="line data" d="${path([[first, first], ...ramp(first, beyond)])}"/>
<text class="name data" x="${(x(beyond) + 10).toFixed(1)}" y="${(y(beyond) + 5).toFixed(1)}">all data in memory</text>
<path class="line process" d="${path(points.map(({ dataBytes, peakBytes }) => [dataBytes, peakBytes]))}"/>
${points.map(({ dataBytes, peakBytes }) => `<circle class="dot" cx="${x(dataBytes).toFixed(1)}" cy="${y(peakBytes).toFixed(1)}" r="4"/>`).join("\n")}
<text class="name process" x="${plot.right + 14}" y="${(y(peak) - 2).toFixed(1)}">with Spillway</text>
<text class="soft" x="${plot.right + 14}" y="${(y(peak) + 15).toFixed(1)}">${(peak / mebi).toFixed(0)} MiB for ${sizeText(last)}</text>
</svg>
`;
}

/** Points of "as much memory as data", close enough for a smooth curve over the logarithmic axis. */
function ramp(from: number, to: number): [number, number][] {
  const steps = 24;
  return Array.from({ length: steps }, (_, k) => {
    const bytes = from * (to / from) ** ((k + 1) / steps);
    return [bytes, bytes];
  });
}

function sizeText(bytes: number): string {
  const mebi = bytes / 2 ** 20;
  return mebi < 1000 ? `${Math.round(mebi)} MiB` : `${(mebi / 1024).toFixed(1)} GiB`;
}

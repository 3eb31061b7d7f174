// What the examples show: lines that stay, and a few live lines below them that are drawn anew. Where the output is no
// terminal (a log, a pipe), the live lines are left out and a plain line is written every few seconds instead.
// Rule: words first. Colour only repeats what a line says, and NO_COLOR turns it off.

import { stripVTControlCharacters } from "node:util";

const output = process.stdout;
const isLive = output.isTTY === true && process.env.TERM !== "dumb";
const isColoured = isLive && !process.env.NO_COLOR;

const redrawMs = 100;
const plainLineMs = 5000;

/** Longer lines are hard to read, however wide the terminal. */
const widest = 110;

const colour = (code: string) => (text: string) => (isColoured ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = colour("1");
export const dim = colour("2");
export const green = colour("32");
export const cyan = colour("36");
export const yellow = colour("33");

// Whoever reads may have seen enough: npm start | head
output.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

let drawnLines = 0;
let lastMs = Number.NEGATIVE_INFINITY;

/** Writes lines that stay, broken between words where they are too long. Live lines end. */
export function print(...lines: string[]): void {
  const width = Math.min(widest, (output.columns || widest + 1) - 1);
  output.write(eraseLive() + lines.map((line) => `${wrapLine(line, width).join("\n")}\n`).join(""));
  lastMs = Number.NEGATIVE_INFINITY;
}

/**
 * Draws live lines, at most ten times a second.
 *
 * @param live gives the lines; called only when they are drawn
 * @param plain gives the line for a log; called at most every five seconds
 */
export function show(live: () => string[], plain: () => string): void {
  const now = performance.now();
  if (!isLive && lastMs === Number.NEGATIVE_INFINITY) lastMs = now;
  if (now - lastMs < (isLive ? redrawMs : plainLineMs)) return;
  lastMs = now;
  if (!isLive) {
    output.write(`${plain()}\n`);
    return;
  }
  const lines = live().map(cutToWidth);
  output.write(eraseLive() + lines.map((line) => `${line}\n`).join(""));
  drawnLines = lines.length;
}

function eraseLive(): string {
  const text = drawnLines === 0 ? "" : `\x1b[${drawnLines}A\x1b[J`;
  drawnLines = 0;
  return text;
}

/** A line in parts of at most so many characters, as far as its words allow, each indented as it is. */
export function wrapLine(line: string, width: number): string[] {
  const length = (text: string) => stripVTControlCharacters(text).length;
  const parts: string[] = [];
  let rest = line;
  while (length(rest) > width) {
    const indent = /^ */.exec(stripVTControlCharacters(rest))![0];
    let at = -1;
    for (let space = rest.indexOf(" "); space >= 0; space = rest.indexOf(" ", space + 1)) {
      const before = length(rest.slice(0, space));
      if (before > width && at >= 0) break;
      if (before > indent.length) at = space;
      if (before > width) break;
    }
    if (at < 0) break;
    parts.push(rest.slice(0, at).trimEnd());
    rest = indent + rest.slice(at).trimStart();
  }
  return [...parts, rest];
}

/** A line that wraps would be counted as one when it is erased. */
function cutToWidth(line: string): string {
  const width = output.columns || 80;
  const plain = stripVTControlCharacters(line);
  return plain.length < width ? line : plain.slice(0, width - 1);
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of `width` characters, filled to `share`, exact to an eighth of a character. */
export function bar(share: number, width: number, paint: (text: string) => string = cyan): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = "█".repeat(Math.floor(filled / 8)) + eighths[filled % 8]!;
  return paint(full) + dim("·".repeat(width - full.length));
}

/** A number with thousands marked: 24,414. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** "391 MiB" or "1.86 GiB". */
export function bytes(value: number): string {
  return value < 2 ** 30
    ? `${(value / 2 ** 20).toFixed(value < 10 * 2 ** 20 ? 1 : 0)} MiB`
    : `${(value / 2 ** 30).toFixed(2)} GiB`;
}

/** "12 s" or "3 min 05 s". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** "92.4 %". */
export function percent(share: number | undefined): string {
  return share === undefined ? "-" : `${(share * 100).toFixed(1)} %`;
}

/** Shows how far one step of the work is. `advance` is cheap to call often. */
export function startProgress(
  title: string,
  total: number,
  unit: string,
): { advance(done: number, bytesDone: number): void; end(): void } {
  const startMs = performance.now();
  let [done, bytesDone] = [0, 0];
  const seconds = () => (performance.now() - startMs) / 1000;
  const rate = () => `${bytes(bytesDone / seconds())}/s`;
  const left = () => `about ${duration((seconds() / Math.max(1, done)) * (total - done))} left`;
  const parts = () => `${count(done)} of ${count(total)} ${unit}`;
  return {
    advance(nowDone, nowBytes) {
      [done, bytesDone] = [nowDone, nowBytes];
      show(
        () => [`${title}  ${bar(done / total, 20)}  ${parts()}  ${rate()}  ${left()}`],
        () => `${title}  ${percent(done / total)}: ${parts()}, ${rate()}, ${left()}`,
      );
    },
    end() {
      print(
        `${title}  ${bar(1, 20, green)}  ${count(done)} ${unit}, ${bytes(bytesDone)} in ${seconds().toFixed(1)} s, ${rate()}`,
      );
    },
  };
}

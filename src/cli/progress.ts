// Progress of long work on stderr. On a terminal: one line that is redrawn, with a bar, the rate over the last seconds,
// the time left, and the memory that the process holds. Elsewhere: a plain line every few seconds.

import { formatBytes } from "../store/byte-size.js";
import { formatClock, formatCount, formatRate } from "./output.js";

/** Where the work stands. */
export interface ProgressState {
  /** What is being done, as "Packing"; another label begins a new line. */
  label: string;
  samples: number;
  /** Undefined while it is not known. */
  total: number | undefined;
  bytes: number;
}

export interface Progress {
  update(state: ProgressState): void;
  /** Prints a line without disturbing the one that is redrawn. */
  say(text: string): void;
  /** Leaves the cursor on a line of its own. */
  end(): void;
}

/** What progress needs of the stream and the machine; tests give their own. */
export interface ProgressOutput {
  write(text: string): void;
  isTTY: boolean;
  columns: number;
  nowMs(): number;
  residentBytes(): number;
}

const redrawMs = 100;
const plainMs = 5000;
/** The rate is that of the last seconds. */
const windowMs = 8000;
/** Forms of the line, the first that fits the terminal is used. */
const forms = [
  { barWidth: 20, hasCounts: true },
  { barWidth: 10, hasCounts: true },
  { barWidth: 10, hasCounts: false },
  { barWidth: 0, hasCounts: false },
] as const;

export function stderrOutput(): ProgressOutput {
  return {
    write: (text) => void process.stderr.write(text),
    isTTY: process.stderr.isTTY === true,
    get columns() {
      return process.stderr.columns ?? 80;
    },
    nowMs: () => performance.now(),
    residentBytes: () => process.memoryUsage.rss(),
  };
}

export function createProgress(output: ProgressOutput = stderrOutput()): Progress {
  let label: string | undefined;
  let points: { at: number; samples: number; bytes: number }[] = [];
  let drawnAt = output.nowMs();
  let latest: ProgressState | undefined;
  let isDrawn = false;
  let form = 0;

  const clear = () => {
    if (isDrawn) output.write("\r\x1b[K");
    isDrawn = false;
  };
  const draw = (state: ProgressState) => {
    if (!output.isTTY)
      return output.write(`${state.label}: ${partsOf(state, rateOf(points), output).join(", ")}\n`);
    const parts = partsOf(state, rateOf(points), output);
    // A form that was too long once is not taken again, so that the line does not jump.
    while (form < forms.length - 1 && drawLine(state, parts, form).length >= output.columns) form += 1;
    output.write(`\r${drawLine(state, parts, form).slice(0, output.columns - 1)}\x1b[K`);
    isDrawn = true;
  };
  const endLine = () => {
    if (latest && output.isTTY && label !== undefined) {
      draw(latest);
      output.write("\n");
    }
    isDrawn = false;
  };

  return {
    update(state) {
      const at = output.nowMs();
      if (state.label !== label) {
        if (label !== undefined) endLine();
        label = state.label;
        points = [];
        form = 0;
      }
      latest = state;
      points.push({ at, samples: state.samples, bytes: state.bytes });
      while (points.length > 2 && at - points[1]!.at > windowMs) points.shift();
      if (at - drawnAt < (output.isTTY ? redrawMs : plainMs)) {
        // Points between two drawings add nothing: the last one stands for them.
        if (points.length > 2 && at - points.at(-2)!.at < redrawMs) points.splice(-2, 1);
        return;
      }
      drawnAt = at;
      draw(state);
    },
    say(text) {
      clear();
      output.write(`${text}\n`);
      if (latest && output.isTTY) draw(latest);
    },
    end: () => {
      endLine();
      label = undefined;
      latest = undefined;
    },
  };
}

interface Rate {
  samplesPerSecond: number;
  bytesPerSecond: number;
}

function rateOf(points: readonly { at: number; samples: number; bytes: number }[]): Rate | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || last.at - first.at < 50) return undefined;
  const seconds = (last.at - first.at) / 1000;
  return {
    samplesPerSecond: (last.samples - first.samples) / seconds,
    bytesPerSecond: (last.bytes - first.bytes) / seconds,
  };
}

/** Share, counts, rates, time left and memory, as far as they are known. */
function partsOf(state: ProgressState, rate: Rate | undefined, output: ProgressOutput): string[] {
  const { samples, total } = state;
  const parts = [total === undefined ? "" : shareOf(samples, total)];
  parts.push(total === undefined ? formatCount(samples) : `${formatCount(samples)} of ${formatCount(total)}`);
  if (rate) {
    parts.push(`${formatCount(Math.round(rate.samplesPerSecond))} samples/s`);
    if (rate.bytesPerSecond > 0) parts.push(formatRate(rate.bytesPerSecond));
    if (total !== undefined && rate.samplesPerSecond > 0 && samples < total) {
      parts.push(`ETA ${formatClock((total - samples) / rate.samplesPerSecond)}`);
    }
  }
  parts.push(`RSS ${formatBytes(output.residentBytes())}`);
  return parts.filter((part) => part !== "");
}

function shareOf(samples: number, total: number): string {
  return `${total === 0 ? 100 : Math.floor((100 * samples) / total)} %`;
}

/** "Packing  ██████░░░░  58 %  23,200 of 40,000  8,120 samples/s  190 MB/s  ETA 0:42  RSS 142 MiB". */
function drawLine({ label, samples, total }: ProgressState, parts: readonly string[], form: number): string {
  const { barWidth, hasCounts } = forms[form]!;
  if (total === undefined) return [label, ...parts].join("  ");
  const filled = Math.round((barWidth * Math.min(samples, total)) / Math.max(1, total));
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
  const [share, counts, ...rest] = parts;
  return [label, bar, share!.padStart(5), ...(hasCounts ? [counts!] : []), ...rest]
    .filter((part) => part !== "")
    .join("  ");
}

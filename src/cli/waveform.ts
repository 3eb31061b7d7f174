// Waves drawn with braille characters, two by four dots each: a lane per channel with its own scale, the steps below.
// Where there are more steps than dots, a dot's column shows the whole range of its steps, so no peak is lost.

import { formatNumber } from "./output.js";

/** One channel. */
export interface Series {
  name: string;
  count: number;
  at(index: number): number;
}

/** Dots of a braille character by column and row, as bits of its code. */
const dotBits = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const blank = 0x2800;

/** A canvas of dots; y counts from the top. */
class BrailleCanvas {
  readonly width: number;
  readonly height: number;
  readonly #columns: number;
  readonly #cells: Uint8Array;

  constructor(columns: number, rows: number) {
    this.width = columns * 2;
    this.height = rows * 4;
    this.#columns = columns;
    this.#cells = new Uint8Array(columns * rows);
  }

  /** Sets the dots of a column between two heights, both included. */
  line(x: number, from: number, to: number): void {
    for (let y = Math.min(from, to); y <= Math.max(from, to); y += 1) {
      this.#cells[Math.floor(y / 4) * this.#columns + Math.floor(x / 2)]! |= dotBits[x % 2]![y % 4]!;
    }
  }

  row(index: number): string {
    const cells = this.#cells.subarray(index * this.#columns, (index + 1) * this.#columns);
    return String.fromCharCode(...Array.from(cells, (cell) => blank + cell));
  }
}

/**
 * Draws channels one below the other.
 *
 * @param width columns of the terminal
 * @param laneRows lines per channel, at least 2
 */
export function drawWaveform(channels: readonly Series[], width: number, laneRows: number): string[] {
  const lanes = channels.map((series) => ({ series, range: rangeOf(series) }));
  const labels = lanes.map(({ range }) => ({ max: formatNumber(range.max), min: formatNumber(range.min) }));
  const nameWidth = Math.max(...channels.map(({ name }) => name.length));
  const numberWidth = Math.max(...labels.flatMap(({ max, min }) => [max.length, min.length]));
  const margin = nameWidth + 1 + numberWidth + 2;
  const columns = Math.max(8, width - margin - 1);
  const lines: string[] = [];
  lanes.forEach(({ series, range }, k) => {
    const canvas = new BrailleCanvas(columns, laneRows);
    drawSeries(canvas, series, range);
    for (let row = 0; row < laneRows; row += 1) {
      const name = (row === 0 ? series.name : "").padEnd(nameWidth);
      const number = (row === 0 ? labels[k]!.max : row === laneRows - 1 ? labels[k]!.min : "").padStart(
        numberWidth,
      );
      const axis = row === 0 || row === laneRows - 1 ? "┤" : "│";
      lines.push(`${name} ${number} ${axis}${canvas.row(row)}`.trimEnd());
    }
  });
  lines.push(`${" ".repeat(margin)}${stepAxis(channels[0]!.count, columns)}`);
  return lines;
}

function rangeOf({ count, at }: Series): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < count; index += 1) {
    const value = at(index);
    if (!Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

function drawSeries(
  canvas: BrailleCanvas,
  { count, at }: Series,
  { min, max }: { min: number; max: number },
): void {
  if (!(max >= min)) return;
  const span = max - min || 1;
  const bottom = canvas.height - 1;
  const yOf = (value: number) =>
    max === min ? Math.floor(bottom / 2) : bottom - Math.round(((value - min) / span) * bottom);
  let before: number | undefined;
  for (let x = 0; x < canvas.width; x += 1) {
    // The steps that this column of dots stands for: several, or a place between two.
    const place = count === 1 ? 0 : (x * (count - 1)) / (canvas.width - 1);
    const first = count > canvas.width ? Math.floor((x * count) / canvas.width) : Math.round(place);
    const end =
      count > canvas.width ? Math.max(first + 1, Math.floor(((x + 1) * count) / canvas.width)) : first + 1;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let index = first; index < end; index += 1) {
      const value = count > canvas.width ? at(index) : between(at, place, count);
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (high < low) {
      before = undefined;
      continue;
    }
    const [top, foot] = [yOf(high), yOf(low)];
    // Joined to the column before, as a pen would.
    const from = before === undefined ? top : Math.min(top, before);
    const to = before === undefined ? foot : Math.max(foot, before);
    canvas.line(
      x,
      before !== undefined && before < top ? from + 1 : from,
      before !== undefined && before > foot ? to - 1 : to,
    );
    before = yOf(count > canvas.width ? at(end - 1) : (low + high) / 2);
  }
}

/** The value at a place between two steps. */
function between(at: (index: number) => number, place: number, count: number): number {
  const low = Math.min(count - 1, Math.floor(place));
  const share = place - low;
  return share === 0 || low + 1 >= count ? at(low) : at(low) * (1 - share) + at(low + 1) * share;
}

/** Steps at the left, in the middle and at the right. */
function stepAxis(steps: number, columns: number): string {
  const last = `step ${steps - 1}`;
  const middle = String(Math.floor((steps - 1) / 2));
  const gap = Math.floor(columns / 2) - 1 - Math.floor(middle.length / 2);
  const rest = columns - 1 - gap - middle.length - last.length;
  return gap > 1 && rest > 1 ? `0${" ".repeat(gap)}${middle}${" ".repeat(rest)}${last}` : `0 ... ${last}`;
}

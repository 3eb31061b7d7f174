// An answer of SQL as a table: names on top, numbers to the right, and on a terminal no line longer than it is wide: the
// widest columns are cut first.

import type { QueryColumn, QueryValue } from "../catalog/query.js";

const leastWidth = 8;
const gap = 2;
const mark = "…";

/** @param width of the terminal, or Infinity where nothing is to be cut */
export function formatAnswer(
  columns: readonly QueryColumn[],
  rows: readonly (readonly QueryValue[])[],
  width: number,
): string[] {
  const cells = rows.map((row) => row.map(formatCell));
  const names = columns.map(({ name }) => oneLine(name));
  const wanted = names.map((name, k) =>
    cells.reduce((most, row) => Math.max(most, row[k]!.length), name.length),
  );
  const widths = fitWidths(wanted, width);
  const isRight = columns.map(({ type }) => isNumber(type));
  const line = (row: readonly string[]) =>
    row
      .map((cell, k) => {
        const shown = cell.length > widths[k]! ? cell.slice(0, widths[k]! - 1) + mark : cell;
        return isRight[k] ? shown.padStart(widths[k]!) : shown.padEnd(widths[k]!);
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [line(names), line(widths.map((size) => "─".repeat(size))), ...cells.map(line)];
}

/** Widths that fit together: the widest give way, down to eight letters. */
export function fitWidths(wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  const total = () => widths.reduce((sum, size) => sum + size, gap * (widths.length - 1));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= leastWidth) break;
    const second = Math.max(
      leastWidth,
      ...widths.filter((_, k) => k !== widest && widths[k]! < widths[widest]!),
    );
    const over = total() - width;
    widths[widest] = Math.max(
      second === widths[widest] ? leastWidth : second - 1,
      leastWidth,
      widths[widest]! - over,
    );
  }
  return widths;
}

function formatCell(value: QueryValue): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return oneLine(value);
  if (typeof value === "object")
    return oneLine(
      JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part)),
    );
  return String(value);
}

/** Line ends and the like would break the table. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go.
  return text.replace(/[\u0000-\u001f\u007f]/g, " ");
}

function isNumber(type: string): boolean {
  return /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type);
}

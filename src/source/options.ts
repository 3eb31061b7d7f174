// Checks of the options that a caller gives for raw data: each kind of source names those that concern it, and the
// others are refused, since an option that does nothing hides a misunderstanding.

import { SpillwayError } from "../errors.js";
import type { SourceOptions } from "./source.js";

/** Flags of the command line, by the name of the option in the library. */
const flags: Record<keyof SourceOptions, string> = {
  kind: "--kind",
  classes: "--classes",
  labelColumn: "--label-column",
  labelKind: "--label-kind",
  labels: "--labels",
  source: "--source",
  key: "--key",
  size: "--size",
  channels: "--channels",
  images: "--encoded or --decode",
};

/** @throws SpillwayError `usage` if an option is set that this kind of source does not take */
export function refuseOtherOptions(
  kind: string,
  options: SourceOptions,
  taken: readonly (keyof SourceOptions)[],
): void {
  for (const name of Object.keys(flags) as (keyof SourceOptions)[]) {
    if (options[name] === undefined || name === "kind" || taken.includes(name)) continue;
    const others = taken.length === 0 ? "none" : taken.map((option) => flags[option]).join(", ");
    throw new SpillwayError("usage", `a source of kind "${kind}" has no use for ${name} (${flags[name]})`, {
      remedy: `Leave it out; the options of this kind are: ${others}.`,
    });
  }
}

/** Whether a file of labels is a table with names of its own, which goes with any kind of source. */
export function isTablePath(path: string): boolean {
  return /\.(?:[ct]sv(?:\.gz)?|parquet)$/i.test(path);
}

/** A label column as the command line gives it: "-1" means the number, anything else a name. */
export function columnNumber(column: string | number): number | undefined {
  if (typeof column === "number") return column;
  return /^-?\d{1,9}$/.test(column) ? Number(column) : undefined;
}

/**
 * Place of a numbered column, negative numbers counting from the end.
 *
 * @throws SpillwayError `usage` if there is no such column
 */
export function resolveColumn(column: number, columnCount: number, path: string): number {
  const place = column < 0 ? columnCount + column : column;
  if (!Number.isInteger(column) || place < 0 || place >= columnCount) {
    throw new SpillwayError("usage", `${path} has ${columnCount} columns, there is no column ${column}`, {
      remedy: `Give a --label-column from 0 to ${columnCount - 1}, or from -${columnCount} to -1.`,
      where: { path },
    });
  }
  return place;
}

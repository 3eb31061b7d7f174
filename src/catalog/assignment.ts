// Who is in which part, as one number per row. Parts are the splits of a scheme and then its folds; the number after
// the last part stands for "in none".

/** The part of each row. */
export type Assignment = Uint8Array | Uint16Array;

/** Most parts of a scheme. */
export const maxParts = 65_534;

/** A column as numbers: equal values have equal numbers, 0 .. count-1. */
export interface Numbering {
  numbers: Int32Array;
  count: number;
}

/** What each part is to get, and at last what is to be in none. */
export interface Targets {
  /** Parts of 1, adding up to 1. */
  shares: readonly number[];
  /** The same as whole numbers of rows, adding up to all rows. */
  totals: readonly number[];
  /** Parts that get nothing beyond what they have: counts that were asked for are reached once and for all. */
  isFull: readonly boolean[];
}

export interface AssignRequest {
  /** All rows, those that have a part already too. */
  rows: number;
  targets: Targets;
  /** Classes whose shares are kept in every part. */
  strata?: Numbering | undefined;
  /** Rows of one group never come into two parts. */
  groups?: Numbering | undefined;
  seed: number;
  /** Name of the scheme, which the lot depends on too. */
  scheme: string;
  /** The first rows, which keep their parts. */
  before?: { rows: number; parts: Assignment } | undefined;
}

/** Rows that are all in none of `partCount` parts. */
export function createAssignment(rows: number, partCount: number): Assignment {
  const parts = partCount < 256 ? new Uint8Array(rows) : new Uint16Array(rows);
  return parts.fill(partCount);
}

/** How many rows of each class each part has, in none last: [classes x (parts + 1)], of the rows [start, end). */
export function tally(
  parts: Assignment,
  partCount: number,
  strata: Numbering | undefined,
  start: number,
  end: number,
): Float64Array {
  const width = partCount + 1;
  const counts = new Float64Array((strata?.count ?? 1) * width);
  for (let row = start; row < end; row += 1)
    counts[(strata ? strata.numbers[row]! : 0) * width + parts[row]!]! += 1;
  return counts;
}

/** Rows of each class among the rows [start, end). */
export function countStrata(strata: Numbering | undefined, start: number, end: number): Float64Array {
  if (!strata) return Float64Array.of(end - start);
  const sizes = new Float64Array(strata.count);
  for (let row = start; row < end; row += 1) sizes[strata.numbers[row]!]! += 1;
  return sizes;
}

// How many samples of each class each part of a scheme gets: tables of exact numbers to tables of whole ones, so that
// every cell, every row and every column is its exact number rounded up or down. Pure.
//
//            train   val   none            A cell is rounded up where the column is furthest behind; columns that
//   walk      80.5   20.1   0.4            miss their total are mended along a path of exchanges between cells of
//   run        ...                         one row. Cox, "A constructive procedure for unbiased controlled
//   total    T      T      T               rounding" (1987), shows that such a table always exists.

import { SpillwayError } from "../errors.js";

/** Numbers this close to a whole one are that: shares such as 0.1 are not exact, and samples are counted up to 2^31. */
const slack = 1e-6;

/**
 * How many of `rows` samples each share gets: in proportion, the largest remainders rounded up, the first where they
 * are alike. What is left over of shares below 1 belongs to none.
 *
 * @param shares parts of 1 by name, adding up to 1 at most
 * @throws SpillwayError `usage` for a split that would be empty
 */
export function countShares(rows: number, shares: Readonly<Record<string, number>>): Record<string, number> {
  const names = Object.keys(shares);
  const exact = Object.values(shares).map((share) => share * rows);
  const sum = Object.values(shares).reduce((total, share) => total + share, 0);
  const counts = roundToSum(exact, Math.round(sum * rows));
  counts.forEach((count, k) => {
    if (count > 0) return;
    throw new SpillwayError("usage", `split "${names[k]}" would get none of the ${rows} samples`, {
      remedy: "Raise its share, or leave it out.",
    });
  });
  return Object.fromEntries(counts.map((count, k) => [names[k]!, count]));
}

/** Numbers rounded down, then up in the order of their remainders until they add up to `sum`. */
export function roundToSum(exact: readonly number[], sum: number): number[] {
  const counts = exact.map(Math.floor);
  let left = sum - counts.reduce((total, count) => total + count, 0);
  const places = exact.map((_, k) => k).sort((a, b) => exact[b]! - counts[b]! - (exact[a]! - counts[a]!));
  for (const place of places) {
    if (left <= 0) break;
    counts[place]! += 1;
    left -= 1;
  }
  return counts;
}

/** A table of exact numbers, row after row. */
export interface ExactTable {
  /** [sizes.length x totals.length] */
  cells: Float64Array;
  /** What each row adds up to: whole numbers. */
  sizes: Float64Array;
  /** What each column should add up to: whole numbers, of the same sum as `sizes`. */
  totals: readonly number[];
  /** The columns' exact sums, where no cell's rounding can meet `totals`: then these are rounded up or down. */
  exactTotals: readonly number[];
  /** The row that is rounded at a place: early rows have the freest choice. */
  rowAt: (place: number) => number;
}

/**
 * Rounds each cell up or down so that rows add up to their sizes and columns to their totals. Takes 4 bytes a cell.
 *
 * @returns whole numbers [sizes.length x totals.length]
 */
export function roundTable(table: ExactTable): Int32Array {
  const { cells: exact, sizes, totals, rowAt } = table;
  const width = totals.length;
  const cells = Int32Array.from(exact, floorOf);
  const sums = new Float64Array(width);
  /** How far each column is behind its total, if the rows to come get their exact numbers. */
  const behind = Float64Array.from(totals);
  for (let at = 0; at < exact.length; at += 1) behind[at % width]! -= exact[at]!;
  const columns = totals.map((_, column) => column);
  for (let place = 0; place < sizes.length; place += 1) {
    const row = rowAt(place);
    const start = row * width;
    let left = sizes[row]!;
    for (const column of columns) left -= cells[start + column]!;
    const urgency = (column: number) => restOf(exact[start + column]!) + behind[column]!;
    const open = columns.filter((column) => restOf(exact[start + column]!) > 0);
    if (left < open.length) open.sort((a, b) => urgency(b) - urgency(a) || a - b);
    for (const column of open.slice(0, left)) cells[start + column]! += 1;
    for (const column of columns) {
      behind[column]! += exact[start + column]! - cells[start + column]!;
      sums[column]! += cells[start + column]!;
    }
  }
  mend(table, cells, sums);
  return cells;
}

/** A number rounded down, unless it is nearly the next whole one. */
function floorOf(value: number): number {
  return Math.floor(value + slack);
}

/** What is above the whole number; 0 for those that are nearly whole. */
function restOf(value: number): number {
  const rest = value - floorOf(value);
  return rest > slack ? rest : 0;
}

/** Brings columns to their totals, or at least to their exact sums rounded up or down, as far as cells allow. */
function mend(
  { cells: exact, totals, exactTotals }: ExactTable,
  cells: Int32Array,
  sums: Float64Array,
): void {
  const [lowest, highest] = [exactTotals.map(floorOf), exactTotals.map((sum) => Math.ceil(sum - slack))];
  const move = (from: (column: number) => boolean, to: (column: number) => boolean) => {
    while (exchange(exact, cells, sums, from, to));
  };
  move(
    (column) => sums[column]! > totals[column]!,
    (column) => sums[column]! < totals[column]!,
  );
  move(
    (column) => sums[column]! > highest[column]!,
    (column) => sums[column]! < highest[column]!,
  );
  move(
    (column) => sums[column]! > lowest[column]!,
    (column) => sums[column]! < lowest[column]!,
  );
}

/**
 * Moves one unit from a column to another, through others if need be: in each row on the way one cell goes from up to
 * down and one from down to up. False where no such path is left.
 */
function exchange(
  exact: Float64Array,
  cells: Int32Array,
  sums: Float64Array,
  isSource: (column: number) => boolean,
  isGoal: (column: number) => boolean,
): boolean {
  const width = sums.length;
  const cameFrom = new Int32Array(width).fill(-1);
  const throughRow = new Int32Array(width);
  const queue: number[] = [];
  for (let column = 0; column < width; column += 1) {
    if (!isSource(column)) continue;
    cameFrom[column] = column;
    queue.push(column);
  }
  for (let head = 0; head < queue.length; head += 1) {
    const column = queue[head]!;
    for (let start = 0; start < exact.length; start += width) {
      if (cells[start + column]! <= floorOf(exact[start + column]!)) continue;
      for (let next = 0; next < width; next += 1) {
        if (cameFrom[next]! >= 0 || restOf(exact[start + next]!) === 0) continue;
        if (cells[start + next]! > floorOf(exact[start + next]!)) continue;
        cameFrom[next] = column;
        throughRow[next] = start;
        queue.push(next);
        if (!isGoal(next)) continue;
        sums[next]! += 1;
        let end = next;
        for (; cameFrom[end] !== end; end = cameFrom[end]!) {
          cells[throughRow[end]! + end]! += 1;
          cells[throughRow[end]! + cameFrom[end]!]! -= 1;
        }
        sums[end]! -= 1;
        return true;
      }
    }
  }
  return false;
}

/**
 * What is wanted, made possible: numbers of at least 0 that add up to `sum` and differ least from those given.
 *
 * @param wanted adds up to `sum` too, but may hold numbers below 0
 */
export function withoutDebts(wanted: readonly number[], sum: number): number[] {
  let open = wanted.map((_, k) => k);
  for (;;) {
    const excess = (open.reduce((total, k) => total + wanted[k]!, 0) - sum) / Math.max(1, open.length);
    const kept = open.filter((k) => wanted[k]! > excess);
    if (kept.length === open.length || kept.length === 0) {
      const isOpen = new Set(open);
      return wanted.map((value, k) => (isOpen.has(k) ? Math.max(0, value - excess) : 0));
    }
    open = kept;
  }
}

// Draws rows one by one: how many of each class each part gets is counted exactly first, then the rows of a class are
// given out in a random order. Rows that have a part keep it; new ones fill up what is missing.

import { hashHex } from "../kernels/hasher.js";
import { permutation } from "../order/permutation.js";
import { roundTable, roundToSum, withoutDebts } from "./apportion.js";
import { type Assignment, type AssignRequest, countStrata, type Targets, tally } from "./assignment.js";

/** Key of an order that is drawn for a scheme. */
export function drawKey(what: string, scheme: string): string {
  return hashHex(new TextEncoder().encode(`${what} ${scheme}`));
}

/** Gives the rows after `before` their parts. */
export function assignRows(request: AssignRequest, parts: Assignment): void {
  const { rows, strata, seed, scheme, before } = request;
  const first = before?.rows ?? 0;
  if (rows === first) return;
  const width = request.targets.shares.length;
  const sizes = countStrata(strata, first, rows);
  const quotas = quotasOf(request, sizes, parts, first);
  const order = permutation(rows - first, seed, first, drawKey("split", scheme));
  /** Part that each class is filling. */
  const filling = new Uint16Array(sizes.length);
  for (let place = 0; place < rows - first; place += 1) {
    const row = first + order.at(place);
    const stratum = strata ? strata.numbers[row]! : 0;
    while (quotas[stratum * width + filling[stratum]!] === 0) filling[stratum]! += 1;
    const part = filling[stratum]!;
    quotas[stratum * width + part]! -= 1;
    parts[row] = part;
  }
}

/** How many new rows of each class each part gets, in none last. */
function quotasOf(
  { rows, targets, strata, seed, scheme }: AssignRequest,
  sizes: Float64Array,
  parts: Assignment,
  first: number,
): Int32Array {
  const { shares } = targets;
  const width = shares.length;
  const rowOrder = permutation(sizes.length, seed, first, drawKey("split strata", scheme));
  const rowAt = (place: number) => rowOrder.at(place);
  if (first === 0) {
    const cells = Float64Array.from(
      { length: sizes.length * width },
      (_, at) => sizes[Math.floor(at / width)]! * shares[at % width]!,
    );
    const exactTotals = shares.map((share) => share * rows);
    return roundTable({ cells, sizes, totals: targets.totals, exactTotals, rowAt });
  }
  const held = tally(parts, width - 1, strata, 0, first);
  const cells = new Float64Array(sizes.length * width);
  const heldInAll = new Array<number>(width).fill(0);
  for (let stratum = 0; stratum < sizes.length; stratum += 1) {
    const ofStratum = [...held.subarray(stratum * width, (stratum + 1) * width)];
    cells.set(missing(targets, ofStratum, sizes[stratum]!), stratum * width);
    ofStratum.forEach((count, part) => {
      heldInAll[part]! += count;
    });
  }
  const totals = roundToSum(missing(targets, heldInAll, rows - first), rows - first);
  return roundTable({ cells, sizes, totals, exactTotals: totals, rowAt });
}

/**
 * What each part lacks of its share, where `more` rows join those that it holds; the numbers add up to `more`.
 *
 * @param held rows of each part, in none last
 */
function missing(targets: Targets, held: readonly number[], more: number): number[] {
  const wanted = wantedOf(targets, held, more);
  return withoutDebts(
    wanted.map((count, part) => count - held[part]!),
    more,
  ).map((count, part) => (targets.isFull[part] ? 0 : count));
}

/** What each part should hold in the end: full ones what they have, the others their shares of the rest. */
export function wantedOf({ shares, isFull }: Targets, held: readonly number[], more: number): number[] {
  let rest = more;
  let openShare = 0;
  held.forEach((count, part) => {
    if (isFull[part]) return;
    rest += count;
    openShare += shares[part]!;
  });
  return held.map((count, part) => (isFull[part] ? count : (rest * shares[part]!) / openShare));
}

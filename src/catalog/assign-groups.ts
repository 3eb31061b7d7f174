// Draws whole groups, so that none lies in two parts: the largest first, each where it brings the parts nearest to
// what they should hold, over all and of each class; then groups are moved while that helps. Groups of about the same
// size come in a random order. Groups that have a part already keep it.

import { permutation } from "../order/permutation.js";
import { drawKey } from "./assign-rows.js";
import { type Assignment, type AssignRequest, type Numbering, tally } from "./assignment.js";
import { Balance } from "./balance.js";
import { type GroupContent, groupContent } from "./group-content.js";

/** Rounds of moving and exchanging groups; most tables settle in a few. */
const maxRounds = 20;
/** Groups that one is tried to be exchanged with: those that follow it in the order, by size. */
const maxReach = 40;
/** Exchanges that are tried in a round; where groups are many, moving them is enough. */
const maxTries = 4_000_000;
/** Smaller gains are rounding. */
const enough = 1e-9;

/** Gives the rows after `before`, group by group, their parts. */
export function assignGroups(request: AssignRequest & { groups: Numbering }, parts: Assignment): void {
  const { rows, groups, strata, targets, before } = request;
  const numbers = groups.numbers;
  const first = before?.rows ?? 0;
  const partOf = new Int32Array(groups.count).fill(-1);
  for (let row = 0; row < first; row += 1) partOf[numbers[row]!] = parts[row]!;
  const none = targets.shares.length - 1;
  for (let row = first; row < rows; row += 1) parts[row] = Math.max(0, partOf[numbers[row]!]!);

  const content = groupContent(groups, strata, rows, (group) => partOf[group]! < 0);
  const held = tally(parts, none, strata, 0, rows);
  for (let group = 0; group < groups.count; group += 1) {
    // Groups without a part were counted as if they were in the first one.
    for (let at = content.starts[group]!; at < content.starts[group + 1]!; at += 1)
      held[content.strata[at]! * (none + 1)]! -= content.counts[at]!;
  }
  const balance = new Balance(targets, held, content);
  const order = drawOrder(request, content, partOf);
  for (const group of order) {
    partOf[group] = balance.bestPart(group, -1);
    balance.add(group, partOf[group]!, 1);
  }
  for (let round = 0; round < maxRounds; round += 1) {
    const hasMoved = moveGroups(balance, order, partOf);
    if (!exchangeGroups(balance, order, partOf) && !hasMoved) break;
  }
  fillEmptyParts(balance, order, partOf);
  for (let row = first; row < rows; row += 1) parts[row] = partOf[numbers[row]!]!;
}

/** Groups without a part, by size from large to small in steps of a factor of 1.5, at random within a step. */
function drawOrder(
  { seed, scheme, before }: AssignRequest,
  { sizes }: GroupContent,
  partOf: Int32Array,
): Int32Array {
  const drawn = permutation(partOf.length, seed, before?.rows ?? 0, drawKey("split groups", scheme));
  const counts = new Int32Array(sizeSteps + 1);
  for (let group = 0; group < partOf.length; group += 1)
    if (partOf[group]! < 0) counts[sizeSteps - sizeStep(sizes[group]!)]! += 1;
  const ends = counts.map((_, step) => counts.subarray(0, step).reduce((sum, count) => sum + count, 0));
  const order = new Int32Array(counts.reduce((sum, count) => sum + count, 0));
  for (let place = 0; place < partOf.length; place += 1) {
    const group = drawn.at(place);
    if (partOf[group]! >= 0) continue;
    const step = sizeSteps - sizeStep(sizes[group]!);
    order[ends[step]!] = group;
    ends[step]! += 1;
  }
  return order;
}

const sizeSteps = 63;

/** Two steps for each power of two, from the highest bits alone: 1, 2, 3, 4, 6, 8, 12, ... */
function sizeStep(size: number): number {
  const top = 31 - Math.clz32(size);
  return 2 * top + (top > 0 ? (size >>> (top - 1)) & 1 : 0);
}

/** Moves groups, small ones first, to where they improve the balance. */
function moveGroups(balance: Balance, order: Int32Array, partOf: Int32Array): boolean {
  let hasMoved = false;
  for (let place = order.length - 1; place >= 0; place -= 1) {
    const group = order[place]!;
    const from = partOf[group]!;
    balance.add(group, from, -1);
    const to = balance.bestPart(group, from);
    if (balance.gain(group, to) < balance.gain(group, from) - enough && !balance.isEmpty(from)) {
      partOf[group] = to;
      hasMoved = true;
    }
    balance.add(group, partOf[group]!, 1);
  }
  return hasMoved;
}

/** Lets groups of similar size in different parts change places where that improves the balance. */
function exchangeGroups(balance: Balance, order: Int32Array, partOf: Int32Array): boolean {
  const reach = Math.min(maxReach, Math.floor(maxTries / order.length));
  let hasMoved = false;
  for (let place = 0; place < order.length; place += 1) {
    const group = order[place]!;
    for (let next = place + 1; next <= Math.min(order.length - 1, place + reach); next += 1) {
      const other = order[next]!;
      const [here, there] = [partOf[group]!, partOf[other]!];
      if (here === there) continue;
      balance.add(group, here, -1);
      balance.add(other, there, -1);
      const before = balance.gain(group, here) + balance.gain(other, there);
      const after = balance.gain(group, there) + balance.gain(other, here);
      if (after < before - enough) {
        [partOf[group], partOf[other]] = [there, here];
        hasMoved = true;
      }
      balance.add(group, partOf[group]!, 1);
      balance.add(other, partOf[other]!, 1);
    }
  }
  return hasMoved;
}

/** Gives each part that is empty the group that does the least harm there. */
function fillEmptyParts(balance: Balance, order: Int32Array, partOf: Int32Array): void {
  for (const part of balance.emptyParts()) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (const group of order) {
      const from = partOf[group]!;
      balance.add(group, from, -1);
      const harm = balance.gain(group, part) - balance.gain(group, from);
      if (harm < least && !balance.isEmpty(from)) [best, least] = [group, harm];
      balance.add(group, from, 1);
    }
    if (best < 0) return;
    balance.add(best, partOf[best]!, -1);
    balance.add(best, part, 1);
    partOf[best] = part;
  }
}

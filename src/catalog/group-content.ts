// What each group holds: how many rows, and how many of each class, as flat arrays. Takes 4 bytes a row while it is
// made, and 8 bytes for each class that a group has.

import type { Numbering } from "./assignment.js";

/** Rows of groups by class: entries [starts[group], starts[group + 1]) are those of a group. */
export interface GroupContent {
  starts: Int32Array;
  strata: Int32Array;
  counts: Int32Array;
  /** Rows of each group; 0 for those left out. */
  sizes: Int32Array;
}

/** @param isWanted which groups are described; the others have no entries */
export function groupContent(
  groups: Numbering,
  strata: Numbering | undefined,
  rows: number,
  isWanted: (group: number) => boolean,
): GroupContent {
  const { numbers, count } = groups;
  const sizes = new Int32Array(count);
  for (let row = 0; row < rows; row += 1) sizes[numbers[row]!]! += 1;
  for (let group = 0; group < count; group += 1) if (!isWanted(group)) sizes[group] = 0;
  if (!strata) return ofOneClass(sizes);

  // Classes of the rows, group after group; then each group's are sorted and counted in place.
  const ends = startsOf(sizes);
  const classes = new Int32Array(ends[count]!);
  for (let row = 0; row < rows; row += 1) {
    const group = numbers[row]!;
    if (sizes[group] === 0) continue;
    classes[ends[group]!] = strata.numbers[row]!;
    ends[group]! += 1;
  }
  const starts = new Int32Array(count + 1);
  let entry = 0;
  for (let group = 0; group < count; group += 1) {
    const own = classes.subarray(ends[group]! - sizes[group]!, ends[group]!).sort();
    for (let at = 0; at < own.length; at += 1) if (own[at] !== own[at - 1]) entry += 1;
    starts[group + 1] = entry;
  }
  const content = { starts, strata: new Int32Array(entry), counts: new Int32Array(entry), sizes };
  entry = 0;
  for (let group = 0; group < count; group += 1) {
    const own = classes.subarray(ends[group]! - sizes[group]!, ends[group]!);
    for (let at = 0; at < own.length; at += 1) {
      if (own[at] !== own[at - 1]) {
        content.strata[entry] = own[at]!;
        entry += 1;
      }
      content.counts[entry - 1]! += 1;
    }
  }
  return content;
}

function ofOneClass(sizes: Int32Array): GroupContent {
  const starts = startsOf(sizes.map((size) => Math.min(size, 1)));
  const counts = sizes.filter((size) => size > 0);
  return { starts, strata: new Int32Array(counts.length), counts, sizes };
}

/** Running sums, the whole at the end. */
function startsOf(sizes: Int32Array): Int32Array {
  const starts = new Int32Array(sizes.length + 1);
  for (let at = 0; at < sizes.length; at += 1) starts[at + 1] = starts[at]! + sizes[at]!;
  return starts;
}

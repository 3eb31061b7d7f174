// The directory of classes: where the members of each class are, in as much memory as there is for it. It lists the row
// of every step-th member of a class; those between are found by going through the labels, which are in memory anyway.
// Each class has as many rows listed as any other, so that one member is found as quickly as the next, and a rare class
// is listed whole.
//
//   labels of the view   a b a a c a b a ...      class a, step 2:  rows 0, 3, ...    (members 0, 2, ...)
//                        0 1 2 3 4 5 6 7          class b, step 1:  rows 1, 6, ...    (members 0, 1, ...)
//
// Rule: members of a class are numbered by row; rows are below 2^32.

/** The four numbers that are kept of each class. */
const classWords = 4;

/** A directory as arrays, over whatever memory. */
export interface ClassDirectory {
  /** The label of each class that has members, ascending. */
  labels: Uint32Array;
  /** How many members it has. */
  counts: Uint32Array;
  /** Every step-th member is listed, the first one first. */
  steps: Uint32Array;
  /** Where its rows start in `rows`. */
  firsts: Uint32Array;
  rows: Uint32Array;
}

/** Bytes of a directory. */
export function classDirectoryBytes(classCount: number, listed: number): number {
  return (classCount * classWords + listed) * 4;
}

/** The directory that lies at an address. */
export function viewDirectory(
  buffer: ArrayBufferLike,
  address: number,
  classCount: number,
  listed: number,
): ClassDirectory {
  const part = (number: number) => new Uint32Array(buffer, address + number * classCount * 4, classCount);
  return {
    labels: part(0),
    counts: part(1),
    steps: part(2),
    firsts: part(3),
    rows: new Uint32Array(buffer, address + classWords * classCount * 4, listed),
  };
}

/** The smallest step by which at most `most` members of a class are listed. */
function stepFor(count: number, most: number): number {
  return Math.max(1, Math.ceil(count / most));
}

/** What a directory will be: how many classes have members, how many rows of each are listed at most, and in all. */
export interface DirectoryPlan {
  classCount: number;
  mostPerClass: number;
  listed: number;
}

/**
 * Shares out what may be listed evenly; classes with fewer members leave the rest to others.
 *
 * @param counts members of each label, 0 for those without
 * @param allowed rows to list in all; one of each class is listed in any case
 */
export function planDirectory(counts: Uint32Array, allowed: number): DirectoryPlan {
  const listedWith = (most: number) =>
    counts.reduce((sum, count) => sum + Math.ceil(count / stepFor(count, most)), 0);
  let mostPerClass = 1;
  let tooMany = counts.reduce((max, count) => Math.max(max, count), 0) + 1;
  while (tooMany - mostPerClass > 1) {
    const middle = Math.floor((mostPerClass + tooMany) / 2);
    if (listedWith(middle) <= allowed) mostPerClass = middle;
    else tooMany = middle;
  }
  const classCount = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  return { classCount, mostPerClass, listed: listedWith(mostPerClass) };
}

/** Fills all of a directory but its rows. */
export function fillClasses(directory: ClassDirectory, counts: Uint32Array, mostPerClass: number): void {
  let number = 0;
  let first = 0;
  counts.forEach((count, label) => {
    if (count === 0) return;
    const step = stepFor(count, mostPerClass);
    directory.labels[number] = label;
    directory.counts[number] = count;
    directory.steps[number] = step;
    directory.firsts[number] = first;
    first += Math.ceil(count / step);
    number += 1;
  });
}

/** Which rows a view has: all from one on, or the bits of a set. */
export type Members = { kind: "range" } | { kind: "bits"; bits: Uint32Array };

/** Counts the labels of the rows [from, to) that are members of the view; labels that `counts` has no room for are left out. */
export function countLabels(
  counts: Uint32Array,
  labels: ArrayLike<number>,
  members: Members,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row += 1) {
    if (isMember(members, row)) counts[labels[row]!]! += 1;
  }
}

/**
 * Lists the rows [from, to) of a view; parts are listed in order.
 *
 * @param seen by label: the number of the class, and how many of its members came before; updated
 */
export function listRows(
  directory: ClassDirectory,
  seen: { numbers: Uint32Array; counts: Uint32Array },
  labels: ArrayLike<number>,
  members: Members,
  from: number,
  to: number,
): void {
  for (let row = from; row < to; row += 1) {
    if (!isMember(members, row)) continue;
    const label = labels[row]!;
    const number = seen.numbers[label]!;
    const step = directory.steps[number]!;
    const member = seen.counts[label]!;
    seen.counts[label] = member + 1;
    if (member % step === 0) directory.rows[directory.firsts[number]! + member / step] = row;
  }
}

/** Whether a row is of the view; for a range the caller keeps to it. */
export function isMember(members: Members, row: number): boolean {
  return members.kind === "range" || ((members.bits[row >>> 5]! >>> (row & 31)) & 1) === 1;
}

/** The `skip`-th row after `row` (0: the next) that has a label and is of the view. The kernel `nextOfClass` is the same. */
export function nextOfClass(
  labels: ArrayLike<number>,
  members: Members,
  label: number,
  row: number,
  skip: number,
): number {
  let left = skip;
  for (let at = row + 1; at < labels.length; at += 1) {
    if (labels[at] !== label || !isMember(members, at)) continue;
    if (left === 0) return at;
    left -= 1;
  }
  throw new RangeError(`no ${skip + 1} rows with label ${label} follow row ${row}`);
}

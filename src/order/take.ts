// A few of many: the first k places of a keyed permutation of a set, as bits. The same seed takes the same samples, and a
// larger k takes those of a smaller one too, so that trial runs grow instead of changing.

import { SpillwayError } from "../errors.js";
import { bitBytes, orBits, setBit } from "./bitmap.js";
import { permutation } from "./permutation.js";

/** How many to take: a number of samples, or a part such as "1%". */
export type Take = number | `${number}%`;

/**
 * The number that is meant of `count`.
 *
 * @throws SpillwayError `usage` for what is neither a whole number from 1 nor a part above 0 % and up to 100 %
 */
export function takeCount(take: Take, count: number): number {
  const [, percent] = typeof take === "string" ? (/^(\d*\.?\d+)\s*%$/.exec(take) ?? []) : [];
  const part = percent === undefined ? undefined : Number(percent);
  const isRight =
    part === undefined ? Number.isSafeInteger(take) && Number(take) >= 1 : part > 0 && part <= 100;
  if (!isRight) {
    throw new SpillwayError("usage", `take ${JSON.stringify(take)} is no number of samples`, {
      remedy: 'Use a whole number from 1, such as 1000, or a part, such as "1%".',
    });
  }
  return Math.min(count, part === undefined ? Number(take) : Math.max(1, Math.round((count * part) / 100)));
}

/** A set of rows, and which of them to take. */
export interface TakeRequest {
  /** Rows that the bits speak of. */
  rows: number;
  /** Members of the set. */
  count: number;
  /** Row of the k-th member. */
  memberAt(k: number): number;
  /** How many to take, at most `count`. */
  wanted: number;
  seed: number;
  /** 16 hexadecimal digits that tell the set. */
  key: string;
}

/** Some members of a set at random, as bits of its rows. */
export function takeSome({ rows, count, memberAt, wanted, seed, key }: TakeRequest): Uint8Array {
  const bits = new Uint8Array(bitBytes(rows));
  const order = permutation(count, seed, 0, key);
  for (let place = 0; place < wanted; place += 1) setBit(bits, memberAt(order.at(place)));
  return bits;
}

/**
 * Members of a set at random, as many of each class as their numbers allow. Takes 4 bytes a member while it works.
 *
 * @param labelOf class of the k-th member, a whole number from 0
 */
export function takeEvenly(request: TakeRequest, labelOf: (k: number) => number): Uint8Array {
  const { rows, count, memberAt, wanted } = request;
  const sizes: number[] = [];
  for (let k = 0; k < count; k += 1) {
    const label = labelOf(k);
    while (sizes.length <= label) sizes.push(0);
    sizes[label]! += 1;
  }
  const starts = [0];
  for (const size of sizes) starts.push(starts.at(-1)! + size);
  const sorted = new Uint32Array(count);
  const next = [...starts];
  for (let k = 0; k < count; k += 1) sorted[next[labelOf(k)]!++] = k;
  const bits = new Uint8Array(bitBytes(rows));
  evenCounts(sizes, wanted).forEach((fromClass, label) => {
    if (fromClass === 0) return;
    const first = starts[label]!;
    const own = takeSome({
      ...request,
      count: sizes[label]!,
      memberAt: (k) => memberAt(sorted[first + k]!),
      wanted: fromClass,
    });
    orBits(bits, own);
  });
  return bits;
}

/**
 * How many of each class to take so that they are as even as their members allow: rounds of one each, cut short where a
 * class has no more.
 */
export function evenCounts(members: readonly number[], wanted: number): number[] {
  const counts = members.map(() => 0);
  let left = Math.min(
    wanted,
    members.reduce((sum, count) => sum + count, 0),
  );
  while (left > 0) {
    const open = members.flatMap((count, k) => (counts[k]! < count ? [k] : []));
    const each = Math.max(1, Math.floor(left / open.length));
    for (const k of open) {
      const more = Math.min(each, members[k]! - counts[k]!, left);
      counts[k]! += more;
      left -= more;
    }
  }
  return counts;
}

// A few of many: the first k places of a keyed permutation of a set, as bits. The same seed takes the same samples, and a
// larger k takes those of a smaller one too, so that trial runs grow instead of changing.

import { SpillwayError } from "../errors.js";
import { bitBytes, setBit } from "./bitmap.js";
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

/**
 * Some members of a set of `count`, at random.
 *
 * @param memberAt the k-th member's row, k from 0
 * @param key 16 hexadecimal digits that tell the set
 * @returns bits of `rows` rows
 */
export function takeSome(
  rows: number,
  count: number,
  wanted: number,
  memberAt: (k: number) => number,
  seed: number,
  key: string,
): Uint8Array {
  const bits = new Uint8Array(bitBytes(rows));
  const order = permutation(count, seed, 0, key);
  for (let place = 0; place < wanted; place += 1) setBit(bits, memberAt(order.at(place)));
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

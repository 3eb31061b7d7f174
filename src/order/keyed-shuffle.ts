// One place of a shuffle of 0 .. n-1 whose keys are used for a draw or two: nothing is set up for it, nothing allocated.
// Above `listedSize` it is the Feistel network of permutation.ts. Below, where that would walk for long (2^10 values for
// the sake of three), the shuffle of Fisher and Yates up to the place that is asked for, in a list that is used again.
// Rule: a bijection for every n and every keys.

import { mix32 } from "./keys.js";
import { minBits, rounds } from "./permutation.js";

/** Largest n that is shuffled in a list. */
export const listedSize = 64;

/** Largest n here: both halves fit into 32 bits. */
export const maxShuffled = 2 ** 32;

const list = new Uint8Array(listedSize);

/**
 * The value at a place, 0 <= place < n.
 *
 * @param n 1 to 2^32
 * @param keys as many random uint32 as permutation.ts has rounds
 */
export function shuffledAt(n: number, place: number, keys: Uint32Array): number {
  return n <= listedSize ? listedAt(n, place, keys) : feistelAt(n, place, keys);
}

function listedAt(n: number, place: number, keys: Uint32Array): number {
  for (let k = 0; k < n; k += 1) list[k] = k;
  for (let k = 0; k <= place; k += 1) {
    const random = mix32(mix32(keys[0]! + k) ^ keys[1]!);
    const other = k + Math.floor((random / 2 ** 32) * (n - k));
    const value = list[other]!;
    list[other] = list[k]!;
    list[k] = value;
  }
  return list[place]!;
}

function feistelAt(n: number, place: number, keys: Uint32Array): number {
  // As halvesOf(n), in integers: up to 2^32 values, so that a half has 16 bits at most.
  const bits = Math.max(minBits, 32 - Math.clz32(n - 1));
  const leftBits = bits >>> 1;
  const rightBits = bits - leftBits;
  const leftMask = (1 << leftBits) - 1;
  const rightMask = (1 << rightBits) - 1;
  let x = place;
  do {
    let left = x >>> rightBits;
    let right = x & rightMask;
    for (let round = 0; round < rounds; round += 2) {
      left = (left ^ mix32(right ^ keys[round]!)) & leftMask;
      right = (right ^ mix32(left ^ keys[round + 1]!)) & rightMask;
    }
    x = ((left << rightBits) | right) >>> 0;
  } while (x >= n);
  return x;
}

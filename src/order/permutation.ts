// A permutation of 0 .. n-1 that takes no memory: a keyed Feistel network over the smallest power of two that holds n,
// walked again while it leads outside (at most two walks expected from 513 samples on). Black and Rogaway, "Ciphers with arbitrary finite
// domains" (2002). The halves differ by at most one bit; a round changes one half by a hash of the other:
//
//   x = left * 2^rightBits + right
//   even rounds: left  ^= mix(right ^ key)      odd rounds: right ^= mix(left ^ key)
//
// Rule: it is a bijection for every n and every keys, and kernels/wasm/permute.ts computes the same.

import { SpillwayError } from "../errors.js";
import { mix32, roundKeys } from "./keys.js";

/** Rounds of the network; three leave visible structure, six none that the tests can find. */
export const rounds = 6;

/** Largest n: each half then has 24 bits, and every position is an exact float64. */
export const maxSize = 2 ** 48;

/**
 * Smallest domain. Halves of one or two bits have too few round functions: at n = 8 a value's neighbours are then
 * visibly uneven (chi-square per degree of freedom 260); from 10 bits on they are not.
 */
export const minBits = 10;

/** Bits of the two halves for n values. */
export interface Halves {
  leftBits: number;
  rightBits: number;
}

/** How the network's domain is cut for n values. */
export function halvesOf(n: number): Halves {
  let bits = minBits;
  while (2 ** bits < n) bits += 1;
  const leftBits = Math.floor(bits / 2);
  return { leftBits, rightBits: bits - leftBits };
}

/** One permutation of 0 .. n-1, and its inverse. */
export interface Permutation {
  readonly n: number;
  readonly keys: Uint32Array;
  readonly halves: Halves;
  /** The value at a place, 0 <= place < n. */
  at(place: number): number;
  /** The place of a value: `placeOf(at(p)) === p`. */
  placeOf(value: number): number;
}

/**
 * The order of one epoch of one view.
 *
 * @param n how many samples, 1 to 2^48
 * @param view fingerprint of the view, 16 hexadecimal digits
 * @throws SpillwayError `usage` if n is out of range
 */
export function permutation(n: number, seed: number, epoch: number, view: string): Permutation {
  if (!Number.isInteger(n) || n < 1 || n > maxSize) {
    throw new SpillwayError("usage", `cannot order ${n} samples`, { remedy: `Use 1 to ${maxSize}.` });
  }
  const keys = roundKeys(seed, epoch, view, rounds);
  const halves = halvesOf(n);
  const { leftBits, rightBits } = halves;
  const rightSize = 2 ** rightBits;
  const leftMask = 2 ** leftBits - 1;
  const rightMask = rightSize - 1;

  function walk(start: number, step: (left: number, right: number) => number): number {
    let x = start;
    do {
      x = step(Math.floor(x / rightSize), x % rightSize);
    } while (x >= n);
    return x;
  }

  function forward(startLeft: number, startRight: number): number {
    let left = startLeft;
    let right = startRight;
    for (let round = 0; round < rounds; round += 2) {
      left = (left ^ mix32(right ^ keys[round]!)) & leftMask;
      right = (right ^ mix32(left ^ keys[round + 1]!)) & rightMask;
    }
    return left * rightSize + right;
  }

  function backward(startLeft: number, startRight: number): number {
    let left = startLeft;
    let right = startRight;
    for (let round = rounds - 2; round >= 0; round -= 2) {
      right = (right ^ mix32(left ^ keys[round + 1]!)) & rightMask;
      left = (left ^ mix32(right ^ keys[round]!)) & leftMask;
    }
    return left * rightSize + right;
  }

  return {
    n,
    keys,
    halves,
    at: (place) => walk(place, forward),
    placeOf: (value) => walk(value, backward),
  };
}

// Keys: how a seed becomes the 32-bit numbers that steer an order. Every key is a MurmurHash3 (Austin Appleby, x86,
// 32 bits) of all that it depends on, so that run (42, epoch 1) has nothing in common with run (43, epoch 0).

import { SpillwayError } from "../errors.js";

/** Version of the order. Raise it when the order of a given seed changes: resume tokens carry it. */
export const orderVersion = 1;

/** Largest seed and epoch: they are kept as exact numbers. */
const maxExact = Number.MAX_SAFE_INTEGER;

/** Both halves of a non-negative safe integer, as two uint32. */
export function words(value: number): [number, number] {
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}

/** MurmurHash3 finaliser: a bijection of 32-bit numbers in which every input bit reaches every output bit. */
export function mix32(value: number): number {
  let v = value;
  v = Math.imul(v ^ (v >>> 16), 0x85ebca6b);
  v = Math.imul(v ^ (v >>> 13), 0xc2b2ae35);
  return (v ^ (v >>> 16)) >>> 0;
}

/** MurmurHash3 x86 32 of a list of uint32. */
export function murmur3(values: readonly number[], seed: number): number {
  let hash = seed | 0;
  for (const value of values) hash = murmurStep(hash, value);
  return mix32(hash ^ (values.length * 4));
}

/** MurmurHash3's state after one more uint32: for hashes of many lists that begin alike. */
export function murmurStep(state: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const hash = state ^ k;
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
}

/**
 * `count` independent 32-bit keys for one epoch of one view.
 *
 * @param seed safe integer from 0
 * @param epoch safe integer from 0
 * @param view fingerprint of the view, 16 hexadecimal digits
 */
export function roundKeys(seed: number, epoch: number, view: string, count: number): Uint32Array {
  const from = [
    orderVersion,
    ...words(seed),
    ...words(epoch),
    parseInt(view.slice(0, 8), 16),
    parseInt(view.slice(8, 16), 16),
  ];
  return Uint32Array.from({ length: count }, (_, round) =>
    murmur3([...from, round], Math.imul(round + 1, 0x9e3779b1)),
  );
}

/** @throws SpillwayError `usage` unless the seed is a safe integer from 0 */
export function checkSeed(seed: number): number {
  if (!Number.isInteger(seed) || seed < 0 || seed > maxExact) {
    throw new SpillwayError("usage", `seed ${seed} is not a whole number from 0 to ${maxExact}`, {
      remedy: "Use a whole number, such as 7.",
    });
  }
  return seed;
}

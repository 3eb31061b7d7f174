// Weighted drawing: each position is a draw of its own, with replacement, in proportion to the weights. A hash of
// (seed, epoch, place) gives 53 random bits, and these a point on the line of all weights laid end to end.
//
//   weights  |----3----|-1-|0|---2---|      sums of the weights before each block of 128, then the weights one by one
//                    ^ point
//
// Rule: the sums are the same float64 additions, in the same order, as those of a walk over the weights.

import { DrawKeys, purposes } from "./draw-keys.js";
import { mix32, murmurStep, words } from "./keys.js";

/** Weights that share a sum. */
export const weightBlock = 128;

/** Sums that `n` weights have: one before each block, and the total. */
function sumsOf(n: number): number {
  return Math.ceil(n / weightBlock) + 1;
}

/** Bytes that the sums and weights of `n` samples take. */
export function weightBytes(n: number): number {
  return sumsOf(n) * 8 + n * 4;
}

/** The sums and, after them, the weights that lie at an address. */
export function viewWeights(
  buffer: ArrayBufferLike,
  address: number,
  n: number,
): { sums: Float64Array; weights: Float32Array } {
  const sums = new Float64Array(buffer, address, sumsOf(n));
  return { sums, weights: new Float32Array(buffer, address + sums.byteLength, n) };
}

/**
 * Sums up the weights [from, to) into `sums`; parts are summed up in order.
 *
 * @param before total of the weights before `from`
 * @returns the total so far, which after the last part is the last of the sums
 */
export function addSums(
  weights: Float32Array,
  sums: Float64Array,
  from: number,
  to: number,
  before: number,
): number {
  let total = before;
  for (let at = from; at < to; at += 1) {
    if (at % weightBlock === 0) sums[at / weightBlock] = total;
    total += weights[at]!;
  }
  if (to === weights.length) sums[sums.length - 1] = total;
  return total;
}

export class WeightedOrder {
  readonly #weights: Float32Array;
  readonly #sums: Float64Array;
  readonly #keys: DrawKeys;
  #epoch = -1;

  /**
   * @param weights one per sample of the view, in order of id; finite, from 0, not all 0
   * @param sums as `addSums` fills them
   * @param view fingerprint of the view, 16 hexadecimal digits
   */
  constructor(weights: Float32Array, sums: Float64Array, seed: number, view: string) {
    this.#weights = weights;
    this.#sums = sums;
    this.#keys = new DrawKeys(purposes.weights, seed, view, 3);
  }

  /** Number within the view of the sample that is drawn for a place of an epoch. */
  draw(epoch: number, place: number): number {
    if (epoch !== this.#epoch) {
      this.#keys.derive(...words(epoch), 0);
      this.#epoch = epoch;
    }
    return this.find(fraction(this.#keys.keys, place) * this.#sums[this.#sums.length - 1]!);
  }

  /** The sample on whose weight a point lies, 0 <= point <= total. */
  find(point: number): number {
    const sums = this.#sums;
    const weights = this.#weights;
    let low = 0;
    let high = sums.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! <= point) low = middle;
      else high = middle;
    }
    let sum = sums[low]!;
    for (let at = low * weightBlock; at < weights.length; at += 1) {
      sum += weights[at]!;
      if (point < sum) return at;
    }
    return this.#lastDrawn();
  }

  /** Where rounding took a point to the total itself. */
  #lastDrawn(): number {
    let at = this.#weights.length - 1;
    while (this.#weights[at] === 0) at -= 1;
    return at;
  }
}

/** A number from 0 to 1, 1 excluded, with 53 random bits. */
function fraction(keys: Uint32Array, place: number): number {
  const low = place >>> 0;
  const high = (place / 2 ** 32) >>> 0;
  // One hash alone is a bijection of the place: no number would come twice, which is not how chance is.
  const upper = hash(keys[0]!, low, high) ^ hash(keys[1]!, low, high);
  const lower = hash(keys[2]!, low, high);
  return ((upper >>> 0) * 2 ** 21 + (lower >>> 11)) / 2 ** 53;
}

function hash(key: number, low: number, high: number): number {
  return mix32(murmurStep(murmurStep(key, low), high) ^ 8);
}

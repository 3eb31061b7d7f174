// Random numbers of augmentation. A number is a hash of its place in a stream (its counter) by two keys, and the keys are
// MurmurHash3 of all that the stream belongs to: seed, epoch, sample and transform. Nothing is carried from sample to
// sample, so threads, batches and resuming change nothing.
//
//   stream of numbers    counters from 2^31 up, two of them for a number of 53 bits
//   stream of normals    counters from 0, one for each value: wasm/augment-normals.ts
//
// Rule: nothing but exact or IEEE 754 operations, and the kernels' own logarithm, exponential, sine and cosine.

import type { Kernels } from "../kernels/kernels.js";
import { mix32, murmurStep, words } from "../order/keys.js";

/** Version of everything that is drawn. Raise it when a seed gives other values. */
export const augmentVersion = 1;

/** What streams are for: the same seed, epoch and sample give other numbers for another purpose. */
export const purposes = { sample: 0x41756701, partner: 0x41756702 } as const;

const firstCounter = 2 ** 31;
/** Words that are hashed: version, purpose, two each of seed, epoch and sample, the transform's place. */
const byteLength = 9 * 4;

export class Draw {
  /** Keys of the stream that is open, for the kernels. */
  key0 = 0;
  key1 = 0;
  readonly #kernels: Kernels;
  /** MurmurHash3's two states after what all samples have in common, after the epoch, and after the sample. */
  readonly #common: Int32Array;
  readonly #ofEpoch = new Int32Array(2);
  readonly #ofSample = new Int32Array(2);
  #epoch = -1;
  #counter = firstCounter;

  /**
   * @param purpose one of `purposes`
   * @param seed safe integer from 0
   */
  constructor(kernels: Kernels, purpose: number, seed: number) {
    this.#kernels = kernels;
    const common = [augmentVersion, purpose, ...words(seed)];
    this.#common = Int32Array.from([0x9e3779b1, 0x85ebca77], (start) => common.reduce(murmurStep, start));
  }

  /** Begins with a sample; `open` gives its streams. */
  begin(epoch: number, id: number): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#step(this.#common, this.#ofEpoch, epoch);
    }
    this.#step(this.#ofEpoch, this.#ofSample, id);
  }

  /** Opens the stream of the transform at a place of the list. */
  open(place: number): void {
    this.key0 = mix32(murmurStep(this.#ofSample[0]!, place) ^ byteLength);
    this.key1 = mix32(murmurStep(this.#ofSample[1]!, place) ^ byteLength);
    this.#counter = firstCounter;
  }

  #step(from: Int32Array, to: Int32Array, value: number): void {
    const high = Math.floor(value / 2 ** 32) >>> 0;
    to[0] = murmurStep(murmurStep(from[0]!, value >>> 0), high);
    to[1] = murmurStep(murmurStep(from[1]!, value >>> 0), high);
  }

  #word(): number {
    const value = mix32(mix32(this.#counter ^ this.key0) ^ this.key1);
    this.#counter += 1;
    return value;
  }

  /** A number from 0 to 1, 1 excluded, with 53 random bits. */
  fraction(): number {
    const upper = this.#word() >>> 5;
    return (upper * 2 ** 26 + (this.#word() >>> 6)) / 2 ** 53;
  }

  /** A number from `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** A whole number from 0, below `count`. */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  /** A standard normal number, by Box and Muller's method. */
  normal(): number {
    const radius = Math.sqrt(-2 * this.#kernels.naturalLog(1 - this.fraction()));
    return radius * this.#kernels.cosineOfTurns(this.fraction());
  }

  /**
   * A number from 0 to 1 by the beta distribution of two equal parameters: a gamma number over the sum of two, each by
   * Marsaglia and Tsang (2000), in logarithms, which small parameters need.
   */
  beta(alpha: number): number {
    const own = this.#logGamma(alpha);
    return 1 / (1 + this.#kernels.exponential(this.#logGamma(alpha) - own));
  }

  /** Logarithm of a gamma number: that of `shape + 1`, and a power of a uniform one for the 1. */
  #logGamma(shape: number): number {
    const d = shape + 1 - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const root = 1 + c * x;
      const u = 1 - this.fraction();
      if (root <= 0) continue;
      const v = root * root * root;
      const logV = this.#kernels.naturalLog(v);
      if (this.#kernels.naturalLog(u) >= 0.5 * x * x + d - d * v + d * logV) continue;
      return this.#kernels.naturalLog(d) + logV + this.#kernels.naturalLog(1 - this.fraction()) / shape;
    }
  }
}

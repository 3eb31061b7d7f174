// Keys that change with every draw: as roundKeys, without its garbage. What all draws of a run have in common is hashed
// once; a draw adds three numbers of its own to it.

import { mix32, murmurStep, orderVersion, words } from "./keys.js";

/** What keys are for: the same seed, view and numbers give other keys for another purpose. */
export const purposes = { cycle: 1, members: 2, weights: 3 } as const;

export class DrawKeys {
  /** The keys of the last `derive`. */
  readonly keys: Uint32Array;
  /** MurmurHash3's state for each key after what all draws have in common. */
  readonly #states: Int32Array;
  readonly #byteLength: number;

  /**
   * @param purpose one of `purposes`
   * @param seed safe integer from 0
   * @param view fingerprint of the view, 16 hexadecimal digits
   * @param count how many keys a draw needs
   */
  constructor(purpose: number, seed: number, view: string, count: number) {
    const common = [
      orderVersion,
      purpose,
      ...words(seed),
      parseInt(view.slice(0, 8), 16),
      parseInt(view.slice(8, 16), 16),
    ];
    this.keys = new Uint32Array(count);
    this.#byteLength = (common.length + 3) * 4;
    this.#states = Int32Array.from({ length: count }, (_, key) =>
      common.reduce(murmurStep, Math.imul(key + 1, 0x9e3779b1)),
    );
  }

  /** Fills `keys` for the draw that three uint32 stand for. */
  derive(a: number, b: number, c: number): Uint32Array {
    for (let key = 0; key < this.keys.length; key += 1) {
      const state = murmurStep(murmurStep(murmurStep(this.#states[key]!, a), b), c);
      this.keys[key] = mix32(state ^ this.#byteLength);
    }
    return this.keys;
  }
}

// Quantiles of a stream in fixed memory, mergeable: of each block of `weight` values one is kept, drawn by lot; when the
// room is full, the values are sorted, every second one stays, and the weight doubles. Ranks that are read from it are
// off by less than 2 % of all values (with room for 4096: 0.6 % on average of the worst rank, see its test), by nothing
// while all values fit.

/** A sketch as plain data. */
export interface Ranks {
  /** Values of the stream that each kept value stands for: a power of two. */
  weight: number;
  values: Float64Array;
}

/** Room for values in a sketch, by the number of sketches: a million at most in all, where that leaves 512 each. */
export function rankRoom(sketches: number): number {
  return Math.max(512, Math.min(4096, 2 ** Math.floor(Math.log2(2 ** 20 / Math.max(1, sketches)))));
}

export class RankSketch {
  readonly #values: Float64Array;
  #filled = 0;
  #weight = 1;
  /** Values to pass over before the next that is kept, and how many of its block come after that one. */
  #skip = 0;
  #rest = 0;
  #state: number;

  /** @param room values that are kept at most, even @param seed of the lot: any whole number */
  constructor(room: number, seed = 1) {
    this.#values = new Float64Array(room);
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0;
  }

  /** Takes in the first `count` values; NaN is left out. */
  add(values: Float64Array, count = values.length): void {
    let at = 0;
    while (this.#skip < count - at) {
      at += this.#skip;
      const value = values[at]!;
      at += 1;
      if (!Number.isNaN(value)) {
        this.#values[this.#filled] = value;
        this.#filled += 1;
        if (this.#filled === this.#values.length) this.#halve();
      }
      const place = Math.floor(this.#random() * this.#weight);
      this.#skip = this.#rest + place;
      this.#rest = this.#weight - 1 - place;
    }
    this.#skip -= count - at;
  }

  /** The sketch so far. */
  part(): Ranks {
    return { weight: this.#weight, values: this.#values.slice(0, this.#filled) };
  }

  #halve(): void {
    const kept = halved(this.#values, this.#random() < 0.5 ? 0 : 1);
    this.#values.set(kept);
    this.#filled = kept.length;
    this.#weight *= 2;
  }

  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state / 2 ** 32;
  }
}

/** Every second value in sorted order, from the first or the second one on. */
function halved(values: Float64Array, from: number): Float64Array {
  const sorted = values.slice().sort();
  return sorted.filter((_, k) => k % 2 === from);
}

/** Two sketches of parts of a stream as one of both. */
export function mergeRanks(a: Ranks, b: Ranks, room: number): Ranks {
  let [light, heavy] = a.weight <= b.weight ? [a, b] : [b, a];
  for (let turn = 0; light.weight < heavy.weight; turn ^= 1) {
    light = { weight: light.weight * 2, values: halved(light.values, turn) };
  }
  const values = new Float64Array(light.values.length + heavy.values.length);
  values.set(light.values);
  values.set(heavy.values, light.values.length);
  let merged: Ranks = { weight: heavy.weight, values };
  for (let turn = 0; merged.values.length > room; turn ^= 1) {
    merged = { weight: merged.weight * 2, values: halved(merged.values, turn) };
  }
  return merged;
}

/** Values below which the shares of all lie, NaN where there are none. */
export function quantiles({ values }: Ranks, shares: readonly number[]): number[] {
  const sorted = values.slice().sort();
  if (sorted.length === 0) return shares.map(() => Number.NaN);
  return shares.map((share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
}

// Finds gain and offset of a recorder that left fl(fl(q * gain) + offset), q whole. The grid of the levels gives q but for
// a shift m, and the gain within a few float64. For each (gain, m) every level leaves an interval of offsets; most pairs
// are done with after three or four levels, so that going through all of them is cheap. Whatever comes out was tried on
// every level, and need not be the recorder's own numbers to give all of them back.

import { type Grid, type Sameness, stepped, ulpOf } from "./levels.js";
import { type Found, tryCode } from "./whole.js";

/** Levels that pairs of gain and shift are tried on at most, half a second; twice as many for more than 17 bits. */
const mostTrials = 2 ** 25;
const mostGains = 256;

/** The shortest decimal in an interval. */
function shortestWithin(low: number, high: number): number {
  const middle = low + (high - low) / 2;
  for (let digits = 1; digits < 17; digits += 1) {
    const short = Number(middle.toPrecision(digits));
    if (short >= low && short <= high) return short;
  }
  return middle;
}

/** Denominators that gains have: full scale over the levels of a converter. */
const fullScales = [8, 10, 12, 14, 16, 18, 20, 24].flatMap((width) => [
  2 ** width,
  2 ** width - 1,
  2 ** (width - 1) - 1,
]);

/** @param effort share of the trials that are made before it gives up, 1 for all */
export function gainCode(
  levels: Float64Array,
  grid: Grid,
  sameness: Sameness,
  effort: number,
): Found | undefined {
  const search = new GainSearch(levels, grid, sameness, effort);
  const found = search.withoutOffset();
  if (found) return found;
  // Going through every shift is the shorter way where there are few.
  return grid.places[levels.length - 1]! < 2 ** 14
    ? search.withAnyOffset()
    : (search.withShortOffset() ?? search.withAnyOffset());
}

class GainSearch {
  readonly #levels: Float64Array;
  readonly #sameness: Sameness;
  readonly #steps: number;
  /** float64 that the gain may be, likely ones first; the first `#short` of them have few digits. */
  readonly #gains: number[] = [];
  #short = 0;
  /** The levels that pairs are tried on, hard ones first: value, place, half the distance to its neighbour. */
  readonly #values: Float64Array;
  readonly #places: Float64Array;
  readonly #halves: Float64Array;
  readonly #slack: number;
  /** Trials that are left. */
  #left: number;

  constructor(levels: Float64Array, grid: Grid, sameness: Sameness, effort: number) {
    const { places } = grid;
    const last = levels.length - 1;
    const wider = sameness === "float32" ? 2 ** 29 : 1;
    const largest = Math.max(Math.abs(levels[0]!), Math.abs(levels[last]!));
    const range = levels[last]! - levels[0]!;
    this.#levels = levels;
    this.#sameness = sameness;
    this.#steps = places[last]!;
    this.#left = effort * mostTrials * (this.#steps > 2 ** 17 ? 2 : 1);
    this.#slack = ulpOf(Math.max(largest, range)) * wider;
    const tests = testPlaces(levels);
    this.#values = Float64Array.from(tests, (k) => levels[k]!);
    this.#places = Float64Array.from(tests, (k) => places[k]!);
    this.#halves = this.#values.map((value) => (ulpOf(value) / 2) * wider);
    let [low, high] = this.#pairRange(places, wider);
    if ((high - low) / ulpOf(high) > 16) [low, high] = this.#lineRange(places, wider, low, high);
    if (low <= high) this.#listGains(low, high);
  }

  withoutOffset(): Found | undefined {
    const first = this.#levels[0]!;
    for (const gain of this.#gains) {
      const shift = Math.round(first / gain);
      if (Math.abs(first - shift * gain) > 2 * this.#slack) continue;
      const found = tryCode(this.#levels, { kind: "scaled", scale: gain }, this.#sameness);
      if (found) return found;
    }
    return undefined;
  }

  /** Offsets of up to four digits, around zero and up to the size of the values. */
  withShortOffset(): Found | undefined {
    const gains = this.#gains.slice(0, Math.max(this.#short, 4));
    const first = this.#levels[0]!;
    const largest = Math.max(Math.abs(first), this.#steps * (gains[0] ?? 0));
    const top = Math.ceil(Math.log10(largest)) + 1;
    for (let power = top - 8; power < top; power += 1) {
      for (let digits = 1; digits < 10_000; digits += 1) {
        if (digits % 10 === 0 && power > top - 8) continue;
        const size = power < 0 ? digits / 10 ** -power : digits * 10 ** power;
        if (size > 4 * largest) break;
        for (const gain of gains) {
          for (const offset of [size, -size]) {
            const shift = Math.round((first - offset) / gain);
            if (Math.abs(first - offset - shift * gain) > 2 * (this.#slack + ulpOf(size))) continue;
            const found = tryCode(this.#levels, { kind: "scaled", scale: gain, offset }, this.#sameness);
            if (found) return found;
          }
        }
      }
    }
    return undefined;
  }

  withAnyOffset(): Found | undefined {
    const steps = this.#steps;
    const bits = Math.ceil(Math.log2(steps + 1));
    const furthest = Math.max(2 ** 14, 2 ** Math.min(25, Math.max(bits + 1, Math.min(17, bits + 3))));
    const centre = -Math.round(steps / 2);
    // Where the offset dwarfs the range, products that are small round least.
    const likely = [0, centre, -(2 ** (bits - 1)), -steps];
    for (const gain of this.#gains) {
      for (const shift of likely) {
        const found = this.#tryShift(gain, shift);
        if (found) return found;
      }
    }
    for (const gain of this.#gains) {
      for (let away = 1; away <= furthest && this.#left > 0; away += 1) {
        const found = this.#tryShift(gain, away) ?? this.#tryShift(gain, -away);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** The gains that pairs of low and high levels allow. */
  #pairRange(places: Float64Array, wider: number): [low: number, high: number] {
    const levels = this.#levels;
    const last = levels.length - 1;
    const some = Math.min(16, levels.length >> 1);
    let low = 0;
    let high = Number.POSITIVE_INFINITY;
    for (let a = 0; a < Math.max(1, some); a += 1) {
      for (let b = last; b > last - Math.max(1, some); b -= 1) {
        const steps = places[b]! - places[a]!;
        if (steps <= 0) continue;
        const apart = levels[b]! - levels[a]!;
        const doubt = ((ulpOf(levels[a]!) + ulpOf(levels[b]!)) * wider) / 2 + this.#slack;
        low = Math.max(low, (apart - doubt) / steps);
        high = Math.min(high, (apart + doubt) / steps);
      }
    }
    return [low, high];
  }

  #listGains(low: number, high: number): void {
    const seen = new Set<number>();
    const add = (gain: number) => {
      if (gain >= low && gain <= high && gain > 0) seen.add(gain);
    };
    add(shortestWithin(low, high));
    add(1 / Math.round(2 / (low + high)));
    for (const levels of fullScales) {
      const whole = shortestWithin(low * levels, high * levels);
      // More digits than this are no full scale that somebody chose.
      if (whole === Number(whole.toPrecision(5))) add(whole / levels);
    }
    this.#short = seen.size;
    const middle = low + (high - low) / 2;
    add(middle);
    const stride = Math.max(1, Math.floor((high - low) / ulpOf(middle) / mostGains));
    for (let k = 1; k <= mostGains / 2; k += 1) {
      add(stepped(middle, k * stride));
      add(stepped(middle, -k * stride));
    }
    this.#gains.push(...seen);
  }

  /**
   * The slopes of lines that pass all levels within their rounding: narrower than what pairs allow where the offset dwarfs
   * the range. The room that a slope leaves for the line is concave, so that its top and its ends are found by halving.
   */
  #lineRange(places: Float64Array, wider: number, low: number, high: number): [low: number, high: number] {
    const levels = this.#levels;
    const first = levels[0]!;
    const middle = low + (high - low) / 2;
    const range = this.#steps * middle;
    const rests = levels.map((level, k) => level - first - places[k]! * middle);
    const doubts = levels.map((level) => (ulpOf(level) / 2) * wider + ulpOf(range));
    const room = (tilt: number) => {
      let least = Number.NEGATIVE_INFINITY;
      let most = Number.POSITIVE_INFINITY;
      for (let k = 0; k < rests.length; k += 1) {
        const rest = rests[k]! - places[k]! * tilt;
        if (rest - doubts[k]! > least) least = rest - doubts[k]!;
        if (rest + doubts[k]! < most) most = rest + doubts[k]!;
      }
      return most - least;
    };
    let [left, right] = [low - middle, high - middle];
    for (let turn = 0; turn < 60 && right - left > 0; turn += 1) {
      const a = left + (right - left) / 3;
      const b = right - (right - left) / 3;
      if (room(a) < room(b)) left = a;
      else right = b;
    }
    const top = (left + right) / 2;
    if (room(top) < 0) return [low, high];
    const end = (outside: number) => {
      let inside = top;
      for (let turn = 0; turn < 40; turn += 1) {
        const between = (inside + outside) / 2;
        if (room(between) < 0) outside = between;
        else inside = between;
      }
      return middle + outside;
    };
    return [end(low - middle), end(high - middle)];
  }

  /** Whether some offset goes with a gain and a shift, on all levels. */
  #tryShift(gain: number, shift: number): Found | undefined {
    const values = this.#values;
    const places = this.#places;
    const halves = this.#halves;
    const reference = values[0]! - (places[0]! + shift) * gain;
    // Offsets less the reference: small numbers, which float64 holds to the last bit that matters.
    let low = Number.NEGATIVE_INFINITY;
    let high = Number.POSITIVE_INFINITY;
    let unit = 0;
    for (let k = 0; k < values.length; k += 1) {
      this.#left -= 1;
      const value = values[k]!;
      const product = (places[k]! + shift) * gain;
      const difference = value - product;
      const part = difference - value;
      const rest = value - (difference - part) - (product + part);
      const offset = difference - reference + rest;
      const half = halves[k]!;
      if (offset - half > low) low = offset - half;
      if (offset + half < high) high = offset + half;
      if (low > high) return undefined;
      if (k === 1) unit = ulpOf(reference) / 2;
      if (unit > 0 && Math.ceil(low / unit) * unit > high) return undefined;
    }
    const least = reference + low;
    const most = reference + high;
    const offsets = new Set([
      shortestWithin(least, most),
      least + (most - least) / 2,
      reference + Math.ceil(low / unit) * unit,
      reference + Math.floor(high / unit) * unit,
    ]);
    for (const offset of offsets) {
      const found = tryCode(this.#levels, { kind: "scaled", scale: gain, offset }, this.#sameness);
      if (found) return found;
    }
    return undefined;
  }
}

/** Places of up to 96 levels: those next to 0, which are known best, the outermost, and others between. */
function testPlaces(levels: Float64Array): number[] {
  const last = levels.length - 1;
  let smallest = 0;
  for (let k = 1; k <= last; k += 1) {
    if (Math.abs(levels[k]!) < Math.abs(levels[smallest]!)) smallest = k;
  }
  const chosen = new Set([smallest, 0, last]);
  for (let k = 1; k < 6; k += 1) chosen.add(Math.min(last, smallest + k)).add(Math.max(0, smallest - k));
  for (let k = 1; k < 84; k += 1) {
    // Golden-section places, so that the first few are already all over the range.
    chosen.add(Math.floor(((k * 0.6180339887498949) % 1) * levels.length));
  }
  return [...chosen];
}

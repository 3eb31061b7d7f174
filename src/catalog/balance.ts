// How far the parts are from what they should hold, over all and of each class, and what a group would change:
//
//   miss = sum over parts of (held - wanted)^2 / wanted  +  the same for each class
//
// Divided by what is wanted, so that a small split is looked after like a large one.

import { wantedOf } from "./assign-rows.js";
import type { Targets } from "./assignment.js";
import type { GroupContent } from "./group-content.js";

export class Balance {
  readonly #content: GroupContent;
  readonly #width: number;
  readonly #isOpen: readonly boolean[];
  /** [classes x parts, none last]: rows above what is wanted, and 1 / wanted. */
  readonly #over: Float64Array;
  readonly #scale: Float64Array;
  /** The same of all classes together. */
  readonly #overall: Float64Array;
  readonly #overallScale: Float64Array;
  readonly #held: Float64Array;

  /**
   * @param held rows of each class that each part has already: [classes x parts, none last]
   * @param content the groups that are to be given out
   */
  constructor(targets: Targets, held: Float64Array, content: GroupContent) {
    const width = targets.shares.length;
    const classCount = held.length / width;
    this.#content = content;
    this.#width = width;
    this.#isOpen = targets.shares.map((share, part) => share > 0 && !targets.isFull[part]);
    const more = new Float64Array(classCount);
    for (let at = 0; at < content.strata.length; at += 1) more[content.strata[at]!]! += content.counts[at]!;
    this.#over = new Float64Array(held.length);
    this.#scale = new Float64Array(held.length);
    this.#held = new Float64Array(width);
    for (let stratum = 0; stratum < classCount; stratum += 1) {
      const ofStratum = [...held.subarray(stratum * width, (stratum + 1) * width)];
      wantedOf(targets, ofStratum, more[stratum]!).forEach((wanted, part) => {
        this.#over[stratum * width + part] = ofStratum[part]! - wanted;
        this.#scale[stratum * width + part] = 1 / Math.max(1, wanted);
        this.#held[part]! += ofStratum[part]!;
      });
    }
    const inAll = more.reduce((sum, count) => sum + count, 0);
    const wanted = wantedOf(targets, [...this.#held], inAll);
    this.#overall = this.#held.map((count, part) => count - wanted[part]!);
    this.#overallScale = this.#held.map((_, part) => 1 / Math.max(1, wanted[part]!));
  }

  /** Puts a group into a part, or takes it out with `sign` -1. */
  add(group: number, part: number, sign: 1 | -1): void {
    const { starts, strata, counts, sizes } = this.#content;
    for (let at = starts[group]!; at < starts[group + 1]!; at += 1)
      this.#over[strata[at]! * this.#width + part]! += sign * counts[at]!;
    this.#overall[part]! += sign * sizes[group]!;
    this.#held[part]! += sign * sizes[group]!;
  }

  /** How much larger the miss becomes by putting a group into a part. */
  gain(group: number, part: number): number {
    const { starts, strata, counts, sizes } = this.#content;
    const size = sizes[group]!;
    let sum = size * (2 * this.#overall[part]! + size) * this.#overallScale[part]!;
    for (let at = starts[group]!; at < starts[group + 1]!; at += 1) {
      const cell = strata[at]! * this.#width + part;
      sum += counts[at]! * (2 * this.#over[cell]! + counts[at]!) * this.#scale[cell]!;
    }
    return sum;
  }

  /** The part where a group makes the miss smallest; `preferred` among equals, if it is one. */
  bestPart(group: number, preferred: number): number {
    let best = preferred;
    let least = preferred < 0 ? Number.POSITIVE_INFINITY : this.gain(group, preferred);
    for (let part = 0; part < this.#width; part += 1) {
      if (!this.#isOpen[part] || part === preferred) continue;
      const gain = this.gain(group, part);
      if (gain < least) [best, least] = [part, gain];
    }
    return best;
  }

  /** Whether a part, and not just "in none", holds nothing. */
  isEmpty(part: number): boolean {
    return part < this.#width - 1 && this.#held[part] === 0;
  }

  /** Parts that should hold something and do not. */
  emptyParts(): number[] {
    return this.#isOpen.flatMap((isOpen, part) => (isOpen && this.isEmpty(part) ? [part] : []));
  }
}

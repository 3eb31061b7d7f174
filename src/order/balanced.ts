// Balanced drawing: which class comes at a position, and which of its members. Classes take turns on a cycle that is
// shuffled anew for each epoch; a class goes through a shuffle of its members, then through the next.
//
//   epoch of n = 10 places, K = 4 classes, cycle 2 0 3 1:      2 0 3 1  2 0 3 1  2 0
//                                                              rounds ........... rest: s = n mod K places
//
// The classes that the rest favours are the next s of the class list each time, whatever the cycle: how often a class
// came before an epoch is then a division, and nothing needs to be replayed.
// Rule: within an epoch any stretch of places has each class equally often, to within one; so it is over all epochs; and
// no member comes again before all members of its class have come.

import { DrawKeys, purposes } from "./draw-keys.js";
import { shuffledAt } from "./keyed-shuffle.js";
import { words } from "./keys.js";
import { rounds } from "./permutation.js";

/** Cycles of up to so many classes are worked out once per epoch. */
const listedCycle = 4096;

/** What balanced drawing depends on, besides the seed. */
export interface ClassSizes {
  /** Places of an epoch: samples of the view, at least as many as classes. */
  n: number;
  /** The label of each class that has members, ascending, and how many members it has. */
  labels: Uint32Array;
  counts: Uint32Array;
}

export class BalancedOrder {
  /** Of the last draw: the number of its class in `labels`, and which member of that class, from 0. */
  classIndex = 0;
  member = 0;
  readonly #sizes: ClassSizes;
  readonly #rest: number;
  readonly #memberKeys: DrawKeys;
  /** For the places of a round that the rest of the epoch has, and for the others. */
  readonly #restKeys: DrawKeys;
  readonly #otherKeys: DrawKeys;
  readonly #cycle: Uint32Array | undefined;
  #epoch = -1;
  #firstInRest = 0;

  /** @param view fingerprint of the view, 16 hexadecimal digits */
  constructor(sizes: ClassSizes, seed: number, view: string) {
    const classCount = sizes.labels.length;
    this.#sizes = sizes;
    this.#rest = sizes.n % classCount;
    this.#memberKeys = new DrawKeys(purposes.members, seed, view, rounds);
    this.#restKeys = new DrawKeys(purposes.cycle, seed, view, rounds);
    this.#otherKeys = new DrawKeys(purposes.cycle, seed, view, rounds);
    this.#cycle = classCount <= listedCycle ? new Uint32Array(classCount) : undefined;
  }

  /** Draws for a place of an epoch, 0 <= place < n: sets `classIndex` and `member`. */
  draw(epoch: number, place: number): void {
    const { n, labels, counts } = this.#sizes;
    const classCount = labels.length;
    if (epoch !== this.#epoch) this.#begin(epoch);
    const inRound = place % classCount;
    const classIndex = this.#cycle ? this.#cycle[inRound]! : this.#classAt(inRound);
    const turn = turnsBefore(epoch * n, classIndex, classCount) + (place - inRound) / classCount;
    const count = counts[classIndex]!;
    const inPass = turn % count;
    const pass = (turn - inPass) / count;
    const keys = this.#memberKeys.derive(labels[classIndex]!, pass >>> 0, (pass / 2 ** 32) >>> 0);
    this.classIndex = classIndex;
    this.member = shuffledAt(count, inPass, keys);
  }

  #begin(epoch: number): void {
    const classCount = this.#sizes.labels.length;
    const [low, high] = words(epoch);
    this.#epoch = epoch;
    this.#firstInRest = (epoch * this.#sizes.n) % classCount;
    this.#restKeys.derive(0, low, high);
    this.#otherKeys.derive(1, low, high);
    if (!this.#cycle) return;
    for (let inRound = 0; inRound < classCount; inRound += 1) this.#cycle[inRound] = this.#classAt(inRound);
  }

  /** The class at a place of the epoch's cycle. */
  #classAt(inRound: number): number {
    const rest = this.#rest;
    const classCount = this.#sizes.labels.length;
    const at =
      inRound < rest
        ? shuffledAt(rest, inRound, this.#restKeys.keys)
        : rest + shuffledAt(classCount - rest, inRound - rest, this.#otherKeys.keys);
    return (this.#firstInRest + at) % classCount;
  }
}

/** How many of the first `positions` positions went to a class: as many as there are numbers below that leave it. */
function turnsBefore(positions: number, classIndex: number, classCount: number): number {
  const beyond = positions - classIndex;
  if (beyond <= 0) return 0;
  const over = beyond % classCount;
  return (beyond - over) / classCount + (over > 0 ? 1 : 0);
}

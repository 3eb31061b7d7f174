// From counts to rows: for the samples of a run, which rows of the dataset they are. Uses the schedule for epoch and
// place, the permutation kernel or the loop's own drawing for the value, and the view's table for the row.

import type { Kernels } from "../kernels/kernels.js";
import { select } from "../order/bitmap.js";
import { type Permutation, permutation, rounds } from "../order/permutation.js";
import { locate, type Schedule, stretch } from "../order/schedule.js";
import type { Place, ReaderJob, RowTable } from "./messages.js";
import { bindDraws, type Draws } from "./run-draws.js";

export class RunOrder {
  readonly #schedule: Schedule;
  readonly #seed: number | undefined;
  readonly #view: string;
  readonly #kernels: Kernels;
  readonly #keys: Uint32Array;
  readonly #keysAt: number;
  readonly #valuesAt: number;
  readonly #values: Float64Array;
  readonly #rowOf: ((value: number) => number) | undefined;
  readonly #start: number;
  readonly #draws: Draws | undefined;
  #epoch = -1;
  #permutation: Permutation | undefined;

  /** @param scratch address of the reader's own scratch in `memory` */
  constructor(
    job: ReaderJob,
    kernels: Kernels,
    memory: WebAssembly.Memory,
    scratch: number,
    segments: readonly WebAssembly.Memory[],
  ) {
    this.#schedule = job.schedule;
    this.#seed = job.seed;
    this.#view = job.viewFingerprint;
    this.#kernels = kernels;
    this.#keysAt = scratch + job.plan.scratch.keys;
    this.#keys = new Uint32Array(memory.buffer, this.#keysAt, rounds);
    this.#valuesAt = scratch + job.plan.scratch.rows;
    this.#values = new Float64Array(memory.buffer, this.#valuesAt, job.plan.runLength);
    this.#rowOf = rowFinder(job.rows, segments);
    this.#start = job.rows.kind === "range" ? job.rows.start : 0;
    this.#draws = bindDraws(job, kernels, segments);
  }

  /** Rows of the counts [from, to), at most a run's worth; valid until the next call. */
  rows(from: number, to: number): Float64Array {
    const values = this.#values;
    for (let count = from; count < to; ) {
      const { epoch, place } = locate(this.#schedule, count);
      const length = Math.min(to - count, stretch(this.#schedule, count));
      this.#fill(epoch, place, length, count - from);
      count += length;
    }
    if (this.#draws?.givesRows) return values;
    const size = to - from;
    if (this.#rowOf) for (let k = 0; k < size; k += 1) values[k] = this.#rowOf(values[k]!);
    else if (this.#start > 0) for (let k = 0; k < size; k += 1) values[k] = values[k]! + this.#start;
    return values;
  }

  #fill(epoch: number, place: number, length: number, at: number): void {
    const { n } = this.#schedule;
    const draws = this.#draws;
    if (draws) {
      for (let k = 0; k < length; k += 1) this.#values[at + k] = draws.at(epoch, (place + k) % n);
      return;
    }
    if (this.#seed === undefined) {
      for (let k = 0; k < length; k += 1) this.#values[at + k] = (place + k) % n;
      return;
    }
    if (epoch !== this.#epoch || !this.#permutation) {
      this.#permutation = permutation(n, this.#seed, epoch, this.#view);
      this.#epoch = epoch;
      this.#keys.set(this.#permutation.keys);
    }
    const { leftBits, rightBits } = this.#permutation.halves;
    this.#kernels.permuteRun(
      place,
      length,
      n,
      this.#keysAt,
      rounds,
      leftBits,
      rightBits,
      this.#valuesAt + at * 8,
    );
  }
}

/** How a number within the view becomes a row; undefined for a range, where it is an addition. */
export function rowFinder(
  rows: RowTable,
  segments: readonly WebAssembly.Memory[],
): ((value: number) => number) | undefined {
  if (rows.kind === "range") return undefined;
  const buffer = (place: Place) => segments[place.segment]!.buffer;
  const bits = new Uint32Array(buffer(rows.bits), rows.bits.address, Math.ceil(rows.rows / 32));
  const blocks = Math.ceil(rows.rows / 2048) + 1;
  const directory = new Float64Array(buffer(rows.directory), rows.directory.address, blocks);
  return (value) => select(bits, directory, value);
}

// From rows to ids, run by run: which samples lie in consecutive rows of a layout that is a permutation of the ids. For
// what is read once from front to back and kept by id.

import type { Manifest } from "../format/manifest.js";
import { type PlacedBlock, placedBlocks } from "../format/placed.js";
import { bindKernels, type Kernels, kernelModule, sharedMemory } from "../kernels/kernels.js";
import { rounds } from "../order/permutation.js";

/** Rows of a run at most. */
const runRows = 8192;
const keysBytes = 64;

export class IdRuns {
  readonly #kernels: Kernels;
  readonly #keys: Uint32Array;
  readonly #ids: Float64Array;
  readonly #blocks: readonly PlacedBlock[];

  constructor(placed: NonNullable<Manifest["placed"]>) {
    const memory = sharedMemory(keysBytes + runRows * 8);
    this.#kernels = bindKernels(kernelModule(), memory);
    this.#keys = new Uint32Array(memory.buffer, 0, rounds);
    this.#ids = new Float64Array(memory.buffer, keysBytes, runRows);
    this.#blocks = placedBlocks(placed);
  }

  /** Calls back with the ids of rows [first, end), some thousands at a time, each with the row of the first of them. */
  each(first: number, end: number, use: (ids: Float64Array, row: number) => void): void {
    for (let row = first; row < end; ) {
      const block = this.#blocks.find((each) => row < each.end);
      const count = Math.min(runRows, end - row, (block?.end ?? end) - row);
      const ids = this.#ids.subarray(0, count);
      if (block) this.#permute(block, row, count);
      else for (let k = 0; k < count; k += 1) ids[k] = row + k;
      use(ids, row);
      row += count;
    }
  }

  #permute({ start, order }: PlacedBlock, row: number, count: number): void {
    const { n, keys, halves } = order;
    this.#keys.set(keys);
    this.#kernels.permuteRun(row - start, count, n, 0, rounds, halves.leftBits, halves.rightBits, keysBytes);
    if (start > 0) for (let k = 0; k < count; k += 1) this.#ids[k]! += start;
  }
}

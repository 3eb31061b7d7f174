// From ids to rows, for datasets whose samples kept their ids when they were laid out anew (compacted, or packed from an
// index): a block's order is a permutation, so its inverse tells where an id lies, without a table. Elsewhere ids are rows.

import type { Manifest } from "../format/manifest.js";
import { type PlacedBlock, placedBlocks } from "../format/placed.js";
import type { Kernels } from "../kernels/kernels.js";
import { rounds } from "../order/permutation.js";
import type { LoopPlan } from "./plan.js";

/** Round keys lie this far behind those of the order. */
const keysOffset = 32;

export class Placement {
  readonly #kernels: Kernels;
  readonly #blocks: readonly PlacedBlock[];
  readonly #keys: Uint32Array;
  readonly #keysAt: number;
  readonly #rows: Float64Array;
  readonly #rowsAt: number;
  #loaded: PlacedBlock | undefined;

  /** @param scratch address of the reader's own scratch in `memory` */
  constructor(
    placed: NonNullable<Manifest["placed"]>,
    plan: LoopPlan,
    kernels: Kernels,
    memory: WebAssembly.Memory,
    scratch: number,
  ) {
    this.#kernels = kernels;
    this.#blocks = placedBlocks(placed);
    this.#keysAt = scratch + plan.scratch.keys + keysOffset;
    this.#keys = new Uint32Array(memory.buffer, this.#keysAt, rounds);
    this.#rowsAt = scratch + plan.scratch.rows + plan.runLength * 8;
    this.#rows = new Float64Array(memory.buffer, this.#rowsAt, plan.runLength);
  }

  /** Rows of the first `count` ids; valid until the next call. */
  rowsOf(ids: Float64Array, count: number): Float64Array {
    const rows = this.#rows;
    for (let k = 0; k < count; ) {
      const block = this.#blockOf(ids[k]!);
      if (!block) {
        rows[k] = ids[k]!;
        k += 1;
        continue;
      }
      const from = k;
      for (; k < count && ids[k]! >= block.start && ids[k]! < block.end; k += 1)
        rows[k] = ids[k]! - block.start;
      this.#toPlaces(block, from, k - from);
      if (block.start > 0) for (let j = from; j < k; j += 1) rows[j] = rows[j]! + block.start;
    }
    return rows;
  }

  #blockOf(id: number): PlacedBlock | undefined {
    for (const block of this.#blocks) if (id < block.end) return block;
    return undefined;
  }

  #toPlaces(block: PlacedBlock, from: number, count: number): void {
    const { n, keys, halves } = block.order;
    if (this.#loaded !== block) this.#keys.set(keys);
    this.#loaded = block;
    this.#kernels.placesOf(
      this.#rowsAt + from * 8,
      count,
      n,
      this.#keysAt,
      rounds,
      halves.leftBits,
      halves.rightBits,
    );
  }
}

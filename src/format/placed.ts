// Which sample lies in which row, where samples kept their ids when they were laid out anew: the manifest's `placed`.

import { layoutPermutation } from "../order/layout.js";
import type { Permutation } from "../order/permutation.js";
import type { Manifest } from "./manifest.js";

/** Ids, and as many rows, [start, end): row start + p holds the id start + order.at(p). */
export interface PlacedBlock {
  start: number;
  end: number;
  order: Permutation;
}

/** The blocks of a dataset, from id 0 on; none where all ids are rows. */
export function placedBlocks(placed: Manifest["placed"] = []): PlacedBlock[] {
  let end = 0;
  return placed.map(({ rows, seed }) => {
    const start = end;
    end += rows;
    return { start, end, order: layoutPermutation(rows, seed) };
  });
}

/** Rows that are not their samples' ids; they are the first ones. */
export function placedRows({ placed }: Pick<Manifest, "placed">): number {
  return placed?.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
}

/** The id of the sample that lies in a row of the layout; for messages, it is not fast. */
export function idOfRow({ placed }: Pick<Manifest, "placed">, row: number): number {
  const block = placedBlocks(placed).find(({ end }) => row < end);
  return block ? block.start + block.order.at(row - block.start) : row;
}

// Which sample lies in which row, where samples kept their ids when they were laid out anew: the manifest's `placed`.

import { layoutPermutation } from "../order/layout.js";
import type { Manifest } from "./manifest.js";

/** Rows that are not their samples' ids; they are the first ones. */
export function placedRows({ placed }: Pick<Manifest, "placed">): number {
  return placed?.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
}

/** The id of the sample that lies in a row of the layout; for messages, it is not fast. */
export function idOfRow({ placed }: Pick<Manifest, "placed">, row: number): number {
  let start = 0;
  for (const { rows, seed } of placed ?? []) {
    if (row < start + rows) return start + layoutPermutation(rows, seed).at(row - start);
    start += rows;
  }
  return row;
}

// How the fields of a loop are decoded: planned from the dataset's table and what is asked for, and laid out in the
// loop's reservation once, before its readers start.

import { type Decoding, type Normalisation, planDecoding, writeDecoding } from "../kernels/decoding.js";
import { deliveredField } from "../tensor/field.js";
import type { Reservation } from "./memory-pool.js";
import type { Deliver, LoopPlan } from "./plan.js";
import type { ColumnTable } from "./table.js";

/** How columns are decoded, by their number. */
export type Decodings = readonly (Decoding | undefined)[];

/** @param normalisations by field name; not for fields that are delivered as stored */
export function planDecodings(
  columns: readonly Pick<ColumnTable, "name" | "field">[],
  deliver: Deliver,
  normalisations: Readonly<Record<string, Normalisation>> = {},
): Decodings {
  return columns.map(({ name, field }) => {
    const delivered = deliveredField(field);
    return delivered.kind === "class" || deliver === "stored"
      ? undefined
      : planDecoding(delivered, normalisations[name]);
  });
}

/** Lays out the parameters of all fields of a loop. */
export function writeDecodings(
  { fields }: LoopPlan,
  decodings: Decodings,
  { memory, address }: Pick<Reservation, "memory" | "address">,
): void {
  for (const { column, code } of fields) {
    if (code !== undefined) writeDecoding(decodings[column]!, memory.buffer, address + code);
  }
}

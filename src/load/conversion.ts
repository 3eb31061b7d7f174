// From stored numbers to delivered ones: which kernels a field's records pass through on their way from scratch to ring.
//
//   float32, no formula    one kernel per stored dtype, as the numbers are
//   float32, formulas      a kernel that decodes, by parameters that lie in the loop's reservation
//   float16                either of these into a block of float32, then to float16, block after block
//
// Rule: parameters are laid out once per loop, by the thread that starts it; readers only read them.

import {
  type Decoding,
  decoderOf,
  type Normalisation,
  planDecoding,
  writeDecoding,
} from "../kernels/decoding.js";
import { converterOf, type Decode, type Kernels } from "../kernels/kernels.js";
import { elementBytes } from "../tensor/dtype.js";
import type { Reservation } from "./memory-pool.js";
import { blockElements, type Deliver, type FieldPlan, type LoopPlan } from "./plan.js";
import type { ColumnTable } from "./table.js";

/** Converts `count` numbers at `from`, whole samples, into what is delivered at `to`. */
export type Conversion = (from: number, to: number, count: number) => void;

/** How columns are decoded, by their number. */
export type Decodings = readonly (Decoding | undefined)[];

/** @param normalisations by field name; not for fields that are delivered as stored */
export function planDecodings(
  columns: readonly Pick<ColumnTable, "name" | "field">[],
  deliver: Deliver,
  normalisations: Readonly<Record<string, Normalisation>> = {},
): Decodings {
  return columns.map(({ name, field }) =>
    field.kind === "class" || deliver === "stored" ? undefined : planDecoding(field, normalisations[name]),
  );
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

/**
 * How a field's records are converted; undefined where they are delivered as they are.
 *
 * @param address start of the loop's reservation
 * @param block room for a block of float32, the reader's own
 */
export function conversionOf(
  kernels: Kernels,
  { stored, delivered, code }: FieldPlan,
  address: number,
  block: number,
): Conversion | undefined {
  if (code === undefined && stored === delivered) return undefined;
  const decode = code === undefined ? undefined : decoderOf(kernels, stored);
  const at = address + (code ?? 0);
  if (delivered === "float32") {
    if (decode) return (from, to, count) => decode(from, to, 0, count, at);
    return converterOf(kernels, stored);
  }
  if (!decode && stored === "float32") return kernels.float32ToFloat16;
  const convert = converterOf(kernels, stored);
  const toFloat32: Decode = decode ?? ((from, to, _, count) => convert!(from, to, count));
  const storedBytes = elementBytes(stored);
  const deliveredBytes = elementBytes(delivered);
  return (from, to, count) => {
    for (let first = 0; first < count; first += blockElements) {
      const length = Math.min(blockElements, count - first);
      toFloat32(from + first * storedBytes, block, first, length, at);
      kernels.float32ToFloat16(block, to + first * deliveredBytes, length);
    }
  };
}

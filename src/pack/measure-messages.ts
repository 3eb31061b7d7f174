// What the packer and its measuring threads tell each other.

import type { FieldPart } from "../precision/facts.js";
import type { MeasurePlan } from "../precision/measure.js";
import type { TensorField } from "../tensor/field.js";

/** Begins a pass: a plan for each field. */
export interface BeginPass {
  type: "begin";
  plans: readonly MeasurePlan[];
}

/** Samples to be measured: those of a field lie together in the slab, field after field. */
export interface MeasureSlab {
  type: "slab";
  /** Number of the slab, to be given back. */
  number: number;
  bytes: Uint8Array;
  samples: number;
  /** Number of the first sample in all of the data. */
  firstSample: number;
}

/** Ends a pass. */
export interface EndPass {
  type: "end";
}

export type ToMeasurer = BeginPass | MeasureSlab | EndPass;

export type FromMeasurer =
  /** The slab may be filled again. */
  | { type: "free"; number: number }
  /** What the pass has found, by field. */
  | { type: "parts"; parts: FieldPart[] };

/** What a thread is started with. */
export interface MeasurerStart {
  fields: readonly TensorField[];
}

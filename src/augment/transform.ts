// What a transform is, for the plan and the augmenter: its options, the room that it needs, and what it does to one
// sample in a thread. The registry (registry.ts) lists all of them.
// Rule: a bound transform allocates nothing per sample, and writes to its sample and its own room only.

import { SpillwayError } from "../errors.js";
import type { Kernels } from "../kernels/kernels.js";
import type { TensorField } from "../tensor/field.js";
import type { Draw } from "./draw.js";
import type { Geometry } from "./geometry.js";
import { checkOptions, type OptionTable, type OptionValues, shown } from "./options.js";

/**
 * A transform of a list, as plain data: JSON and messages between threads carry it unchanged. Made by `jitter`, `flip` and
 * the others, which check their options.
 */
export interface Augmentation {
  readonly name: string;
  /** The field that is changed. Default: the only tensor field. */
  readonly field?: string;
  readonly options: OptionValues;
}

/** What all transforms of one field take. */
export interface FieldOption {
  /** The field that is changed. Default: the only tensor field. */
  field?: string;
}

/** What transforms of single samples take. */
export interface SampleOptions extends FieldOption {
  /** Share of the samples that are changed, 0 to 1. Default 1; of `flip` 0.5. */
  probability?: number;
}

/** Bytes that a transform needs in a thread. */
export interface Room {
  /** Tables, written once and kept. */
  tables: number;
  /** Used while a sample is changed, shared with the other transforms. */
  work: number;
}

/** What a transform is bound to in a thread. */
export interface Bound<O, G extends Geometry> {
  kernels: Kernels;
  memory: WebAssembly.Memory;
  options: O;
  geometry: G;
  /** Addresses of its rooms, multiples of 16. */
  tables: number;
  work: number;
}

/** Changes the sample at an address. The draw's stream is open. */
export type Apply = (draw: Draw, address: number) => void;

/** Something that is wrong with options for a field: what, and what to do. */
export interface Complaint {
  what: string;
  remedy: string;
}

/** A transform of single samples. */
export interface Transform<O = OptionValues, G extends Geometry = Geometry> {
  name: string;
  table: OptionTable;
  /** Room for a field of this geometry. */
  room(geometry: G, options: O): Room;
  bind(bound: Bound<O, G>): Apply;
  /** What options and a field have against each other. */
  complain?(options: O, geometry: G): Complaint | undefined;
  /** Options that follow from the field. */
  settle?(options: O, field: TensorField): O;
}

export const noRoom: Room = { tables: 0, work: 0 };

/**
 * A transform of a list, checked, complete and frozen.
 *
 * @throws SpillwayError `usage` for an option that does not exist or does not make sense
 */
export function describe(
  { name, table }: { name: string; table: OptionTable },
  { field, ...options }: FieldOption & OptionValues,
): Augmentation {
  if (field !== undefined && (typeof field !== "string" || field === "")) {
    throw new SpillwayError("usage", `${name}: field ${shown(field)} is no name of a field`, {
      remedy: "Name the tensor field that is to be changed, or leave it out where there is one only.",
    });
  }
  const checked = checkOptions(name, options, table);
  return Object.freeze({ name, ...(field !== undefined && { field }), options: checked });
}

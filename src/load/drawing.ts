// How a loop draws its samples, as it is asked for, and what is built in memory for that.

import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import type { MemoryPool, Reservation } from "./memory-pool.js";
import type { DrawingTable, RowTable } from "./messages.js";
import type { DatasetTable } from "./table.js";

/** Every sample once per epoch; all classes equally often; or in proportion to weights. */
export type Drawing =
  | { kind: "permutation" }
  | { kind: "balanced"; field: string }
  | { kind: "weighted"; weights: WeightSource };

/** Where weights come from. */
export interface WeightSource {
  /** What errors call them: `weights`, or `column "score"`. */
  name: string;
  /** The same key stands for the same weights: they are kept in memory under it. */
  key: string;
  /** Whether there is one for each sample of the view, or for each row of the dataset. */
  of: "view" | "dataset";
  /** All of them in order of id, part by part; what is missing as NaN. */
  parts(): AsyncIterable<Weights> | Iterable<Weights>;
}

export type Weights = Float64Array | Float32Array;

/** The samples that are drawn from. */
export interface DrawnView {
  /** Fingerprint of the view. */
  fingerprint: string;
  count: number;
  rows: RowTable;
}

/** What building needs of an open dataset. */
export interface DrawingPlace {
  table: DatasetTable;
  pool: MemoryPool;
  /** Takes memory, of drawings that nobody uses if there is no other. */
  reserve(byteLength: number, purpose: string): Reservation;
  /** Throws once the dataset is closed: the memory is then somebody else's. */
  requireOpen(): void;
}

/** What was built for one kind of drawing over one view. */
export interface BuiltDrawing {
  table: DrawingTable;
  /** What resume tokens carry of it. */
  mark: string;
  /** What is not as one would expect, one sentence each. */
  notes: readonly string[];
  held: readonly Reservation[];
}

/** What resume tokens carry of balanced drawing. */
export function balancedMark(field: string): string {
  return `b${hashHex(new TextEncoder().encode(`balance ${field}`))}`;
}

/**
 * Refuses to go on with a run that draws otherwise.
 *
 * @param own what this loop draws by: its mark, the kind alone ("w") where weights are not read yet, undefined for neither
 * @throws SpillwayError `mismatch`, both sides named
 */
export function requireSameDrawing(
  token: string | undefined,
  own: string | undefined,
  dataset: string,
): void {
  if (own === undefined ? token === undefined : token?.startsWith(own)) return;
  throw new SpillwayError(
    "mismatch",
    `the resume token is of a run that is ${describeMark(token)}, this one is ${describeMark(own)}`,
    {
      remedy: "Resume with the same balance or weights, or start anew without the token.",
      where: { dataset },
    },
  );
}

function describeMark(mark: string | undefined): string {
  if (mark === undefined) return "neither balanced nor weighted";
  const kind = mark.startsWith("b") ? "balanced" : "weighted";
  return mark.length > 1 ? `${kind} (${mark})` : kind;
}

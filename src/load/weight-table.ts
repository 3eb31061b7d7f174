// The weights of a view's samples, in the pool: four bytes each, and a sum before each block of them. They are taken in
// order of id, from an array of the user's or from a column of the catalog, part by part.

import { SpillwayError } from "../errors.js";
import { Hasher } from "../kernels/hasher.js";
import { isMember } from "../order/class-directory.js";
import { addSums, viewWeights, weightBytes } from "../order/weighted.js";
import { bytesOf } from "../tensor/dtype.js";
import type { BuiltDrawing, DrawingPlace, DrawnView, WeightSource, Weights } from "./drawing.js";
import type { Place } from "./messages.js";
import { membersOf } from "./run-draws.js";
import { rowFinder } from "./run-order.js";

/** Samples that an error names. */
const mostNamed = 10;

/** @throws SpillwayError `usage` for weights that are none, or all 0, `memory` where they do not fit */
export async function buildWeightTable(
  place: DrawingPlace,
  source: WeightSource,
  view: DrawnView,
): Promise<BuiltDrawing> {
  const { count, rows } = view;
  const buffer = (at: Place) => place.pool.segments[at.segment]!.buffer;
  const find = rowFinder(rows, place.pool.segments);
  const rowOf = (at: number) => (rows.kind === "range" ? rows.start + at : find!(at));
  const reservation = place.reserve(weightBytes(count), `the weights of ${count} samples`);
  try {
    const { sums, weights } = viewWeights(reservation.memory.buffer, reservation.address, count);
    const hasher = new Hasher();
    const problems: number[] = [];
    let problemCount = 0;
    let filled = 0;
    let total = 0;
    for await (const values of weightsOfView(source, view, buffer)) {
      place.requireOpen();
      if (filled + values.length > count) throw otherLength(source, filled + values.length, count);
      weights.set(values, filled);
      for (let at = filled; at < filled + values.length; at += 1) {
        const weight = weights[at]!;
        if (weight >= 0 && weight < Number.POSITIVE_INFINITY) continue;
        problemCount += 1;
        if (problems.length < mostNamed) problems.push(rowOf(at));
      }
      const end = filled + values.length;
      hasher.update(bytesOf(weights.subarray(filled, end)));
      total = addSums(weights, sums, filled, end, total);
      filled = end;
      await new Promise((resolve) => setImmediate(resolve));
    }
    place.requireOpen();
    if (filled !== count) throw otherLength(source, filled, count);
    if (problemCount > 0) throw noWeights(source, problemCount, problems);
    if (total === 0) throw allZero(source, count);
    return {
      table: {
        kind: "weighted",
        weights: { segment: reservation.segment, address: reservation.address },
        count,
      },
      mark: `w${hasher.finishHex()}`,
      notes: [],
      held: [reservation],
    };
  } catch (error) {
    reservation.release();
    throw error;
  }
}

/** The weights of a view's samples, part by part: those of other rows are left out. */
async function* weightsOfView(
  source: WeightSource,
  { rows, count }: DrawnView,
  buffer: (place: Place) => ArrayBufferLike,
): AsyncGenerator<Weights> {
  const members = membersOf(rows, buffer);
  let row = 0;
  for await (const part of source.parts()) {
    const first = row;
    row += part.length;
    if (source.of === "view") {
      yield part;
    } else if (rows.kind === "range") {
      const start = Math.max(0, rows.start - first);
      const end = Math.min(part.length, rows.start + count - first);
      if (start < end) yield part.subarray(start, end);
      if (row >= rows.start + count) return;
    } else {
      yield Float64Array.from(part).filter((_, k) => isMember(members, first + k));
    }
  }
}

function otherLength({ name }: WeightSource, length: number, count: number): SpillwayError {
  return new SpillwayError("mismatch", `${name} has ${length} values for the ${count} samples of the view`, {
    remedy: "Give one weight per sample of the view, in order of id.",
  });
}

function noWeights({ name }: WeightSource, count: number, ids: readonly number[]): SpillwayError {
  const which = count === 1 ? "1 value that is" : `${count} values that are`;
  const shown = ids.join(", ") + (count > ids.length ? ", ..." : "");
  const samples = count === 1 ? "sample" : "samples";
  return new SpillwayError(
    "usage",
    `${name} has ${which} missing, negative or not finite: ${samples} ${shown}`,
    {
      remedy: "Weights are numbers from 0 to 3e38: correct them, or view other samples.",
      where: { sample: ids[0]! },
    },
  );
}

function allZero({ name }: WeightSource, count: number): SpillwayError {
  return new SpillwayError("usage", `${name} is 0 for all of the ${count} samples of the view`, {
    remedy: "At least one sample needs a weight above 0.",
  });
}

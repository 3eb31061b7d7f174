// From positions to draws, for readers whose loop is balanced or weighted: what RunOrder asks instead of the permutation.
// Nothing is allocated per draw.

import { bindKernels, type Kernels, kernelModule } from "../kernels/kernels.js";
import { BalancedOrder } from "../order/balanced.js";
import { type Members, nextOfClass, viewDirectory } from "../order/class-directory.js";
import { viewWeights, WeightedOrder } from "../order/weighted.js";
import { viewAs } from "../tensor/dtype.js";
import type { DrawingTable, Place, ReaderJob, RowTable } from "./messages.js";

/** How a loop draws. */
export interface Draws {
  /** Whether it finds rows of the dataset, or numbers within the view. */
  givesRows: boolean;
  /** The sample for a place of an epoch, 0 <= place < n. */
  at(epoch: number, place: number): number;
}

/**
 * The draws of a job; undefined for the permutation.
 *
 * @param kernels bound to the segment of the job's reservation
 */
export function bindDraws(
  job: ReaderJob,
  kernels: Kernels,
  segments: readonly WebAssembly.Memory[],
): Draws | undefined {
  const { drawing, schedule, seed = 0, viewFingerprint } = job;
  if (drawing.kind === "permutation") return undefined;
  const buffer = (place: Place) => segments[place.segment]!.buffer;
  if (drawing.kind === "weighted") {
    const { address } = drawing.weights;
    const { sums, weights } = viewWeights(buffer(drawing.weights), address, drawing.count);
    const order = new WeightedOrder(weights, sums, seed, viewFingerprint);
    return { givesRows: false, at: (epoch, place) => order.draw(epoch, place) };
  }
  const { directory: at, classCount, listed } = drawing;
  const { labels, counts, steps, firsts, rows } = viewDirectory(buffer(at), at.address, classCount, listed);
  const order = new BalancedOrder({ n: schedule.n, labels, counts }, seed, viewFingerprint);
  const next = bindNext(drawing, job, kernels, segments);
  return {
    givesRows: true,
    at(epoch, place) {
      order.draw(epoch, place);
      const { classIndex, member } = order;
      const skip = member % steps[classIndex]!;
      const row = rows[firsts[classIndex]! + (member - skip) / steps[classIndex]!]!;
      return skip === 0 ? row : next(labels[classIndex]!, row, skip - 1);
    },
  };
}

/** How the next member of a class is found: by the kernel, if all that it needs lies in one segment. */
function bindNext(
  { labels, labelBytes, rowCount }: Extract<DrawingTable, { kind: "balanced" }>,
  { rows, reservation }: ReaderJob,
  kernels: Kernels,
  segments: readonly WebAssembly.Memory[],
): (label: number, row: number, skip: number) => number {
  const memory = segments[labels.segment]!;
  const buffer = (place: Place) => segments[place.segment]!.buffer;
  if (rows.kind === "bitmap" && rows.bits.segment !== labels.segment) {
    const dtype = labelBytes === 1 ? "uint8" : labelBytes === 2 ? "uint16" : "int32";
    const column = viewAs(dtype, memory.buffer, labels.address, rowCount) as Uint8Array;
    const members = membersOf(rows, buffer);
    return (label, row, skip) => nextOfClass(column, members, label, row, skip);
  }
  const own = labels.segment === reservation.segment ? kernels : bindKernels(kernelModule(), memory);
  const bits = rows.kind === "bitmap" ? rows.bits.address : 0;
  return (label, row, skip) =>
    own.nextOfClass(labels.address, labelBytes, rowCount, bits, label, row, skip) >>> 0;
}

/** Which rows are of a view. */
export function membersOf(rows: RowTable, buffer: (place: Place) => ArrayBufferLike): Members {
  if (rows.kind === "range") return { kind: "range" };
  const words = Math.ceil(rows.rows / 32);
  return { kind: "bits", bits: new Uint32Array(buffer(rows.bits), rows.bits.address, words) };
}

// From the bytes of a .npy file's data to those that are stored: little-endian, C order. Most files need nothing.

import { elementBytes } from "../tensor/dtype.js";
import type { NpyHeader } from "./npy-header.js";

/** What of a header decides how its data is turned. */
export type NpyLayout = Pick<NpyHeader, "dtype" | "shape" | "isFortran" | "isSwapped">;

/** Whether data is as it would be stored. */
export function needsNoTurning({ isFortran, isSwapped }: NpyLayout): boolean {
  return !isFortran && !isSwapped;
}

/** Turns big-endian numbers into little-endian ones, or back, in place. `size` is 1, 2, 4 or 8 bytes. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Brings data that lies in `into` into little-endian C order, in place. */
export function normalise(into: Uint8Array, layout: NpyLayout): void {
  const size = elementBytes(layout.dtype);
  if (layout.isSwapped) swapBytes(into, size);
  if (layout.isFortran) into.set(fromFortran(into, layout.shape, size));
}

/** A copy in C order of an array in Fortran order, whose first axis varies fastest. */
function fromFortran(bytes: Uint8Array, shape: readonly number[], size: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const steps: number[] = [];
  let step = size;
  for (const length of shape) {
    steps.push(step);
    step *= length;
  }
  const at = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < result.length; to += size) {
    for (let byte = 0; byte < size; byte++) result[to + byte] = bytes[from + byte]!;
    // Counts up the last axis first; where an axis is full, it starts again and the one before moves on.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      at[axis]! += 1;
      if (at[axis]! < shape[axis]!) break;
      from -= steps[axis]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return result;
}

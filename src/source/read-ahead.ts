// Source order out of a source that can be read anywhere: a few reads run ahead of the caller, in slots that are used
// again and again, so that the disk works while a sample is being packed and memory stays the same.

import { type Fields, fieldStride, sampleBytes } from "../tensor/field.js";
import type { Sample } from "../tensor/sample.js";
import type { Source } from "./source.js";

const maxSlots = 16;
const maxBytes = 2 ** 23;

/** New memory for one sample: an array per field, in order, each of exactly its stride. */
export function sampleSlot(fields: Fields): Uint8Array[] {
  return Object.values(fields).map((field) => new Uint8Array(fieldStride(field)));
}

/**
 * Samples `start` to `sampleCount` in order, read by `readInto` up to 16 ahead (fewer above 512 KiB a sample).
 * A sample is valid until the next is asked for.
 */
export async function* readAhead(
  fields: Fields,
  sampleCount: number,
  start: number,
  readInto: NonNullable<Source["readInto"]>,
): AsyncGenerator<Sample> {
  const slotCount = Math.max(
    2,
    Math.min(maxSlots, Math.floor(maxBytes / sampleBytes(fields)), sampleCount - start),
  );
  const slots = Array.from({ length: slotCount }, () => sampleSlot(fields));
  // The oldest read first; reads[0] fills slot (index % slotCount).
  const reads: Promise<Sample>[] = [];
  const begin = (index: number): Promise<Sample> => {
    const bytes = slots[index % slotCount]!;
    const read = readInto(index, bytes).then((origin) => ({ bytes, ...origin }));
    // An error is thrown when its turn comes; until then it must not count as unhandled.
    read.catch(() => {});
    return read;
  };
  try {
    let next = start;
    for (let index = start; index < sampleCount; index++) {
      // One slot is the caller's: only slotCount - 1 may be in flight while the last sample is still in use.
      while (next < sampleCount && next < index + slotCount - 1) reads.push(begin(next++));
      yield await reads.shift()!;
    }
  } finally {
    await Promise.allSettled(reads);
  }
}

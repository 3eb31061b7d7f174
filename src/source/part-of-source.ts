// Some samples of a source, as a source of its own: for trial runs, and for appends that leave out what is there.

import { bitmapBytes, countBits, directoryBytes, fillDirectory, hasBit, select } from "../order/bitmap.js";
import type { Sample } from "../tensor/sample.js";
import { readAhead } from "./read-ahead.js";
import type { Source } from "./source.js";

/**
 * The samples of a source whose bits are set, in the source's order, with indices from 0.
 *
 * @param source one that knows how many samples it has
 * @param bits sample k is bit k % 8, lowest first, of byte floor(k / 8)
 * @param fingerprint what tells this part from others, and from the whole
 */
export function partOfSource(source: Source, bits: Uint8Array, fingerprint: string): Source {
  const { sampleCount: all, readInto, files, labelOf, originOf, dataset: _dataset, ...rest } = source;
  const set = new Uint32Array(bitmapBytes(all!) / 4);
  new Uint8Array(set.buffer).set(bits);
  const directory = new Float64Array(directoryBytes(all!) / 8);
  fillDirectory(set, directory);
  const indexOf = (k: number) => select(set, directory, k);
  const sampleCount = countBits(bits);
  const readPart: Source["readInto"] = readInto && ((k, into) => readInto.call(source, indexOf(k), into));
  return {
    ...rest,
    sampleCount,
    fingerprint,
    samples: (start) =>
      readPart
        ? readAhead(source.fields, sampleCount, start, readPart)
        : chosen(source, bits, sampleCount, start),
    ...(readPart && { readInto: readPart }),
    ...(files && {
      files: {
        ...files,
        locate: (k) => files.locate(indexOf(k)),
        pathOf: (k) => files.pathOf(indexOf(k)),
      },
    }),
    ...(labelOf && { labelOf: (k) => labelOf(indexOf(k)) }),
    ...(originOf && { originOf: (k) => originOf(indexOf(k)) }),
    close: () => source.close(),
  };
}

/** The chosen samples of a source that only goes from front to back. */
async function* chosen(
  source: Source,
  bits: Uint8Array,
  count: number,
  start: number,
): AsyncGenerator<Sample> {
  let kept = 0;
  let index = 0;
  for await (const sample of source.samples(0)) {
    if (hasBit(bits, index)) {
      if (kept >= start) yield sample;
      kept += 1;
    }
    index += 1;
    if (kept === count) return;
  }
}

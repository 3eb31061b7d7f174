// Bits of rows (a split, samples that are excluded) on their way into SQL and back. Files and bitmaps have the lowest bit
// first, DuckDB's BIT has the highest first and a byte of padding in front:
//
//   bitmap   byte 0: row 7 6 5 4 3 2 1 0 | byte 1: row 15 ...
//   BIT      0 | byte 0: row 0 1 2 3 4 5 6 7 | byte 1: row 8 ...

import type { CatalogPlace } from "./catalog-reader.js";
import { defaultScheme, foldName, listSchemes, readScheme } from "./scheme.js";
import { findSplitBits } from "./split-bits.js";

/** Each byte with its bits the other way round. */
const reversed = Uint8Array.from({ length: 256 }, (_, byte) => {
  let other = 0;
  for (let bit = 0; bit < 8; bit += 1) other |= ((byte >>> bit) & 1) << (7 - bit);
  return other;
});

/** The rows of one split of a scheme. */
export interface SplitMarks {
  split: string;
  /** Rows that the scheme was made for; later ones are in no split. */
  rows: number;
  bits: Uint8Array;
}

/** Bitmap to the bytes of a BIT. */
export function toBitBytes(bits: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(bits.length + 1);
  for (let k = 0; k < bits.length; k += 1) bytes[k + 1] = reversed[bits[k]!]!;
  return bytes;
}

/** Bytes of a BIT whose length is a multiple of 8 into a bitmap, from a byte on. */
export function copyBits(bytes: Uint8Array, bits: Uint8Array, startByte: number): void {
  const end = Math.min(bytes.length - 1, bits.length - startByte);
  for (let k = 0; k < end; k += 1) bits[startByte + k] = reversed[bytes[k + 1]!]!;
}

/**
 * The splits of a scheme with their bits, its folds among them; none where no scheme is named and there is none of the
 * default name.
 *
 * @param scheme name that the caller gave
 * @throws SpillwayError `missing` for a scheme that is not there, `mismatch` for one of other content, `corrupt`
 */
export function readSplitMarks(place: CatalogPlace, scheme: string | undefined): SplitMarks[] {
  const name = scheme ?? defaultScheme;
  if (scheme === undefined && !listSchemes(place).includes(name)) return [];
  const { splits, folds } = readScheme(place, name);
  const choices = [
    ...Object.keys(splits).map((split) => ({ name: split, choice: { scheme: name, split } })),
    ...folds.map((_, fold) => ({ name: foldName(fold), choice: { scheme: name, split: "val", fold } })),
  ];
  return choices.map(({ name: split, choice }) => {
    const bits = findSplitBits(place, choice);
    return { split, rows: bits.rows, bits: bits.read() };
  });
}

// Bits of rows (a split, samples that are excluded) on their way into SQL and back. Files and bitmaps have the lowest bit
// first, DuckDB's BIT has the highest first and a byte of padding in front:
//
//   bitmap   byte 0: row 7 6 5 4 3 2 1 0 | byte 1: row 15 ...
//   BIT      0 | byte 0: row 0 1 2 3 4 5 6 7 | byte 1: row 8 ...

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { readSmallFile } from "../store/file.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { defaultScheme, listSchemes, readScheme, type Scheme, splitsFolder } from "./scheme.js";

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
 * The splits of a scheme with their bits; none where no scheme is named and there is none of the default name.
 *
 * @param scheme name that the caller gave
 * @throws SpillwayError `missing` for a scheme that is not there, `mismatch` for one of other content, `corrupt`
 */
export function readSplitMarks(place: CatalogPlace, scheme: string | undefined): SplitMarks[] {
  const { folder, side, manifest } = place;
  const name = scheme ?? defaultScheme;
  const has = (at: string | undefined) => at !== undefined && listSchemes(at).includes(name);
  if (scheme === undefined && !has(folder) && !has(side)) return [];
  const from = has(side) ? side! : folder;
  const found = readScheme(from, name);
  const commit = manifest.commits.find(({ fingerprint }) => fingerprint === found.fingerprint);
  if (commit?.rows !== found.rows) {
    const { rows, fingerprint } = manifest.commits.at(-1) ?? { rows: 0, fingerprint: "none" };
    throw new SpillwayError(
      "mismatch",
      `scheme "${name}" was made for ${found.rows} samples with fingerprint ${found.fingerprint}, ${folder} has ${rows} with ${fingerprint}`,
      { remedy: `Make it again: spillway split ${folder} ...`, where: { dataset: folder } },
    );
  }
  return Object.entries(found.splits).map(([split, entry]) => ({
    split,
    rows: found.rows,
    bits: readBits(join(from, splitsFolder, entry.path), found.rows, entry),
  }));
}

function readBits(path: string, rows: number, { hash }: Scheme["splits"][string]): Uint8Array {
  const wanted = Math.ceil(rows / 8);
  const bits = readSmallFile(path, wanted);
  if (bits.length === wanted && hashHex(bits) === hash) return bits;
  throw new SpillwayError("corrupt", `${path} is damaged: it is not the file that was written`, {
    remedy: "Run the split command again; the samples are not touched by it.",
    where: { path },
  });
}

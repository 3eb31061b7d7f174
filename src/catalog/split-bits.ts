// The rows of a split, or of a fold, as bits at one commit of the dataset: which files to read, what to join, where to
// cut. What a view is made of; nothing but small files in splits/ is read.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { hashHex } from "../kernels/hasher.js";
import { bitBytes, countBits, cutBits, hasBit, orBits } from "../order/bitmap.js";
import { readSmallFile } from "../store/file.js";
import { type Assignment, createAssignment } from "./assignment.js";
import {
  ownEntry,
  partsOf,
  readScheme,
  type Scheme,
  type SchemePart,
  schemeFolder,
  splitsFolder,
} from "./scheme.js";

/** A split of a scheme, and where that has folds, which of them is "val". */
export interface SplitChoice {
  scheme: string;
  split: string;
  fold?: number | undefined;
}

/** Rows of a dataset as bits. */
export interface SplitBits {
  /** Rows that the bits speak of: those of the commit, or of the earlier one that the scheme was made for. */
  rows: number;
  /** Rows in the set. */
  count: number;
  /** XXH64 of the bits, 16 hexadecimal digits: the same for the same rows, whatever was appended since. */
  hash: string;
  /** Reads the bits: row r is bit r % 8, lowest first, of byte floor(r / 8). They are the caller's. */
  read(): Uint8Array;
}

/** Where schemes are, and the dataset that they belong to. */
export interface SplitPlace {
  folder: string;
  side?: string | undefined;
  manifest: Readonly<Pick<Manifest, "rows" | "commits">>;
}

/**
 * Finds the rows of a split. Bits are read only where the scheme does not tell their hash: for "train" of a fold, and
 * for commits between those that the scheme was made for.
 *
 * @param rows rows of the commit that is looked at, by default the last one
 * @throws SpillwayError `missing` for a scheme or split that is not there, `usage` for a fold that is not, `mismatch`
 * for a scheme that was made for other content, `corrupt`, `version`, `io`
 */
export function findSplitBits(place: SplitPlace, choice: SplitChoice, rows = place.manifest.rows): SplitBits {
  const scheme = readScheme(place, choice.scheme);
  const covered = Math.min(rows, requireCommit(place, scheme));
  const parts = chooseParts(place, scheme, choice);
  const { count, hash } =
    storedAt(scheme, parts, covered) ?? describe(joinParts(place, scheme, parts, covered));
  return {
    rows: covered,
    count,
    hash,
    read() {
      // Anew from the scheme: extending it gives the bits another file, but the same first rows.
      const now = readScheme(place, choice.scheme);
      const bits = joinParts(place, now, chooseParts(place, now, choice), covered);
      if (hashHex(bits) === hash) return bits;
      throw new SpillwayError("mismatch", `scheme "${choice.scheme}" was made anew since this view of it`, {
        remedy: "Make the view again: its splits hold other samples now.",
        where: { dataset: place.folder },
      });
    },
  };
}

/**
 * Rows of the latest commit of a scheme that the dataset has.
 *
 * @throws SpillwayError `mismatch` if it has none of them
 */
export function requireCommit({ folder, manifest }: SplitPlace, scheme: Scheme): number {
  const { rows, fingerprint, history } = scheme;
  const known = [...history, { rows, fingerprint }].findLast((each) =>
    manifest.commits.some((commit) => commit.rows === each.rows && commit.fingerprint === each.fingerprint),
  );
  if (known) return known.rows;
  const last = manifest.commits.at(-1)?.fingerprint;
  throw new SpillwayError(
    "mismatch",
    `scheme "${scheme.scheme}" was made for ${rows} samples with fingerprint ${fingerprint}, ${folder} has ${manifest.rows} with ${last}`,
    { remedy: `Make it again: spillway split ${folder} ...`, where: { dataset: folder } },
  );
}

/** @throws SpillwayError `mismatch` unless the dataset is open at the commit that a scheme was made for, or later */
export function requireWhole(place: SplitPlace, scheme: Scheme): void {
  if (requireCommit(place, scheme) === scheme.rows) return;
  const { folder, manifest } = place;
  throw new SpillwayError(
    "mismatch",
    `scheme "${scheme.scheme}" covers ${scheme.rows} samples, ${folder} has ${manifest.rows} at this commit`,
    { remedy: "Open the dataset at its last commit.", where: { dataset: folder } },
  );
}

/** Count and hash as the scheme tells them; undefined where it does not. */
function storedAt(
  { rows, history }: Scheme,
  [only, ...others]: readonly SchemePart[],
  covered: number,
): { count: number; hash: string } | undefined {
  if (!only || others.length > 0) return undefined;
  return covered === rows ? only : only.history[history.findIndex((commit) => commit.rows === covered)];
}

function describe(bits: Uint8Array): { count: number; hash: string } {
  return { count: countBits(bits), hash: hashHex(bits) };
}

/** The parts that a choice consists of. */
function chooseParts({ folder }: SplitPlace, scheme: Scheme, { split, fold }: SplitChoice): SchemePart[] {
  const { scheme: name, splits, folds } = scheme;
  const where = { dataset: folder };
  const lastFold = folds.length - 1;
  if (fold !== undefined && folds.length === 0) {
    throw new SpillwayError("usage", `scheme "${name}" of ${folder} has no folds`, {
      remedy: `Leave fold out: its splits are ${Object.keys(splits).join(", ")}.`,
      where,
    });
  }
  if (fold !== undefined && !(Number.isInteger(fold) && fold >= 0 && fold <= lastFold)) {
    throw new SpillwayError("usage", `scheme "${name}" of ${folder} has no fold ${fold}`, {
      remedy: `Use 0 to ${lastFold}.`,
      where,
    });
  }
  const entry = ownEntry(splits, split);
  if (entry) return [entry];
  if (folds.length > 0 && (split === "train" || split === "val")) {
    if (fold === undefined) {
      throw new SpillwayError("usage", `"${split}" of scheme "${name}" of ${folder} depends on the fold`, {
        remedy: `Say which one is val: fold 0 to ${lastFold}.`,
        where,
      });
    }
    return folds.filter((_, k) => (k === fold) === (split === "val"));
  }
  const names = [...Object.keys(splits), ...(folds.length > 0 ? ["train", "val"] : [])];
  throw new SpillwayError("missing", `scheme "${name}" of ${folder} has no split "${split}"`, {
    remedy: `Use one of ${names.join(", ")}.`,
    where,
  });
}

function joinParts(
  place: SplitPlace,
  scheme: Scheme,
  parts: readonly SchemePart[],
  rows: number,
): Uint8Array {
  let all: Uint8Array | undefined;
  for (const part of parts) {
    const bits = readPart(place, scheme, part);
    all = all ? orBits(all, bits) : bits;
  }
  return cutBits(all!, rows);
}

/** @throws SpillwayError `corrupt` if they are not the bits that the scheme tells of, `missing`, `io` */
function readPart(place: SplitPlace, scheme: Scheme, { path: name, hash }: SchemePart): Uint8Array {
  const path = join(schemeFolder(place, scheme.scheme), splitsFolder, name);
  const byteLength = bitBytes(scheme.rows);
  const bits = readSmallFile(path, byteLength);
  if (bits.length === byteLength && hashHex(bits) === hash) return bits;
  throw new SpillwayError("corrupt", `${path} is damaged: its hash is not the one in its scheme`, {
    remedy: "Run the split command again.",
    where: { path },
  });
}

/**
 * The part of each row of a scheme, from its files. Takes a byte a row, and a bit while it reads.
 *
 * @throws SpillwayError `corrupt` if a row is in two parts, or a file is damaged
 */
export function readAssignment(place: SplitPlace, scheme: Scheme): Assignment {
  const all = partsOf(scheme);
  const parts = createAssignment(scheme.rows, all.length);
  all.forEach(({ name, part }, number) => {
    const bits = readPart(place, scheme, part);
    for (let row = 0; row < parts.length; row += 1) {
      if (!hasBit(bits, row)) continue;
      if (parts[row] !== all.length) {
        throw new SpillwayError(
          "corrupt",
          `scheme "${scheme.scheme}" of ${place.folder} is damaged: sample ${row} is in ${all[parts[row]!]!.name} and in ${name}`,
          { remedy: "Run the split command again.", where: { dataset: place.folder, sample: row } },
        );
      }
      parts[row] = number;
    }
  });
  return parts;
}

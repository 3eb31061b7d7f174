// Samples that are left out, until they are let in again: one bit per sample in a file of its own, named by its hash, and
// a small JSON file that says which is meant. Nothing of the samples is touched.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { hashHex } from "../kernels/hasher.js";
import { bitBytes, countBits } from "../order/bitmap.js";
import { createFolder, readSmallFile, replaceFile, syncFolder } from "../store/file.js";
import { readJsonFile } from "./json-file.js";

/** Folder in a dataset, or in a folder beside it. */
export const excludedFolder = "excluded";
/** The file there that says which bits are meant. */
export const recordName = "excluded.json";
const maxRecordBytes = 2 ** 16;
const hash = z.string().regex(/^[0-9a-f]{16}$/);

const record = z.strictObject({
  format: z.literal("spillway-excluded"),
  version: z.number().int().min(1),
  /** Rows and fingerprint of the commit that was there when it was written. */
  rows: z.number().int().min(0),
  fingerprint: hash,
  count: z.number().int().min(0),
  path: z.string().regex(/^[0-9a-f]{16}\.bits$/),
  hash,
});

/** What the record tells. */
export type ExcludedRecord = z.infer<typeof record>;

/** Where it is kept, and the dataset that it belongs to. */
export interface ExcludedPlace {
  folder: string;
  /** A folder of the user's own, for datasets that are read-only or shared; it is looked at first. */
  side?: string | undefined;
  manifest: Readonly<Pick<Manifest, "commits">>;
}

/** Which samples are left out. */
export interface Excluded {
  /** Rows that the bits speak of; later ones are not left out. */
  rows: number;
  count: number;
  hash: string;
  /** Row r is bit r % 8, lowest first, of byte floor(r / 8). They are the caller's. */
  read(): Uint8Array;
}

/**
 * The samples that are left out, undefined where there are none.
 *
 * @throws SpillwayError `corrupt`, `version`, or `mismatch` if it was written for other content
 */
export function readExcluded(place: ExcludedPlace): Excluded | undefined {
  const folder = [place.side, place.folder].find(
    (each) => each !== undefined && fs.existsSync(recordPath(each)),
  );
  const found = folder === undefined ? undefined : readRecord(folder);
  if (folder === undefined || found === undefined) return undefined;
  const path = recordPath(folder);
  const { rows, fingerprint, count, path: name, hash: bitsHash } = found;
  const isOurs = place.manifest.commits.some(
    (commit) => commit.rows === rows && commit.fingerprint === fingerprint,
  );
  if (!isOurs) {
    throw new SpillwayError(
      "mismatch",
      `${path} was written for ${rows} samples with fingerprint ${fingerprint}, which is no commit of ${place.folder}`,
      { remedy: "Remove it if its dataset is another one.", where: { dataset: place.folder, path } },
    );
  }
  if (count === 0) return undefined;
  return {
    rows,
    count,
    hash: bitsHash,
    read: () => readBits(join(folder, excludedFolder, name), rows, bitsHash),
  };
}

function recordPath(folder: string): string {
  return join(folder, excludedFolder, recordName);
}

/**
 * The record that a folder holds, undefined where nothing was ever left out.
 *
 * @throws SpillwayError `corrupt`, `version`, `io`
 */
export function readRecord(folder: string): ExcludedRecord | undefined {
  const path = recordPath(folder);
  if (!fs.existsSync(path)) return undefined;
  const value = readJsonFile(path, maxRecordBytes);
  const parsed = record.safeParse(value);
  if (parsed.success) return parsed.data;
  throw damaged(path, parsed.error.issues[0]?.message ?? "it is no record");
}

function readBits(path: string, rows: number, bitsHash: string): Uint8Array {
  const bits = readSmallFile(path, bitBytes(rows));
  if (bits.length === bitBytes(rows) && hashHex(bits) === bitsHash) return bits;
  throw damaged(path, `its hash is not the one in ${recordName}`);
}

function damaged(path: string, why: string): SpillwayError {
  return new SpillwayError("corrupt", `${path} is damaged: ${why}`, {
    remedy: `Restore it from a copy; or remove the folder "${excludedFolder}", and all samples are in again.`,
    where: { path },
  });
}

/**
 * Writes down which samples are left out from now on. The caller holds the lock of the folder.
 *
 * @param commit the dataset's last one
 * @param bits of all its rows
 */
export function writeExcluded(
  { folder, side }: ExcludedPlace,
  commit: { rows: number; fingerprint: string },
  bits: Uint8Array,
): Excluded {
  const target = join(side ?? folder, excludedFolder);
  createFolder(target);
  const bitsHash = hashHex(bits);
  const path = `${bitsHash}.bits`;
  const count = countBits(bits);
  replaceFile(join(target, path), bits);
  const value: ExcludedRecord = {
    format: "spillway-excluded",
    version: 1,
    rows: commit.rows,
    fingerprint: commit.fingerprint,
    count,
    path,
    hash: bitsHash,
  };
  replaceFile(join(target, recordName), `${JSON.stringify(value, null, 1)}\n`);
  for (const name of fs.readdirSync(target)) {
    if (name.endsWith(".bits") && name !== path) fs.rmSync(join(target, name), { force: true });
  }
  syncFolder(target);
  return { rows: commit.rows, count, hash: bitsHash, read: () => bits.slice() };
}

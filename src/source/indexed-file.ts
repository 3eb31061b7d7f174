// A file that holds samples of an indexed dataset: opened only if it is still what it was when it was indexed. A file
// that is gone or has changed is named, with the sample that needs it.
// Rule: no path leads out of the folder that was indexed.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { openFile, type ReadableFile } from "../store/file.js";
import type { FilePlace } from "./source.js";

/** Longest path that is taken from an index. */
export const maxPathBytes = 4096;

/** Where a record lies, as an index tells it. */
export interface IndexedPlace extends FilePlace {
  /** Relative to the folder that was indexed. */
  path: string;
}

/** For whom a file is opened, for messages. */
export interface IndexedSample {
  /** Folder of the dataset. */
  dataset: string;
  sample: number;
}

/**
 * Refuses a folder of files that nothing is read from.
 *
 * @param source where the files of an index are said to be now
 * @throws SpillwayError `usage` for a dataset that is no index
 */
export function requireFiles(
  path: string,
  { files }: Readonly<Pick<Manifest, "files">>,
  source: string | undefined,
): void {
  if (source === undefined || files) return;
  throw new SpillwayError("usage", `${path} holds its samples itself, so there is no source to be told`, {
    remedy: "Leave source (--source) out.",
    where: { dataset: path },
  });
}

/** The place that an index holds in 24 bytes, see FORMAT.md. */
export function decodePlace(bytes: Buffer): FilePlace {
  return {
    startByte: Number(bytes.readBigInt64LE(0)),
    fileBytes: Number(bytes.readBigInt64LE(8)),
    modifiedUs: Number(bytes.readBigInt64LE(16)),
  };
}

/** Whether a path of an index could lead out of its folder, on any system. */
export function leadsOut(path: string): boolean {
  return /^[/\\]|^[A-Za-z]:|\0/.test(path) || path.split(/[/\\]/).includes("..");
}

/** What is wrong with a place that an index tells of a record of `stride` bytes, if anything is. */
export function faultOfPlace(
  { path, startByte, fileBytes }: IndexedPlace,
  stride: number,
): string | undefined {
  if (leadsOut(path)) return `${JSON.stringify(path.slice(0, 80))} leads out of the folder`;
  if (startByte >= 0 && startByte + stride <= fileBytes && Number.isSafeInteger(fileBytes)) return undefined;
  return `bytes ${startByte}-${startByte + stride} do not lie in a file of ${fileBytes}`;
}

/**
 * Opens the file of a record.
 *
 * @param root folder that was indexed
 * @throws SpillwayError `missing` or `mismatch` for a file that is gone or changed
 */
export function openIndexedFile(root: string, place: IndexedPlace, of: IndexedSample): ReadableFile {
  let file: ReadableFile;
  try {
    file = openFile(join(root, place.path));
  } catch (error) {
    throw error instanceof SpillwayError && error.code === "missing" ? gone(root, place, of) : error;
  }
  try {
    requireUnchanged(file, root, place, of);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** @throws SpillwayError `mismatch` for an open file that is not what a place says */
export function requireUnchanged(
  file: ReadableFile,
  root: string,
  place: IndexedPlace,
  of: IndexedSample,
): void {
  if (file.byteLength !== place.fileBytes)
    throw changed(root, place, of, `it had ${place.fileBytes} bytes and has ${file.byteLength}`);
  if (file.modifiedUs !== place.modifiedUs) {
    const how = `it was written at ${describeTime(place.modifiedUs)} and again at ${describeTime(file.modifiedUs)}`;
    throw changed(root, place, of, how);
  }
}

/** The error for a record that is not what was indexed, although its file looks the same. */
export function otherContent(root: string, place: IndexedPlace, of: IndexedSample): SpillwayError {
  return changed(root, place, of, "its content is another one");
}

function gone(root: string, place: IndexedPlace, { dataset, sample }: IndexedSample): SpillwayError {
  const path = join(root, place.path);
  const where = { dataset, path, sample };
  if (!fs.existsSync(root)) {
    return new SpillwayError("missing", `${root}, which ${dataset} is an index of, does not exist`, {
      remedy: 'If it was moved, open with source: "its new place" (--source on the command line).',
      where,
    });
  }
  return new SpillwayError(
    "missing",
    `${path} is gone, sample ${sample} of ${dataset} was in it when it was indexed`,
    {
      remedy: "Put it back, or leave the sample out: spillway exclude.",
      where,
    },
  );
}

function changed(root: string, place: IndexedPlace, of: IndexedSample, how: string): SpillwayError {
  const { dataset, sample } = of;
  const path = join(root, place.path);
  return new SpillwayError(
    "mismatch",
    `${path} changed since it was indexed as sample ${sample} of ${dataset}: ${how}`,
    {
      remedy:
        "Restore it with its time (cp -p keeps it), leave the sample out (spillway exclude), or index anew.",
      where: { dataset, path, sample },
    },
  );
}

/** A time with its microseconds, whatever number a damaged index tells. */
function describeTime(modifiedUs: number): string {
  const second = new Date(Math.floor(modifiedUs / 1e6) * 1000);
  if (Number.isNaN(second.getTime())) return `${modifiedUs} us`;
  const fraction = String(((modifiedUs % 1e6) + 1e6) % 1e6).padStart(6, "0");
  return second.toISOString().replace(".000Z", `.${fraction}Z`);
}

// What the checks of splits/, columns/ and excluded/ have in common. These belong to a commit of a dataset and not to its
// shards, and lie in its folder or in one of the user's own; such a folder may serve other datasets too.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { openFile } from "../store/file.js";
import type { ProblemList } from "./verify-problems.js";
import { chunkBytes, type VerifyWorkspace } from "./verify-workspace.js";

export interface KeptCheck {
  /** Where splits/, columns/ and excluded/ are: the dataset's folder, or one of the user's own. */
  folder: string;
  /** Whether that is one of the user's own: what is of no commit is another dataset's there, and no damage. */
  isSide: boolean;
  manifest: Readonly<Manifest>;
  workspace: VerifyWorkspace;
  problems: ProblemList;
  /** Told of every `byteLength` more bytes that were checked; throws where the caller wants to stop. */
  advance(byteLength: number): void;
}

/** How many there are, and how many of another dataset, which were not checked. */
export interface KeptCount {
  own: number;
  ofOthers: number;
}

/** A file's path in problems: relative to the dataset, or whole where it is in a folder of the user's own. */
export function pathOf({ folder, isSide }: KeptCheck, path: string): string {
  return isSide ? join(folder, path) : path;
}

/** Whether so many rows with this fingerprint are a commit of the dataset. */
export function isOfCommit(
  { manifest }: KeptCheck,
  { rows, fingerprint }: { rows: number; fingerprint: string },
): boolean {
  return manifest.commits.some((commit) => commit.rows === rows && commit.fingerprint === fingerprint);
}

/**
 * Adds what was thrown about a file to the problems; anything but our error is thrown on.
 *
 * @param path relative to the folder
 * @param remedy unless the file is of a newer Spillway, which is no damage
 */
export function addThrown(check: KeptCheck, path: string, error: unknown, remedy: string): void {
  if (!(error instanceof SpillwayError)) throw error;
  check.problems.add({
    path: pathOf(check, path),
    what: error.what,
    remedy: error.code === "version" ? error.remedy : remedy,
  });
}

/**
 * Reads a file chunk by chunk and gives its length; one that has not `byteLength` bytes is not read.
 *
 * @param path relative to the folder
 */
export async function readAll(
  { folder, workspace, advance }: KeptCheck,
  path: string,
  byteLength: number | undefined,
  take: (chunk: Uint8Array) => void,
): Promise<number> {
  const file = openFile(join(folder, path));
  try {
    if (byteLength !== undefined && file.byteLength !== byteLength) return file.byteLength;
    for (let at = 0; at < file.byteLength; at += chunkBytes) {
      const chunk = workspace.chunk.subarray(0, Math.min(chunkBytes, file.byteLength - at));
      await file.read(chunk, at);
      take(chunk);
      advance(chunk.length);
    }
    return file.byteLength;
  } finally {
    file.close();
  }
}

// Giving an unfinished append up: the dataset is again what it was before, byte for byte, and what the append wrote is
// gone. A kill on the way leaves a dataset that is still whole up to its last commit, and a second try ends it.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { fieldsOfCommit, firstParts, tellOlder, withLongest } from "../format/commits.js";
import type { Manifest } from "../format/manifest.js";
import { writeManifest } from "./dataset-writer.js";
import { forgetState, readState, removeState } from "./state.js";

/** What this package writes into the folders of a dataset, by number, and what it is called while it is written. */
const ownFiles = /^\d{5,}\.(?:arrow|sums|parquet)(?:\.tmp)?$/;
const ownFolders = ["shards", "index", "catalog"];

/**
 * @param manifest of a dataset that is whole, or whole but for an append
 * @returns false where there was nothing to give up
 */
export function discardAppend(path: string, manifest: Manifest): boolean {
  if (isFinished(path, manifest)) return false;
  // The state goes first: with it, the append would be gone on with from what is about to be removed.
  const hadState = forgetState(path);
  const { before } = manifest.packing ?? {};
  if (before !== undefined) {
    takeBack(manifest, before);
    writeManifest(path, manifest);
  }
  // Also what a first try did not come to, which was killed.
  removeUnnamed(path, manifest);
  removeState(path);
  return hadState || before !== undefined;
}

/** Whether an append was killed when all was done but for its state: there is nothing to give up. */
function isFinished(path: string, manifest: Manifest): boolean {
  try {
    const state = readState(path);
    return state !== undefined && !manifest.packing && manifest.rows > state.begun.before;
  } catch (error) {
    // A state that is damaged tells nothing.
    if (error instanceof SpillwayError && error.code === "corrupt") return false;
    throw error;
  }
}

/** Makes a manifest what it was when it had `before` rows, its last commit not yet begun. */
function takeBack(manifest: Manifest, before: number): void {
  manifest.shards = firstParts(manifest.shards, before);
  manifest.catalog = firstParts(manifest.catalog, before);
  manifest.rows = before;
  manifest.commits.pop();
  delete manifest.packing;
  const fields = withLongest(fieldsOfCommit(manifest, manifest.commits.length - 1), manifest.shards);
  manifest.fields = fields as Manifest["fields"];
  manifest.commits = tellOlder(manifest.commits, fields);
}

/** Removes files of shards, indexes and catalog that the manifest does not name. */
function removeUnnamed(path: string, manifest: Manifest): void {
  const named = new Set([
    ...manifest.shards.flatMap((shard) => [shard.path, shard.sums.path]),
    ...manifest.catalog.map((part) => part.path),
  ]);
  for (const folder of ownFolders) {
    const within = join(path, folder);
    for (const name of fs.existsSync(within) ? fs.readdirSync(within) : []) {
      if (ownFiles.test(name) && !named.has(`${folder}/${name}`))
        fs.rmSync(join(within, name), { force: true });
    }
  }
}

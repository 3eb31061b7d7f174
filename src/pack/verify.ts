// Checks a whole dataset, every byte that anything reads: shards with their sums, catalog, splits. Reads from front to
// back in bounded memory, goes on after each problem, and changes nothing.

import fs from "node:fs";
import { resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { fingerprintOf, manifestName, maxManifestBytes, parseManifest } from "../format/manifest.js";
import { readSmallFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import { verifyCatalogPart } from "./verify-catalog.js";
import { verifyColumns } from "./verify-columns.js";
import { ProblemList, type VerifyProblem } from "./verify-problems.js";
import { verifyShard } from "./verify-shard.js";
import { verifySplits } from "./verify-splits.js";
import { VerifyWorkspace } from "./verify-workspace.js";

/** Where a check stands. */
export interface VerifyProgress {
  /** Samples of the shards that lie behind, and of the one at work in proportion. */
  samples: number;
  total: number;
  bytes: number;
}

export interface VerifyOptions {
  onProgress?: (progress: VerifyProgress) => void;
  /** Ends the check, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** What a check found; without problems the dataset is whole. */
export interface VerifyReport {
  /** Folder of the dataset. */
  path: string;
  /** Samples checked. */
  samples: number;
  /** Bytes read, all files together. */
  bytes: number;
  seconds: number;
  /** Schemes of splits that were checked. */
  schemes: readonly string[];
  /** Parts of added columns that were checked. */
  columnParts: number;
  /** Damaged places, 1,000 at most. */
  problems: readonly VerifyProblem[];
  /** Problems beyond those listed. */
  problemsLeftOut: number;
  /** Samples that the listed problems name. */
  damagedSamples: number;
  /** There only where packing has not finished: the rows that are planned, null where that is not known. */
  packing?: { rows: number | null };
}

/**
 * Reads all of a dataset and compares it with its sums.
 *
 * @param path folder with a dataset.json
 * @throws SpillwayError `missing`, `version`, or `corrupt` if dataset.json itself cannot be used: all other damage is
 * in the report
 */
export async function verifyDataset(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const folder = resolve(path);
  const file = `${folder}/${manifestName}`;
  if (!fs.existsSync(file)) {
    throw new SpillwayError("missing", `${path} holds no ${manifestName}`, {
      remedy: "Check the path.",
      where: { path },
    });
  }
  const manifest = parseManifest(new TextDecoder().decode(readSmallFile(file, maxManifestBytes)), file);
  const fields = manifest.fields as Fields;
  const workspace = new VerifyWorkspace();
  const problems = new ProblemList();
  const start = performance.now();
  let bytes = 0;
  const progress = (samples: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ samples, total: manifest.rows, bytes });
  };

  if (manifest.catalog.length !== manifest.shards.length) {
    const what = `${manifestName} is damaged: it names ${manifest.shards.length} shards and ${manifest.catalog.length} parts of the catalog`;
    problems.add({ path: manifestName, what, remedy: "Restore it from a copy, or pack again." });
  }
  const said = manifest.commits.at(-1)?.fingerprint;
  const found = fingerprintOf(fields, manifest.shards);
  if (said !== found) {
    const what = `${manifestName} is damaged: the last commit has fingerprint ${said}, fields and sums give ${found}`;
    problems.add({ path: manifestName, what, remedy: "Restore it from a copy, or pack again." });
  }
  const labelCounts: Record<string, number> = {};
  let firstSample = 0;
  for (const [number, shard] of manifest.shards.entries()) {
    const from = firstSample;
    const part = manifest.catalog[number];
    const total = shard.bytes + shard.sums.bytes + (part?.bytes ?? 0);
    let done = 0;
    const advance = (byteLength: number) => {
      done += byteLength;
      bytes += byteLength;
      progress(from + Math.floor(shard.rows * Math.min(1, done / total)));
    };
    const check = { folder, fields, shard, firstSample, labelCounts, workspace, problems, advance };
    await verifyShard(check);
    if (part) await verifyCatalogPart({ ...check, columns: manifest.columns ?? {}, part });
    firstSample += shard.rows;
  }
  const advance = (byteLength: number) => {
    bytes += byteLength;
    progress(manifest.rows);
  };
  const schemes = await verifySplits({ folder, manifest, workspace, problems, advance });
  const columnParts = await verifyColumns({ folder, manifest, problems, advance });
  progress(manifest.rows);
  return {
    path: folder,
    samples: manifest.rows,
    bytes,
    seconds: (performance.now() - start) / 1000,
    schemes,
    columnParts,
    problems: problems.problems,
    problemsLeftOut: problems.leftOut,
    damagedSamples: problems.damagedSamples,
    ...(manifest.packing && { packing: manifest.packing }),
  };
}

// Checks a whole dataset, every byte that anything reads: shards with their sums, catalog, splits, added columns, which
// samples are left out; and what a folder of the user's own keeps of these. Reads from front to back in bounded memory,
// goes on after each problem, and changes nothing.

import fs from "node:fs";
import { resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { manifestName } from "../format/manifest.js";
import { requireFiles } from "../source/indexed-file.js";
import { readManifest } from "../source/manifest-file.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import { CommitCheck } from "./commit-check.js";
import { LabelReader } from "./label-reader.js";
import { verifyCatalogPart } from "./verify-catalog.js";
import { type KeptReport, type SideReport, verifyKept } from "./verify-kept.js";
import { ProblemList, type VerifyProblem } from "./verify-problems.js";
import { verifyShard } from "./verify-shard.js";
import { VerifyWorkspace } from "./verify-workspace.js";

/** Where a check stands. */
export interface VerifyProgress {
  /** Samples of the shards that lie behind, and of the one at work in proportion. */
  samples: number;
  total: number;
  bytes: number;
}

export interface VerifyOptions {
  /** Indexed datasets: the folder with the samples' files, where it is no longer where it was. */
  source?: string;
  /** A folder of the user's own, whose splits, columns and excluded samples of this dataset are checked too. */
  side?: string;
  onProgress?: (progress: VerifyProgress) => void;
  /** Ends the check, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** What a check found; without problems the dataset is whole. */
export interface VerifyReport extends KeptReport {
  /** Folder of the dataset. */
  path: string;
  /** Samples checked. */
  samples: number;
  /** Bytes read, all files together. */
  bytes: number;
  seconds: number;
  /** What was checked in the folder of the user's own; there only where one was given. */
  side?: SideReport;
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
 * @throws SpillwayError `missing` for either folder, `version`, or `corrupt` if dataset.json itself cannot be used: all other damage is
 * in the report
 */
export async function verifyDataset(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const folder = resolve(path);
  const manifest = readManifest(folder);
  if (!manifest) {
    throw new SpillwayError("missing", `${path} holds no ${manifestName}`, {
      remedy: "Check the path.",
      where: { path },
    });
  }
  const side = sideOf(folder, options);
  requireFiles(path, manifest, options.source);
  const fields = manifest.fields as Fields;
  const workspace = new VerifyWorkspace();
  const problems = new ProblemList();
  const start = performance.now();
  let bytes = 0;
  const progress = (samples: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ samples, total: manifest.rows, bytes });
  };

  const catalogRows = manifest.catalog.reduce((sum, part) => sum + part.rows, 0);
  // A pack that copies its catalog does so at its end.
  if (catalogRows !== manifest.rows && !(manifest.packing && catalogRows === 0)) {
    const what = `${manifestName} is damaged: its parts of the catalog have ${catalogRows} rows, its shards ${manifest.rows}`;
    problems.add({ path: manifestName, what, remedy: "Restore it from a copy, or pack again." });
  }
  const labelCounts: Record<string, number> = {};
  // Bytes of a sample that lie in files of their own.
  const inFiles = manifest.files ? fieldStride(fields[manifest.files.field]!) : 0;
  let firstSample = 0;
  for (const shard of manifest.shards) {
    const from = firstSample;
    const total = shard.bytes + shard.sums.bytes + shard.rows * inFiles;
    let done = 0;
    const advance = (byteLength: number) => {
      done += byteLength;
      bytes += byteLength;
      progress(from + Math.floor(shard.rows * Math.min(1, done / total)));
    };
    await verifyShard({
      folder,
      manifest,
      filesRoot: options.source && resolve(options.source),
      shard,
      firstRow: firstSample,
      labelCounts,
      workspace,
      problems,
      advance,
    });
    firstSample += shard.rows;
  }
  const advance = (byteLength: number) => {
    bytes += byteLength;
    progress(manifest.rows);
  };
  const commits = new CommitCheck(manifest);
  const labels = new LabelReader(folder, manifest);
  try {
    firstSample = 0;
    for (const part of manifest.catalog) {
      const onRows = commits.add.bind(commits);
      await verifyCatalogPart({
        folder,
        fields,
        columns: manifest.columns ?? {},
        part,
        firstSample,
        labels,
        workspace,
        problems,
        onRows,
        advance,
      });
      firstSample += part.rows;
    }
  } finally {
    labels.close();
  }
  commits.report(problems);
  const kept = { manifest, workspace, problems, advance };
  const { schemes, columnParts, excludedLists } = await verifyKept({ ...kept, folder, isSide: false });
  const aside = side && (await verifyKept({ ...kept, folder: side, isSide: true }));
  progress(manifest.rows);
  return {
    path: folder,
    samples: manifest.rows,
    bytes,
    seconds: (performance.now() - start) / 1000,
    schemes,
    columnParts,
    excludedLists,
    ...(aside && { side: aside }),
    problems: problems.problems,
    problemsLeftOut: problems.leftOut,
    damagedSamples: problems.damagedSamples,
    ...(manifest.packing && { packing: manifest.packing }),
  };
}

/** The folder of the user's own, unless it is the dataset's. @throws SpillwayError `missing` */
function sideOf(folder: string, { side }: VerifyOptions): string | undefined {
  if (side === undefined || resolve(side) === folder) return undefined;
  if (fs.statSync(side, { throwIfNoEntry: false })?.isDirectory()) return resolve(side);
  throw new SpillwayError("missing", `there is no folder ${side} with what was added to ${folder}`, {
    remedy: "Check the path.",
    where: { path: side, dataset: folder },
  });
}

// Sharing a dataset's samples out into splits, and looking at what came of it: besides packing the one thing that
// writes to a dataset's folder, or to the user's own, and therefore under the writer's lock.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { drawAgain, drawScheme, extendScheme, keepScheme } from "../catalog/make-scheme.js";
import {
  defaultScheme,
  encodeScheme,
  listSchemes,
  readScheme,
  type Scheme,
  schemeFolder,
} from "../catalog/scheme.js";
import { readAssignment, requireCommit, requireWhole } from "../catalog/split-bits.js";
import type { OnRows } from "../catalog/split-columns.js";
import { reportColumns, reportSplits, type SplitReport } from "../catalog/split-report.js";
import { type DrawOptions, parseRule, type SplitBy } from "../catalog/split-rule.js";
import { SpillwayError } from "../errors.js";
import { takeLock } from "../pack/lock.js";
import { createFolder } from "../store/file.js";

export interface SplitOptions extends DrawOptions {
  /** Decides who is in which split, default 0. */
  seed?: number;
  /** Name of the scheme, default "main"; one of that name is replaced. */
  scheme?: string;
  /** Makes the report and stores nothing. */
  dryRun?: boolean;
  /** Called as the catalog is read, with the rows that lie behind and all that will be read. */
  onProgress?: (rows: number, total: number) => void;
}

export interface CheckOptions {
  /** Name of the scheme, default "main". */
  scheme?: string;
  /** A column of groups to look at, where the scheme has none. */
  group?: string;
  onProgress?: (rows: number, total: number) => void;
}

/** A scheme, and what it gives in figures. */
export interface SplitResult {
  scheme: Scheme;
  report: SplitReport;
}

export interface ExtendOptions {
  /** Name of the scheme, default "main". */
  scheme?: string;
  onProgress?: (rows: number, total: number) => void;
}

/** A scheme that was extended. */
export interface SplitExtension extends SplitResult {
  /** Samples that it covers now and did not before. */
  added: number;
}

/** What a check of a stored scheme found. */
export interface SplitCheck extends SplitResult {
  /** Samples that would be in another split if the scheme were made again from its definition. */
  movedSamples: number;
}

/** Does the work of `dataset.split`, see there. */
export async function splitSamples(
  place: CatalogPlace,
  what: SplitBy,
  options: SplitOptions,
): Promise<SplitResult> {
  const { folder, side, manifest } = place;
  const { seed = 0, scheme = defaultScheme, dryRun = false } = options;
  const rule = parseRule(what, options);
  if (manifest.packing) {
    throw new SpillwayError(
      "mismatch",
      `${folder} is not whole yet, and splits belong to all of its samples`,
      {
        remedy: "Run the pack command again to finish it, then split.",
        where: { dataset: folder },
      },
    );
  }
  const progress = twoPasses(manifest.rows, options.onProgress);
  const draw = async () => {
    const alsoRead = reportColumns(place);
    const drawn = await drawScheme(place, { scheme, seed, rule }, { alsoRead, onRows: progress.first });
    const report = await reportSplits(place, drawn.draft, drawn.data, { onRows: progress.second });
    return { draft: drawn.draft, report };
  };
  if (dryRun) {
    const { draft, report } = await draw();
    return { scheme: encodeScheme(draft).scheme, report };
  }
  const target = side ?? folder;
  if (side !== undefined) createFolder(side);
  const lock = takeLock(target);
  try {
    if (side !== undefined) requireOwn(place, side, scheme);
    const { draft, report } = await draw();
    return { scheme: await keepScheme(target, draft, rule), report };
  } finally {
    lock.release();
  }
}

/** A folder of the user's own may serve several datasets, but not with one name for two schemes. */
function requireOwn(place: CatalogPlace, side: string, name: string): void {
  if (!listSchemes({ folder: side }).includes(name)) return;
  let known: Scheme;
  try {
    known = readScheme({ folder: side }, name);
  } catch (error) {
    // A damaged one is replaced.
    if (error instanceof SpillwayError && error.code === "corrupt") return;
    throw error;
  }
  try {
    requireCommit(place, known);
  } catch (cause) {
    throw new SpillwayError(
      "exists",
      `scheme "${name}" in ${side} was made for another dataset, with fingerprint ${known.fingerprint}`,
      {
        remedy: "Give the new one another name with --scheme, or use another folder.",
        where: { path: side, dataset: place.folder },
        cause,
      },
    );
  }
}

/** Does the work of `dataset.extendSplits`, see there. */
export async function extendSplits(place: CatalogPlace, options: ExtendOptions): Promise<SplitExtension> {
  const name = options.scheme ?? defaultScheme;
  const { rows } = readScheme(place, name);
  const lock = takeLock(schemeFolder(place, name));
  try {
    await extendScheme(place, name);
  } finally {
    lock.release();
  }
  const { scheme, report } = await checkSplits(place, options);
  return { scheme, report, added: scheme.rows - rows };
}

/** Does the work of `dataset.checkSplits`, see there. */
export async function checkSplits(place: CatalogPlace, options: CheckOptions): Promise<SplitCheck> {
  const scheme = readScheme(place, options.scheme ?? defaultScheme);
  requireWhole(place, scheme);
  const parts = readAssignment(place, scheme);
  const { group } = options;
  const progress = twoPasses(scheme.rows, options.onProgress);
  const again = await drawAgain(place, scheme, {
    alsoRead: reportColumns(place, group),
    onRows: progress.first,
  });
  const stored = { ...again.draft, splits: Object.keys(scheme.splits), parts };
  const report = await reportSplits(place, stored, again.data, { group, onRows: progress.second });
  return { scheme, report, movedSamples: countMoved(stored, again.draft) };
}

interface NamedParts {
  splits: readonly string[];
  parts: { readonly length: number; readonly [row: number]: number };
}

/** Rows whose split has another name in one than in the other; folds follow the splits in both. */
function countMoved(stored: NamedParts, again: NamedParts): number {
  const shift = stored.splits.length - again.splits.length;
  const partOf = again.splits.map((name) => stored.splits.indexOf(name));
  let moved = 0;
  for (let row = 0; row < stored.parts.length; row += 1) {
    const part = again.parts[row]!;
    if (stored.parts[row] !== (part < partOf.length ? partOf[part] : part + shift)) moved += 1;
  }
  return moved;
}

/** Progress of reading columns and then of comparing contents, as one count. */
function twoPasses(
  rows: number,
  onProgress: SplitOptions["onProgress"],
): { first?: OnRows; second?: OnRows } {
  if (!onProgress) return {};
  return {
    first: (read) => onProgress(read, 2 * rows),
    second: (read) => onProgress(rows + read, 2 * rows),
  };
}

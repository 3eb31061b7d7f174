// Makes schemes, extends them to samples that were appended, and makes them again from their own definition. Whoever
// calls the functions that store holds the lock of the folder where the scheme lies.

import fs from "node:fs";
import { basename, join } from "node:path";
import { SpillwayError } from "../errors.js";
import { Hasher } from "../kernels/hasher.js";
import { checkSeed } from "../order/keys.js";
import { createFolder, ioError, openFile } from "../store/file.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { type RuleData, type RuleDataOptions, readRuleData, type Sharing, share } from "./draw-scheme.js";
import {
  readScheme,
  type Scheme,
  type SchemeDraft,
  schemeFolder,
  splitsFolder,
  storeScheme,
} from "./scheme.js";
import { readAssignment, requireWhole } from "./split-bits.js";
import { type AskedFile, type AskedRule, checkSchemeName, type FromRule, type Rule } from "./split-rule.js";

/** What a new scheme is to be. */
export interface SchemeRequest {
  scheme: string;
  seed: number;
  rule: AskedRule;
}

export type MakeOptions = Pick<RuleDataOptions, "alsoRead" | "reader" | "onRows">;

/** A scheme that was drawn and not stored, with what it was drawn by. */
export interface DrawnScheme {
  draft: SchemeDraft;
  data: RuleData;
}

/**
 * Draws a scheme for all samples of the dataset's last commit. Nothing is written.
 *
 * @throws SpillwayError as `readRuleData` and `share`; `mismatch` if a file names samples that are not there and this
 * was not allowed
 */
export async function drawScheme(
  place: CatalogPlace,
  { scheme, seed, rule }: SchemeRequest,
  options: MakeOptions = {},
): Promise<DrawnScheme> {
  checkSeed(seed);
  checkSchemeName(scheme);
  const { rows, commits } = place.manifest;
  const list = rule.kind === "from" ? { path: rule.file, rows } : undefined;
  const stored = rule.kind === "from" ? await planCopy(rule, scheme) : rule;
  const data = await readRuleData(place, rule, { ...options, rows, list });
  if (rule.kind === "from") requireMatched(place, rule, data);
  const sharing = share({ rule, seed, scheme, rows }, data);
  const { fingerprint } = commits.at(-1)!;
  return { draft: draftOf({ scheme, seed, rule: stored, rows, fingerprint, history: [] }, sharing), data };
}

function draftOf(
  definition: Omit<SchemeDraft, "splits" | "foldCount" | "parts">,
  { splits, foldCount, parts }: Sharing,
): SchemeDraft {
  return { ...definition, splits, foldCount, parts };
}

function requireMatched(
  { folder }: CatalogPlace,
  { file, allowUnmatched }: AskedFile,
  { list }: RuleData,
): void {
  const { unmatched, named, splits } = list!;
  if (splits.length === 0) {
    throw new SpillwayError("source", `${file} puts no sample into a split`, {
      remedy: "Write a line such as 17,train for each sample.",
      where: { path: file },
    });
  }
  if (unmatched.count === 0 || allowUnmatched) return;
  const left = unmatched.count - unmatched.first.length;
  const more = left > 0 ? ` and ${left} more` : "";
  throw new SpillwayError(
    "mismatch",
    `${unmatched.count} of the ${named} names in ${file} are no samples of ${folder}: ${unmatched.first.join(", ")}${more}`,
    { remedy: "Correct them, or allow it: --allow-unmatched.", where: { path: file, dataset: folder } },
  );
}

/** The rule as it is stored: the file that it goes by gets a copy beside the scheme. */
async function planCopy({ file, allowUnmatched }: AskedFile, scheme: string): Promise<FromRule> {
  const hash = await hashFile(file);
  return { kind: "from", file: basename(file), path: `${scheme}.from-${hash}.csv`, hash, allowUnmatched };
}

async function hashFile(path: string): Promise<string> {
  const file = openFile(path);
  try {
    const hasher = new Hasher();
    const chunk = new Uint8Array(Math.min(2 ** 20, file.byteLength));
    for (let at = 0; at < file.byteLength; at += chunk.length) {
      const part = chunk.subarray(0, Math.min(chunk.length, file.byteLength - at));
      await file.read(part, at);
      hasher.update(part);
    }
    return hasher.finishHex();
  } finally {
    file.close();
  }
}

/**
 * Stores a scheme that was drawn.
 *
 * @param folder the dataset's folder, or the user's own
 * @param asked the rule as it was asked for: a file that it names is copied
 */
export async function keepScheme(folder: string, draft: SchemeDraft, asked: AskedRule): Promise<Scheme> {
  if (asked.kind === "from" && draft.rule.kind === "from") await copyList(folder, asked.file, draft.rule);
  return storeScheme(folder, draft);
}

async function copyList(folder: string, file: string, { path, hash }: FromRule): Promise<void> {
  const target = join(folder, splitsFolder, path);
  createFolder(join(folder, splitsFolder));
  try {
    fs.copyFileSync(file, `${target}.tmp`);
    const fd = fs.openSync(`${target}.tmp`, "r+");
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(`${target}.tmp`, target);
  } catch (cause) {
    fs.rmSync(`${target}.tmp`, { force: true });
    throw ioError(cause, target, "cannot be written");
  }
  if ((await hashFile(target)) === hash) return;
  throw new SpillwayError("source", `${file} was changed while it was read`, {
    remedy: "Run the same command again.",
    where: { path: file },
  });
}

/**
 * Extends a scheme to the samples that were appended since: they are shared out by its rule, and the others keep their
 * splits. Shares are filled up, class by class where it is stratified; a known group goes where it was; a column says
 * it for new samples too; a file does not name them; counts have been reached.
 *
 * @returns the scheme as it is now stored; the same as before if nothing was appended
 * @throws SpillwayError `mismatch` if the dataset has not the commit that the scheme was made for, otherwise as
 * `drawScheme`
 */
export async function extendScheme(
  place: CatalogPlace,
  name: string,
  options: MakeOptions = {},
): Promise<Scheme> {
  const before = readScheme(place, name);
  requireWhole(place, before);
  const commit = place.manifest.commits.at(-1)!;
  if (commit.rows === before.rows) return before;
  const { scheme, seed, rule, rows, fingerprint, history } = before;
  const data = await readRuleData(place, rule, { ...options, rows: commit.rows });
  const known = {
    splits: Object.keys(before.splits),
    foldCount: before.folds.length,
    parts: readAssignment(place, before),
  };
  const sharing = share({ rule, seed, scheme, rows: commit.rows, before: known }, data);
  const draft = draftOf(
    {
      scheme,
      seed,
      rule,
      rows: commit.rows,
      fingerprint: commit.fingerprint,
      history: [...history, { rows, fingerprint }],
    },
    sharing,
  );
  return storeScheme(schemeFolder(place, name), draft, before);
}

/**
 * Makes a scheme again out of its definition alone, commit by commit. Nothing is written.
 *
 * @throws SpillwayError as `drawScheme`
 */
export async function drawAgain(
  place: CatalogPlace,
  scheme: Scheme,
  options: MakeOptions = {},
): Promise<DrawnScheme> {
  const { seed, rule, rows, fingerprint, history, scheme: name } = scheme;
  const commits = [...history, { rows, fingerprint }];
  const list = listOf(place, rule, name, commits[0]!.rows);
  const data = await readRuleData(place, rule, { ...options, rows, list });
  let sharing: Sharing | undefined;
  for (const commit of commits)
    sharing = share({ rule, seed, scheme: name, rows: commit.rows, before: sharing }, data);
  return { draft: draftOf({ scheme: name, seed, rule, rows, fingerprint, history }, sharing!), data };
}

function listOf(
  place: CatalogPlace,
  rule: Rule,
  scheme: string,
  rows: number,
): { path: string; rows: number } | undefined {
  if (rule.kind !== "from") return undefined;
  return { path: join(schemeFolder(place, scheme), splitsFolder, rule.path), rows };
}

// Schemes: how the samples of a dataset are shared out into splits, as files. A scheme is a small JSON file with its
// definition, so that it can be made again, and one file of bits per split and fold. They lie in the dataset, or in a
// folder of the user's own, which is looked into first. Nothing of the samples is touched.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { bitBytes, setBit } from "../order/bitmap.js";
import { createFolder, replaceFile, syncFolder } from "../store/file.js";
import type { Assignment } from "./assignment.js";
import { readJsonFile } from "./json-file.js";
import { ruleSchema, schemeName, splitName } from "./split-rule.js";

/** Folder of the schemes in a dataset. */
export const splitsFolder = "splits";

/** Scheme that is meant where none is named. */
export const defaultScheme = "main";

/** A thousand folds over a hundred commits fit well. */
const maxSchemeBytes = 2 ** 24;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const hash = z.string().regex(/^[0-9a-f]{16}$/);
const commit = z.strictObject({ rows: count.min(1), fingerprint: hash });

const part = z.strictObject({
  count,
  path: z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/),
  hash,
  /** Count, and hash of the bits cut to those rows, at each earlier commit of the scheme. */
  history: z.array(z.strictObject({ count, hash })),
});

const scheme = z.strictObject({
  format: z.literal("spillway-split"),
  version: z.literal(1),
  scheme: schemeName,
  seed: count,
  rule: ruleSchema,
  /** Rows and fingerprint of the commit that is shared out. */
  ...commit.shape,
  /** Commits that the scheme was made for before it was extended, oldest first. */
  history: z.array(commit),
  splits: z.record(splitName, part),
  /** Parts of the folds, from fold 0; none where the rule has no folds. */
  folds: z.array(part),
});

export type Scheme = z.infer<typeof scheme>;
/** A split or a fold of a scheme. */
export type SchemePart = z.infer<typeof part>;

/** Where schemes lie. */
export interface SchemePlace {
  /** The dataset's folder. */
  folder: string;
  /** A folder of the user's own, looked into first. */
  side?: string | undefined;
}

/** A scheme but for the bits of its parts. */
export type SchemeDraft = Omit<Scheme, "format" | "version" | "splits" | "folds"> & {
  /** Names of the splits, in the order of their parts; the folds' parts follow. */
  splits: readonly string[];
  foldCount: number;
  parts: Assignment;
};

/** All parts of a scheme with their names, splits first. */
export function partsOf({
  splits,
  folds,
}: Pick<Scheme, "splits" | "folds">): { name: string; part: SchemePart }[] {
  return [
    ...Object.entries(splits).map(([name, each]) => ({ name, part: each })),
    ...folds.map((each, fold) => ({ name: foldName(fold), part: each })),
  ];
}

/** What a fold is called in messages and reports. */
export function foldName(fold: number): string {
  return `fold ${fold}`;
}

/** The scheme that a draft makes, and the files that it names. */
export function encodeScheme(
  draft: SchemeDraft,
  before?: Scheme,
): { scheme: Scheme; bitsOf: (partNumber: number) => Uint8Array } {
  const { parts, splits, foldCount, ...definition } = draft;
  const bitsOf = (partNumber: number) => {
    const bits = new Uint8Array(bitBytes(parts.length));
    for (let row = 0; row < parts.length; row += 1) if (parts[row] === partNumber) setBit(bits, row);
    return bits;
  };
  const counts = countParts(parts, splits.length + foldCount);
  const earlier = before ? [...before.history, { rows: before.rows, fingerprint: before.fingerprint }] : [];
  const makePart = (partNumber: number, fileName: string, old: SchemePart | undefined): SchemePart => {
    const bitsHash = hashHex(bitsOf(partNumber));
    const history = old
      ? [...old.history, { count: old.count, hash: old.hash }]
      : earlier.map(({ rows }) => ({ count: 0, hash: hashHex(new Uint8Array(bitBytes(rows))) }));
    const path = `${draft.scheme}.${fileName.replace(/[^A-Za-z0-9_-]/g, "_")}-${bitsHash}.bits`;
    return { count: counts[partNumber]!, path, hash: bitsHash, history };
  };
  const made: Scheme = {
    format: "spillway-split",
    version: 1,
    ...definition,
    splits: Object.fromEntries(
      splits.map((name, k) => [name, makePart(k, name, before && ownEntry(before.splits, name))]),
    ),
    folds: Array.from({ length: foldCount }, (_, fold) =>
      makePart(splits.length + fold, `fold-${fold}`, before?.folds[fold]),
    ),
  };
  return { scheme: made, bitsOf };
}

/** Rows of each part. */
export function countParts(parts: Assignment, partCount: number): number[] {
  const counts = new Array<number>(partCount + 1).fill(0);
  for (const each of parts) counts[each]! += 1;
  return counts.slice(0, partCount);
}

/** An entry of a record whose keys came from outside: never something that every object has. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/**
 * Stores a scheme, in place of one of the same name. The caller holds the lock of the folder.
 *
 * @param folder the dataset's folder, or the user's own
 * @param before the scheme that this one extends
 */
export function storeScheme(folder: string, draft: SchemeDraft, before?: Scheme): Scheme {
  const { scheme: made, bitsOf } = encodeScheme(draft, before);
  const target = join(folder, splitsFolder);
  createFolder(target);
  // By name: an object that has "10" and "2" for keys gives them in another order than the draft.
  const parts = [...draft.splits.map((name) => made.splits[name]!), ...made.folds];
  parts.forEach(({ path }, partNumber) => {
    replaceFile(join(target, path), bitsOf(partNumber));
  });
  replaceFile(join(target, `${made.scheme}.json`), `${JSON.stringify(made, null, 1)}\n`);
  removeOldFiles(target, made);
  return made;
}

/** Bits and lists of an earlier scheme of this name, which nothing names any more. */
function removeOldFiles(folder: string, made: Scheme): void {
  const kept = new Set(partsOf(made).map(({ part: { path } }) => path));
  if (made.rule.kind === "from") kept.add(made.rule.path);
  for (const file of fs.readdirSync(folder)) {
    if (file.startsWith(`${made.scheme}.`) && /\.(?:bits|csv)(?:\.tmp)?$/.test(file) && !kept.has(file))
      fs.rmSync(join(folder, file), { force: true });
  }
  syncFolder(folder);
}

/** Names of the schemes that a dataset has, sorted; with those in the user's own folder. */
export function listSchemes({ folder, side }: SchemePlace): string[] {
  const names = [folder, ...(side === undefined ? [] : [side])].flatMap((each) => {
    try {
      return fs.readdirSync(join(each, splitsFolder));
    } catch {
      return [];
    }
  });
  const schemes = names
    .filter((file) => /^[A-Za-z0-9_-]+\.json$/.test(file))
    .map((file) => file.slice(0, -5));
  return [...new Set(schemes)].sort();
}

/** The folder whose splits/ holds a scheme: the user's own if it is there, else the dataset's. */
export function schemeFolder({ folder, side }: SchemePlace, name: string): string {
  const isAside = side !== undefined && fs.existsSync(join(side, splitsFolder, `${name}.json`));
  return isAside ? side : folder;
}

/** @throws SpillwayError `missing` if there is no such scheme, `version` or `corrupt` if it cannot be used */
export function readScheme(place: SchemePlace, name: string): Scheme {
  const schemes = listSchemes(place);
  if (!schemes.includes(name)) {
    const known = schemes.length === 0 ? "it has none yet" : `it has ${schemes.join(", ")}`;
    throw new SpillwayError("missing", `${place.folder} has no scheme "${name}" of splits: ${known}`, {
      remedy: `Make it: spillway split ${place.folder} train=0.8 val=0.2${name === defaultScheme ? "" : ` --scheme ${name}`}.`,
      where: { dataset: place.folder },
    });
  }
  const path = join(schemeFolder(place, name), splitsFolder, `${name}.json`);
  const value = readJsonFile(path, maxSchemeBytes);
  const parsed = scheme.safeParse(value);
  const problem = parsed.success ? contradictionIn(parsed.data) : describeIssue(parsed.error.issues[0]);
  if (problem !== undefined) {
    throw new SpillwayError("corrupt", `${path} is damaged: ${problem}`, {
      remedy: "Run the split command again.",
      where: { path },
    });
  }
  return parsed.data!;
}

function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  return `${issue?.path.join(".") || "content"}: ${issue?.message ?? "invalid"}`;
}

/** What of a scheme contradicts itself; undefined if nothing does. */
function contradictionIn({ rows, history, splits, folds }: Scheme): string | undefined {
  const commits = [...history, { rows }];
  for (let k = 1; k < commits.length; k += 1)
    if (commits[k]!.rows <= commits[k - 1]!.rows) return "its commits do not grow";
  for (const { name, part: each } of partsOf({ splits, folds })) {
    if (each.history.length !== history.length)
      return `${name} tells of ${each.history.length} earlier commits, the scheme of ${history.length}`;
    if (each.count > rows) return `${name} has ${each.count} samples of ${rows}`;
  }
  return undefined;
}

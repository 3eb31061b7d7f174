// Schemes: how the samples of a dataset are shared out into splits. A scheme is a small JSON file with its definition,
// so that it can be made again, and one file of bits per split. Made here, read here; nothing of the samples is touched.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { parseJson } from "../format/manifest.js";
import { hashHex } from "../kernels/hasher.js";
import { checkSeed } from "../order/keys.js";
import { permutation } from "../order/permutation.js";
import { createFolder, readSmallFile, replaceFile, syncFolder } from "../store/file.js";

/** Folder of the schemes in a dataset. */
export const splitsFolder = "splits";

/** Scheme that is meant where none is named. */
export const defaultScheme = "main";

const maxSchemeBytes = 2 ** 20;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const hash = z.string().regex(/^[0-9a-f]{16}$/);
const name = z.string().regex(namePattern);

const scheme = z.strictObject({
  format: z.literal("spillway-split"),
  version: z.number().int().min(1),
  scheme: name,
  /** Rows and fingerprint of the commit that was split. */
  rows: z.number().int().min(1),
  fingerprint: hash,
  seed: z.number().int().min(0),
  rule: z.strictObject({ kind: z.literal("shares"), shares: z.record(name, z.number().min(0).max(1)) }),
  splits: z.record(
    name,
    z.strictObject({
      count: z.number().int().min(0),
      path: z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/),
      hash,
    }),
  ),
});

export type Scheme = z.infer<typeof scheme>;

/** What a new scheme is to be. */
export interface SchemeOptions {
  scheme: string;
  seed: number;
  /** Split name to its share; they add up to 1 at most. */
  shares: Readonly<Record<string, number>>;
}

/**
 * How many of `rows` samples each share gets: in proportion, the largest remainders rounded up.
 *
 * @throws SpillwayError `usage` for names or shares that make no sense, or a split that would be empty
 */
export function countShares(rows: number, shares: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(shares);
  if (entries.length === 0) {
    throw new SpillwayError("usage", "no split is named", {
      remedy: "Name them with their shares: train=0.8 val=0.2.",
    });
  }
  let sum = 0;
  for (const [split, share] of entries) {
    if (!namePattern.test(split)) {
      throw new SpillwayError("usage", `"${split}" is no name for a split`, {
        remedy: "Use letters, digits, - and _, at most 64, a letter or digit first.",
      });
    }
    if (!(share > 0 && share <= 1)) {
      throw new SpillwayError("usage", `the share ${share} of "${split}" is not above 0 and at most 1`, {
        remedy: "Write shares as parts of 1: train=0.8 val=0.1 test=0.1.",
      });
    }
    sum += share;
  }
  if (sum > 1 + 1e-9) {
    throw new SpillwayError("usage", `the shares add up to ${Number(sum.toFixed(6))}, more than 1`, {
      remedy: "Lower them: train=0.8 val=0.1 test=0.1.",
    });
  }
  const exact = entries.map(([split, share]) => ({ split, share: share * rows }));
  const counts = exact.map(({ split, share }) => ({
    split,
    count: Math.floor(share),
    rest: share - Math.floor(share),
  }));
  let left = Math.round(sum * rows) - counts.reduce((total, { count }) => total + count, 0);
  for (const entry of [...counts].sort((a, b) => b.rest - a.rest)) {
    if (left <= 0) break;
    entry.count += 1;
    left -= 1;
  }
  for (const { split, count } of counts) {
    if (count === 0) {
      throw new SpillwayError("usage", `split "${split}" would get none of the ${rows} samples`, {
        remedy: "Raise its share, or leave it out.",
      });
    }
  }
  return Object.fromEntries(counts.map(({ split, count }) => [split, count]));
}

/**
 * Shares the samples out at random and stores the scheme.
 *
 * @param folder the dataset's folder
 * @param commit rows and fingerprint of the commit to be split
 */
export function createScheme(
  folder: string,
  commit: { rows: number; fingerprint: string },
  options: SchemeOptions,
): Scheme {
  const { rows, fingerprint } = commit;
  checkSeed(options.seed);
  if (!namePattern.test(options.scheme)) {
    throw new SpillwayError("usage", `"${options.scheme}" is no name for a scheme`, {
      remedy: "Use letters, digits, - and _, at most 64, a letter or digit first.",
    });
  }
  const counts = countShares(rows, options.shares);
  const order = permutation(
    rows,
    options.seed,
    0,
    hashHex(new TextEncoder().encode(`split ${options.scheme}`)),
  );
  const target = join(folder, splitsFolder);
  createFolder(target);
  const splits: Scheme["splits"] = {};
  let place = 0;
  for (const [split, count] of Object.entries(counts)) {
    const bits = new Uint8Array(Math.ceil(rows / 8));
    for (const end = place + count; place < end; place += 1) {
      const row = order.at(place);
      bits[Math.floor(row / 8)]! |= 1 << (row % 8);
    }
    const bitsHash = hashHex(bits);
    const path = `${options.scheme}.${split}-${bitsHash}.bits`;
    replaceFile(join(target, path), bits);
    splits[split] = { count, path, hash: bitsHash };
  }
  const made: Scheme = {
    format: "spillway-split",
    version: 1,
    scheme: options.scheme,
    rows,
    fingerprint,
    seed: options.seed,
    rule: { kind: "shares", shares: { ...options.shares } },
    splits,
  };
  replaceFile(join(target, `${options.scheme}.json`), `${JSON.stringify(made, null, 1)}\n`);
  removeOldBits(target, made);
  return made;
}

/** Bits of an earlier scheme of this name, which nothing names any more. */
function removeOldBits(folder: string, made: Scheme): void {
  const kept = new Set(Object.values(made.splits).map(({ path }) => path));
  for (const file of fs.readdirSync(folder)) {
    if (file.startsWith(`${made.scheme}.`) && file.endsWith(".bits") && !kept.has(file))
      fs.rmSync(join(folder, file), { force: true });
  }
  syncFolder(folder);
}

/** Names of the schemes that a dataset has, sorted. */
export function listSchemes(folder: string): string[] {
  let files: string[];
  try {
    files = fs.readdirSync(join(folder, splitsFolder));
  } catch {
    return [];
  }
  return files
    .filter((file) => /^[A-Za-z0-9_-]+\.json$/.test(file))
    .map((file) => file.slice(0, -5))
    .sort();
}

/** @throws SpillwayError `missing` if there is no such scheme, `version` or `corrupt` if it cannot be used */
export function readScheme(folder: string, schemeName: string): Scheme {
  const schemes = listSchemes(folder);
  const path = join(folder, splitsFolder, `${schemeName}.json`);
  if (!schemes.includes(schemeName)) {
    const known = schemes.length === 0 ? "it has none yet" : `it has ${schemes.join(", ")}`;
    throw new SpillwayError("missing", `${folder} has no scheme "${schemeName}" of splits: ${known}`, {
      remedy: `Make it: spillway split ${folder} train=0.8 val=0.2${schemeName === defaultScheme ? "" : ` --scheme ${schemeName}`}.`,
      where: { dataset: folder },
    });
  }
  const value = parseJson(new TextDecoder().decode(readSmallFile(path, maxSchemeBytes)), path);
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version > 1) {
    throw new SpillwayError("version", `${path} has version ${version}, this Spillway reads up to 1`, {
      remedy: "Update Spillway: npm install spillway@latest.",
      where: { path },
    });
  }
  const parsed = scheme.safeParse(value);
  if (!parsed.success) {
    throw new SpillwayError(
      "corrupt",
      `${path} is damaged: ${parsed.error.issues[0]?.message ?? "invalid"}`,
      {
        remedy: "Run the split command again.",
        where: { path },
      },
    );
  }
  return parsed.data;
}

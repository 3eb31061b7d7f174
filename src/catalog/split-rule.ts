// The rule of a scheme: by which samples are shared out. From what a user asked for, with everything checked, to the
// form that is stored. A rule and a seed are all that is needed to make the same scheme again.

import { z } from "zod";
import { SpillwayError } from "../errors.js";

const typedName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Names out of a column or a file: anything printable that begins with a letter or digit. */
const splitPattern = /^[\p{L}\p{N}][^\p{Cc}/\\]{0,63}$/u;

export const splitName = z.string().regex(splitPattern);
export const schemeName = z.string().regex(typedName);
const column = z.string().min(1).max(256);
const maxFolds = 1000;
const maxStrata = 16;

const drawing = {
  /** Columns whose combinations of values have the same shares in every part. */
  stratify: z.array(column).min(1).max(maxStrata).optional(),
  /** Column whose values never lie in two parts. */
  group: column.optional(),
  folds: z.number().int().min(2).max(maxFolds).optional(),
};

export const ruleSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("shares"),
    shares: z.record(splitName, z.number().min(0).max(1)),
    ...drawing,
  }),
  z.strictObject({
    kind: z.literal("counts"),
    counts: z.record(splitName, z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)),
    ...drawing,
  }),
  /** The column says the split. */
  z.strictObject({ kind: z.literal("by"), column }),
  /** A file says it; a copy lies beside the scheme. */
  z.strictObject({
    kind: z.literal("from"),
    file: z.string().max(1024),
    path: z.string().regex(/^[A-Za-z0-9_.-]{1,255}$/),
    hash: z.string().regex(/^[0-9a-f]{16}$/),
    allowUnmatched: z.boolean(),
  }),
]);

export type Rule = z.infer<typeof ruleSchema>;
/** A rule that draws by lot. */
export type DrawRule = Extract<Rule, { kind: "shares" | "counts" }>;
export type FromRule = Extract<Rule, { kind: "from" }>;

/** What a user asks for: shares or counts by name, a column that says it, or a file that does. */
export type SplitBy =
  | Readonly<Record<string, number>>
  | { readonly by: string }
  | { readonly from: string; readonly allowUnmatched?: boolean };

/** How shares or counts are drawn. */
export interface DrawOptions {
  /** Columns whose values have the same shares in every split. */
  stratify?: string | readonly string[] | undefined;
  /** Column of groups; no group comes into two splits. */
  group?: string | undefined;
  /** Folds of equal size, out of all samples that the named splits leave. */
  folds?: number | undefined;
}

/** A file as it was asked for: no copy of it has been made yet. */
export interface AskedFile {
  kind: "from";
  file: string;
  allowUnmatched: boolean;
}

/** A rule before it is stored. */
export type AskedRule = Exclude<Rule, FromRule> | AskedFile;

/**
 * Checks what was asked for.
 *
 * @throws SpillwayError `usage` for names, shares, counts or folds that make no sense, alone or together
 */
export function parseRule(what: SplitBy, { stratify, group, folds }: DrawOptions): AskedRule {
  const draw: Pick<DrawRule, "stratify" | "group" | "folds"> = {
    ...(stratify !== undefined && { stratify: parseStrata(stratify) }),
    ...(group !== undefined && { group: parseColumn(group) }),
    ...(folds !== undefined && { folds: parseFolds(folds) }),
  };
  if (isByColumn(what) || isFromFile(what)) {
    const [extra] = Object.keys(draw);
    if (extra !== undefined) {
      const how = isByColumn(what) ? "a column that says the split" : "a file that says it";
      throw new SpillwayError("usage", `${extra} does not go together with ${how}`, {
        remedy: "Leave one of them out.",
      });
    }
    if (isByColumn(what)) return { kind: "by", column: parseColumn(what.by) };
    return { kind: "from", file: what.from, allowUnmatched: what.allowUnmatched === true };
  }
  const entries = Object.entries(what);
  if (entries.length === 0 && folds === undefined) {
    throw new SpillwayError("usage", "no split is named", {
      remedy: "Name them with their shares: train=0.8 val=0.2.",
    });
  }
  for (const [split] of entries) checkSplitName(split, folds);
  const isCounts = entries.some(([, amount]) => Number.isSafeInteger(amount) && amount > 1);
  return isCounts
    ? { kind: "counts", counts: parseCounts(entries), ...draw }
    : { kind: "shares", shares: parseShares(entries, folds), ...draw };
}

function isByColumn(what: SplitBy): what is { by: string } {
  return "by" in what && typeof what.by === "string";
}

function isFromFile(what: SplitBy): what is { from: string; allowUnmatched?: boolean } {
  return "from" in what && typeof what.from === "string";
}

function checkSplitName(split: string, folds: number | undefined): void {
  if (!typedName.test(split)) {
    throw new SpillwayError("usage", `"${split}" is no name for a split`, {
      remedy: "Use letters, digits, - and _, at most 64, a letter or digit first.",
    });
  }
  if (folds !== undefined && (split === "train" || split === "val")) {
    throw new SpillwayError("usage", `with folds "${split}" is not a split of its own`, {
      remedy:
        "Each fold is val once, and the other folds are train: name held-out splits only, such as test=0.2.",
    });
  }
}

/** @throws SpillwayError `usage` unless a scheme can have this name */
export function checkSchemeName(name: string): void {
  if (typedName.test(name)) return;
  throw new SpillwayError("usage", `"${name}" is no name for a scheme`, {
    remedy: "Use letters, digits, - and _, at most 64, a letter or digit first.",
  });
}

/** Whether a value of a column or a file can be a split's name. */
export function isSplitName(name: string): boolean {
  return splitPattern.test(name);
}

function parseShares(
  entries: readonly [string, number][],
  folds: number | undefined,
): Record<string, number> {
  let sum = 0;
  for (const [split, share] of entries) {
    if (!(typeof share === "number" && share > 0 && share <= 1)) {
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
  if (folds !== undefined && sum > 1 - 1e-9) {
    throw new SpillwayError("usage", "the shares add up to 1, and leave nothing for the folds", {
      remedy: "Lower them: test=0.2 leaves 0.8 for the folds.",
    });
  }
  return Object.fromEntries(entries);
}

function parseCounts(entries: readonly [string, number][]): Record<string, number> {
  const share = entries.find(([, amount]) => amount > 0 && amount < 1);
  if (share) {
    const count = entries.find(([, amount]) => amount > 1)!;
    throw new SpillwayError(
      "usage",
      `"${share[0]}" is given as a share (${share[1]}) and "${count[0]}" as a count (${count[1]})`,
      { remedy: "Give shares for all splits, or counts for all." },
    );
  }
  for (const [split, count] of entries) {
    if (Number.isSafeInteger(count) && count >= 1) continue;
    throw new SpillwayError("usage", `the count ${count} of "${split}" is not a whole number from 1`, {
      remedy: "Write counts as whole numbers: train=1000 val=200.",
    });
  }
  return Object.fromEntries(entries);
}

function parseStrata(stratify: string | readonly string[]): string[] {
  const names = typeof stratify === "string" ? [stratify] : [...stratify];
  if (names.length >= 1 && names.length <= maxStrata && new Set(names).size === names.length)
    return names.map(parseColumn);
  throw new SpillwayError("usage", `stratify names ${names.length} columns: ${names.join(", ")}`, {
    remedy: `Name 1 to ${maxStrata} different ones.`,
  });
}

function parseColumn(name: string): string {
  if (typeof name === "string" && name.length >= 1 && name.length <= 256) return name;
  throw new SpillwayError("usage", `"${name}" is no name of a column`, {
    remedy: "Name a column of the catalog, such as label.",
  });
}

function parseFolds(folds: number): number {
  if (Number.isInteger(folds) && folds >= 2 && folds <= maxFolds) return folds;
  throw new SpillwayError("usage", `folds ${folds} is not a whole number from 2 to ${maxFolds}`, {
    remedy: "Use 5 or 10.",
  });
}

/** Whether a rule draws by lot. */
export function isDrawn(rule: AskedRule | Rule): rule is DrawRule {
  return rule.kind === "shares" || rule.kind === "counts";
}

/** Splits that a drawing rule names, in order. */
export function namedSplits(rule: DrawRule): string[] {
  return Object.keys(rule.kind === "shares" ? rule.shares : rule.counts);
}

/** A rule in words, such as "stratified by label, no subject in two splits, 5 folds, seed 7". */
export function describeRule(rule: Rule, seed: number): string {
  if (rule.kind === "by") return `by column "${rule.column}"`;
  if (rule.kind === "from") return `from file ${rule.file}`;
  const { stratify, group, folds } = rule;
  return [
    stratify ? `stratified by ${stratify.join(" and ")}` : "random",
    ...(group === undefined ? [] : [`no ${group} in two splits`]),
    ...(folds === undefined ? [] : [`${folds} folds`]),
    `seed ${seed}`,
  ].join(", ");
}

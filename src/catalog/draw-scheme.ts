// From a rule to the part of each row: reads the columns or the file that the rule goes by, refuses what it cannot go
// by, and draws. Samples that join later get their parts by the same rule while the others keep theirs, so a scheme is
// made again by going through its commits one after another.

import { SpillwayError } from "../errors.js";
import { assign } from "./assign.js";
import { type Assignment, createAssignment, type Numbering } from "./assignment.js";
import type { CatalogPlace } from "./catalog-reader.js";
import {
  type ColumnNumbers,
  type ColumnReader,
  combineColumns,
  type OnRows,
  readColumns,
} from "./split-columns.js";
import { type ListedSplits, maxSplits, readSplitList } from "./split-list.js";
import { type AskedRule, type DrawRule, isDrawn, isSplitName, namedSplits } from "./split-rule.js";
import { targetsOf } from "./split-targets.js";

/** Cells of the table of classes and parts: 12 bytes each. */
const maxCells = 2 ** 24;

/** What a rule goes by. */
export interface RuleData {
  columns: ReadonlyMap<string, ColumnNumbers>;
  strata?: (Numbering & { names: readonly string[] }) | undefined;
  groups?: ColumnNumbers | undefined;
  list?: ListedSplits | undefined;
}

/** Who is in which part. */
export interface Sharing {
  /** Names of the splits, whose parts come first. */
  splits: readonly string[];
  foldCount: number;
  parts: Assignment;
}

export interface RuleDataOptions {
  rows: number;
  /** Where the file of ids or paths is, and how many rows there were when it was asked. */
  list?: { path: string; rows: number } | undefined;
  /** Columns to be read in the same pass, for other uses. */
  alsoRead?: readonly string[];
  reader?: ColumnReader | undefined;
  onRows?: OnRows | undefined;
}

/**
 * Reads what a rule goes by.
 *
 * @throws SpillwayError `missing` for a column or file that is not there, `usage` where a column cannot be gone by,
 * `source` for a file that cannot be read as a list, `corrupt`, `io`
 */
export async function readRuleData(
  place: CatalogPlace,
  rule: AskedRule,
  { rows, list, alsoRead = [], reader, onRows }: RuleDataOptions,
): Promise<RuleData> {
  const own = isDrawn(rule)
    ? [...(rule.stratify ?? []), ...(rule.group === undefined ? [] : [rule.group])]
    : rule.kind === "by"
      ? [rule.column]
      : [];
  const columns = await readColumns(place, [...own, ...alsoRead], rows, { reader, onRows });
  if (rule.kind === "from")
    return { columns, list: list && (await readSplitList(place, list.path, { rows: list.rows, reader })) };
  if (rule.kind === "by") return { columns };
  const stratify = rule.stratify?.map((name) => columns.get(name)!);
  for (const column of stratify ?? []) requireFilled(column, "class", "stratify");
  const groups = rule.group === undefined ? undefined : columns.get(rule.group)!;
  if (groups) requireFilled(groups, "group", "group");
  return { columns, strata: stratify && combineColumns(stratify), groups };
}

/** @throws SpillwayError `usage` for a column that says nothing of some samples */
function requireFilled(column: ColumnNumbers, what: "class" | "group", option: string): void {
  let { count, firstIds } = column.missing;
  if (what === "group") {
    // A sample whose group is an empty text belongs together with nothing.
    const empty = column.values.indexOf("");
    if (empty >= 0) {
      const ids = idsOf(column.numbers, empty);
      count += ids.count;
      firstIds = [...firstIds, ...ids.first].sort((a, b) => a - b).slice(0, ids.most);
    }
  }
  if (count === 0) return;
  const left = count - firstIds.length;
  const listed = `${firstIds.join(", ")}${left > 0 ? ` and ${left} more` : ""}`;
  throw new SpillwayError(
    "usage",
    `column "${column.name}" says no ${what} for ${count} of ${column.numbers.length} samples: ${listed}`,
    { remedy: `Fill it in for all samples, or leave ${option} out.` },
  );
}

function idsOf(numbers: Int32Array, wanted: number): { count: number; first: number[]; most: number } {
  const most = 10;
  const first: number[] = [];
  let count = 0;
  for (let row = 0; row < numbers.length; row += 1) {
    if (numbers[row] !== wanted) continue;
    count += 1;
    if (first.length < most) first.push(row);
  }
  return { count, first, most };
}

/** What is shared out: the rule, and on what its lot depends. */
export interface ShareRequest {
  rule: AskedRule;
  seed: number;
  scheme: string;
  rows: number;
  /** The first rows, which keep their parts. */
  before?: Sharing | undefined;
}

/**
 * Gives every row its part.
 *
 * @throws SpillwayError `usage` for a rule that leaves a part empty, or names too many splits
 */
export function share(request: ShareRequest, data: RuleData): Sharing {
  const { rule, seed, scheme, rows, before } = request;
  if (rule.kind === "from")
    return before ? grow(before, before.splits, rows) : { ...data.list!, foldCount: 0 };
  if (rule.kind === "by") return shareByColumn(data.columns.get(rule.column)!, rows, before);
  const targets = targetsOf(rule, rows, before !== undefined);
  const strata = data.strata && firstRows(data.strata, rows);
  const groups = data.groups && firstRows(data.groups, rows);
  requireRoom(rule, targets.shares.length, strata, groups);
  const parts = assign({
    rows,
    targets,
    strata,
    groups,
    seed,
    scheme,
    before: before && { rows: before.parts.length, parts: before.parts },
  });
  return { splits: namedSplits(rule), foldCount: rule.folds ?? 0, parts };
}

/** The first rows of a column: what it would be if the others had not been there. */
function firstRows({ numbers }: Numbering, rows: number): Numbering {
  const first = numbers.subarray(0, rows);
  return { numbers: first, count: first.reduce((most, number) => Math.max(most, number + 1), 0) };
}

function requireRoom(
  { stratify, group }: DrawRule,
  width: number,
  strata: Numbering | undefined,
  groups: Numbering | undefined,
): void {
  const partCount = width - 1;
  if (strata && strata.count * width > maxCells) {
    throw new SpillwayError(
      "usage",
      `${stratify!.join(" and ")} have ${strata.count} different values, too many for ${partCount} parts`,
      { remedy: "Stratify by columns whose values many samples share." },
    );
  }
  if (groups && groups.count < partCount) {
    throw new SpillwayError(
      "usage",
      `column "${group}" has ${groups.count} groups, fewer than the ${partCount} splits and folds`,
      { remedy: "Use fewer splits or folds, or another column." },
    );
  }
}

/** Rows of a column's values: in each split those of one value. */
function shareByColumn(column: ColumnNumbers, rows: number, before: Sharing | undefined): Sharing {
  const names = column.values.map((value) => String(value));
  const numbers = column.numbers.subarray(0, rows);
  const isThere = new Uint8Array(names.length);
  for (const number of numbers) if (number >= 0) isThere[number] = 1;
  const known = new Set(before?.splits);
  const added = [...new Set(names.filter((name, k) => isThere[k] && name !== "" && !known.has(name)))].sort();
  const splits = [...(before?.splits ?? []), ...added];
  requireSplitNames(column.name, splits);
  const partOf = names.map((name) => (name === "" ? splits.length : splits.indexOf(name)));
  const grown = grow(before ?? { splits: [], foldCount: 0, parts: new Uint8Array(0) }, splits, rows);
  for (let row = before?.parts.length ?? 0; row < rows; row += 1)
    if (numbers[row]! >= 0) grown.parts[row] = partOf[numbers[row]!]!;
  return grown;
}

function requireSplitNames(column: string, splits: readonly string[]): void {
  const remedy = "Use a column whose values name splits, such as train and test.";
  if (splits.length === 0)
    throw new SpillwayError("usage", `column "${column}" says a split for no sample`, { remedy });
  if (splits.length > maxSplits) {
    throw new SpillwayError("usage", `column "${column}" names more than ${maxSplits} splits`, { remedy });
  }
  const bad = splits.find((name) => !isSplitName(name));
  if (bad !== undefined)
    throw new SpillwayError("usage", `column "${column}" has the value "${bad}", which cannot name a split`, {
      remedy,
    });
}

/** The same sharing with more rows, in no part, and perhaps with more splits. */
function grow({ splits, foldCount, parts }: Sharing, names: readonly string[], rows: number): Sharing {
  const none = splits.length + foldCount;
  const grown = createAssignment(rows, names.length + foldCount);
  for (let row = 0; row < parts.length; row += 1) if (parts[row] !== none) grown[row] = parts[row]!;
  return { splits: names, foldCount, parts: grown };
}

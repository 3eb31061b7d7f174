// What a scheme gives, in figures: samples and class shares of each split, how far they are from what was asked, and
// what two splits share. Returned as data; the command line prints it.

import type { Assignment, Numbering } from "./assignment.js";
import { tally } from "./assignment.js";
import { type CatalogPlace, classFields } from "./catalog-reader.js";
import type { RuleData } from "./draw-scheme.js";
import { type ContentLeaks, findContentLeaks, findGroupLeaks, type GroupLeaks } from "./leak-check.js";
import { foldName, type SchemeDraft } from "./scheme.js";
import { type ColumnReader, combineColumns, type OnRows } from "./split-columns.js";
import { describeRule, isDrawn, type Rule } from "./split-rule.js";
import { targetsOf } from "./split-targets.js";

/** A split or a fold. Shares are parts of 1. */
export interface PartReport {
  name: string;
  count: number;
  /** Of all samples. */
  share: number;
  /** What was asked for; undefined where a column or a file says the splits. */
  askedShare?: number;
  /** `share` less `askedShare`. */
  deviation?: number;
}

/** A class in a split or fold. */
export interface ClassPartReport {
  name: string;
  count: number;
  /** Of the split's samples. */
  share: number;
  /** The part of the class that is in the split, less the share that was asked for. */
  deviation?: number;
}

export interface ClassReport {
  name: string;
  count: number;
  /** Of all samples. */
  share: number;
  parts: readonly ClassPartReport[];
}

/** Where a class is furthest from what was asked. */
export interface ClassDeviation {
  class: string;
  part: string;
  /** As in `ClassPartReport`. */
  deviation: number;
  /** The same in samples. */
  samples: number;
}

/** The classes of a column, or of the combinations of several. */
export interface ClassTable {
  columns: readonly string[];
  /** The largest 1,000. */
  classes: readonly ClassReport[];
  classesLeftOut: number;
  largestDeviation?: ClassDeviation;
}

export interface SplitReport {
  scheme: string;
  /** In words. */
  rule: string;
  rows: number;
  /** Splits, then folds. */
  parts: readonly PartReport[];
  /** Samples in none of them. */
  none: number;
  classes: readonly ClassTable[];
  /** Undefined for a dataset without a catalog. */
  contentLeaks?: ContentLeaks;
  groupLeaks?: GroupLeaks;
  /** Rules by a file: ids or paths in it, and those that are no samples. */
  list?: { named: number; unmatched: { count: number; first: readonly string[] } };
}

const maxClasses = 1000;

export interface ReportOptions {
  /** Column of groups to look at, where the rule has none. */
  group?: string | undefined;
  reader?: ColumnReader | undefined;
  onRows?: OnRows | undefined;
  /** Most rows of one pass of the content check. */
  passRows?: number;
}

/** Columns that a report needs besides those of the rule. */
export function reportColumns({ manifest }: CatalogPlace, group?: string): string[] {
  if (manifest.catalog.length === 0) return [];
  return [...classFields(manifest), ...(group === undefined ? [] : [group])];
}

/**
 * Makes the report of a scheme.
 *
 * @param data columns of the rule and those of `reportColumns`
 * @throws SpillwayError `corrupt`, `io`
 */
export async function reportSplits(
  place: CatalogPlace,
  draft: Omit<SchemeDraft, "history" | "fingerprint">,
  data: RuleData,
  options: ReportOptions = {},
): Promise<SplitReport> {
  const { rule, parts, seed, scheme, rows } = draft;
  const names = [...draft.splits, ...Array.from({ length: draft.foldCount }, (_, fold) => foldName(fold))];
  const asked = isDrawn(rule) ? targetsOf(rule, rows, false).shares : undefined;
  const counts = tally(parts, names.length, undefined, 0, rows);
  const groupColumn = options.group ?? (isDrawn(rule) ? rule.group : undefined);
  const groups = groupColumn === undefined ? undefined : data.columns.get(groupColumn);
  const labelColumns = classFields(place.manifest).flatMap((name) => data.columns.get(name) ?? []);
  const labels = labelColumns.length > 0 ? combineColumns(labelColumns) : undefined;
  const hasCatalog = place.manifest.catalog.length > 0;
  const { reader, onRows, passRows } = options;
  const check = { names, labels, reader, onRows, ...(passRows !== undefined && { passRows }) };
  return {
    scheme,
    rule: describeRule(rule, seed),
    rows,
    parts: names.map((name, part) => ({
      name,
      count: counts[part]!,
      share: counts[part]! / rows,
      ...(asked && { askedShare: asked[part]!, deviation: counts[part]! / rows - asked[part]! }),
    })),
    none: counts[names.length]!,
    classes: classColumns(
      rule,
      labelColumns.map(({ name }) => name),
    ).map((columns) => {
      const strata = combineColumns(columns.map((name) => data.columns.get(name)!));
      return reportClasses(columns, strata, parts, names, asked);
    }),
    ...(hasCatalog && { contentLeaks: await findContentLeaks(place, parts, check) }),
    ...(groups && { groupLeaks: findGroupLeaks(groups, parts, names) }),
    ...(data.list && { list: { named: data.list.named, unmatched: data.list.unmatched } }),
  };
}

/** Columns whose classes are reported: those that are stratified by, else each class field. */
function classColumns(rule: Rule, labels: readonly string[]): (readonly string[])[] {
  if (isDrawn(rule) && rule.stratify) return [rule.stratify];
  // Splits that are the classes themselves have nothing to tell of them.
  return labels.filter((name) => rule.kind !== "by" || rule.column !== name).map((name) => [name]);
}

function reportClasses(
  columns: readonly string[],
  strata: Numbering & { names: readonly string[] },
  parts: Assignment,
  names: readonly string[],
  asked: readonly number[] | undefined,
): ClassTable {
  const width = names.length + 1;
  const rows = parts.length;
  const cells = tally(parts, names.length, strata, 0, rows);
  const sizes = strata.names.map((_, stratum) =>
    cells.subarray(stratum * width, (stratum + 1) * width).reduce((sum, count) => sum + count, 0),
  );
  const inPart = names.map((_, part) => {
    let sum = 0;
    for (let stratum = 0; stratum < strata.count; stratum += 1) sum += cells[stratum * width + part]!;
    return sum;
  });
  const largest = strata.names.map((_, stratum) => stratum).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const classes = largest.slice(0, maxClasses).map((stratum) => ({
    name: strata.names[stratum]!,
    count: sizes[stratum]!,
    share: sizes[stratum]! / rows,
    parts: names.map((name, part) => {
      const count = cells[stratum * width + part]!;
      const deviation = asked && { deviation: count / sizes[stratum]! - asked[part]! };
      return { name, count, share: inPart[part] === 0 ? 0 : count / inPart[part]!, ...deviation };
    }),
  }));
  const worst = asked && worstOf(strata.names, sizes, cells, names, asked);
  return {
    columns,
    classes,
    classesLeftOut: strata.count - classes.length,
    ...(worst && { largestDeviation: worst }),
  };
}

/** The class and part that differ most from what was asked, in parts of the class. */
function worstOf(
  classNames: readonly string[],
  sizes: readonly number[],
  cells: Float64Array,
  names: readonly string[],
  asked: readonly number[],
): ClassDeviation | undefined {
  let worst: ClassDeviation | undefined;
  for (let stratum = 0; stratum < sizes.length; stratum += 1) {
    for (let part = 0; part < names.length; part += 1) {
      const samples = cells[stratum * (names.length + 1) + part]! - sizes[stratum]! * asked[part]!;
      const deviation = samples / sizes[stratum]!;
      if (worst && Math.abs(deviation) <= Math.abs(worst.deviation)) continue;
      worst = { class: classNames[stratum]!, part: names[part]!, deviation, samples };
    }
  }
  return worst;
}

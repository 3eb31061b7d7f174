// A scheme and its report in lines for people: counts, class shares, how far they are from what was asked, and what
// splits share.

import type { LeakPair, LeakSample } from "../catalog/leak-check.js";
import { foldName, type Scheme } from "../catalog/scheme.js";
import type { ClassTable, SplitReport } from "../catalog/split-report.js";
import { describeRule } from "../catalog/split-rule.js";
import { formatCount, formatShare, formatTable } from "./output.js";

/** More folds than these are one line. */
const maxFolds = 10;
const maxClasses = 12;
const maxColumns = 8;

/** A scheme in lines: its name and rule, then each split with its count and share. */
export function describeScheme(scheme: Scheme, size: number): string[] {
  const { rows, splits, folds } = scheme;
  const lineOf = (name: string, count: number) => [name, formatCount(count), formatShare(count, size)];
  const lines = Object.entries(splits).map(([name, { count }]) => lineOf(name, count));
  const inFolds = folds.reduce((sum, { count }) => sum + count, 0);
  if (folds.length > maxFolds) lines.push(lineOf(`folds 0 to ${folds.length - 1}`, inFolds));
  else lines.push(...folds.map(({ count }, fold) => lineOf(foldName(fold), count)));
  const none = rows - inFolds - Object.values(splits).reduce((sum, { count }) => sum + count, 0);
  if (none > 0) lines.push(lineOf("(in none)", none));
  if (size > rows) lines.push(lineOf("(added since)", size - rows));
  return [
    `splits of scheme "${scheme.scheme}" (${describeRule(scheme.rule, scheme.seed)}):`,
    ...formatTable(lines, ["left", "right", "right"]),
  ];
}

/** What a report says beyond the counts. */
export function describeReport(report: SplitReport): string[] {
  return [
    ...report.classes.flatMap((table) => describeClasses(table, report)),
    ...describeDeviation(report),
    ...describeList(report),
    ...describeContents(report),
    ...describeGroups(report),
  ];
}

function describeClasses({ columns, classes, classesLeftOut }: ClassTable, report: SplitReport): string[] {
  const isFold = report.parts.map(({ name }) => /^fold \d+$/.test(name));
  const splits = isFold.flatMap((is, part) => (is ? [] : [part])).slice(0, maxColumns);
  const folds = isFold.flatMap((is, part) => (is ? [part] : []));
  const percent = (share: number) => (100 * share).toFixed(1);
  const lines = classes.slice(0, maxClasses).map(({ name, share, parts }) => {
    const inFolds = folds.map((part) => parts[part]!.share);
    return [
      name,
      `${percent(share)} %`,
      ...splits.map((part) => `${percent(parts[part]!.share)} %`),
      ...(folds.length > 0 ? [`${percent(Math.min(...inFolds))} to ${percent(Math.max(...inFolds))} %`] : []),
    ];
  });
  const head = [
    "",
    "all",
    ...splits.map((part) => report.parts[part]!.name),
    ...(folds.length > 0 ? ["folds"] : []),
  ];
  const more = Math.max(0, classes.length - maxClasses) + classesLeftOut;
  return [
    `shares of each ${columns.join(" and ")}:`,
    ...formatTable([head, ...lines], ["left", ...head.slice(1).map(() => "right" as const)]),
    ...(more > 0 ? [`  (and ${formatCount(more)} more)`] : []),
  ];
}

function describeDeviation({ parts, classes }: SplitReport): string[] {
  const worst = parts.reduce((most, part) =>
    Math.abs(part.deviation ?? 0) > Math.abs(most.deviation ?? 0) ? part : most,
  );
  if (worst.deviation === undefined) return [];
  const ofSplits = `splits ${percentOf(worst.deviation, worst.name)}`;
  const ofClasses = classes.flatMap(({ largestDeviation }) => {
    if (!largestDeviation) return [];
    const { class: name, part, deviation, samples } = largestDeviation;
    return [`classes ${percentOf(deviation, `"${name}" in ${part}: ${signed(samples, 1)} samples`)}`];
  });
  return [`deviation from what was asked: ${[ofSplits, ...ofClasses].join(", ")}`];
}

function percentOf(deviation: number, where: string): string {
  const text = signed(100 * deviation, 2);
  return text === "0" ? "0 %" : `at most ${text} % (${where})`;
}

/** "+0.5" or "-0.5"; "0" of what rounds to that. */
function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  if (Number(text) === 0) return "0";
  return value > 0 ? `+${text}` : text;
}

function describeList({ list, none }: SplitReport): string[] {
  if (!list) return [];
  const { count, first } = list.unmatched;
  const lines = [
    `the file names ${formatCount(list.named)} samples; ${formatCount(none)} that it does not name are in none`,
  ];
  if (count > 0)
    lines.push(
      `warning: ${formatCount(count)} of its names are no samples: ${first.join(", ")}${count > first.length ? ", ..." : ""}`,
    );
  return lines;
}

function describeContents({ contentLeaks }: SplitReport): string[] {
  if (!contentLeaks) return ["contents were not compared: the dataset has no catalog"];
  const { contents, pairs, labelConflicts, unchecked } = contentLeaks;
  const lines =
    contents === 0
      ? ["no content lies in two splits"]
      : [
          `warning: ${formatCount(contents)} ${contents === 1 ? "content lies" : "contents lie"} in two splits:`,
          ...describePairs(pairs, contents, ({ split }) => `in ${split}`),
        ];
  const conflicts = labelConflicts?.contents ?? 0;
  if (conflicts > 0)
    lines.push(
      `warning: ${formatCount(conflicts)} ${conflicts === 1 ? "content has" : "contents have"} several labels:`,
      ...describePairs(labelConflicts!.pairs, conflicts, ({ label }) => `is "${label}"`),
    );
  if (unchecked > 0)
    lines.push(`${formatCount(unchecked)} samples have no content hash and were not compared`);
  return lines;
}

function describePairs(
  pairs: readonly LeakPair[],
  count: number,
  say: (sample: LeakSample) => string,
): string[] {
  const nameOf = ({ id, path, row }: LeakSample) =>
    path === "" ? `sample ${id}` : `sample ${id} (${path}${row === undefined ? "" : `:${row}`})`;
  const lines = pairs.map(
    ([first, second]) => `  ${nameOf(first)} ${say(first)}, ${nameOf(second)} ${say(second)}`,
  );
  return count > pairs.length ? [...lines, `  (and ${formatCount(count - pairs.length)} more)`] : lines;
}

function describeGroups({ groupLeaks }: SplitReport): string[] {
  if (!groupLeaks) return [];
  const { column, groups, first, unchecked } = groupLeaks;
  const lines =
    groups === 0
      ? [`no ${column} lies in two splits`]
      : [
          `warning: ${formatCount(groups)} ${groups === 1 ? "value" : "values"} of ${column} ${groups === 1 ? "lies" : "lie"} in two splits:`,
          ...first.map(({ group, splits }) => {
            const counts = Object.entries(splits).map(([name, count]) => `${formatCount(count)} in ${name}`);
            return `  ${group}: ${counts.join(", ")}`;
          }),
          ...(groups > first.length ? [`  (and ${formatCount(groups - first.length)} more)`] : []),
        ];
  if (unchecked > 0) lines.push(`${formatCount(unchecked)} samples have no ${column} and were not looked at`);
  return lines;
}

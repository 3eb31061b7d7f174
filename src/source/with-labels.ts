// A source with a table of labels beside it: the table's label column replaces other labels, its further columns go
// along with each sample into the catalog. Everything is matched before anything is written.
// Rule: paths are matched as the source has them, relative to its root. Only where not a single one fits are they tried
// without their ending, by the name of the file alone, or both, and that is said.

import { posix } from "node:path";
import { SpillwayError } from "../errors.js";
import { checkColumnNames } from "../format/columns.js";
import { hashHex } from "../kernels/hasher.js";
import { type ClassField, type Fields, fieldStride } from "../tensor/field.js";
import { writeLabel } from "./class-labels.js";
import { type LabelTable, placeKey, wordKey } from "./label-table.js";
import { readAhead } from "./read-ahead.js";
import type { Origin, Source, SourceOptions } from "./source.js";
import { fingerprintOf } from "./source-checks.js";

/** Names that a message lists. */
const shownNames = 10;

/** What has to be known of a source to put labels beside it. */
type Labelled = Source & Required<Pick<Source, "readInto" | "originOf" | "sampleCount">>;

/**
 * @param options as the table was read with: they count for the fingerprint
 * @throws SpillwayError `usage` for a source that only goes from front to back; `source` if no row of the table names a
 * sample, if a row names several, or if a sample has no label
 */
export function withLabels(source: Source, table: LabelTable, options: SourceOptions): Source {
  if (!isLabelled(source)) throw noPlaces(source, table);
  const { labels, columns, values } = table;
  const fields = labelledFields(source.fields, table);
  const classFields = Object.entries(fields).flatMap(([name, { kind }]) => (kind === "class" ? [name] : []));
  checkColumnNames(Object.keys(columns), classFields, table.path);
  const { rowOf, notes } = matchRows(source, table);
  if (labels) requireLabels(source, table, rowOf);

  const scratch = Object.values(source.fields).map((field) => new Uint8Array(fieldStride(field)));
  const places = Object.keys(source.fields).map((name) =>
    labels && isLabel(name) ? -1 : Object.keys(fields).indexOf(name),
  );
  const labelPlace = labels ? Object.keys(fields).indexOf(labels.name) : -1;
  const extraOf = (index: number) => {
    const row = rowOf[index]!;
    return values.map((column) => (row < 0 ? null : column.get(row)));
  };
  const hasExtra = values.length > 0;
  const originOf = (index: number): Origin => ({
    ...source.originOf(index),
    ...(hasExtra && { extra: extraOf(index) }),
  });
  const readInto: NonNullable<Source["readInto"]> = async (index, into) => {
    // Labels of the source that the table replaces are read too, and dropped.
    const origin = await source.readInto(
      index,
      places.map((place, k) => (place < 0 ? scratch[k]! : into[place]!)),
    );
    if (labels) {
      const value = labels.at(rowOf[index]!)!;
      const bytes = into[labelPlace]!;
      if (labels.field.kind === "class") writeLabel(labels.field satisfies ClassField, value, bytes);
      else new DataView(bytes.buffer, bytes.byteOffset, 8).setFloat64(0, value, true);
    }
    return hasExtra ? { ...origin, extra: extraOf(index) } : origin;
  };
  return {
    kind: source.kind,
    fields,
    sampleCount: source.sampleCount,
    ...(source.meanBytes !== undefined && { meanBytes: source.meanBytes }),
    fingerprint: fingerprintWith(source, table, options),
    notes: [...source.notes, ...table.notes, ...describe(source, table), ...notes],
    ...(hasExtra && { columns }),
    ...(source.files && { files: source.files }),
    originOf,
    ...classOf(source, table, rowOf),
    readInto,
    samples: (start) => readAhead(fields, source.sampleCount, start, readInto),
    close: () => source.close(),
  };
}

/** Classes by the table, or where it has no labels by the source. */
function classOf(source: Source, { labels }: LabelTable, rowOf: ArrayLike<number>): Pick<Source, "labelOf"> {
  if (!labels) return source.labelOf ? { labelOf: source.labelOf } : {};
  return labels.field.kind === "class" ? { labelOf: (index) => labels.at(rowOf[index]!)! } : {};
}

function isLabelled(source: Source): source is Labelled {
  return source.originOf !== undefined && source.readInto !== undefined && source.sampleCount !== undefined;
}

/** The names that labels have in all kinds of source. */
function isLabel(name: string): boolean {
  return name === "label" || name === "target";
}

function labelledFields(fields: Fields, { labels }: LabelTable): Fields {
  if (!labels) return fields;
  const others = Object.entries(fields).filter(([name]) => !isLabel(name));
  return { ...Object.fromEntries(others), [labels.name]: labels.field };
}

function fingerprintWith(source: Source, { path }: LabelTable, options: SourceOptions): string {
  const { classes, labelColumn, labelKind, key } = options;
  const table = fingerprintOf("labels", [path], {
    ...(classes && { classes }),
    ...(labelKind && { labelKind }),
  });
  return hashHex(Buffer.from(JSON.stringify([source.fingerprint, table, labelColumn, key])));
}

function describe({ fields }: Source, { path, labels, columns, key }: LabelTable): string[] {
  const kept = Object.entries(columns).map(([name, type]) => `${name} (${type})`);
  const by = key.kind === "number" ? "the number of a sample" : key.hasRow ? "path and row" : "path";
  const replaced = Object.keys(fields).find(isLabel);
  const notes = [`Rows of ${path} are matched by ${by} (column "${key.name}").`];
  if (labels)
    notes.push(
      `The ${labels.name} comes from ${path}${replaced === undefined ? "" : ", in place of that of the source"}.`,
    );
  if (kept.length > 0) notes.push(`Columns kept in the catalog: ${kept.join(", ")}.`);
  return notes;
}

/** Ways to write a sample's path, from the plain one on. */
const spellings: readonly { note: string; of: (path: string) => string }[] = [
  { note: "", of: (path) => path },
  { note: "without their ending", of: withoutEnding },
  { note: "by the name of the file alone", of: (path) => posix.basename(path) },
  {
    note: "by the name of the file alone, without its ending",
    of: (path) => withoutEnding(posix.basename(path)),
  },
];

function withoutEnding(path: string): string {
  return path.slice(0, path.length - posix.extname(path).length);
}

/** The table's row of each sample, -1 where there is none. */
function matchRows(source: Labelled, table: LabelTable): { rowOf: Int32Array; notes: string[] } {
  const rowOf = new Int32Array(source.sampleCount).fill(-1);
  const taken = new Uint8Array(table.rowCount);
  const ways = table.key.kind === "number" || table.key.hasRow ? spellings.slice(0, 1) : spellings;
  for (const { note, of } of ways) {
    rowOf.fill(-1);
    taken.fill(0);
    let matched = 0;
    let again: Origin | undefined;
    for (let index = 0; index < source.sampleCount; index += 1) {
      const row = rowFor(source, table, index, of);
      if (row === undefined) continue;
      if (taken[row]) again ??= source.originOf(index);
      rowOf[index] = row;
      taken[row] = 1;
      matched += 1;
    }
    if (again && note === "") throw severalSamples(table, again);
    if (matched === 0 || again) continue;
    const notes =
      note === "" ? [] : [`No path of ${table.path} is that of a sample as it is: they are matched ${note}.`];
    return { rowOf, notes: [...notes, ...unmatchedNote(table, taken)] };
  }
  throw nothingMatches(source, table);
}

function rowFor(
  source: Labelled,
  { rows, key }: LabelTable,
  index: number,
  spelled: (path: string) => string,
): number | undefined {
  if (key.kind === "number") return (rows as ReadonlyMap<number, number>).get(index);
  const { path, row } = source.originOf(index);
  return (rows as ReadonlyMap<string, number>).get(key.hasRow ? placeKey(path, row ?? 0) : spelled(path));
}

/** What is said of rows that are of no sample. */
function unmatchedNote({ path, rows }: LabelTable, taken: Uint8Array): string[] {
  const names: string[] = [];
  let count = 0;
  for (const [key, row] of rows as ReadonlyMap<string | number, number>) {
    if (taken[row]) continue;
    count += 1;
    if (names.length < shownNames) names.push(wordKey(key));
  }
  if (count === 0) return [];
  return [
    `${count} ${count === 1 ? "row" : "rows"} of ${path} ${count === 1 ? "is" : "are"} of no sample: ${listed(names, count)}.`,
  ];
}

function wordOrigin({ path, row }: Origin): string {
  return row === undefined ? path : `${path}, row ${row}`;
}

function listed(names: readonly string[], count: number): string {
  return names.join(", ") + (count > names.length ? `, and ${count - names.length} more` : "");
}

/** @throws SpillwayError `source` if a sample has no label, with how many and the first ten */
function requireLabels(source: Labelled, { path, labels }: LabelTable, rowOf: Int32Array): void {
  const names: string[] = [];
  let count = 0;
  for (let index = 0; index < rowOf.length; index += 1) {
    if (rowOf[index]! >= 0 && labels!.at(rowOf[index]!) !== undefined) continue;
    count += 1;
    if (names.length < shownNames) names.push(wordOrigin(source.originOf(index)));
  }
  if (count === 0) return;
  throw new SpillwayError(
    "source",
    `${count} of ${rowOf.length} samples have no label in ${path}: ${listed(names, count)}`,
    {
      remedy:
        "Add rows for them, or move them out of the source. If the table has no labels but other columns, name none of its columns label.",
      where: { path },
    },
  );
}

function noPlaces({ kind }: Source, { path }: LabelTable): SpillwayError {
  return new SpillwayError(
    "usage",
    `a source of kind "${kind}" is read from front to back, so ${path} cannot be matched with its samples beforehand`,
    {
      remedy:
        "Tables of labels go with folders, plain IDX and .npy files. Unpack a .gz; to a dataset, columns can be added later: spillway annotate <dataset> <table>.",
      where: { path },
    },
  );
}

function severalSamples({ path }: LabelTable, origin: Origin): SpillwayError {
  return new SpillwayError(
    "source",
    `a row of ${path} is of several samples: ${origin.path} holds more than one`,
    {
      remedy: "Add a column row with the number of the sample within its file, from 0.",
      where: { path },
    },
  );
}

function nothingMatches(source: Labelled, { path, rows, rowCount }: LabelTable): SpillwayError {
  const [first] = (rows as ReadonlyMap<string | number, number>).keys();
  const has = first === undefined ? "it has no rows" : `it has "${wordKey(first)}"`;
  const wanted = source.sampleCount === 0 ? "no samples" : `"${wordOrigin(source.originOf(0))}"`;
  return new SpillwayError(
    "source",
    `none of the ${rowCount} rows of ${path} is of a sample: ${has}, the source has ${wanted}`,
    {
      remedy:
        "Write paths relative to the source's folder, with / between their parts, or name another column with --key.",
      where: { path },
    },
  );
}

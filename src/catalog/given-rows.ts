// Rows about samples that come from a program, with an id each: predictions, qualities, remarks. The type of a column is
// decided when all its values were seen; values of different kinds in one column are refused when they come.

import { SpillwayError } from "../errors.js";
import type { ColumnType, ColumnValue } from "../format/columns.js";
import type { AnnotateOptions, GivenRow, GivenRows, KeyedRow } from "./annotate-options.js";

const example = "Give objects such as { id: 7, score: 0.3 }";

/** What has been seen of a column. */
interface Seen {
  name: string;
  declared: ColumnType | undefined;
  kind: "number" | "string" | "boolean" | undefined;
  /** Numbers only: all of them whole. */
  isWhole: boolean;
}

/**
 * @throws SpillwayError while they are read: `source` for a row that is no object, has no id, a column that the first
 * row has not, or a value of another kind than before
 */
export function givenRows(
  rows: Iterable<GivenRow> | AsyncIterable<GivenRow>,
  { columns: declared }: AnnotateOptions,
): GivenRows {
  let seen: Seen[] | undefined = declared && Object.entries(declared).map(([name, type]) => see(name, type));
  async function* take(): AsyncGenerator<KeyedRow> {
    let count = 0;
    for await (const row of rows) {
      const id = idOf(row, count);
      seen ??= Object.keys(row).flatMap((name) => (name === "id" ? [] : [see(name, undefined)]));
      requireKnown(row, seen, id);
      const values: ColumnValue[] = [];
      for (const column of seen) values.push(checked(column, row[column.name], id));
      yield { key: id, values };
      count += 1;
    }
  }
  return {
    from: "the rows given",
    kind: "number",
    rows: take(),
    columns: () => Object.fromEntries((seen ?? []).map((column) => [column.name, typeOf(column)])),
  };
}

function see(name: string, declared: ColumnType | undefined): Seen {
  return { name, declared, kind: undefined, isWhole: true };
}

function idOf(row: unknown, count: number): number {
  const isObject = typeof row === "object" && row !== null;
  const id = isObject ? (row as { id?: unknown }).id : undefined;
  if ((typeof id === "bigint" || typeof id === "number") && Number.isSafeInteger(Number(id)))
    return Number(id);
  const what = isObject ? `has ${describe(id)} for an id` : `is ${describe(row)}`;
  throw new SpillwayError("source", `row ${count} (from 0) ${what}, expected the number of a sample`, {
    remedy: `${example}; batch.ids tells which samples a batch holds.`,
    where: { row: count },
  });
}

function requireKnown(row: GivenRow, seen: readonly Seen[], id: number): void {
  for (const name in row) {
    if (name === "id" || seen.some((column) => column.name === name)) continue;
    throw new SpillwayError(
      "source",
      `the row of sample ${id} has a column "${name}", the columns are ${seen.map((column) => column.name).join(", ")}`,
      {
        remedy:
          'Give the first row all columns (null where there is no value), or declare them: columns: { score: "double" }.',
        where: { sample: id },
      },
    );
  }
}

/** One value, held against what the column was so far. */
function checked(column: Seen, value: unknown, id: number): ColumnValue {
  if (value === undefined || value === null) return null;
  const kind = typeof value === "bigint" ? "number" : typeof value;
  const wanted = column.declared ? kindOf(column.declared) : (column.kind ?? kind);
  if (kind !== wanted || !(kind === "number" || kind === "string" || kind === "boolean"))
    throw otherKind(column, value, id);
  column.kind = kind;
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) throw otherKind(column, value, id);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    if (column.declared === "int64") throw otherKind(column, value, id);
    column.isWhole = false;
  }
  return value as ColumnValue;
}

function kindOf(type: ColumnType): "number" | "string" | "boolean" {
  return type === "string" || type === "boolean" ? type : "number";
}

function typeOf({ declared, kind, isWhole }: Seen): ColumnType {
  if (declared) return declared;
  return kind === "number" ? (isWhole ? "int64" : "double") : (kind ?? "string");
}

function otherKind({ name, declared, kind }: Seen, value: unknown, id: number): SpillwayError {
  const known = kind === "number" ? "a number of at most 64 bits" : `a ${kind}`;
  const expected = declared
    ? `${declared}, as declared`
    : kind
      ? `${known}, as in the rows before`
      : "a string, a boolean, or a number of at most 64 bits";
  return new SpillwayError(
    "source",
    `column "${name}" of sample ${id} is ${describe(value)}, expected ${expected}`,
    {
      remedy: "Give each column values of one kind.",
      where: { sample: id },
    },
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 32)}"`;
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  return `a ${value.constructor?.name ?? typeof value}`;
}

// Rows about samples that come from a program, with an id each: predictions, qualities, remarks. They are put into a
// table of DuckDB's, which may go to disk. Each column has two places there, one for numbers and one for text, so that
// its type can be decided at the end, when all its values are known.

import type { DuckDBAppender, DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { SpillwayError } from "../errors.js";
import type { ColumnType } from "../format/columns.js";
import { loadDuckDb } from "../source/duckdb.js";
import type { AnnotateOptions, GivenRow, Staged } from "./annotate-options.js";

const chunkRows = 2048;
const from = "the rows given";

/** What has been seen of a column. */
interface Seen {
  name: string;
  declared: ColumnType | undefined;
  kind: "number" | "string" | "boolean" | undefined;
  /** Numbers only: all of them whole, and each kept by its type. */
  isWhole: boolean;
  numbers: (number | null)[];
  texts: (string | null)[];
}

/** @throws SpillwayError `source` for a row that is no object, has no id, or a value of another kind than before */
export async function stageRows(
  connection: DuckDBConnection,
  rows: Iterable<GivenRow> | AsyncIterable<GivenRow>,
  { columns: declared }: AnnotateOptions,
): Promise<Staged> {
  const { BIGINT, DOUBLE, VARCHAR, DuckDBDataChunk } = await loadDuckDb();
  let seen: Seen[] | undefined = declared && Object.entries(declared).map(([name, type]) => see(name, type));
  let appender: DuckDBAppender | undefined;
  let ids: bigint[] = [];
  let line = 0n;
  let types: DuckDBType[] = [];
  const flush = () => {
    if (!appender || !seen || ids.length === 0) return;
    const chunk = DuckDBDataChunk.create(types, ids.length);
    const lines = ids.map((_, k) => line - BigInt(ids.length) + BigInt(k));
    chunk.setColumns([ids, lines, ...seen.flatMap(({ numbers, texts }) => [numbers, texts])]);
    appender.appendDataChunk(chunk);
    ids = [];
    for (const column of seen) {
      column.numbers = [];
      column.texts = [];
    }
  };
  try {
    for await (const row of rows) {
      const id = idOf(row, line);
      seen ??= Object.keys(row).flatMap((name) => (name === "id" ? [] : [see(name, undefined)]));
      if (!appender) {
        types = [BIGINT, BIGINT, ...seen.flatMap(() => [DOUBLE, VARCHAR])];
        await connection.run(
          `CREATE TABLE given (${["id BIGINT", "line BIGINT", ...seen.map((_, k) => `n${k} DOUBLE, t${k} VARCHAR`)].join(", ")})`,
        );
        appender = await connection.createAppender("given");
      }
      for (const column of seen) put(column, row[column.name], id);
      requireKnown(row, seen, id);
      ids.push(id);
      line += 1n;
      if (ids.length === chunkRows) flush();
    }
    flush();
  } finally {
    appender?.closeSync();
  }
  if (!seen || !appender) {
    throw new SpillwayError("source", "no rows were given", {
      remedy: "Give objects such as { id: 7, score: 0.3 }.",
    });
  }
  const columns = Object.fromEntries(seen.map((column) => [column.name, typeOf(column)]));
  const values = seen.map((column, k) => `${valueSql(k, typeOf(column))} AS v${k}`);
  return {
    columns,
    from,
    sql: `SELECT ${["id", "line", "CAST(id AS VARCHAR) AS name", ...values].join(", ")} FROM given`,
    notes: [],
  };
}

function see(name: string, declared: ColumnType | undefined): Seen {
  return { name, declared, kind: undefined, isWhole: true, numbers: [], texts: [] };
}

function idOf(row: unknown, line: bigint): bigint {
  const id = typeof row === "object" && row !== null ? (row as { id?: unknown }).id : undefined;
  if (typeof id === "bigint" && BigInt.asIntN(64, id) === id) return id;
  if (typeof id === "number" && Number.isSafeInteger(id)) return BigInt(id);
  const what =
    typeof row === "object" && row !== null ? `has ${describe(id)} for an id` : `is ${describe(row)}`;
  throw new SpillwayError("source", `row ${line} (from 0) ${what}, expected the number of a sample`, {
    remedy: "Give objects such as { id: 7, score: 0.3 }; batch.ids tells which samples a batch holds.",
    where: { row: Number(line) },
  });
}

/** Takes in one value of a column. */
function put(column: Seen, value: unknown, id: bigint): void {
  if (value === undefined || value === null) {
    column.numbers.push(null);
    column.texts.push(null);
    return;
  }
  const isBigInt = typeof value === "bigint";
  const kind = isBigInt ? "number" : typeof value;
  const wanted = column.declared ? kindOf(column.declared) : (column.kind ?? kind);
  if (kind !== wanted || !(kind === "number" || kind === "string" || kind === "boolean"))
    throw otherKind(column, value, id, wanted);
  column.kind = kind;
  if (isBigInt) {
    if (BigInt.asIntN(64, value) !== value) throw otherKind(column, value, id, "a number of 64 bits");
  } else if (kind === "number") {
    if (!Number.isSafeInteger(value)) column.isWhole = false;
    if (column.declared === "int64" && !Number.isSafeInteger(value))
      throw otherKind(column, value, id, "a whole number");
  }
  column.numbers.push(kind === "string" || isBigInt ? null : Number(value));
  column.texts.push(kind === "string" || isBigInt ? String(value) : null);
}

function kindOf(type: ColumnType): "number" | "string" | "boolean" {
  return type === "string" || type === "boolean" ? type : "number";
}

function requireKnown(row: GivenRow, seen: readonly Seen[], id: bigint): void {
  for (const name in row) {
    if (name === "id" || seen.some((column) => column.name === name)) continue;
    throw new SpillwayError(
      "source",
      `the row of sample ${id} has a column "${name}", the columns are ${seen.map((column) => column.name).join(", ")}`,
      {
        remedy:
          'Give the first row all columns (null where there is no value), or declare them: columns: { score: "double" }.',
        where: { sample: Number(id) },
      },
    );
  }
}

function typeOf({ declared, kind, isWhole }: Seen): ColumnType {
  if (declared) return declared;
  if (kind === "number") return isWhole ? "int64" : "double";
  return kind ?? "string";
}

function valueSql(k: number, type: ColumnType): string {
  if (type === "string") return `t${k}`;
  if (type === "boolean") return `n${k} = 1`;
  const sqlType = type === "int64" ? "BIGINT" : "DOUBLE";
  return `coalesce(CAST(t${k} AS ${sqlType}), CAST(n${k} AS ${sqlType}))`;
}

function otherKind({ name, declared }: Seen, value: unknown, id: bigint, wanted: string): SpillwayError {
  const expected = declared ? `${wanted}, as declared (${declared})` : `${wanted}, as in the rows before`;
  const isValue = ["number", "string", "boolean", "a whole number", "a number of 64 bits"].includes(wanted);
  return new SpillwayError(
    "source",
    `column "${name}" of sample ${id} is ${describe(value)}, expected ${isValue ? expected : "a text, a number or a boolean"}`,
    { remedy: "Give each column values of one kind.", where: { sample: Number(id) } },
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 32)}"`;
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  return `a ${value.constructor?.name ?? typeof value}`;
}

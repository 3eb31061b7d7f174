// spillway query: one SELECT over the catalog, as a table for people or as JSON for machines. Without SQL: which columns
// there are. Rows are printed as they come; what is held is a table's first rows, whose widths are those of its columns.

import type { Command } from "commander";
import { catalogColumns } from "../catalog/columns.js";
import { type QueryColumn, type QueryStream, type QueryValue, streamQuery } from "../catalog/query.js";
import { open } from "../dataset/open.js";
import { addCommand, type CommonOptions, inFolder } from "./command.js";
import { formatCount, formatSeconds, formatTable, parseWhole, print, printJson, say } from "./output.js";
import { formatAnswer } from "./sql-output.js";

interface QueryFlags extends CommonOptions {
  scheme?: string;
  in?: string;
  limit?: number;
  memory?: string;
}

/** Rows of a table where no other number is given. */
const tableRows = 1000;

export function addQuery(program: Command): void {
  addCommand(program, {
    usage: "query <dataset> [sql]",
    summary: "Ask the catalog with SQL: one SELECT over the table catalog, which has a row per sample.",
    args: {
      dataset: "folder of a packed dataset; it is only read",
      sql: "one SELECT; without it, the columns of the table are listed",
    },
    examples: [
      ["spillway query gestures", "which columns there are"],
      ['spillway query gestures "select label, split, count(*) from catalog group by all"', ""],
      [
        "spillway query gestures \"select id, path from catalog where label = 'walk'\" --json",
        "an array of objects; whole numbers beyond 2^53 are texts",
      ],
    ],
  })
    .option("--scheme <name>", 'scheme that the column split tells of (default: "main")')
    .option(...inFolder)
    .option(
      "--limit <number>",
      `rows at most (default: ${tableRows} as a table, all with --json)`,
      parseWhole("--limit", 0, Number.MAX_SAFE_INTEGER),
    )
    .option("--memory <size>", "memory for the query", "256 MiB")
    .action(runQuery);
}

async function runQuery(path: string, sql: string | undefined, flags: QueryFlags): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB", ...(flags.in !== undefined && { side: flags.in }) });
  const { manifest, path: folder } = dataset;
  await dataset.close();
  const place = { folder, manifest, ...(flags.in !== undefined && { side: flags.in }) };
  if (sql === undefined) {
    const columns = catalogColumns(place);
    if (flags.json) printJson(columns);
    else print(describeTable(path, columns, manifest.rows).join("\n"));
    return;
  }
  const start = performance.now();
  const options = {
    ...(flags.scheme !== undefined && { scheme: flags.scheme }),
    ...(flags.memory !== undefined && { memory: flags.memory }),
  };
  const { count, isAll } = await streamQuery(place, sql, options, (answer) =>
    flags.json ? writeJson(answer, flags.limit) : writeTable(answer, flags.limit ?? tableRows),
  );
  if (flags.json) return;
  const rows = `${formatCount(count)} ${count === 1 ? "row" : "rows"}`;
  const more = isAll ? "" : "; there are more (--limit)";
  say(`${rows} in ${formatSeconds((performance.now() - start) / 1000)}${more}.`);
}

function describeTable(path: string, columns: ReturnType<typeof catalogColumns>, rows: number): string[] {
  const meanings = {
    own: "",
    class: "class field",
    user: "packed with the samples",
    added: "added by annotate",
    split: "name of the split in the current scheme",
    excluded: "whether the sample is left out",
  } as const;
  return [
    `Table catalog of ${path}, ${formatCount(rows)} rows:`,
    ...formatTable(
      columns.map(({ name, type, source }) => [name, type, meanings[source]]),
      ["left", "left", "left"],
    ),
    "",
    `Try: spillway query ${path} "select ${columns.find(({ source }) => source === "class")?.name ?? "split"}, count(*) from catalog group by all"`,
  ];
}

interface Printed {
  count: number;
  /** Whether that was all of it. */
  isAll: boolean;
}

async function writeTable({ columns, chunks }: QueryStream, limit: number): Promise<Printed> {
  const rows: (readonly QueryValue[])[] = [];
  // One more than is shown tells whether there are more.
  for await (const chunk of chunks) {
    rows.push(...chunk.slice(0, limit + 1 - rows.length));
    if (rows.length > limit) break;
  }
  const isAll = rows.length <= limit;
  if (!isAll) rows.pop();
  const width = process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
  print(formatAnswer(columns, rows, width).join("\n"));
  return { count: rows.length, isAll };
}

/** One array, a row to a line, written as the rows come. */
async function writeJson(
  { columns, chunks }: QueryStream,
  limit = Number.POSITIVE_INFINITY,
): Promise<Printed> {
  let count = 0;
  for await (const chunk of chunks) {
    const lines = chunk
      .slice(0, limit - count)
      .map((row, k) => `${count + k === 0 ? "[" : ","}\n${rowJson(columns, row)}`);
    count += lines.length;
    if (!process.stdout.write(lines.join("")))
      await new Promise((done) => process.stdout.once("drain", done));
    if (count >= limit) break;
  }
  print(count === 0 ? "[]" : "\n]");
  return { count, isAll: true };
}

function rowJson(columns: readonly QueryColumn[], row: readonly QueryValue[]): string {
  const values = Object.fromEntries(columns.map(({ name }, k) => [name, row[k]]));
  return JSON.stringify(values, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

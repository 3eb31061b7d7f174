// Samples that satisfy a condition: SQL's WHERE over the table `catalog`, answered as a bitmap with one bit per sample.
// DuckDB puts the bits together itself, so that ids never become a list.

import { SpillwayError } from "../errors.js";
import type { CatalogPlace } from "./catalog-reader.js";
import { guardFor } from "./query.js";
import { copyBits } from "./split-marks.js";
import { type SqlOptions, withCatalogTable } from "./sql-table.js";

/** 8 MiB of bits for each thread of DuckDB's. */
const defaultRowsAtOnce = 2 ** 26;
const context = { what: "the condition", linesBefore: 1 };

/**
 * @param where a condition over the columns of the table, such as "label in ('walk', 'run') and subject <> 7"
 * @param rowsAtOnce rows whose bits are put together at once, a multiple of 8
 * @returns bit r % 8 of byte r / 8, lowest first, says whether the sample r satisfies it; ceil(rows / 8) bytes
 * @throws SpillwayError `usage` for what is no condition, or reaches for anything but the table; `missing` for a column
 * that is not there, with the nearest names; `memory`, `corrupt`, `mismatch`
 */
export async function selectRows(
  place: CatalogPlace,
  where: string,
  options: SqlOptions = {},
  rowsAtOnce = defaultRowsAtOnce,
): Promise<Uint8Array> {
  const count = place.manifest.rows;
  const bits = new Uint8Array(Math.ceil(count / 8));
  if (where.trim() === "") throw noCondition(where);
  await withCatalogTable(place, options, async (table) => {
    const { connection } = table;
    const guard = guardFor(table, place, where, options, context);
    for (let start = 0; start === 0 || start < count; start += rowsAtOnce) {
      const end = Math.min(start + rowsAtOnce, Math.ceil(Math.max(count, 1) / 8) * 8);
      const within = count > rowsAtOnce ? ` AND id BETWEEN ${start} AND ${end - 1}` : "";
      const sql = `SELECT bitstring_agg(id, ${start}, ${end - 1}) FROM catalog WHERE (\n${where}\n)${within}`;
      const statements = await guard(() => connection.extractStatements(sql));
      if (start === 0)
        await requireCondition(where, () => connection.extractStatements(`SELECT [\n${where}\n]`));
      if (statements.count !== 1) throw noCondition(where);
      const rows = await guard(async () => (await (await statements.prepare(0)).run()).getRows());
      const found = (await rows)[0]?.[0] as { data: Uint8Array } | null | undefined;
      if (found) copyBits(found.data, bits, start / 8);
    }
  });
  return bits;
}

/**
 * A text that closes the bracket it stands in, and opens another to end with, is no condition: between brackets of
 * another kind it does not parse.
 */
async function requireCondition(where: string, parse: () => Promise<unknown>): Promise<void> {
  try {
    await parse();
  } catch {
    throw noCondition(where);
  }
}

function noCondition(where: string): SpillwayError {
  const shown = where.trim().replace(/\s+/g, " ");
  return new SpillwayError(
    "usage",
    shown === ""
      ? "the condition is empty"
      : `"${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}" is no condition`,
    { remedy: "Write what stands after WHERE, such as label in ('walk', 'run') and row < 100." },
  );
}

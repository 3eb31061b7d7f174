// Columns of the catalog that are the user's own (a subject, a quality, a prediction): their names and types, wherever
// they are stored: in the catalog's own parts, or in parts that were added later.
// Rule: SQL does not tell "Label" from "label", so no two columns of a catalog may differ in capitals alone.

import { z } from "zod";
import { SpillwayError } from "../errors.js";

/** Types of a user's column; each value may also be missing. */
export const columnTypes = ["string", "int64", "double", "boolean"] as const;
export type ColumnType = (typeof columnTypes)[number];

/** Columns by name, in order. */
export type Columns = Record<string, ColumnType>;

/** One value, null where it is missing. int64 may come as either kind of number. */
export type ColumnValue = string | number | bigint | boolean | null;

/** Names that the catalog uses itself: no class field and no column of the user's may have one. */
export const reservedColumns = ["id", "path", "row", "hash", "split", "excluded"] as const;

const maxNameLength = 256;
const maxColumns = 1024;

/** Columns as JSON files hold them. */
export const columnsSchema = z
  .record(z.string().min(1).max(maxNameLength), z.enum(columnTypes))
  .refine((columns) => Object.keys(columns).length <= maxColumns, `has more than ${maxColumns} columns`);

/** Whether two names are one for SQL. */
export function isSameColumn(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * Whether these can be columns of a catalog.
 *
 * @param classFields names of the dataset's class fields: the catalog has a column for each
 * @param from where the names come from, for messages: the path of a table
 * @throws SpillwayError `usage` for a name that is taken, there twice, empty or too long
 */
export function checkColumnNames(
  names: readonly string[],
  classFields: readonly string[],
  from: string,
): void {
  const refuse = (what: string, remedy = "Rename the column in the table, or leave it out.") => {
    throw new SpillwayError("usage", `${from}: ${what}`, { remedy, where: { path: from } });
  };
  if (names.length > maxColumns) refuse(`it has ${names.length} columns, at most ${maxColumns} are possible`);
  const seen = new Map<string, string>();
  for (const name of names) {
    if (name === "" || name === "__proto__" || name.length > maxNameLength) {
      refuse(
        `"${name.slice(0, 64)}" cannot be the name of a column`,
        `Use 1 to ${maxNameLength} letters, and not __proto__.`,
      );
    }
    if (reservedColumns.some((reserved) => isSameColumn(reserved, name)))
      refuse(`column "${name}" has a name that the catalog uses itself (${reservedColumns.join(", ")})`);
    const field = classFields.find((taken) => isSameColumn(taken, name));
    if (field !== undefined)
      refuse(`column "${name}" has the name of the class field "${field}", which the catalog holds already`);
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined)
      refuse(
        twin === name
          ? `column "${name}" is there twice`
          : `columns "${twin}" and "${name}" differ in capitals alone`,
      );
    seen.set(name.toLowerCase(), name);
  }
}

/** A number of a column of whole numbers as programs like it: bigint only where a number would lose digits. */
export function asNumber(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
}

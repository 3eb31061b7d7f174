// All columns of a catalog, wherever they come from: its own, class fields, the user's (in the parts of the catalog), and
// those added later. One list, by which rows, scans, SQL and messages go.

import { SpillwayError } from "../errors.js";
import { type ColumnType, isSameColumn } from "../format/columns.js";
import { nearestNames } from "../near-names.js";
import { type AddedColumn, addedColumns } from "./annotations.js";
import { type CatalogPlace, classFields } from "./catalog-reader.js";

/**
 * Where a column comes from: `own` to every catalog, `class` field, `user` column since packing, `added` later, or
 * computed when SQL asks for it: `split` of the current scheme, `excluded`.
 */
export type ColumnSource = "own" | "class" | "user" | "added" | "split" | "excluded";

/** A column of the table `catalog`. */
export interface CatalogColumn {
  name: string;
  type: ColumnType | "uint64";
  source: ColumnSource;
  /** Whether values may be missing. */
  isNullable: boolean;
}

/** A column that is stored, and where. */
export interface StoredColumn extends CatalogColumn {
  /** The part that holds it; undefined for the catalog's own parts. */
  added: AddedColumn | undefined;
}

/**
 * The columns that are stored, in the order in which they are shown. An added column stands in place of one of the
 * user's own of that name.
 *
 * @throws SpillwayError `mismatch`, `corrupt`, `version` for added columns that cannot be used
 */
export function storedColumns(place: CatalogPlace): StoredColumn[] {
  const added = addedColumns(place);
  const own = (name: string, type: CatalogColumn["type"], source: ColumnSource, isNullable = false) => ({
    name,
    type,
    source,
    isNullable,
    added: undefined,
  });
  const user = Object.entries(place.manifest.columns ?? {}).filter(
    ([name]) => !added.some((column) => isSameColumn(column.name, name)),
  );
  return [
    own("id", "int64", "own"),
    own("path", "string", "own"),
    own("row", "int64", "own", true),
    ...classFields(place.manifest).map((name) => own(name, "string", "class")),
    own("hash", "uint64", "own"),
    ...user.map(([name, type]) => own(name, type, "user", true)),
    ...added.map((column) => ({
      name: column.name,
      type: column.type,
      source: "added" as const,
      isNullable: true,
      added: column,
    })),
  ];
}

/** The columns of the table `catalog`, as SQL has them. */
export function catalogColumns(place: CatalogPlace): CatalogColumn[] {
  return [
    ...storedColumns(place).map(({ added: _added, ...column }) => column),
    { name: "split", type: "string", source: "split", isNullable: true },
    { name: "excluded", type: "boolean", source: "excluded", isNullable: false },
  ];
}

/**
 * A stored column by its name; capitals do not matter.
 *
 * @throws SpillwayError `missing` with the nearest names
 */
export function findColumn(columns: readonly StoredColumn[], name: string, dataset: string): StoredColumn {
  const exact = columns.find((column) => column.name === name);
  const found = exact ?? columns.find((column) => isSameColumn(column.name, name));
  if (found) return found;
  throw noColumn(
    name,
    columns.map((column) => column.name),
    dataset,
  );
}

/** The error for a column that is not there. */
export function noColumn(
  name: string,
  known: readonly string[],
  dataset: string,
  cause?: unknown,
): SpillwayError {
  const near = nearestNames(name, known);
  const remedy =
    near.length > 0
      ? `Nearest: ${near.join(", ")}. The columns are ${known.join(", ")}.`
      : `The columns are ${known.join(", ")}.`;
  return new SpillwayError("missing", `the catalog of ${dataset} has no column "${name}"`, {
    remedy,
    where: { dataset },
    cause,
  });
}

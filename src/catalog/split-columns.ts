// Columns of the catalog as numbers: each different value gets the next one, so that a column of any length and type
// takes 4 bytes a row, and equal values compare as numbers. Made in one pass over the catalog for all columns asked for.

import { SpillwayError } from "../errors.js";
import { nearestNames } from "../near-names.js";
import type { Numbering } from "./assignment.js";
import type { CatalogPlace, CatalogRecords } from "./catalog-reader.js";
import { scanColumns } from "./column-scan.js";
import { storedColumns } from "./columns.js";

/** How columns are read: the catalog's own, or with those that were added later. */
export interface ColumnReader {
  /** All rows of some columns, in order of their ids. */
  scan(
    place: CatalogPlace,
    columns: readonly string[],
  ): AsyncIterable<{ firstId: number; records: CatalogRecords }>;
  /** Names of all columns. */
  names(place: CatalogPlace): Promise<readonly string[]>;
}

/** All columns that are stored, those that were added later included. */
export const storedReader: ColumnReader = {
  scan: scanColumns,
  names: async (place) => storedColumns(place).map(({ name }) => name),
};

/** A value of a column, as Parquet holds it. */
export type ColumnValue = string | number | bigint | boolean;

/** A column as numbers; -1 where it says nothing. */
export interface ColumnNumbers extends Numbering {
  name: string;
  /** The value of each number. */
  values: readonly ColumnValue[];
  /** Rows where it is null, or not a number. */
  missing: { count: number; firstIds: readonly number[] };
}

/** Where a pass over the catalog stands. */
export type OnRows = (rows: number) => void;

/** Different values of a column that are told apart: as many as a Map holds. */
const maxValues = 2 ** 24 - 1;
const maxListed = 10;

/**
 * Reads columns of the first `rows` rows. Memory: 4 bytes a row and column, and the different values.
 *
 * @throws SpillwayError `missing` for a column that is not there (the nearest names are offered), `corrupt`, `io`;
 * `usage` for a column of more than 16 million different values
 */
export async function readColumns(
  place: CatalogPlace,
  names: readonly string[],
  rows: number,
  { reader = storedReader, onRows }: { reader?: ColumnReader; onRows?: OnRows | undefined } = {},
): Promise<Map<string, ColumnNumbers>> {
  const wanted = [...new Set(names)];
  if (wanted.length === 0) return new Map();
  await requireColumns(place, wanted, reader);
  const columns = wanted.map((name) => new ColumnNumberer(name, rows));
  let read = 0;
  for await (const { firstId, records } of reader.scan(place, wanted)) {
    const end = Math.min(records.length, rows - firstId);
    for (const column of columns) column.add(records, firstId, end);
    read = firstId + Math.max(0, end);
    onRows?.(read);
    if (read >= rows) break;
  }
  if (read < rows) {
    throw new SpillwayError("corrupt", `the catalog of ${place.folder} has ${read} rows, not ${rows}`, {
      remedy: "Restore it from a copy, or pack again.",
      where: { dataset: place.folder },
    });
  }
  return new Map(columns.map((column) => [column.name, column.finish()]));
}

/** @throws SpillwayError `missing` for the first column that is not there */
export async function requireColumns(
  place: CatalogPlace,
  names: readonly string[],
  reader: ColumnReader,
): Promise<void> {
  const known = await reader.names(place);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = nearestNames(name, known);
    throw new SpillwayError("missing", `the catalog of ${place.folder} has no column "${name}"`, {
      remedy: `${near.length > 0 ? `Did you mean ${near.map((other) => `"${other}"`).join(" or ")}? ` : ""}Its columns are ${known.join(", ")}.`,
      where: { dataset: place.folder },
    });
  }
}

class ColumnNumberer {
  readonly name: string;
  readonly #numbers: Int32Array;
  readonly #numberOf = new Map<ColumnValue, number>();
  readonly #firstIds: number[] = [];
  #missing = 0;

  constructor(name: string, rows: number) {
    this.name = name;
    this.#numbers = new Int32Array(rows);
  }

  add(records: CatalogRecords, firstId: number, end: number): void {
    for (let index = 0; index < end; index += 1) {
      const value = records[index]![this.name] as ColumnValue | null | undefined;
      this.#numbers[firstId + index] =
        value == null || Number.isNaN(value) ? this.#miss(firstId + index) : this.#number(value);
    }
  }

  #number(value: ColumnValue): number {
    const known = this.#numberOf.get(value);
    if (known !== undefined) return known;
    const number = this.#numberOf.size;
    if (number >= maxValues) throw tooManyValues(`column "${this.name}"`, "has");
    this.#numberOf.set(value, number);
    return number;
  }

  #miss(id: number): number {
    this.#missing += 1;
    if (this.#firstIds.length < maxListed) this.#firstIds.push(id);
    return -1;
  }

  finish(): ColumnNumbers {
    return {
      name: this.name,
      numbers: this.#numbers,
      count: this.#numberOf.size,
      values: [...this.#numberOf.keys()],
      missing: { count: this.#missing, firstIds: this.#firstIds },
    };
  }
}

function tooManyValues(what: string, verb: "has" | "have"): SpillwayError {
  return new SpillwayError("usage", `${what} ${verb} more than ${maxValues} different values`, {
    remedy: "Use a column that has the same value for many samples.",
  });
}

/**
 * The classes that several columns make together: each combination of values that occurs is one.
 *
 * @returns with the names of the combinations, such as "walk, 7"
 * @throws SpillwayError `usage` for more than 16 million of them
 */
export function combineColumns(columns: readonly ColumnNumbers[]): Numbering & { names: readonly string[] } {
  const [first, ...others] = columns;
  let numbers = first!.numbers;
  let names = first!.values.map(String);
  for (const other of others) {
    const numberOf = new Map<number, number>();
    const combined = new Int32Array(numbers.length);
    for (let row = 0; row < numbers.length; row += 1) {
      const key = numbers[row]! * other.count + other.numbers[row]!;
      let number = numberOf.get(key);
      if (number === undefined) {
        number = numberOf.size;
        if (number >= maxValues)
          throw tooManyValues(columns.map(({ name }) => `"${name}"`).join(" and "), "have");
        numberOf.set(key, number);
      }
      combined[row] = number;
    }
    names = [...numberOf.keys()].map(
      (key) => `${names[Math.floor(key / other.count)]}, ${other.values[key % other.count]}`,
    );
    numbers = combined;
  }
  return { numbers, count: names.length, names };
}

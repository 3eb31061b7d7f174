// Class labels that come as numbers, in a column of a table or a file of labels: which there are, found by one scan,
// and the way from a number to its class.

import { SpillwayError } from "../errors.js";
import { type ClassField, classes } from "../tensor/field.js";

/** More different numbers than this are taken for measurements, not classes. */
const maxNumberClasses = 1000;

/** Class labels by number. */
export interface NumberLabels {
  readonly field: ClassField;
  /** Index of the class of a number; undefined where it is none. */
  indexOf(value: number): number | undefined;
}

/** Collects the different numbers of a label column. */
export class LabelNumbers {
  readonly #values = new Set<number>();
  readonly #path: string;

  /** @param path of the table, for messages */
  constructor(path: string) {
    this.#path = path;
  }

  /** @throws SpillwayError `source` for NaN, for a number that is not whole, and from 1,001 different numbers on */
  add(value: number, row: number): void {
    if (this.#values.has(value)) return;
    checkLabel(value, row, this.#path);
    this.#values.add(value);
    if (this.#values.size > maxNumberClasses) {
      throw new SpillwayError(
        "source",
        `${this.#path} has more than ${maxNumberClasses} different labels in its first ${row + 1} rows`,
        {
          remedy:
            "If they are measurements to be predicted, use --label-kind value; else name another --label-column.",
          where: { path: this.#path, row },
        },
      );
    }
  }

  /** The numbers as classes, sorted, each named by its digits. */
  labels(): NumberLabels {
    const values = [...this.#values].sort((a, b) => a - b);
    // -0 and 0 are one value of a Set, and one class.
    const places = new Map(values.map((value, place) => [value, place]));
    return { field: classes(values.map((value) => String(value))), indexOf: (value) => places.get(value) };
  }
}

/**
 * Labels by the names that the caller gave: the number of a name where all names are whole numbers, else the place of
 * the name in the list, from 0.
 */
export function givenLabels(names: readonly string[]): NumberLabels {
  const field = classes(names);
  if (names.every((name) => /^-?\d{1,15}$/.test(name))) {
    const places = new Map(names.map((name, place) => [Number(name), place]));
    return { field, indexOf: (value) => places.get(value) };
  }
  return {
    field,
    indexOf: (value) => (Number.isInteger(value) && value >= 0 && value < names.length ? value : undefined),
  };
}

/** @throws SpillwayError `source` for NaN and for a number that is not whole */
export function checkLabel(value: number, row: number, path: string): void {
  const where = { path, row, field: "label" };
  if (Number.isNaN(value)) {
    throw new SpillwayError("source", `the label of row ${row} (from 0) of ${path} is NaN`, {
      remedy: "Remove the row, or give it a label.",
      where,
    });
  }
  if (!Number.isSafeInteger(value)) {
    throw new SpillwayError(
      "source",
      `the label of row ${row} (from 0) of ${path} is ${value}, not a whole number`,
      {
        remedy:
          "If the column is to be predicted as a number, use --label-kind value; else name another --label-column.",
        where,
      },
    );
  }
}

/** The error for a label that is none of the classes given. */
export function unknownLabel(value: number, row: number, path: string, field: ClassField): SpillwayError {
  return new SpillwayError(
    "source",
    `the label of row ${row} (from 0) of ${path} is ${value}, which none of the ${field.classes.length} classes has`,
    {
      remedy: "Give --classes a name for each number from 0 on, or leave it out to use the numbers found.",
      where: { path, row, field: "label" },
    },
  );
}

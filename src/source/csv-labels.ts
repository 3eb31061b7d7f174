// The label column of a CSV file, cell by cell as text: which classes there are, and the way from a cell to its class.
// A column of whole numbers is numbers ("1" and "1.0" are one class), anything else is names.

import { SpillwayError } from "../errors.js";
import type { ClassField } from "../tensor/field.js";
import { namedClasses } from "./class-labels.js";
import { missingMarks } from "./csv-head.js";
import { checkLabel, givenLabels, LabelNumbers, unknownLabel } from "./number-labels.js";

const maxNames = 100_000;
const missing = new Set(["nan", "none", "?", ...missingMarks.map((mark) => mark.toLowerCase())]);

/** Classes by the text of a cell. */
export interface LabelText {
  readonly field: ClassField;
  /** Index of the class of a cell that was met in the scan. */
  indexOf(text: string): number;
}

/** Collects the different cells of a label column. */
export interface LabelTextScan {
  /** @throws SpillwayError `source` for an empty cell, or too many different ones */
  add(text: string, row: number): void;
  /** @throws SpillwayError `source` for numbers that are no classes, or a class that is not given */
  labels(given: readonly string[] | undefined): LabelText;
}

/** @param path for messages */
export function createLabelText(path: string): LabelTextScan {
  /** First row of each different cell. */
  const firstRows = new Map<string, number>();
  return {
    add(text, row) {
      if (firstRows.has(text)) return;
      // Marks for a missing cell arrive as empty ones.
      const where = { path, row, field: "label" };
      if (text.trim() === "") {
        throw new SpillwayError(
          "source",
          `the label of row ${row} (from 0, header not counted) of ${path} is empty or ${missingMarks.join(", ")}`,
          {
            remedy: "Remove the row, or give it a label.",
            where,
          },
        );
      }
      firstRows.set(text, row);
      if (firstRows.size > maxNames) {
        throw new SpillwayError(
          "source",
          `${path} has more than ${maxNames} different labels in its first ${row + 1} rows`,
          {
            remedy:
              "If they are measurements to be predicted, use --label-kind value; else name another --label-column.",
            where,
          },
        );
      }
    },
    labels(given) {
      const cells = [...firstRows];
      const isNumbers =
        cells.some(([text]) => isNumber(text)) && cells.every(([text]) => isNumber(text) || isMissing(text));
      const places = isNumbers ? numberPlaces(cells, given, path) : namePlaces(cells, given, path);
      return { field: places.field, indexOf: (text) => places.byText.get(text)! };
    },
  };
}

interface Places {
  field: ClassField;
  byText: ReadonlyMap<string, number>;
}

function namePlaces(
  cells: readonly [string, number][],
  given: readonly string[] | undefined,
  path: string,
): Places {
  const names = [...new Set(cells.map(([text]) => text.trim()))].sort((a, b) => (a < b ? -1 : 1));
  const field = namedClasses(names, given, path);
  const places = new Map(field.classes.map((name, place) => [name, place]));
  return { field, byText: new Map(cells.map(([text]) => [text, places.get(text.trim())!])) };
}

function numberPlaces(
  cells: readonly [string, number][],
  given: readonly string[] | undefined,
  path: string,
): Places {
  const numbers = new LabelNumbers(path);
  for (const [text, row] of cells) {
    if (given) checkLabel(Number(text), row, path);
    else numbers.add(Number(text), row);
  }
  const labels = given ? givenLabels(given) : numbers.labels();
  const byText = new Map<string, number>();
  for (const [text, row] of cells) {
    const place = labels.indexOf(Number(text));
    if (place === undefined) throw unknownLabel(Number(text), row, path, labels.field);
    byText.set(text, place);
  }
  return { field: labels.field, byText };
}

/** Whether a cell is a number; JavaScript's own forms such as 0x10 are not. */
function isNumber(text: string): boolean {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i.test(text);
}

/** In a column of numbers these are gaps (and `Number` makes NaN of them); among names they are names. */
function isMissing(text: string): boolean {
  return missing.has(text.trim().toLowerCase());
}

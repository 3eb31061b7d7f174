// The options `balance` and `weights` of a loop: checked, and turned into what the loader draws by. A column of weights
// is read when the loop starts, not before.

import fs from "node:fs";
import { join } from "node:path";
import type { CatalogPlace, CatalogRecords } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { balancedMark, type Drawing, type WeightSource, type Weights } from "../load/drawing.js";
import { bytesOf } from "../tensor/dtype.js";
import type { Field } from "../tensor/field.js";

/** How samples are drawn; by default each exactly once per epoch. */
export interface DrawingOptions {
  /**
   * Name of a class field: its classes take turns, so that every batch has each of them equally often, to within one.
   * A member of a class comes again only when all of its members have come. An epoch has as many samples as the view.
   */
  balance?: string;
  /**
   * Draw with replacement, in proportion to a weight per sample: a numeric column of the catalog by name, or numbers from
   * 0 up for the samples of the view in order of id. Held as float32 in the dataset's memory.
   */
  weights?: string | Float64Array | Float32Array;
}

/** The view that is drawn from. */
interface DrawnFrom {
  /** Samples in the view. */
  size: number;
  catalog: CatalogPlace;
}

/** Reads some columns of a catalog, all rows in order. */
export type ScanColumns = (
  place: CatalogPlace,
  columns: readonly string[],
) => AsyncIterable<{ firstId: number; records: CatalogRecords }>;

/** Weights that are handed on at once. */
const partLength = 2 ** 18;

/** @throws SpillwayError `usage` for both options at once, a field without classes, or weights of another number */
export function drawingOf(options: DrawingOptions & { shuffle?: boolean }, view: DrawnFrom): Drawing {
  const { balance, weights, shuffle } = options;
  if (balance === undefined && weights === undefined) return { kind: "permutation" };
  const asked = balance === undefined ? "weights" : "balance";
  if (balance !== undefined && weights !== undefined) {
    throw new SpillwayError("usage", "a loop has either balance or weights, not both", {
      remedy: "Leave one of them out.",
    });
  }
  if (shuffle === false) {
    throw new SpillwayError("usage", `shuffle: false is the catalog's order, and ${asked} draws at random`, {
      remedy: `Leave out shuffle, or ${asked}.`,
    });
  }
  if (balance !== undefined) return { kind: "balanced", field: classFieldNamed(balance, view) };
  if (typeof weights === "string") return { kind: "weighted", weights: columnWeights(weights, view.catalog) };
  return { kind: "weighted", weights: givenWeights(weights as Weights, view.size) };
}

/** What is known of a drawing's mark in resume tokens before its loop starts: of weights only that they are some. */
export function knownMark(drawing: Drawing): string | undefined {
  if (drawing.kind === "permutation") return undefined;
  return drawing.kind === "balanced" ? balancedMark(drawing.field) : "w";
}

function classFieldNamed(name: string, { catalog: { folder, manifest } }: DrawnFrom): string {
  const fields: Readonly<Record<string, Field>> = manifest.fields as Record<string, Field>;
  const classFields = Object.keys(fields).filter((field) => fields[field]!.kind === "class");
  if (classFields.includes(name)) return name;
  throw new SpillwayError("usage", `balance: "${name}" is no class field of ${folder}`, {
    remedy:
      classFields.length === 0
        ? "It has none: draw by weights instead."
        : `Use ${classFields.length === 1 ? "" : "one of "}${classFields.join(", ")}.`,
    where: { dataset: folder },
  });
}

function givenWeights(values: Weights, size: number): WeightSource {
  if (!(values instanceof Float64Array || values instanceof Float32Array)) {
    throw new SpillwayError("usage", "weights are neither the name of a column nor a typed array", {
      remedy: 'Use weights: "column", or a Float64Array or Float32Array.',
    });
  }
  if (values.length !== size) {
    throw new SpillwayError(
      "usage",
      `weights has ${values.length} values for the ${size} samples of the view`,
      {
        remedy: "Give one weight per sample of the view, in order of id.",
      },
    );
  }
  return {
    name: "weights",
    key: hashHex(bytesOf(values)),
    of: "view",
    *parts() {
      for (let at = 0; at < size; at += partLength) yield values.subarray(at, at + partLength);
    },
  };
}

/**
 * A column of the catalog as weights.
 *
 * @param scan how columns are read; default: from the catalog, those that were added later included
 */
export function columnWeights(column: string, place: CatalogPlace, scan?: ScanColumns): WeightSource {
  return {
    name: `column "${column}"`,
    key: `column ${column} ${columnsStamp(place)}`,
    of: "dataset",
    async *parts() {
      // Imported now: training by split needs nothing that reads Parquet.
      const read = scan ?? (await import("../catalog/column-scan.js")).scanColumns;
      for await (const { firstId, records } of read(place, [column])) {
        const values = new Float64Array(records.length);
        for (let k = 0; k < values.length; k += 1) {
          values[k] = numberOf(records[k]![column], column, firstId + k, place);
        }
        yield values;
      }
    },
  };
}

/** Tells whether columns were added since, without reading them. */
function columnsStamp({ folder, side }: CatalogPlace): string {
  const stamps = [side, folder].map((each) => {
    const stats = each && fs.statSync(join(each, "columns/columns.json"), { throwIfNoEntry: false });
    return stats ? `${stats.size} ${stats.mtimeMs}` : "";
  });
  return stamps.join(" ");
}

/** A value of Parquet as a number, NaN where there is none. */
function numberOf(value: unknown, column: string, id: number, { folder }: CatalogPlace): number {
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  const shown = typeof value === "string" ? `"${value.slice(0, 40)}"` : String(value).slice(0, 40);
  throw new SpillwayError("usage", `column "${column}" is no column of numbers: sample ${id} has ${shown}`, {
    remedy: "Weigh by a column of numbers from 0 up.",
    where: { dataset: folder, sample: id },
  });
}

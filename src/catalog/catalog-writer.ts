// Writes a part of the catalog: one Parquet file per shard, a row per sample, in groups of rows so that memory stays
// bounded whatever the number of samples.

import type { ColumnSource, SchemaElement } from "hyparquet-writer";
import type { Columns, ColumnValue } from "../format/columns.js";
import type { Fields } from "../tensor/field.js";
import {
  columnElement,
  groupRows,
  type ParquetEntry,
  ParquetFile,
  requiredText,
  storedValue,
} from "./parquet-file.js";

/** One row: what is known of a sample besides its tensors. */
export interface CatalogRow {
  id: number;
  path: string;
  /** Row within the file, where that holds many samples. */
  row: number | undefined;
  /** Class names, in the order of the class fields. */
  labels: readonly string[];
  /** XXH64 of the tensors' bytes. */
  hash: bigint;
  /** Values of the user's columns, in their order; missing ones where there are none. */
  extra?: readonly ColumnValue[];
}

/** Names of the columns that every catalog has; a class field may not take one. */
export const catalogColumns = ["id", "path", "row", "hash"] as const;

function schemaFor(labelNames: readonly string[], columns: Columns): SchemaElement[] {
  return [
    { name: "id", type: "INT64", repetition_type: "REQUIRED" },
    { name: "path", ...requiredText },
    { name: "row", type: "INT64", repetition_type: "OPTIONAL" },
    ...labelNames.map((name) => ({ name, ...requiredText })),
    { name: "hash", type: "INT64", converted_type: "UINT_64", repetition_type: "REQUIRED" },
    ...Object.entries(columns).map(([name, type]) => columnElement(name, type)),
  ];
}

export class CatalogWriter {
  readonly path: string;
  readonly #labelNames: readonly string[];
  readonly #columns: Columns;
  readonly #file: ParquetFile;
  // Rows as columns: objects of thousands of rows would make the collector's young generation grow by tens of MiB.
  readonly #ids = new BigInt64Array(groupRows);
  readonly #hashes = new BigUint64Array(groupRows);
  #paths: string[] = [];
  #places: (bigint | null)[] = [];
  readonly #labels: string[][];
  readonly #extra: ColumnValue[][];
  #held = 0;

  /**
   * @param path file to be written, replaced if it is there
   * @param columns the user's own, if there are any
   */
  constructor(path: string, fields: Fields, columns: Columns = {}) {
    this.path = path;
    this.#labelNames = Object.entries(fields).flatMap(([name, field]) =>
      field.kind === "class" ? [name] : [],
    );
    this.#columns = columns;
    this.#labels = this.#labelNames.map(() => []);
    this.#extra = Object.keys(columns).map(() => []);
    this.#file = new ParquetFile(path, schemaFor(this.#labelNames, columns));
  }

  add(row: CatalogRow): void {
    this.#ids[this.#held] = BigInt(row.id);
    this.#hashes[this.#held] = row.hash;
    this.#paths.push(row.path);
    this.#places.push(row.row === undefined ? null : BigInt(row.row));
    for (let k = 0; k < this.#labels.length; k += 1) this.#labels[k]!.push(row.labels[k]!);
    let k = 0;
    for (const name in this.#columns) {
      this.#extra[k]!.push(storedValue(row.extra?.[k], this.#columns[name]!));
      k += 1;
    }
    this.#held += 1;
    if (this.#held === groupRows) this.#writeGroup();
  }

  /** Writes what is left and makes the file durable; gives its rows, bytes and XXH64. */
  finish(): ParquetEntry {
    if (this.#held > 0) this.#writeGroup();
    return this.#file.finish();
  }

  #writeGroup(): void {
    const columnData: ColumnSource[] = [
      { name: "id", data: this.#ids.subarray(0, this.#held), encoding: "DELTA_BINARY_PACKED" },
      { name: "path", data: this.#paths },
      { name: "row", data: this.#places },
      ...this.#labelNames.map((name, k) => ({ name, data: this.#labels[k]! })),
      // Nothing is like another: neither a dictionary nor compression nor least and greatest serve for anything.
      {
        name: "hash",
        data: this.#hashes.subarray(0, this.#held),
        encoding: "PLAIN",
        codec: "UNCOMPRESSED",
        statistics: false,
      },
      ...Object.keys(this.#columns).map((name, k) => ({ name, data: this.#extra[k]! })),
    ];
    this.#paths = [];
    this.#places = [];
    for (const held of [this.#labels, this.#extra]) {
      for (let k = 0; k < held.length; k += 1) held[k] = [];
    }
    this.#held = 0;
    this.#file.write(columnData);
  }
}

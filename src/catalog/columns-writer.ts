// Writes a part of added columns: a row for each sample, in order, in groups of rows, so that memory stays bounded
// whatever their number. Rows without values cost next to nothing.

import type { Columns, ColumnValue } from "../format/columns.js";
import { columnElement, groupRows, type ParquetEntry, ParquetFile, storedValue } from "./parquet-file.js";

export class ColumnsWriter {
  readonly #columns: readonly [name: string, type: Columns[string]][];
  readonly #file: ParquetFile;
  readonly #ids = new BigInt64Array(groupRows);
  #values: ColumnValue[][];
  #held = 0;
  #next = 0;

  /** @param path file to be written, replaced if it is there */
  constructor(path: string, columns: Columns) {
    this.#columns = Object.entries(columns);
    this.#values = this.#columns.map(() => []);
    this.#file = new ParquetFile(path, [
      { name: "id", type: "INT64", repetition_type: "REQUIRED" },
      ...this.#columns.map(([name, type]) => columnElement(name, type)),
    ]);
  }

  /** Id of the sample whose row is next. */
  get next(): number {
    return this.#next;
  }

  /** Values of the next sample, in the order of the columns; null for those that are missing. */
  add(values: readonly (ColumnValue | undefined)[]): void {
    for (let k = 0; k < this.#columns.length; k += 1)
      this.#values[k]!.push(storedValue(values[k], this.#columns[k]![1]));
    this.#ids[this.#held] = BigInt(this.#next);
    this.#held += 1;
    this.#next += 1;
    if (this.#held === groupRows) this.#writeGroup();
  }

  /** Rows without values, up to the sample `end`. */
  skipTo(end: number): void {
    while (this.#next < end) this.add([]);
  }

  /** Writes what is left and makes the file durable. */
  finish(): ParquetEntry {
    if (this.#held > 0) this.#writeGroup();
    return this.#file.finish();
  }

  #writeGroup(): void {
    this.#file.write([
      { name: "id", data: this.#ids.subarray(0, this.#held), encoding: "DELTA_BINARY_PACKED" },
      ...this.#columns.map(([name], k) => ({ name, data: this.#values[k]! })),
    ]);
    this.#values = this.#columns.map(() => []);
    this.#held = 0;
  }
}

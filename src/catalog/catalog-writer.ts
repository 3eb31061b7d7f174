// Writes a part of the catalog: one Parquet file per shard, a row per sample, in groups of rows so that memory stays
// bounded whatever the number of samples.

import fs from "node:fs";
import {
  type ColumnSource,
  fileWriter,
  ParquetWriter,
  type SchemaElement,
  type Writer,
} from "hyparquet-writer";
import { Hasher } from "../kernels/hasher.js";
import { ioError, readFully } from "../store/file.js";
import type { Fields } from "../tensor/field.js";

/** Rows that are held before they are written. */
const groupRows = 16_384;

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
}

/** Names of the columns that every catalog has; a class field may not take one. */
export const catalogColumns = ["id", "path", "row", "hash"] as const;

const text = { type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" } as const;

function schemaFor(labelNames: readonly string[]): SchemaElement[] {
  return [
    { name: "schema", num_children: 4 + labelNames.length },
    { name: "id", type: "INT64", repetition_type: "REQUIRED" },
    { name: "path", ...text },
    { name: "row", type: "INT64", repetition_type: "OPTIONAL" },
    ...labelNames.map((name) => ({ name, ...text })),
    { name: "hash", type: "INT64", converted_type: "UINT_64", repetition_type: "REQUIRED" },
  ];
}

export class CatalogWriter {
  readonly path: string;
  readonly #labelNames: readonly string[];
  readonly #writer: Writer;
  readonly #parquet: ParquetWriter;
  // Rows as columns: objects of thousands of rows would make the collector's young generation grow by tens of MiB.
  readonly #ids = new BigInt64Array(groupRows);
  readonly #hashes = new BigUint64Array(groupRows);
  #paths: string[] = [];
  #places: (bigint | null)[] = [];
  readonly #labels: string[][];
  #held = 0;
  #count = 0;

  /** @param path file to be written, replaced if it is there */
  constructor(path: string, fields: Fields) {
    this.path = path;
    this.#labelNames = Object.entries(fields).flatMap(([name, field]) =>
      field.kind === "class" ? [name] : [],
    );
    this.#labels = this.#labelNames.map(() => []);
    this.#writer = this.#guard(() => fileWriter(path));
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: schemaFor(this.#labelNames),
      createdBy: "spillway",
    });
  }

  add(row: CatalogRow): void {
    this.#ids[this.#held] = BigInt(row.id);
    this.#hashes[this.#held] = row.hash;
    this.#paths.push(row.path);
    this.#places.push(row.row === undefined ? null : BigInt(row.row));
    for (let k = 0; k < this.#labels.length; k += 1) this.#labels[k]!.push(row.labels[k]!);
    this.#held += 1;
    this.#count += 1;
    if (this.#held === groupRows) this.#writeGroup();
  }

  /** Writes what is left and makes the file durable; gives its rows, bytes and XXH64. */
  finish(): { rows: number; bytes: number; hash: string } {
    if (this.#held > 0) this.#writeGroup();
    return this.#guard(() => {
      void this.#parquet.finish();
      const fd = fs.openSync(this.path, "r+");
      try {
        fs.fsyncSync(fd);
        const bytes = fs.fstatSync(fd).size;
        return { rows: this.#count, bytes, hash: hashFile(fd, bytes, this.path) };
      } finally {
        fs.closeSync(fd);
      }
    });
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
    ];
    this.#paths = [];
    this.#places = [];
    this.#labelNames.forEach((_, k) => {
      this.#labels[k] = [];
    });
    this.#held = 0;
    this.#guard(() => void this.#parquet.write({ columnData, rowGroupSize: groupRows }));
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw ioError(cause, this.path, "cannot be written");
    }
  }
}

function hashFile(fd: number, byteLength: number, path: string): string {
  const hasher = new Hasher();
  const part = new Uint8Array(65_536);
  for (let at = 0; at < byteLength; at += part.length) {
    const take = Math.min(part.length, byteLength - at);
    readFully(fd, part, 0, take, at, { pathOf: () => path });
    hasher.update(part.subarray(0, take));
  }
  return hasher.finishHex();
}

// One Parquet file on its way to disk: groups of rows in, one after another, then footer, fsync and hash. What the parts
// of the catalog and of added columns have in common.

import fs from "node:fs";
import {
  type ColumnSource,
  fileWriter,
  ParquetWriter,
  type SchemaElement,
  type Writer,
} from "hyparquet-writer";
import type { ColumnType, ColumnValue } from "../format/columns.js";
import { Hasher } from "../kernels/hasher.js";
import { ioError, readFully } from "../store/file.js";

/** Rows that are held before they are written. */
export const groupRows = 16_384;

/** What a finished file is. */
export interface ParquetEntry {
  rows: number;
  bytes: number;
  /** XXH64, 16 hexadecimal digits. */
  hash: string;
}

export class ParquetFile {
  readonly path: string;
  readonly #writer: Writer;
  readonly #parquet: ParquetWriter;
  #rows = 0;

  /** @param path file to be written, replaced if it is there */
  constructor(path: string, columns: readonly SchemaElement[]) {
    this.path = path;
    this.#writer = this.#guard(() => fileWriter(path));
    this.#parquet = new ParquetWriter({
      writer: this.#writer,
      schema: [{ name: "schema", num_children: columns.length }, ...columns],
      createdBy: "spillway",
    });
  }

  /** Writes one group; every column has as many values as the first. */
  write(columnData: ColumnSource[]): void {
    this.#rows += columnData[0]!.data.length;
    this.#guard(() => void this.#parquet.write({ columnData, rowGroupSize: groupRows }));
  }

  /** Writes the footer and makes the file durable. */
  finish(): ParquetEntry {
    return this.#guard(() => {
      void this.#parquet.finish();
      const fd = fs.openSync(this.path, "r+");
      try {
        fs.fsyncSync(fd);
        const bytes = fs.fstatSync(fd).size;
        return { rows: this.#rows, bytes, hash: hashFile(fd, bytes, this.path) };
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw ioError(cause, this.path, "cannot be written");
    }
  }
}

/** A text that is never missing. */
export const requiredText = {
  type: "BYTE_ARRAY",
  converted_type: "UTF8",
  repetition_type: "REQUIRED",
} as const;

const physical = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  int64: { type: "INT64" },
  double: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
} as const;

/** A column of the user's as Parquet declares it. */
export function columnElement(name: string, type: ColumnType): SchemaElement {
  return { name, ...physical[type], repetition_type: "OPTIONAL" };
}

/** A value as hyparquet-writer takes it. */
export function storedValue(value: ColumnValue | undefined, type: ColumnType): ColumnValue {
  if (value === undefined || value === null) return null;
  if (type === "int64" && typeof value === "number") return BigInt(value);
  return type === "double" && typeof value === "bigint" ? Number(value) : value;
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

// Rows of values as bytes, for scratch files: a row goes out in one piece and comes back the same. Each value says what it
// is, since the type of a column may be decided only when all its values have been seen.
//
//   row     number (float64) | value | value | ...
//   value   0 missing | 1 float64 | 2 int64 | 3 true | 4 false | 5 length (uint32), UTF-8

import type { ColumnValue } from "../format/columns.js";

const encoder = new TextEncoder();
/** UTF-8 has at most 3 bytes for each UTF-16 unit. */
const maxBytesPerUnit = 3;

/** Turns one row after another into bytes, in memory that it uses again. */
export class RowEncoder {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  /** The bytes of a row, valid until the next call. */
  encode(number: number, values: readonly ColumnValue[]): Uint8Array {
    this.#used = 0;
    this.#reserve(8);
    this.#view.setFloat64(0, number, true);
    this.#used = 8;
    for (const value of values) {
      if (typeof value === "string") this.#putText(value);
      else this.#put(value);
    }
    return this.#bytes.subarray(0, this.#used);
  }

  #put(value: Exclude<ColumnValue, string>): void {
    this.#reserve(9);
    const at = this.#used;
    this.#bytes[at] =
      value === null ? 0 : typeof value === "number" ? 1 : typeof value === "bigint" ? 2 : value ? 3 : 4;
    if (typeof value === "number") this.#view.setFloat64(at + 1, value, true);
    else if (typeof value === "bigint") this.#view.setBigInt64(at + 1, value, true);
    this.#used += typeof value === "number" || typeof value === "bigint" ? 9 : 1;
  }

  #putText(text: string): void {
    this.#reserve(5 + text.length * maxBytesPerUnit);
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(this.#used + 5));
    this.#bytes[this.#used] = 5;
    this.#view.setUint32(this.#used + 1, written, true);
    this.#used += 5 + written;
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** A row as it was encoded. */
export interface DecodedRow {
  number: number;
  values: ColumnValue[];
}

/** @param bytes exactly one row */
export function decodeRow(bytes: Buffer): DecodedRow {
  const values: ColumnValue[] = [];
  const number = bytes.readDoubleLE(0);
  for (let at = 8; at < bytes.length; ) {
    const tag = bytes[at]!;
    at += 1;
    if (tag === 1) {
      values.push(bytes.readDoubleLE(at));
      at += 8;
    } else if (tag === 2) {
      values.push(bytes.readBigInt64LE(at));
      at += 8;
    } else if (tag === 5) {
      const end = at + 4 + bytes.readUInt32LE(at);
      values.push(bytes.toString("utf8", at + 4, end));
      at = end;
    } else values.push(tag === 0 ? null : tag === 3);
  }
  return { number, values };
}

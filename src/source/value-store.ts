// Values of one column of a table in little memory: numbers as such, texts once for each different one (up to a limit),
// and a bit for those that are missing.

import type { ColumnType, ColumnValue } from "../format/columns.js";

/** Different texts that are shared between rows; a column with more has hardly any that repeat. */
const maxShared = 65_536;

type Numbers = Float64Array | BigInt64Array | Uint8Array;

/** A column that grows row by row. */
export class ValueStore {
  readonly type: ColumnType;
  #numbers: Numbers;
  readonly #texts: (string | null)[] = [];
  readonly #shared = new Map<string, string>();
  #missing = new Uint8Array(64);
  #length = 0;

  constructor(type: ColumnType) {
    this.type = type;
    this.#numbers =
      type === "int64"
        ? new BigInt64Array(64)
        : type === "double"
          ? new Float64Array(64)
          : new Uint8Array(64);
  }

  get length(): number {
    return this.#length;
  }

  /** @param value of the column's type, int64 as bigint */
  add(value: ColumnValue): void {
    const row = this.#length;
    this.#length += 1;
    if (this.type === "string") {
      this.#texts.push(value === null ? null : this.#share(value as string));
      return;
    }
    if (row === this.#numbers.length) this.#numbers = grown(this.#numbers);
    if (row >= this.#missing.length * 8) this.#missing = grown(this.#missing);
    if (value === null) this.#missing[row >>> 3]! |= 1 << (row & 7);
    else
      (this.#numbers as unknown as ColumnValue[])[row] = typeof value === "boolean" ? Number(value) : value;
  }

  get(row: number): ColumnValue {
    if (this.type === "string") return this.#texts[row]!;
    if ((this.#missing[row >>> 3]! >>> (row & 7)) & 1) return null;
    const value = this.#numbers[row]!;
    return this.type === "boolean" ? value === 1 : value;
  }

  #share(text: string): string {
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    if (this.#shared.size < maxShared) this.#shared.set(text, text);
    return text;
  }
}

function grown<T extends Numbers>(numbers: T): T {
  const larger = new (numbers.constructor as new (length: number) => T)(numbers.length * 2);
  (larger as Uint8Array).set(numbers as Uint8Array);
  return larger;
}

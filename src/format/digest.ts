// The fingerprint of a commit: 16 digits that tell which samples its rows are, and nothing of how they lie on disk or in
// how many bits they are stored. The same samples with the same ids have the same fingerprint, whether they are packed,
// indexed, compacted or converted: orders, splits and resume tokens depend on it, and stay what they are.
//
//   XXH64 of JSON [fingerprint before | null, rows, fields, digest of the hashes, digest of each class field's labels]
//
// Fields are those before bits were cut. A digest is the XXH64 of the column: content hashes as uint64, labels as stored, in id order, little-endian.

import { Hasher, hashHex, hexDigits } from "../kernels/hasher.js";
import { type Fields, fieldsOfContent } from "../tensor/field.js";

export class CommitDigest {
  readonly #hashes = new Hasher();
  readonly #labels: readonly Hasher[];
  #rows = 0;

  /** @param fields those of the dataset; class names may still be missing */
  constructor(fields: Fields) {
    this.#labels = classNames(fields).map(() => new Hasher());
  }

  /**
   * Takes in the next rows in id order.
   *
   * @param hashes content hash of each
   * @param labels their labels as stored, for each class field in the order of the fields
   */
  add(hashes: BigUint64Array, labels: readonly Uint8Array[]): void {
    this.#rows += hashes.length;
    this.#hashes.update(new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength));
    this.#labels.forEach((hasher, k) => {
      hasher.update(labels[k]!);
    });
  }

  /**
   * The fingerprint of the rows so far; more may be added.
   *
   * @param fields with the class names that the commit knows
   * @param before fingerprint of the commit before, undefined for the first
   */
  fingerprint(fields: Fields, before: string | undefined): string {
    const content = [
      before ?? null,
      this.#rows,
      fieldsOfContent(fields),
      hexDigits(this.#hashes.peek()),
      this.#labels.map((hasher) => hexDigits(hasher.peek())),
    ];
    return hashHex(new TextEncoder().encode(JSON.stringify(content)));
  }
}

/** Names of the class fields, in the order of the fields. */
export function classNames(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, field]) => (field.kind === "class" ? [name] : []));
}

// Whether the fingerprints of a dataset's commits are those of its rows: computed anew from the catalog's hashes and the
// stored labels as they are verified.

import { fieldsOfCommit } from "../format/commits.js";
import { CommitDigest } from "../format/digest.js";
import { type Manifest, manifestName } from "../format/manifest.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import type { ProblemList } from "./verify-problems.js";

export class CommitCheck {
  readonly #manifest: Readonly<Manifest>;
  readonly #strides: readonly number[];
  #digest: CommitDigest;
  #commit = 0;
  #rows = 0;
  readonly #wrong: { commit: number; said: string; found: string }[] = [];

  constructor(manifest: Readonly<Manifest>) {
    this.#manifest = manifest;
    const fields = manifest.fields as Fields;
    this.#strides = Object.values(fields).flatMap((field) =>
      field.kind === "class" ? [fieldStride(field)] : [],
    );
    this.#digest = new CommitDigest(fields);
  }

  /** Takes in whole rows, in id order. */
  add(hashes: BigUint64Array, labels: readonly Uint8Array[]): void {
    for (let from = 0; from < hashes.length; ) {
      const commit = this.#manifest.commits[this.#commit];
      if (!commit) return;
      const take = Math.min(hashes.length - from, commit.rows - this.#rows);
      this.#digest.add(
        hashes.subarray(from, from + take),
        labels.map((bytes, k) => bytes.subarray(from * this.#strides[k]!, (from + take) * this.#strides[k]!)),
      );
      this.#rows += take;
      from += take;
      if (this.#rows === commit.rows) this.#finish();
    }
  }

  /** Says which commits are wrong; nothing where rows were left out because they are damaged themselves. */
  report(problems: ProblemList): void {
    if (this.#rows !== this.#manifest.rows) return;
    for (const { commit, said, found } of this.#wrong) {
      const what = `${manifestName} is damaged: commit ${commit + 1} has fingerprint ${said}, its rows give ${found}`;
      problems.add({ path: manifestName, what, remedy: "Restore it from a copy, or pack again." });
    }
  }

  #finish(): void {
    const { commits, packing } = this.#manifest;
    const { fingerprint: said } = commits[this.#commit]!;
    const fields = fieldsOfCommit(this.#manifest, this.#commit);
    const found = this.#digest.fingerprint(fields, commits[this.#commit - 1]?.fingerprint);
    // What is being packed may not be told by its rows yet, where the catalog comes at the end.
    const isOpen = packing !== undefined && this.#commit === commits.length - 1;
    if (found !== said && !isOpen) this.#wrong.push({ commit: this.#commit, said, found });
    this.#commit += 1;
    this.#digest = new CommitDigest(this.#manifest.fields as Fields);
  }
}

// Which rows a view consists of: a range, or bits. The bits are read, or were made already, and go into the pool when
// the first loop over them starts.

/** The rows of a view, and a fingerprint of the choice that orders and resume tokens depend on. */
export interface Selection {
  /** Samples in the view. */
  count: number;
  /** 16 hexadecimal digits: changes with the dataset's content at the commit, or with the choice. */
  fingerprint: string;
  rows: { kind: "range"; start: number } | SelectedBits;
}

/** Rows as bits: row r is bit r % 8, lowest first, of byte floor(r / 8). */
export interface SelectedBits {
  kind: "bits";
  /** Rows that the bits speak of. */
  rows: number;
  /** XXH64 of the bits: loops over the same rows share one copy in the pool. */
  hash: string;
  /** Gives the bits, ceil(rows / 8) bytes. Called once for all loops. */
  read(): Uint8Array;
}

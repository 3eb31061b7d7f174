// Which rows a view consists of: a range, or the bits of a file. Plain data; the bits go into the pool when the first
// loop over them starts.

/** The rows of a view, and a fingerprint of the choice that orders and resume tokens depend on. */
export interface Selection {
  /** Samples in the view. */
  count: number;
  /** 16 hexadecimal digits: changes with the dataset's content at the commit, or with the choice. */
  fingerprint: string;
  rows: { kind: "range"; start: number } | { kind: "bits"; path: string; hash: string; rows: number };
}

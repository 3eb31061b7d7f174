// What annotating can be told, what it tells, and what rows look like between the two steps: from a table or a program
// into DuckDB, and from there into a part.

import type { SpillwayError } from "../errors.js";
import type { Columns } from "../format/columns.js";

export interface AnnotateOptions {
  /** Tables: the column that says which sample a row is of; default: the first called id, path, file, filename. */
  key?: string;
  /** Whether rows that are of no sample may be left out; default: they are an error. */
  partial?: boolean;
  /** Rows of a program: types of the columns; default: as the values are. */
  columns?: Columns;
  /** Memory for sorting, such as "256 MiB" (the default); what does not fit goes to disk for the time. */
  memory?: string | number;
  /** Told what was found and decided, one sentence at a time. */
  onNote?: (note: string) => void;
  onProgress?: (progress: { samples: number; total: number }) => void;
}

/** What was added. */
export interface Annotated {
  /** Number of this version of the columns. */
  version: number;
  columns: Columns;
  /** Samples that have values now. */
  rows: number;
  /** Samples without a row: their values are missing. */
  without: number;
  /** Rows that are of no sample, which were left out. */
  leftOut: number;
}

/** A row as a program gives it: the id of a sample, and values by column. */
export type GivenRow = { readonly id: number | bigint } & { readonly [column: string]: unknown };

/** Rows brought into DuckDB, in any order. */
export interface Staged {
  columns: Columns;
  /** Where they come from, for messages. */
  from: string;
  /**
   * A query that gives, for each row: id of the sample (NULL where there is none), its own number, what it calls the
   * sample, and the columns' values: id, line, name, v0, v1 and so on.
   */
  sql: string;
  notes: readonly string[];
  /** What DuckDB complains of while it reads the rows, in our words. */
  wordError?(cause: unknown): SpillwayError;
}

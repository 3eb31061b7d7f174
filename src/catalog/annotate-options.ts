// What annotating can be told, what it tells, and how rows come to it, from a table or from a program.

import type { Columns, ColumnValue } from "../format/columns.js";

export interface AnnotateOptions {
  /** Tables: the column that says which sample a row is of; default: the first called id, path, file, filename. */
  key?: string;
  /** Whether rows that are of no sample may be left out; default: they are an error. */
  partial?: boolean;
  /** Rows of a program: types of the columns; default: as the values are. */
  columns?: Columns;
  /** Told what was found and decided, one sentence at a time. */
  onNote?: (note: string) => void;
  onProgress?: (progress: AnnotateProgress) => void;
}

export interface AnnotateProgress {
  /** "reading" takes the rows in, as many as come; "writing" puts them into the order of the samples. */
  phase: "reading" | "writing";
  /** Rows taken in, or samples written. */
  done: number;
  total: number | undefined;
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

/** A row on its way. */
export interface KeyedRow {
  /** The number of a sample, or a path (with a row) as `placeKey` writes it; null where the cell is empty. */
  key: number | string | null;
  /** In the order of the columns. */
  values: readonly ColumnValue[];
}

/** Rows in any order, to be taken once. */
export interface GivenRows {
  /** Where they come from, for messages. */
  readonly from: string;
  readonly kind: "number" | "path" | "path and row";
  readonly rows: AsyncIterable<KeyedRow>;
  /** The columns, known for certain when all rows were taken. */
  columns(): Columns;
}

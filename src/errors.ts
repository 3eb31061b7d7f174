// The one error class of Spillway. Every problem that a user can meet carries a stable code, the place where it
// happened as typed fields, and what to do about it. Level 0: everything may import this, this imports nothing.
// Rule: a message says what, where (with the numbers), and what to do, in that order.

/**
 * What kind of problem it is; stable, for programs to branch on.
 *
 * - `usage`: an option, flag or argument does not make sense
 * - `missing`: a file, dataset, split, field or optional package is not there
 * - `exists`: what would be created is there already
 * - `locked`: another process is writing to the dataset
 * - `source`: the raw data cannot be used as it is
 * - `corrupt`: a dataset's file is damaged
 * - `version`: a dataset or token was written by a newer Spillway
 * - `memory`: the memory given is too small
 * - `space`: the disk is full, or would be
 * - `io`: the operating system refused to read or write
 * - `mismatch`: two things that must belong together do not (a resume token and a view, say)
 * - `thread`: a reader thread died, or none could be started
 */
export type ErrorCode =
  | "usage"
  | "missing"
  | "exists"
  | "locked"
  | "source"
  | "corrupt"
  | "version"
  | "memory"
  | "space"
  | "io"
  | "mismatch"
  | "thread";

/** Where a problem was met; only the fields that are known. Bytes are half-open ranges. */
export interface ErrorPlace {
  path?: string;
  dataset?: string;
  shard?: string;
  field?: string;
  /** Id of the sample: its row in the catalog. */
  sample?: number;
  /** Row in a source file, from 0. */
  row?: number;
  startByte?: number;
  endByte?: number;
  /** For `memory`: the smallest number of bytes that works. */
  neededBytes?: number;
}

/** Plain-data form of an error, for messages between threads and for `--json`. */
export interface ErrorRecord {
  code: ErrorCode;
  what: string;
  remedy: string;
  where: ErrorPlace;
  cause?: string;
  stack?: string;
}

/** Thrown for every problem that a user can meet: `code`, `where` and `remedy` are its typed parts. */
export class SpillwayError extends Error {
  override readonly name = "SpillwayError";
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly where: ErrorPlace;

  constructor(
    code: ErrorCode,
    what: string,
    details: { remedy: string; where?: ErrorPlace; cause?: unknown },
  ) {
    super(`${what}. ${details.remedy}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.what = what;
    this.remedy = details.remedy;
    this.where = details.where ?? {};
  }

  /** The error as plain data. */
  toJSON(): ErrorRecord {
    return {
      code: this.code,
      what: this.what,
      remedy: this.remedy,
      where: this.where,
      ...(this.cause === undefined ? {} : { cause: String(this.cause) }),
    };
  }
}

/** Plain data of any thrown value, so that it can cross to another thread with its stack. */
export function recordError(thrown: unknown): ErrorRecord {
  if (thrown instanceof SpillwayError) return { ...thrown.toJSON(), stack: thrown.stack ?? "" };
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    code: "thread",
    what: `A reader thread failed: ${error.message}`,
    remedy: "This is a defect of Spillway: please report it with the stack in `cause`.",
    where: {},
    cause: error.stack ?? error.message,
    stack: error.stack ?? "",
  };
}

/** The error that a record was made from, to be thrown on this side. */
export function restoreError(record: ErrorRecord): SpillwayError {
  const { code, what, remedy, where, cause, stack } = record;
  const error = new SpillwayError(code, what, { remedy, where, ...(cause === undefined ? {} : { cause }) });
  if (stack) error.stack = stack;
  return error;
}

/** Code of a system error such as "ENOENT", or an empty string. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}

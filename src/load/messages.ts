// What is said between the main thread and a reader thread. Both sides import this; everything in it is plain data or
// shared memory.

import type { AugmentationPlan } from "../augment/plan.js";
import type { ErrorRecord } from "../errors.js";
import type { Schedule } from "../order/schedule.js";
import type { ImagePlan } from "./image-crop.js";
import type { MakingPlan } from "./making-plan.js";
import type { LoopPlan } from "./plan.js";
import type { ReadingWords } from "./reading-words.js";
import type { DatasetTable } from "./table.js";

/** Where something lies in the pool. */
export interface Place {
  segment: number;
  address: number;
}

/** What a dataset keeps in memory whole, for all loops. */
export interface ResidentTable {
  /** By column: its records, all rows, or undefined where they are read like others. */
  columns: readonly (Place | undefined)[];
  /** By column: its sums, or undefined where they are read from the .sums files. */
  sums: readonly (Place | undefined)[];
  /** One bit per sum of each column: whether this process has checked it. Undefined: check at every read. */
  checked: readonly (Place | undefined)[];
  /** By column: the offsets of encoded images, rows + 1 int32 for each shard; undefined where they are read as needed. */
  offsets?: readonly (Place | undefined)[];
}

/** `workerData` of a reader thread. */
export interface ReaderStart {
  module: WebAssembly.Module;
  segments: readonly WebAssembly.Memory[];
  /** The memory given. */
  memoryBytes: number;
  table: DatasetTable;
  /** What all readers of the dataset share. */
  reading: ReadingWords;
  /** Number of this thread among those of the dataset. */
  thread: number;
  /** Files that this reader keeps open at most. */
  maxOpenFiles: number;
}

/** How the rows of a view are found from their numbers 0 .. n-1 in it. */
export type RowTable =
  | { kind: "range"; start: number }
  | { kind: "bitmap"; rows: number; bits: Place; directory: Place };

/** How samples are drawn for positions, with what readers need for that. */
export type DrawingTable =
  | { kind: "permutation" }
  | {
      kind: "balanced";
      /** The labels of all rows, in order of id. */
      labels: Place;
      labelBytes: number;
      rowCount: number;
      /** The directory of classes over the view, see order/class-directory.ts. */
      directory: Place;
      classCount: number;
      listed: number;
    }
  | {
      kind: "weighted";
      /** Sums of blocks, then `count` weights, see order/weighted.ts. */
      weights: Place;
      count: number;
    };

/** What one reader is to read, and where to. */
interface ReadingJob {
  loop: number;
  plan: LoopPlan;
  schedule: Schedule;
  /** Undefined where the order is the catalog's. */
  seed: number | undefined;
  viewFingerprint: string;
  drawing: DrawingTable;
  rows: RowTable;
  residents: ResidentTable;
  reservation: Place;
  /** Number of this reader among those of the loop: which scratch is its own. */
  reader: number;
  /** What is done with encoded images, where there are any. */
  images?: ImagePlan | undefined;
}

/** One loop's work for one reader. */
export interface LoopJob extends ReadingJob {
  type: "loop";
  /** What the loop numbers its first batch; above 0 in tests only. */
  firstBatch: number;
}

/** One stream's work for one reader, see stream-control.ts. */
export interface StreamJob extends ReadingJob {
  type: "stream";
  /** Offset of the trainers' entries in the reservation. */
  entries: number;
  /** What was told before this reader came. */
  makings: readonly MakingJob[];
}

export type ReaderJob = LoopJob | StreamJob;

/** A trainer that has its batches made by the readers: they hear of it before it enters itself. */
export interface MakingJob {
  type: "making";
  /** The stream that it is of, by the number in its jobs. */
  loop: number;
  /** Its entry, and which of those that had it one after another it is. */
  trainer: number;
  serial: number;
  plan: MakingPlan;
  reservation: Place;
  schedule: Schedule;
  /** Position of the stream's sample 0; undefined where the stream goes by this schedule. */
  origin: number | undefined;
  augmentation: AugmentationPlan;
  seed: number;
}

export type ToReader = ReaderJob | MakingJob;

/** What a reader says once, when it has loaded all that it needs to begin. */
export interface Ready {
  type: "ready";
}

/** What a reader says when it has ended its job. */
export type Ended = { type: "ended"; loop: number } | { type: "failed"; loop: number; error: ErrorRecord };

/** What a reader says while it is at work: the batches of a trainer cannot be made. It goes on for the others. */
export interface MakingFailed {
  type: "making-failed";
  loop: number;
  trainer: number;
  serial: number;
  error: ErrorRecord;
}

export type FromReader = Ready | Ended | MakingFailed;

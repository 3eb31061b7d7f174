// Where the rows of a dataset go, one file at a time: a shard that holds the samples, or an index that says where they
// are. The dataset's writer fills either, block by block.

import type { ShardEntry } from "../format/manifest.js";
import type { Fields } from "../tensor/field.js";
import type { Block } from "./block.js";

/** What a sink is made with. */
export interface SinkOptions {
  /** Folder of the dataset. */
  folder: string;
  /** Number of the file in the dataset. */
  number: number;
  /** Class lists may still grow. */
  fields: Fields;
  /** Most rows that it will have. */
  capacity: number;
  /** Bytes for class names that are not known yet. */
  spareBytes: number;
}

export interface RowSink {
  /** Rows that still fit, by their number. */
  readonly room: number;
  /** How many of the first `count` records of a block still fit, by their number and their bytes. */
  fitting(block: Block, count: number): number;
  /** Takes in the sums of the first `count` records of a block, and gives the content hash of each. */
  sum(block: Block, count: number): BigUint64Array;
  /** Takes in the records themselves, after their sums. */
  write(block: Block, count: number): Promise<void>;
  /**
   * Writes what is left, makes everything durable, and gives the entry for the manifest.
   *
   * @param block any block of these fields, free to be used for the last sums
   * @param fields with the class names that the header is to tell
   */
  finish(block: Block, fields: Fields): Promise<ShardEntry>;
  /** Gives the file up; what was written of it is named nowhere. */
  abandon(): Promise<void>;
}

export type CreateSink = (options: SinkOptions) => RowSink;

// What `pack` can be told, and what it tells: the types that both pack.ts and packer.ts go by.

import type { Layout } from "../format/manifest.js";
import type { Take } from "../order/take.js";
import type { SourceOptions } from "../source/source.js";
import type { Fields } from "../tensor/field.js";
import type { DtypeChoice } from "./stored-fields.js";

/** Where a pack stands; `total` is undefined while the number of samples is not known. */
export interface PackProgress {
  /**
   * What is being done: "reading" is pass 1 of two, "measuring" looks at all values for a choice of types, "writing" puts
   * samples into shards.
   */
  phase: "reading" | "measuring" | "writing";
  samples: number;
  total: number | undefined;
  /** Bytes of samples, as they will be stored, that lie behind. */
  bytes: number;
}

export interface PackOptions extends SourceOptions {
  /** Fields of an iterable's samples; default: inferred from the first one. */
  fields?: Fields;
  /** How samples lie on disk: "shuffled" (default) serves disks that seek badly, "source" keeps the order. */
  layout?: Layout["kind"];
  /** Seed of the shuffled layout, default 0. */
  seed?: number;
  /** Memory for buffers, such as "256 MiB" (the default, or a quarter of what is free if that is less). */
  memory?: string | number;
  /** Samples that are read at the same time, where the source allows it; default 16. */
  jobs?: number;
  /** Bytes of samples per shard, default 1 GiB. */
  shardSize?: string | number;
  /** `append` only: gives up what an interrupted append left, where it was of other data. */
  discard?: boolean;
  /** `append` only: adds samples even if they are in the dataset already. */
  again?: boolean;
  /** Only some of the samples, at random by `seed`, for a first trial: a number, or a part such as "1%". */
  take?: Take;
  /** With `take`: equally many of each class, where the source tells classes before samples are read. */
  even?: boolean;
  /**
   * How tensors are stored, for all of them or by field: "keep" (default) as they come, "auto" in the smallest type from
   * which every value comes back, or a type. What samples are, their ids, order and splits do not depend on it.
   */
  dtype?: DtypeChoice | Readonly<Record<string, DtypeChoice>>;
  /** With `dtype: "auto"`: also types that lose something, where it is far below the noise of the values. */
  lossy?: boolean;
  /**
   * With a dtype: by tensor field, the axis of a sample whose places are channels with a formula each, null for one
   * formula; default: the field's channel axis, or that of a waveform by its shape.
   */
  channelAxis?: Readonly<Record<string, number | null>>;
  /** With a dtype: cuts values that it cannot hold to its range, and counts them; default: they are refused. */
  clip?: boolean;
  /** Stops between two blocks; what is packed by then is kept, and the next `pack` goes on from there. */
  signal?: AbortSignal;
  /** Told what was found and decided, one sentence at a time, before and while packing. */
  onNote?: (note: string) => void;
  onProgress?: (progress: PackProgress) => void;
}

/** What a finished pack made. */
export interface PackResult {
  path: string;
  fields: Fields;
  /** Samples in all. */
  rows: number;
  /** Samples that this pack brought, those of an interrupted run included. */
  added: number;
  /** Bytes of all shards. */
  bytes: number;
  shards: number;
  /** Samples of this pack that were in place already when it went on after an interruption. */
  resumedAt: number;
  /** Whether the samples stayed in their files. */
  isIndexed: boolean;
  /** Whether they were added to a dataset that was there. */
  isAppended: boolean;
}

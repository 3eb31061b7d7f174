// What loops and feeds over a view can be told.

import type { Augmentation } from "../augment/transform.js";
import type { ImageOptions } from "../load/image-crop.js";
import type { Deliver } from "../load/plan.js";
import type { OptionNames } from "../option-names.js";
import type { Last } from "../order/schedule.js";
import type { DrawingOptions } from "./drawing.js";
import type { Normalize } from "./normalize.js";

/** What loops and feeds have in common. */
export interface ReadingOptions extends DrawingOptions {
  /** Decides the order, default 0. The same seed gives the same order, whatever the memory, threads or ranks. */
  seed?: number;
  /** false: the catalog's order, the same in each epoch. Default true: each epoch a new permutation of all samples. */
  shuffle?: boolean;
  /**
   * Tensors as float32 (default); as float16, that is float32 rounded once more, raw bits in a Uint16Array; or as stored,
   * where `dataset.fields.wave.encoding` tells what the numbers stand for. Class labels are always as stored.
   */
  deliver?: Deliver;
  /**
   * "standard" delivers all tensor fields as (value - mean) / std of their channels, "range" as 0 .. 1, both by the
   * statistics of the training split (`measureStatistics`), whatever split of its scheme this is. Or tensor fields by
   * name with a mean and a std, one number for all or one for each channel:
   * { wave: { mean: [0.1, 9.8], std: [1.2, 0.7] } }. Costs nothing where values are decoded anyway; does not change
   * the order, and tokens do not depend on it.
   */
  normalize?: Normalize | undefined;
  /** Token of an earlier run (`batch.resume`): go on after that batch. Replaces `seed`; drawing must be the same. */
  resume?: string;
  /**
   * Encoded images: how they are brought to their size. Default: scaled to cover it and cut to the middle. With
   * crop: "random" another part of each in each epoch, by (seed, epoch, sample) alone.
   */
  images?: ImageOptions;
  /**
   * Reader threads at most; default: as many as pay on this machine and fit in half of the memory. Those beyond the
   * cores start when the ring runs short of samples.
   */
  readers?: number;
}

export interface BatchOptions extends ReadingOptions {
  /** Samples per batch and rank, default 32. */
  batchSize?: number;
  /** Epochs in all, default 1; a resumed run counts those that lie behind. Infinity is allowed. */
  epochs?: number;
  /** This process's number among `worldSize` that train together, default 0 of 1. */
  rank?: number;
  worldSize?: number;
  /**
   * Samples that do not fill a batch at an epoch's end: "keep" (default when alone), "drop" (default with ranks), "wrap"
   * fills it up from the same epoch's start, "join" from the next epoch.
   */
  last?: Last;
  /** Transforms of the samples, in this order, done by the readers: [jitter({ sigma: 0.03 })]. Tensors must come as float32. */
  augment?: readonly Augmentation[];
  /** Decides what augmentation draws for (epoch, sample), default the loop's seed. */
  augmentSeed?: number;
  /** Ends the loop, which then throws the signal's reason. */
  signal?: AbortSignal;
}

export interface FeedOptions extends ReadingOptions {
  /** Batch size of the largest trainer that will join when others are at work already; default: that of those before. */
  largestBatch?: number;
  /**
   * Looks for trainers that write into what they share, and fills batches with NaN when they are given back. Costs a
   * copy and two hashes of every batch.
   */
  debug?: boolean;
}

const readingOptions: OptionNames<ReadingOptions> = {
  seed: true,
  shuffle: true,
  balance: true,
  weights: true,
  deliver: true,
  normalize: true,
  resume: true,
  images: true,
  readers: true,
};

/** The names of those of loops. */
export const batchOptions: OptionNames<BatchOptions> = {
  batchSize: true,
  epochs: true,
  ...readingOptions,
  rank: true,
  worldSize: true,
  last: true,
  augment: true,
  augmentSeed: true,
  signal: true,
};

/** The names of those of feeds. */
export const feedOptions: OptionNames<FeedOptions> = { ...readingOptions, largestBatch: true, debug: true };

// What a trainer asks for when it joins a feed, checked.

import type { Augmentation } from "../augment/transform.js";
import { SpillwayError } from "../errors.js";
import { checkOptionNames, type OptionNames, requireOneOf } from "../option-names.js";
import { type Last, lasts, requireWhole } from "../order/schedule.js";
import type { Slow } from "./seat.js";

export interface TrainerOptions {
  /** Samples per batch, default 32. */
  batchSize?: number;
  /**
   * Epochs, default 1. Of a trainer that is there from the start, epochs in all, as of `batches()`; of a later one,
   * epochs that it sees whole. Infinity is allowed.
   */
  epochs?: number;
  /** Samples that do not fill a batch at an epoch's end, as of `batches()`; default "keep". */
  last?: Last;
  /** Transforms of this trainer's samples, in this order: [jitter({ sigma: 0.03 })]. Tensors must come as float32. */
  augment?: readonly Augmentation[];
  /** Decides what augmentation draws, default the feed's seed. */
  augmentSeed?: number;
  /**
   * "wait" (default): the others wait when this trainer is slow. "skip": they do not, and it is made to skip what it
   * missed; `batch.skipped` says how many samples. Its batches are copies then.
   */
  slow?: Slow;
  /**
   * Where it joins when the feed is at work: at the next epoch, "boundary" (default), or "now". Its first epoch is then
   * the rest of the current one, and its batches are marked `partial`.
   */
  late?: "boundary" | "now";
  /** What errors and stats call it; default "trainer 1" and so on. */
  name?: string;
  /** Ends it: its loop throws the signal's reason. */
  signal?: AbortSignal;
}

/** The same with nothing left out. */
export interface TrainerRequest {
  batchSize: number;
  epochs: number;
  last: Last;
  augment: readonly Augmentation[];
  augmentSeed: number;
  slow: Slow;
  late: "boundary" | "now";
  name: string;
  signal: AbortSignal | undefined;
}

const trainerOptions: OptionNames<TrainerOptions> = {
  batchSize: true,
  epochs: true,
  last: true,
  augment: true,
  augmentSeed: true,
  slow: true,
  late: true,
  name: true,
  signal: true,
};

/** @param defaults those of the feed; @throws SpillwayError `usage` */
export function checkTrainer(
  options: TrainerOptions,
  defaults: { name: string; seed: number; n: number },
): TrainerRequest {
  checkOptionNames("trainer()", options, trainerOptions);
  const {
    batchSize = 32,
    epochs = 1,
    last = "keep",
    augment = [],
    slow = "wait",
    late = "boundary",
  } = options;
  const { name = defaults.name, augmentSeed = defaults.seed, signal } = options;
  requireWhole("batchSize", batchSize, 1);
  if (epochs !== Number.POSITIVE_INFINITY) requireWhole("epochs", epochs, 1);
  requireOneOf("last", last, lasts);
  requireOneOf("slow", slow, ["wait", "skip"]);
  requireOneOf("late", late, ["boundary", "now"]);
  if (augment.length > 0 && slow === "skip") {
    throw new SpillwayError("usage", `${name} has augmentation and may be made to skip`, {
      remedy: 'Leave out slow: "skip": readers make its batches, a few ahead.',
    });
  }
  if (last === "wrap" && late === "now") {
    throw new SpillwayError("usage", `${name} joins in the middle of an epoch, whose start is gone`, {
      remedy: 'Use late: "boundary" with last: "wrap", or last: "keep".',
    });
  }
  if (last === "wrap" && slow === "skip") {
    throw new SpillwayError(
      "usage",
      `${name} may be made to skip the epoch's start, with which it fills the last batch up`,
      {
        remedy: 'Use last: "keep" or "drop" with slow: "skip".',
      },
    );
  }
  if ((last === "wrap" || last === "drop") && batchSize > defaults.n) {
    throw new SpillwayError("usage", `${defaults.n} samples do not fill one batch of ${batchSize}`, {
      remedy: `Lower batchSize to ${defaults.n}, or use last: "keep".`,
    });
  }
  return { batchSize, epochs, last, augment, augmentSeed, slow, late, name, signal };
}

/** Batches that a whole epoch of `size` samples makes. */
export function batchesPerEpoch(
  size: number,
  { batchSize, last }: Pick<TrainerRequest, "batchSize" | "last">,
): number {
  return last === "drop" ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
}

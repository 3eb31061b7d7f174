// What a feed refuses, and why: each with the way out.

import { SpillwayError } from "../errors.js";
import { maxTrainers } from "../load/stream-control.js";
import type { TrainerRequest } from "./trainer-options.js";

export function feedClosed(): SpillwayError {
  return new SpillwayError("usage", "the trainer was ended: its feed is closed", {
    remedy: "Close the feed after its trainers, not before.",
  });
}

export function hasLeft(name: string): SpillwayError {
  return new SpillwayError("usage", `${name} has left its feed`, {
    remedy: "Call feed.trainer() again for another one.",
  });
}

export function takenBefore(name: string): SpillwayError {
  return new SpillwayError("usage", `the batches of ${name} were taken already`, {
    remedy: "Call feed.trainer() again for another one.",
  });
}

/** For a trainer in a worker thread, which cannot be told the signal's own reason. */
export function wasAborted(name: string): SpillwayError {
  return new SpillwayError("usage", `${name} was ended by its signal`, {
    remedy: "Start another trainer; batch.resume says where this one stood.",
  });
}

export function tooManyTrainers(name: string): SpillwayError {
  return new SpillwayError("usage", `${name} is one too many: a feed has at most ${maxTrainers} trainers`, {
    remedy: "Make a second feed, or let others leave.",
  });
}

/** @param slots of the ring; @param needed slots that the trainer needs */
export function tooLargeForRing(
  { name, batchSize }: TrainerRequest,
  slots: number,
  needed: number,
): SpillwayError {
  return new SpillwayError(
    "memory",
    `${name} asks for batches of ${batchSize}, which needs a ring of ${needed} samples, and that of the feed, which is at work, has room for ${slots}`,
    {
      remedy: `Let it join before the others ask for batches, or say feed({ largestBatch: ${batchSize} }).`,
    },
  );
}

/** @param left samples of the epoch that are left where the feed goes on */
export function startIsGone({ name, batchSize }: TrainerRequest, left: number): SpillwayError {
  return new SpillwayError(
    "usage",
    `${name} fills the last batch up from the epoch's start, which this feed does not read: it goes on in the middle of an epoch, with ${left} samples left of it`,
    {
      remedy: `Use last: "keep", "drop" or "join", or a batchSize that divides ${left}; not ${batchSize}.`,
    },
  );
}

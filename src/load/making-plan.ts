// The plan of what a trainer of a stream has for itself: a spare for batches that reach over the ring's end, or, where
// its batches are made (augmented), a small ring of its own that readers fill. Pure.
//
//   done per run | costs of each reader | ids | weights and partners (mixed batches) | each field ... | heads | scratch of each reader ...
//
// Heads are the first samples of an epoch as they were in the shared ring, for trainers that fill an epoch's last batch
// up from its start: those are gone from the ring by then.
//
// Rule: a made batch lies in place b % places; it is whole when all its runs are done, and free again when the trainer
// has given it back.

import type { AugmentationPlan } from "../augment/plan.js";
import { costWords } from "../augment/step-cost.js";
import { align, type DeliveredField, maxRunLength } from "./plan.js";

/** Places of a ring of made batches: one with the trainer, one that waits, one that is being made. */
const madePlaces = 3;

/** A made run is about this many bytes, so that several readers share a batch. */
const madeRunBytes = 128 * 1024;

/** Whether transforms work on a field: on float32, which labels never are. */
export function isAugmented({ delivered }: Pick<DeliveredField, "delivered">): boolean {
  return delivered === "float32";
}

/** First samples of epochs, kept. */
export interface HeadPlan {
  /** Samples of an epoch that are kept. */
  count: number;
  /** Epochs that are kept in turn: epoch e has the e % epochs-th part. */
  epochs: number;
  ids: number;
  /** By field: offset of the first sample. */
  fields: number[];
}

export interface MakingPlan {
  batchSize: number;
  /** 1 for a spare, which the trainer fills itself. */
  places: number;
  runLength: number;
  runsPerBatch: number;
  slotsPerBatch: number;
  done: number;
  /** What the transforms cost, see making-costs.ts: offset of the first reader's words, and of the next one's from there. */
  costs: { start: number; stride: number; readers: number };
  ids: number;
  /** Mixed batches: the weight of a sample's own label, float32, and which other one it is mixed with, int32. */
  mixed: { weights: number; partners: number } | undefined;
  /** By field: offset of the first slot. */
  fields: number[];
  heads: HeadPlan | undefined;
  scratchStart: number;
  /** What each reader has: for the augmentation, and behind it room for one sample that is mixed in. */
  scratch: { byteLength: number; partner: number; partnerFields: number[] };
  byteLength: number;
}

/** What a trainer asks for. */
export interface MakingRequest {
  batchSize: number;
  /** Undefined where batches are the shared samples as they are. */
  augmentation: AugmentationPlan | undefined;
  /** Samples with which the last batch of an epoch is filled up from its start. */
  wrapped: number;
}

/** @param readers that the stream has at most: each has scratch of its own */
export function planMaking(
  fields: readonly DeliveredField[],
  readers: number,
  { batchSize, augmentation, wrapped }: MakingRequest,
): MakingPlan {
  const places = augmentation ? madePlaces : 1;
  const sampleBytes = fields.reduce((sum, { deliveredStride }) => sum + deliveredStride, 0);
  const longest = augmentation
    ? Math.max(1, Math.min(maxRunLength, Math.floor(madeRunBytes / sampleBytes), batchSize))
    : batchSize;
  const runsPerBatch = Math.ceil(batchSize / longest);
  const runLength = Math.ceil(batchSize / runsPerBatch);
  const slotsPerBatch = runsPerBatch * runLength;
  const slots = places * slotsPerBatch;
  let at = 0;
  const place = (byteLength: number, unit = 64) => {
    const start = align(at, unit);
    at = start + byteLength;
    return start;
  };
  const done = place(places * runsPerBatch * 4);
  const costStride = align(augmentation ? costWords(augmentation) * 8 : 0);
  const costs = { start: place(costStride * readers), stride: costStride, readers };
  const ids = place(slots * 8);
  const mixed = augmentation?.mix ? { weights: place(slots * 4), partners: place(slots * 4) } : undefined;
  const made = fields.map(({ deliveredStride }) => place(slots * deliveredStride, 4096));
  const headEpochs = augmentation ? 2 : 1;
  const heads =
    wrapped > 0
      ? {
          count: wrapped,
          epochs: headEpochs,
          ids: place(headEpochs * wrapped * 8),
          fields: fields.map(({ deliveredStride }) => place(headEpochs * wrapped * deliveredStride)),
        }
      : undefined;
  const scratch = planScratch(fields, augmentation);
  const scratchStart = place(augmentation ? scratch.byteLength * readers : 0, 4096);
  return {
    batchSize,
    places,
    runLength,
    runsPerBatch,
    slotsPerBatch,
    done,
    costs,
    ids,
    mixed,
    fields: made,
    heads,
    scratchStart,
    scratch,
    byteLength: at,
  };
}

function planScratch(fields: readonly DeliveredField[], augmentation: AugmentationPlan | undefined) {
  const partner = align(augmentation?.scratchBytes ?? 0);
  let at = partner;
  const partnerFields = fields.map(({ deliveredStride }) => {
    const start = at;
    at = align(at + deliveredStride);
    return start;
  });
  return { byteLength: align(at, 4096), partner, partnerFields };
}

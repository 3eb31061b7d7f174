// A batch of a feed's trainer.

import { type Batch, type BatchViews, copyFields, HeldBatch, type Mixed } from "../load/batch.js";
import type { BatchPlan } from "../order/schedule.js";

/** Some samples, together. Valid until the trainer asks for the next batch; where it is shared, to be read only. */
export interface TrainerBatch extends Batch {
  /** Whether its epoch is one of which the trainer gets only the rest (`late: "now"`). */
  readonly partial: boolean;
  /** Samples that were skipped right before it, because the trainer was too slow (`slow: "skip"`). */
  readonly skipped: number;
  copy(): TrainerBatch;
}

export class HeldTrainerBatch extends HeldBatch implements TrainerBatch {
  readonly partial: boolean;
  readonly skipped: number;
  readonly mixed?: Mixed;

  constructor(
    views: BatchViews & { mixed?: Mixed | undefined },
    plan: Pick<BatchPlan, "size" | "epoch" | "index" | "wrapped">,
    own: { resume: string; partial: boolean; skipped: number },
  ) {
    super(views, plan, own.resume);
    this.partial = own.partial;
    this.skipped = own.skipped;
    if (views.mixed) this.mixed = views.mixed;
  }

  override copy(): TrainerBatch {
    const { mixed } = this;
    const views = {
      fields: copyFields(this.fields),
      ids: this.ids.slice(),
      ...(mixed && { mixed: { weights: mixed.weights.slice(), partners: mixed.partners.slice() } }),
    };
    return new HeldTrainerBatch(views, this, this);
  }
}

// The transforms of a loop or trainer, planned for the fields that it gets.

import { type AugmentationPlan, planAugmentation } from "../augment/plan.js";
import type { Augmentation } from "../augment/transform.js";
import { SpillwayError } from "../errors.js";
import { isAugmented } from "../load/making-plan.js";
import { planFields } from "../load/plan.js";
import type { StreamRequest } from "../load/stream.js";
import type { ColumnTable } from "../load/table.js";

/** What is delivered. */
export interface Delivery extends Pick<StreamRequest, "deliver" | "normalisations"> {
  columns: readonly ColumnTable[];
}

/**
 * @param who what errors call it
 * @returns undefined where nothing is to be done
 * @throws SpillwayError `usage` for transforms that make no sense, or where tensors are not delivered as float32
 */
export function planTransforms(
  augment: readonly Augmentation[],
  who: string,
  { columns, deliver, normalisations }: Delivery,
): AugmentationPlan | undefined {
  if (Array.isArray(augment) && augment.length === 0) return undefined;
  if (deliver !== "float32") {
    throw new SpillwayError("usage", `${who} has augmentation, and tensors are delivered as "${deliver}"`, {
      remedy: "Leave out deliver: transforms work on float32.",
    });
  }
  const fields = planFields(columns, deliver)
    .filter(isAugmented)
    .map(({ name, column }) => ({
      name,
      field: columns[column]!.field,
      isNormalised: normalisations?.[name] !== undefined,
    }));
  const plan = planAugmentation(augment, fields);
  return plan.isEmpty ? undefined : plan;
}

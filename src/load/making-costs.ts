// What the transforms of a trainer cost, said by the readers that make its batches in words of the trainer's own memory:
// a part of them for each reader, which it alone writes, once for each run that it has made.

import type { AugmentationPlan } from "../augment/plan.js";
import { costsOf, costWords, type StepCost } from "../augment/step-cost.js";
import type { MakingPlan } from "./making-plan.js";

/** Where a trainer's own memory is. */
interface OwnMemory {
  memory: WebAssembly.Memory;
  address: number;
}

/** The words of one reader. */
export function viewCosts(
  { memory, address }: OwnMemory,
  { costs }: MakingPlan,
  augmentation: AugmentationPlan,
  reader: number,
): Float64Array {
  const at = address + costs.start + reader * costs.stride;
  return new Float64Array(memory.buffer, at, costWords(augmentation));
}

/** What all readers have said so far. */
export function sumCosts(
  own: OwnMemory,
  plan: MakingPlan,
  augmentation: AugmentationPlan | undefined,
): readonly StepCost[] {
  if (!augmentation) return [];
  const readers = Array.from({ length: plan.costs.readers }, (_, reader) =>
    viewCosts(own, plan, augmentation, reader),
  );
  return costsOf(augmentation, readers);
}

/** Begins the words in front of the samples anew: what lies there is of the memory's last user. */
export function clearMaking({ memory, address }: OwnMemory, { ids }: MakingPlan): void {
  new Uint8Array(memory.buffer, address, ids).fill(0);
}

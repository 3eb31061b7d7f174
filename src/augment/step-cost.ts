// What the steps of a plan cost, as every thread that works by it measures them: two numbers for each step, which travel
// through shared memory, and their sums with the steps' names.
//
//   words of a thread   samples, nanoseconds of step 0 | of step 1 | ... | of mixing

import type { AugmentationPlan } from "./plan.js";

/** What a step has cost so far. */
export interface StepCost {
  name: string;
  /** The fields that it changes, with a comma between them. */
  field: string;
  /** Samples that came by, changed or not; where batches are mixed, those that were mixed in too. */
  samples: number;
  /** Time of all of them in all threads, estimated from one in 16; and of one. */
  nanoseconds: number;
  nanosecondsPerSample: number;
}

/** Numbers that a thread writes. */
export function costWords({ steps, mix }: AugmentationPlan): number {
  return 2 * (steps.length + (mix ? 1 : 0));
}

/** What the threads have written, added up; mixing last. */
export function costsOf({ steps, mix }: AugmentationPlan, threads: readonly Float64Array[]): StepCost[] {
  const places: { name: string; field: string }[] = [...steps];
  if (mix) places.push({ name: mix.name, field: mix.fields.map(({ field }) => field).join(", ") });
  return places.map(({ name, field }, k) => {
    const sum = (at: number) => threads.reduce((total, words) => total + words[at]!, 0);
    const [samples, nanoseconds] = [sum(2 * k), sum(2 * k + 1)];
    return {
      name,
      field,
      samples,
      nanoseconds,
      nanosecondsPerSample: samples === 0 ? 0 : nanoseconds / samples,
    };
  });
}

// A plan at work in one thread: changes samples where they lie in shared memory, one at a time, by numbers that depend on
// (seed, epoch, sample, place in the list) alone. The loader's readers and the trainers of a feed call this.
// Rule: apply and mix write to the samples that they are given and to the scratch, and allocate nothing of their own.

import { bindKernels, type Kernels } from "../kernels/kernels.js";
import { checkSeed } from "../order/keys.js";
import { type CustomFunction, callCustom, importCustom } from "./custom.js";
import { Draw, purposes } from "./draw.js";
import type { Mix } from "./mixing.js";
import type { AugmentationPlan, AugmentationStep, CustomStep, SampleStep } from "./plan.js";
import { registry } from "./registry.js";
import type { Apply } from "./transform.js";

/** Where an Augmenter works. */
export interface AugmenterPlace {
  /** The compiled kernels, `kernelModule()`. */
  module: WebAssembly.Module;
  /** The shared memory in which the samples lie. */
  memory: WebAssembly.Memory;
  /** Address of `plan.scratchBytes` of it, a multiple of 16, that nobody else uses. */
  scratch: number;
  /** Safe integer from 0. */
  seed: number;
}

interface BoundStep {
  place: number;
  fieldIndex: number;
  probability: number;
  apply: Apply;
}

/** One sample in so many is timed. */
const timedEvery = 16;

export class Augmenter {
  readonly #plan: AugmentationPlan;
  readonly #steps: readonly BoundStep[];
  readonly #mixes: readonly { fieldIndex: number; mix: Mix }[];
  readonly #draw: Draw;
  readonly #partners: Draw;
  /** Of each step, and of mixing after them: samples that were timed, and how long they took in milliseconds. */
  readonly #timed: Float64Array;
  readonly #milliseconds: Float64Array;
  readonly #now: { epoch: number; id: number };
  #applied = 0;
  #mixed = 0;

  private constructor(plan: AugmentationPlan, place: AugmenterPlace, customs: readonly CustomFunction[]) {
    const { memory, seed, scratch } = place;
    const kernels = bindKernels(place.module, memory);
    this.#plan = plan;
    this.#draw = new Draw(kernels, purposes.sample, checkSeed(seed));
    this.#partners = new Draw(kernels, purposes.partner, seed);
    this.#now = { epoch: 0, id: 0 };
    const left = [...customs];
    this.#steps = plan.steps.map((step) => ({
      place: step.place,
      fieldIndex: step.fieldIndex,
      probability: step.probability,
      apply:
        step.kind === "custom"
          ? this.#bindCustom(step, left.shift()!, memory)
          : bindStep(step, kernels, memory, scratch, scratch + plan.work),
    }));
    const { mix } = plan;
    this.#mixes = (mix?.fields ?? []).map(({ fieldIndex, geometry, count }) => ({
      fieldIndex,
      mix: mixingOf(mix!.name).bind(kernels, geometry, count),
    }));
    this.#timed = new Float64Array(plan.steps.length + 1);
    this.#milliseconds = new Float64Array(plan.steps.length + 1);
  }

  /**
   * Binds a plan to a thread's memory: writes the tables of its scratch, and imports the modules of custom functions.
   *
   * @throws SpillwayError `usage` for a seed that is none, or a module that does not export its function
   */
  static async create(plan: AugmentationPlan, place: AugmenterPlace): Promise<Augmenter> {
    return new Augmenter(plan, place, await importAll(plan.steps));
  }

  /**
   * All steps of single samples on one sample, in place.
   *
   * @param addresses by the number of a field as it was planned: address of the sample's float32
   * @throws SpillwayError `usage` for a custom function that throws or gives what is no such sample
   */
  apply(epoch: number, id: number, addresses: ArrayLike<number>): void {
    const isTimed = this.#applied % timedEvery === 0;
    this.#applied += 1;
    this.#now.epoch = epoch;
    this.#now.id = id;
    const draw = this.#draw;
    draw.begin(epoch, id);
    let before = isTimed ? performance.now() : 0;
    for (let k = 0; k < this.#steps.length; k += 1) {
      const step = this.#steps[k]!;
      draw.open(step.place);
      // The first number of a stream decides, whatever the probability: the others do not depend on it.
      if (draw.fraction() < step.probability) step.apply(draw, addresses[step.fieldIndex]!);
      if (!isTimed) continue;
      const after = performance.now();
      this.#note(k, after - before);
      before = after;
    }
  }

  /**
   * With which sample of the batch sample k is mixed: (k + r) mod size, r from 1 to size - 1, the same for the batch.
   * That of a batch of one is itself.
   *
   * @param firstPlace place of the batch's first sample in the epoch
   */
  partnerOf(epoch: number, firstPlace: number, size: number, k: number): number {
    if (size < 2) return k;
    this.#partners.begin(epoch, firstPlace);
    this.#partners.open(this.#plan.mix?.place ?? 0);
    return (k + 1 + this.#partners.below(size - 1)) % size;
  }

  /**
   * Mixes the partner's values into the sample's, in place.
   *
   * @returns weight of the sample's own label, 0 to 1; that of the partner's is what is left
   */
  mix(epoch: number, id: number, addresses: ArrayLike<number>, partnerAddresses: ArrayLike<number>): number {
    const { mix } = this.#plan;
    if (!mix) return 1;
    const isTimed = this.#mixed % timedEvery === 0;
    this.#mixed += 1;
    const before = isTimed ? performance.now() : 0;
    const draw = this.#draw;
    draw.begin(epoch, id);
    draw.open(mix.place);
    let weight = 1;
    if (draw.fraction() < mix.probability) {
      const share = draw.beta(mix.alpha);
      for (const { fieldIndex, mix: mixField } of this.#mixes)
        weight = mixField(draw, addresses[fieldIndex]!, partnerAddresses[fieldIndex]!, share);
    }
    if (isTimed) this.#note(this.#steps.length, performance.now() - before);
    return weight;
  }

  /**
   * What each step has cost so far, mixing last: measured on one sample in 16, and scaled up.
   *
   * @param words that other threads read, `costWords(plan)` of them, see step-cost.ts
   */
  writeCosts(words: Float64Array): void {
    const { length } = this.#plan.steps;
    for (let k = 0; 2 * k < words.length; k += 1) {
      const samples = k < length ? this.#applied : this.#mixed;
      const timed = this.#timed[k]!;
      words[2 * k] = samples;
      words[2 * k + 1] = timed === 0 ? 0 : (this.#milliseconds[k]! * 1e6 * samples) / timed;
    }
  }

  #note(k: number, milliseconds: number): void {
    this.#timed[k]! += 1;
    this.#milliseconds[k]! += milliseconds;
  }

  #bindCustom(step: CustomStep, call: CustomFunction, memory: WebAssembly.Memory): Apply {
    const { settings, shape, count } = step;
    // A copy: what a user's function keeps or does to it stays out of memory that is shared.
    const sample = new Float32Array(count);
    const shared = new Float32Array(memory.buffer);
    const now = this.#now;
    const draw = this.#draw;
    const random = () => draw.fraction();
    return (_, address) => {
      const at = address / 4;
      for (let k = 0; k < count; k += 1) sample[k] = shared[at + k]!;
      const { epoch, id } = now;
      callCustom(call, settings, sample, { shape, random, options: settings.options, epoch, id });
      shared.set(sample, at);
    };
  }
}

function bindStep(
  { name, options, geometry, tables }: SampleStep,
  kernels: Kernels,
  memory: WebAssembly.Memory,
  scratch: number,
  work: number,
): Apply {
  const entry = registry.get(name);
  if (entry?.kind !== "sample")
    throw new RangeError(`the plan has ${name}, which is no transform of samples`);
  return entry.transform.bind({ kernels, memory, options, geometry, tables: scratch + tables, work });
}

function mixingOf(name: string) {
  const entry = registry.get(name);
  if (entry?.kind !== "mixing") throw new RangeError(`the plan mixes by ${name}, which does not`);
  return entry.transform;
}

/** The functions of the custom steps, in order. */
async function importAll(steps: readonly AugmentationStep[]): Promise<CustomFunction[]> {
  const customs = steps.filter((step) => step.kind === "custom");
  return Promise.all(customs.map(({ settings }) => importCustom(settings)));
}

/**
 * Imports the modules of a plan's custom functions, to find out what is wrong with them before threads start.
 *
 * @throws SpillwayError `usage` if a module cannot be imported or does not export its function
 */
export async function checkCustom(plan: AugmentationPlan): Promise<void> {
  await importAll(plan.steps);
}

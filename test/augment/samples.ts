// Samples in shared memory for tests of augmentation: a plan bound to a memory of its own, with samples in it and a
// pattern around everything that may be written.

import * as spillway from "spillway";
import { type Augmentation, tensor } from "spillway";
import { Augmenter } from "#spillway/augment/augmenter";
import { type AugmentationPlan, type AugmentField, planAugmentation } from "#spillway/augment/plan";
import { kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import type { TensorField } from "#spillway/tensor/field";

/** Where samples begin: a multiple of 4, not of 16. */
const first = 4100;
const gap = 4096;

export interface Bench {
  plan: AugmentationPlan;
  augmenter: Augmenter;
  memory: WebAssembly.Memory;
  /** Values of the sample that is changed, and of its partner. */
  sample: Float32Array;
  partner: Float32Array;
  address: number;
  partnerAddress: number;
  /** All transforms of single samples, on these values; gives a copy of what comes out. */
  apply(values: ArrayLike<number>, id: number, epoch?: number): Float32Array;
  /** The same, then mixed with a partner. */
  mix(values: ArrayLike<number>, others: ArrayLike<number>, id: number, epoch?: number): Mixed;
}

export interface Mixed {
  values: Float32Array;
  weight: number;
}

export async function bench(
  list: readonly Augmentation[],
  field: TensorField,
  { seed = 7, isNormalised = false } = {},
): Promise<Bench> {
  const fields: AugmentField[] = [{ name: "data", field, ...(isNormalised && { isNormalised }) }];
  const plan = planAugmentation(list, fields);
  const count = field.shape.reduce((product, size) => product * size, 1);
  const bytes = count * 4;
  const partnerAddress = first + bytes + gap;
  const scratch = Math.ceil((partnerAddress + bytes + gap) / 16) * 16;
  const memory = sharedMemory(scratch + plan.scratchBytes + gap);
  const augmenter = await Augmenter.create(plan, { module: kernelModule(), memory, scratch, seed });
  const sample = new Float32Array(memory.buffer, first, count);
  const partner = new Float32Array(memory.buffer, partnerAddress, count);
  return {
    plan,
    augmenter,
    memory,
    sample,
    partner,
    address: first,
    partnerAddress,
    apply(values, id, epoch = 0) {
      sample.set(values);
      augmenter.apply(epoch, id, [first]);
      return sample.slice();
    },
    mix(values, others, id, epoch = 0) {
      sample.set(values);
      partner.set(others);
      const weight = augmenter.mix(epoch, id, [first], [partnerAddress]);
      return { values: sample.slice(), weight };
    },
  };
}

export const wave: TensorField = tensor("float32", [64, 4]);
export const waveFirst: TensorField = tensor("float32", [3, 50], { channelAxis: 0 });
export const series: TensorField = tensor("float64", [100]);
export const grey: TensorField = tensor("uint8", [14, 17]);
export const colour: TensorField = tensor("uint8", [12, 10, 3]);
export const colourFirst: TensorField = tensor("float32", [3, 9, 11], { channelAxis: 0 });

/** Values of a field that look like a recording, or like a picture from 0 to 255. */
export function valuesOf({ shape, dtype }: TensorField, salt = 0): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, (_, k) => {
    const bits = Math.imul(k + 1 + salt * 7919, 0x9e3779b1) >>> 8;
    return dtype === "uint8" ? bits % 256 : bits / 2 ** 22 - 2 + (k % 7) / 3;
  });
}

/** Every transform of waveforms, with options under which it does something. */
export const waveTransforms: readonly Augmentation[] = [
  spillway.jitter({ sigma: 0.1 }),
  spillway.scaling(),
  spillway.scaling({ per: "sample" }),
  spillway.shift({ steps: 20 }),
  spillway.shift({ steps: 20, fill: "edge" }),
  spillway.shift({ steps: 20, fill: "wrap" }),
  spillway.crop({ keep: [0.5, 0.8] }),
  spillway.crop({ keep: [0.5, 0.8], restore: "pad" }),
  spillway.timeWarp({ knots: 5 }),
  spillway.magnitudeWarp({ knots: 5 }),
  spillway.permutation({ segments: 5 }),
  spillway.timeMask({ share: 0.4, count: 2 }),
  spillway.frequencyMask({ share: 0.3, count: 2 }),
  spillway.noise(),
  spillway.noise({ colour: "pink" }),
  spillway.noise({ colour: "brown" }),
];

/** Transforms of several channels. */
export const channelTransforms: readonly Augmentation[] = [spillway.channelDropout({ rate: 0.5 })];

/** Every transform of images. */
export const imageTransforms: readonly Augmentation[] = [
  spillway.flip({ probability: 1 }),
  spillway.flip({ direction: "vertical", probability: 1 }),
  spillway.randomResizedCrop(),
  spillway.rotation({ degrees: 40, fill: 3 }),
  spillway.colourJitter(),
  spillway.erase({ scale: [0.1, 0.4] }),
];

/** Those of colours. */
export const colourTransforms: readonly Augmentation[] = [
  spillway.colourJitter({ saturation: 0.5, hue: 0.4 }),
];

/** Every transform of single samples with a field that it takes. */
export const everyCase: readonly (readonly [Augmentation, TensorField])[] = [
  ...[wave, waveFirst, series].flatMap((field) => waveTransforms.map((each) => [each, field] as const)),
  ...[wave, waveFirst].flatMap((field) => channelTransforms.map((each) => [each, field] as const)),
  ...[grey, colour, colourFirst].flatMap((field) => imageTransforms.map((each) => [each, field] as const)),
  ...[colour, colourFirst].flatMap((field) => colourTransforms.map((each) => [each, field] as const)),
];

/** A case in words. */
export function caseName([augmentation, { shape }]: readonly [Augmentation, TensorField]): string {
  return `${augmentation.name} ${JSON.stringify(augmentation.options)} on [${shape.join(", ")}]`;
}

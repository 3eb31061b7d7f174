// Transforms of two samples of a batch: mixup and cutmix. They come last in a list, and there is one at most. Sample k of
// a batch is mixed with another one of it, after the transforms of single samples have been applied to both; how much of
// the own sample is left is the weight of its label.

import type { Kernels } from "../kernels/kernels.js";
import type { Draw } from "./draw.js";
import type { Geometry } from "./geometry.js";
import { numberOption, type OptionTable, probabilityOption } from "./options.js";
import { type Augmentation, describe, type SampleOptions } from "./transform.js";

/** Options of `mixup` and `cutmix`. */
export interface MixOptions extends SampleOptions {
  /** Shares come from Beta(alpha, alpha): 1 is all shares alike, less is mostly near 0 and 1. Default 0.2; of cutmix 1. */
  alpha?: number;
}

/** Mixes a field of a partner into that of a sample, and gives the weight of the sample's own label. */
export type Mix = (draw: Draw, address: number, partner: number, share: number) => number;

/** A transform of two samples. */
export interface Mixing {
  name: "mixup" | "cutmix";
  table: OptionTable;
  /** Whether all tensor fields are mixed where none is named. */
  isOfAll: boolean;
  bind(kernels: Kernels, geometry: Geometry | undefined, count: number): Mix;
}

const alphaMeaning = "the parameter of the beta distribution of shares";

export const mixupTransform: Mixing = {
  name: "mixup",
  table: { alpha: numberOption(alphaMeaning, [0.001, 1000], 0.2), probability: probabilityOption(1) },
  isOfAll: true,
  bind: (kernels, _, count) => (_draw, address, partner, share) => {
    // The weight is the number that the values are multiplied by.
    const weight = Math.fround(share);
    kernels.blend(address, partner, count, weight);
    return weight;
  },
};

/**
 * Mixes each sample of a batch with another: share * own + (1 - share) * other, labels with the same weights (Zhang et
 * al., 2018). Without `field`, all tensor fields are mixed, with one share. Comes last in a list.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function mixup(options: MixOptions = {}): Augmentation {
  return describe(mixupTransform, { ...options });
}

export const cutmixTransform: Mixing = {
  name: "cutmix",
  table: { alpha: numberOption(alphaMeaning, [0.001, 1000], 1), probability: probabilityOption(1) },
  isOfAll: false,
  bind(kernels, geometry) {
    if (geometry!.kind === "waveform") {
      const { outer, steps, inner } = geometry!;
      return (draw, address, partner, share) => {
        const length = Math.round((1 - share) * steps);
        const at = draw.below(steps - length + 1) * inner * 4;
        kernels.copyBox(partner + at, address + at, outer, steps * inner * 4, 1, 0, length * inner * 4);
        return 1 - length / steps;
      };
    }
    const { outer, height, width, inner } = geometry!;
    const row = width * inner * 4;
    return (draw, address, partner, share) => {
      const side = Math.sqrt(1 - share);
      const rows = Math.round(side * height);
      const columns = Math.round(side * width);
      const top = draw.below(height - rows + 1);
      const left = draw.below(width - columns + 1);
      const at = top * row + left * inner * 4;
      kernels.copyBox(partner + at, address + at, outer, height * row, rows, row, columns * inner * 4);
      return 1 - (rows * columns) / (height * width);
    };
  },
};

/**
 * Puts a rectangle of another image of the batch, or a stretch of another waveform, into each sample; labels are weighted
 * by the area (Yun et al., 2019). The rectangle lies within the image, with the image's ratio. Comes last in a list.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function cutmix(options: MixOptions = {}): Augmentation {
  return describe(cutmixTransform, { ...options });
}

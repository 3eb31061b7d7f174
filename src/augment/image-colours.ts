// The transform of an image's colours: colourJitter. It has to know which values are black and white: 0 and 255 for
// fields of uint8 that are delivered as they are, 0 and 1 for all others, or what the user says.

import type { DType } from "../tensor/dtype.js";
import { originalField } from "../tensor/field.js";
import { channelsOf, type ImageGeometry } from "./geometry.js";
import { maxValue, numberOption, probabilityOption, type RangeOption } from "./options.js";
import { type Augmentation, describe, noRoom, type SampleOptions, type Transform } from "./transform.js";

/** Options of `colourJitter`. All are 0 by default but brightness and contrast. */
export interface ColourJitterOptions extends SampleOptions {
  /** Values are multiplied by a factor from 1 - brightness to 1 + brightness, black being 0. Default 0.2. */
  brightness?: number;
  /** Drawn away from the image's mean grey by a factor from 1 - contrast to 1 + contrast. Default 0.2. */
  contrast?: number;
  /** Drawn away from each pixel's own grey by a factor from 1 - saturation to 1 + saturation. Default 0. */
  saturation?: number;
  /** Hues are turned by up to this share of the circle, to either side: at most 0.5. Default 0. */
  hue?: number;
  /** Values of black and white. Default [0, 255] for a field that was stored as uint8, else [0, 1]. */
  range?: readonly [number, number];
}

interface Settled {
  brightness: number;
  contrast: number;
  saturation: number;
  hue: number;
  range: readonly [number, number];
}

const range: RangeOption = {
  kind: "range",
  meaning: "the values of black and white",
  min: -maxValue,
  max: maxValue,
  mayBeEmpty: false,
};

/** Black and white of values of a dtype. */
export function rangeOfDtype(dtype: DType): readonly [number, number] {
  return dtype === "uint8" ? [0, 255] : [0, 1];
}

export const colourJitterTransform: Transform<Settled, ImageGeometry> = {
  name: "colourJitter",
  table: {
    brightness: numberOption("by how much values are multiplied or divided, a share", [0, 1], 0.2),
    contrast: numberOption("by how much contrast changes, a share", [0, 1], 0.2),
    saturation: numberOption("by how much saturation changes, a share", [0, 1], 0),
    hue: numberOption("by how much hues are turned, a share of the circle", [0, 0.5], 0),
    range,
    probability: probabilityOption(1),
  },
  room: () => noRoom,
  settle: (options, field) => ({
    ...options,
    range: options.range ?? rangeOfDtype(originalField(field).dtype),
  }),
  complain({ saturation, hue }, geometry) {
    if ((saturation === 0 && hue === 0) || channelsOf(geometry) === 3) return undefined;
    return {
      what: `has ${channelsOf(geometry)} channels, and saturation and hue are of red, green and blue`,
      remedy: "Leave them out, or use a field with 3 colours.",
    };
  },
  bind({ kernels, options, geometry }) {
    const { outer, height, width, count, inner } = geometry;
    const [low, high] = options.range;
    const pixels = height * width;
    const isColour = channelsOf(geometry) === 3;
    const [pixelStride, channelStride] = outer > 1 ? [4, pixels * 4] : [inner * 4, 4];
    return (draw, address) => {
      const brightness = 1 + options.brightness * (2 * draw.fraction() - 1);
      const contrast = 1 + options.contrast * (2 * draw.fraction() - 1);
      const saturation = 1 + options.saturation * (2 * draw.fraction() - 1);
      const hue = options.hue * (2 * draw.fraction() - 1);
      if (options.brightness > 0) kernels.stretchValues(address, count, low, brightness, low, high);
      if (options.contrast > 0) {
        const grey = isColour
          ? kernels.meanGrey(address, pixels, pixelStride, channelStride)
          : kernels.meanOf(address, count);
        kernels.stretchValues(address, count, grey, contrast, low, high);
      }
      if (options.saturation > 0)
        kernels.saturatePixels(address, pixels, pixelStride, channelStride, saturation, low, high);
      if (options.hue > 0) kernels.turnHues(address, pixels, pixelStride, channelStride, hue, low, high);
    };
  },
};

/**
 * Changes brightness, contrast, saturation and hue of an image, in this order. Grey is 0.299 red, 0.587 green and 0.114
 * blue; hue is that of HSV. What comes out lies between black and white. Normalised values need `range`.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function colourJitter(options: ColourJitterOptions = {}): Augmentation {
  return describe(colourJitterTransform, { ...options });
}

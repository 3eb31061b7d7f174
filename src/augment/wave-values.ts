// Transforms of a waveform's values, which leave every step where it is: jitter, scaling, magnitudeWarp, channelDropout.

import { channelsOf, type WaveGeometry } from "./geometry.js";
import { choiceOption, maxValue, numberOption, probabilityOption, wholeOption } from "./options.js";
import { type Augmentation, describe, noRoom, type SampleOptions, type Transform } from "./transform.js";

/** Options of `jitter`. */
export interface JitterOptions extends SampleOptions {
  /** Standard deviation of the noise, in the unit of the values as they are delivered. Default 0.03. */
  sigma?: number;
}

export const jitterTransform: Transform<{ sigma: number }, WaveGeometry> = {
  name: "jitter",
  table: {
    sigma: numberOption(
      "the standard deviation of the noise, in the unit of the values",
      [0, maxValue],
      0.03,
    ),
    probability: probabilityOption(1),
  },
  room: () => noRoom,
  bind({ kernels, options: { sigma }, geometry: { count } }) {
    return (draw, address) => kernels.addNormals(address, count, sigma, draw.key0, draw.key1);
  },
};

/**
 * Adds normal noise to every value of a waveform, of its own for each.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function jitter(options: JitterOptions = {}): Augmentation {
  return describe(jitterTransform, { ...options });
}

/** Options of `scaling`. */
export interface ScalingOptions extends SampleOptions {
  /** Standard deviation of the factors, whose mean is 1. Default 0.1. */
  sigma?: number;
  /** A factor for each channel (default), or one for the whole sample. */
  per?: "channel" | "sample";
}

export const scalingTransform: Transform<{ sigma: number; per: "channel" | "sample" }, WaveGeometry> = {
  name: "scaling",
  table: {
    sigma: numberOption("the standard deviation of the factors, whose mean is 1", [0, 100], 0.1),
    per: choiceOption("what has a factor of its own", ["channel", "sample"]),
    probability: probabilityOption(1),
  },
  room: (geometry) => ({ tables: 0, work: channelsOf(geometry) * 4 }),
  bind({ kernels, memory, options: { sigma, per }, geometry, work }) {
    const { outer, steps, inner } = geometry;
    const factors = new Float32Array(memory.buffer, work, channelsOf(geometry));
    return (draw, address) => {
      if (per === "sample") factors.fill(1 + sigma * draw.normal());
      else for (let c = 0; c < factors.length; c += 1) factors[c] = 1 + sigma * draw.normal();
      kernels.scaleChannels(address, outer, steps, inner, work);
    };
  },
};

/**
 * Multiplies each channel of a waveform, or the whole of it, by a factor drawn from a normal distribution of mean 1.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function scaling(options: ScalingOptions = {}): Augmentation {
  return describe(scalingTransform, { ...options });
}

/** Options of `magnitudeWarp`. */
export interface MagnitudeWarpOptions extends SampleOptions {
  /** Standard deviation of the curve at its knots, whose mean is 1. Default 0.2. */
  sigma?: number;
  /** Knots of the curve, the first and the last step among them. Default 4. */
  knots?: number;
}

export const magnitudeWarpTransform: Transform<{ sigma: number; knots: number }, WaveGeometry> = {
  name: "magnitudeWarp",
  table: {
    sigma: numberOption("the standard deviation of the curve at its knots, whose mean is 1", [0, 100], 0.2),
    knots: wholeOption("how many knots a curve has, its ends among them", [2, 1000], 4),
    probability: probabilityOption(1),
  },
  room: (geometry, { knots }) => ({
    tables: geometry.steps * 16 + knots * 4,
    work: (knots + 2) * channelsOf(geometry) * 4,
  }),
  bind({ kernels, memory, options: { sigma, knots }, geometry, tables, work }) {
    const { outer, steps, inner } = geometry;
    const channels = channelsOf(geometry);
    const curves = new Float32Array(memory.buffer, work, (knots + 2) * channels);
    kernels.writeCurveWeights(tables, steps, knots);
    return (draw, address) => {
      for (let at = channels; at < (knots + 1) * channels; at += 1) curves[at] = 1 + sigma * draw.normal();
      for (let c = 0; c < channels; c += 1) {
        const last = knots * channels + c;
        curves[c] = 2 * curves[c + channels]! - curves[c + 2 * channels]!;
        curves[last + channels] = 2 * curves[last]! - curves[last - channels]!;
      }
      kernels.multiplyCurves(address, outer, steps, inner, work, knots, tables);
    };
  },
};

/**
 * Multiplies each channel of a waveform by a smooth curve around 1, of its own for each: cubic pieces through equally
 * spaced knots, each with the slope between its neighbours (Catmull and Rom's spline).
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function magnitudeWarp(options: MagnitudeWarpOptions = {}): Augmentation {
  return describe(magnitudeWarpTransform, { ...options });
}

/** Options of `channelDropout`. */
export interface ChannelDropoutOptions extends SampleOptions {
  /** Chance of each channel to be dropped, 0 to 1. One channel always stays. Default 0.2. */
  rate?: number;
  /** What dropped channels are filled with. Default 0, the mean where values are normalised. */
  fill?: number;
}

export const channelDropoutTransform: Transform<{ rate: number; fill: number }, WaveGeometry> = {
  name: "channelDropout",
  table: {
    rate: numberOption("the chance of each channel to be dropped", [0, 1], 0.2),
    fill: numberOption("what dropped channels are filled with", [-maxValue, maxValue], 0),
    probability: probabilityOption(1),
  },
  room: () => noRoom,
  complain(_, geometry) {
    if (channelsOf(geometry) > 1) return undefined;
    return {
      what: "has one channel, which cannot be dropped",
      remedy: "Use timeMask, or a field of several channels.",
    };
  },
  bind({ kernels, options: { rate, fill }, geometry }) {
    const { outer, steps, inner } = geometry;
    const channels = channelsOf(geometry);
    const stride = inner * 4;
    return (draw, address) => {
      // The one that stays if all were to go.
      const kept = draw.below(channels);
      let left = channels;
      for (let c = 0; c < channels; c += 1) {
        const isDropped = draw.fraction() < rate && (c !== kept || left > channels - c);
        if (!isDropped) continue;
        left -= 1;
        if (outer > 1) kernels.fillBox(address + c * steps * 4, 1, 0, 1, 0, steps * 4, fill);
        else kernels.fillBox(address + c * 4, 1, 0, steps, stride, 4, fill);
      }
    };
  },
};

/**
 * Fills some channels of a waveform, drawn anew for each sample, with one value, as if a sensor were dead.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function channelDropout(options: ChannelDropoutOptions = {}): Augmentation {
  return describe(channelDropoutTransform, { ...options });
}

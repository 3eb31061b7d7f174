// Transforms of a waveform that go through its frequencies: frequencyMask, noise. Two channels at a time are one complex
// series, so that one transform serves both; see wasm/augment-spectrum.ts.

import type { Kernels } from "../kernels/kernels.js";
import { channelsOf, type WaveGeometry } from "./geometry.js";
import { choiceOption, numberOption, probabilityOption, rangeOption, wholeOption } from "./options.js";
import { type Augmentation, describe, type SampleOptions, type Transform } from "./transform.js";

/** Bytes of a complex number of two float64. */
const complexBytes = 16;

/** Least power of two that is not below n, and at least 8. */
function powerFrom(n: number): number {
  let power = 8;
  while (power < n) power *= 2;
  return power;
}

/** Length of the transforms by which a series of `steps` is transformed: its own, or that of a chirp. */
function transformLength(steps: number): number {
  return powerFrom(steps) === steps ? steps : powerFrom(2 * steps - 1);
}

/** Address of a channel's first value, and bytes from step to step. */
function channelPlaces({ outer, steps, inner }: WaveGeometry): { stride: number; apart: number } {
  return outer > 1 ? { stride: 4, apart: steps * 4 } : { stride: inner * 4, apart: 4 };
}

/** A forward transform of `steps` complex numbers, in place; the inverse is that of the conjugate, over `steps`. */
export function bindTransform(kernels: Kernels, steps: number, tables: number): (at: number) => void {
  const length = transformLength(steps);
  kernels.writeTurns(tables, length);
  if (length === steps) return (at) => kernels.transform(at, steps, tables);
  const chirp = tables + (length / 2) * complexBytes;
  kernels.writeChirp(chirp, steps, length, tables);
  return (at) => kernels.transformAny(at, steps, length, tables, chirp);
}

/** Bytes of the tables of `bindTransform`, and of the series itself. */
export function transformRoom(steps: number): { tables: number; work: number } {
  const length = transformLength(steps);
  const chirp = length === steps ? 0 : steps + length;
  return { tables: (length / 2 + chirp) * complexBytes, work: length * complexBytes };
}

/** Options of `frequencyMask`. */
export interface FrequencyMaskOptions extends SampleOptions {
  /** Greatest share of the frequencies that one mask takes out; how many is drawn, from none on. Default 0.1. */
  share?: number;
  /** How many masks, which may overlap. Default 1. */
  count?: number;
}

export const frequencyMaskTransform: Transform<{ share: number; count: number }, WaveGeometry> = {
  name: "frequencyMask",
  table: {
    share: numberOption("the greatest share of the frequencies that one mask takes out", [0, 1], 0.1),
    count: wholeOption("how many masks there are", [1, 1000], 1),
    probability: probabilityOption(1),
  },
  room: ({ steps }) => transformRoom(steps),
  complain: (_, { steps }) =>
    steps >= 2 ? undefined : { what: "has 1 step, which has no frequencies", remedy: "Use longer samples." },
  bind({ kernels, options: { share, count }, geometry, tables, work }) {
    const { steps } = geometry;
    const channels = channelsOf(geometry);
    const { stride, apart } = channelPlaces(geometry);
    const transform = bindTransform(kernels, steps, tables);
    // All but that of frequency 0, the mean.
    const frequencies = Math.floor(steps / 2);
    const most = Math.floor(share * frequencies);
    const masks = new Int32Array(2 * count);
    return (draw, address) => {
      let covered = 0;
      for (let mask = 0; mask < count; mask += 1) {
        const length = draw.below(most + 1);
        masks[2 * mask] = 1 + draw.below(frequencies - length + 1);
        masks[2 * mask + 1] = masks[2 * mask]! + length;
        covered += length;
      }
      if (covered === 0) return;
      for (let c = 0; c < channels; c += 2) {
        const at = address + c * apart;
        const other = c + 1 < channels ? at + apart : at;
        kernels.loadPair(at, other, stride, steps, work);
        transform(work);
        for (let k = 0; k < masks.length; k += 2) {
          kernels.clearFrequencies(work, steps, masks[k]!, masks[k + 1]!);
        }
        kernels.conjugateAll(work, steps, 1);
        transform(work);
        kernels.storePair(work, 1 / steps, at, other, stride, steps);
      }
    };
  },
};

/**
 * Takes random bands of frequencies out of a waveform, all channels alike. Each channel's mean stays.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function frequencyMask(options: FrequencyMaskOptions = {}): Augmentation {
  return describe(frequencyMaskTransform, { ...options });
}

/** Options of `noise`. */
export interface NoiseOptions extends SampleOptions {
  /** White (default) has all frequencies alike; power falls as 1 / f in pink and 1 / f^2 in brown noise. */
  colour?: "white" | "pink" | "brown";
  /** Signal over noise in dB, drawn between these two for each sample. Default [10, 30]. */
  snr?: readonly [number, number];
}

export const noiseTransform: Transform<
  { colour: "white" | "pink" | "brown"; snr: readonly [number, number] },
  WaveGeometry
> = {
  name: "noise",
  table: {
    colour: choiceOption("how the noise's power falls with frequency", ["white", "pink", "brown"]),
    snr: rangeOption(
      "the least and greatest power of the signal over that of the noise, in dB",
      [-100, 200],
      [10, 30],
    ),
    probability: probabilityOption(1),
  },
  room({ steps }, { colour }) {
    const length = powerFrom(steps);
    return { tables: colour === "white" ? 0 : (length / 2) * complexBytes, work: length * complexBytes };
  },
  complain: (_, { steps }) =>
    steps >= 2 ? undefined : { what: "has 1 step, which has no power", remedy: "Use longer samples." },
  bind({ kernels, options: { colour, snr }, geometry, tables, work }) {
    const { steps } = geometry;
    const channels = channelsOf(geometry);
    const { stride, apart } = channelPlaces(geometry);
    // Noise of a longer stretch, cut: its ends need not meet.
    const length = powerFrom(steps);
    if (colour !== "white") kernels.writeTurns(tables, length);
    return (draw, address) => {
      const ratio = kernels.exponential((-draw.between(snr[0], snr[1]) / 10) * Math.LN10);
      for (let c = 0; c < channels; c += 2) {
        kernels.writeNormals(work, 2 * length, c * length, draw.key0, draw.key1);
        if (colour !== "white") {
          kernels.colourFrequencies(work, length, colour === "brown" ? 1 : 0);
          kernels.transform(work, length, tables);
        }
        for (let k = c; k < Math.min(c + 2, channels); k += 1) {
          const at = address + k * apart;
          const power = kernels.variance32(at, stride, steps) * ratio;
          kernels.addScaled(work + (k - c) * 8, complexBytes, at, stride, steps, power);
        }
      }
    };
  },
};

/**
 * Mixes coloured noise into each channel of a waveform. Powers are variances within the sample, each channel for itself:
 * a constant channel gets no noise, and the noise changes no channel's mean.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function noise(options: NoiseOptions = {}): Augmentation {
  return describe(noiseTransform, { ...options });
}

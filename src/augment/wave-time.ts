// Transforms along a waveform's time: shift, crop, timeWarp, permutation, timeMask. Shapes never change.

import { sampleBytes, type WaveGeometry } from "./geometry.js";
import {
  choiceOption,
  maxValue,
  numberOption,
  probabilityOption,
  rangeOption,
  wholeOption,
} from "./options.js";
import {
  type Augmentation,
  type Complaint,
  describe,
  noRoom,
  type SampleOptions,
  type Transform,
} from "./transform.js";

/** Most steps that an option may name. */
const maxSteps = 2 ** 28;

function needSteps(geometry: WaveGeometry, least: number, why: string): Complaint | undefined {
  if (geometry.steps >= least) return undefined;
  return {
    what: `has ${geometry.steps} ${geometry.steps === 1 ? "step" : "steps"}, and ${why} needs ${least}`,
    remedy: "Use longer samples, or smaller numbers.",
  };
}

/** Options of `shift`. */
export interface ShiftOptions extends SampleOptions {
  /** Most steps by which a sample is moved, to either side. */
  steps: number;
  /** What comes in: zeros (default), the first or last step again, or what went out at the other side. */
  fill?: "zero" | "edge" | "wrap";
}

export const shiftTransform: Transform<{ steps: number; fill: "zero" | "edge" | "wrap" }, WaveGeometry> = {
  name: "shift",
  table: {
    steps: wholeOption("the most steps by which a sample is moved, to either side", [0, maxSteps]),
    fill: choiceOption("what comes in", ["zero", "edge", "wrap"]),
    probability: probabilityOption(1),
  },
  room: (geometry, { fill }) => ({ tables: 0, work: fill === "wrap" ? sampleBytes(geometry) : 0 }),
  complain: ({ steps }, geometry) => needSteps(geometry, steps, `a shift by ${steps} of them`),
  bind({ kernels, options, geometry: { outer, steps, inner }, work }) {
    const { fill, steps: most } = options;
    const row = inner * 4;
    const block = steps * row;
    return (draw, address) => {
      const by = draw.below(2 * most + 1) - most;
      const moved = Math.abs(by) * row;
      if (moved === 0) return;
      const kept = block - moved;
      const [from, to] = by > 0 ? [0, moved] : [moved, 0];
      const gap = by > 0 ? 0 : kept;
      if (fill === "wrap") {
        kernels.copyBox(address + (by > 0 ? kept : 0), work, outer, block, 1, 0, moved);
      }
      kernels.copyBox(address + from, address + to, outer, block, 1, 0, kept);
      if (fill === "wrap") kernels.copyBox(work, address + gap, outer, block, 1, 0, moved);
      else if (fill === "zero") kernels.fillBox(address + gap, outer, block, 1, 0, moved, 0);
      else {
        const edge = by > 0 ? moved : kept - row;
        kernels.repeatElement(address + edge, address + gap, outer, block, Math.abs(by), row);
      }
    };
  },
};

/**
 * Moves a waveform by whole steps, drawn from -steps to steps, all channels alike.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function shift(options: ShiftOptions): Augmentation {
  return describe(shiftTransform, { ...options });
}

/** Options of `crop`. */
export interface CropOptions extends SampleOptions {
  /** Share of the steps that is kept: drawn between these two, above 0 to 1. Default [0.8, 1]. */
  keep?: readonly [number, number];
  /** How the old length comes back: stretched by linear interpolation (default), or moved to the start, with zeros behind it. */
  restore?: "stretch" | "pad";
}

export const cropTransform: Transform<
  { keep: readonly [number, number]; restore: "stretch" | "pad" },
  WaveGeometry
> = {
  name: "crop",
  table: {
    keep: rangeOption("the least and greatest share of the steps that is kept", [0.001, 1], [0.8, 1]),
    restore: choiceOption("how the old length comes back", ["stretch", "pad"]),
    probability: probabilityOption(1),
  },
  room: (geometry, { restore }) => ({
    tables: 0,
    work: restore === "stretch" ? sampleBytes(geometry) + geometry.steps * 8 : 0,
  }),
  complain: (_, geometry) => needSteps(geometry, 2, "a crop"),
  bind({ kernels, options: { keep, restore }, geometry, work }) {
    const { outer, steps, inner } = geometry;
    const bytes = sampleBytes(geometry);
    const row = inner * 4;
    const block = steps * row;
    const places = work;
    const copy = work + steps * 8;
    return (draw, address) => {
      const kept = Math.min(steps, Math.max(2, Math.round(draw.between(keep[0], keep[1]) * steps)));
      const first = draw.below(steps - kept + 1);
      if (kept === steps) return;
      if (restore === "pad") {
        kernels.copyBox(address + first * row, address, outer, block, 1, 0, kept * row);
        kernels.fillBox(address + kept * row, outer, block, 1, 0, (steps - kept) * row, 0);
        return;
      }
      kernels.evenPlaces(places, steps, first, (kept - 1) / (steps - 1));
      kernels.copyBox(address, copy, 1, 0, 1, 0, bytes);
      kernels.takeSteps(copy, address, outer, steps, inner, places);
    };
  },
};

/**
 * Keeps a random stretch of a waveform and stretches it to the old length, or fills up with zeros.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function crop(options: CropOptions = {}): Augmentation {
  return describe(cropTransform, { ...options });
}

/** Options of `timeWarp`. */
export interface TimeWarpOptions extends SampleOptions {
  /** Standard deviation of the speed at its knots, whose mean is 1. Speeds below 0.1 become 0.1. Default 0.2. */
  sigma?: number;
  /** Knots of the speed, the first and the last step among them, joined by straight lines. Default 4. */
  knots?: number;
}

const slowest = 0.1;

export const timeWarpTransform: Transform<{ sigma: number; knots: number }, WaveGeometry> = {
  name: "timeWarp",
  table: {
    sigma: numberOption("the standard deviation of the speed at its knots, whose mean is 1", [0, 10], 0.2),
    knots: wholeOption("how many knots the speed has, its ends among them", [2, 1000], 4),
    probability: probabilityOption(1),
  },
  room: (geometry, { knots }) => ({
    tables: 0,
    work: (knots + geometry.steps) * 8 + sampleBytes(geometry),
  }),
  complain: (_, geometry) => needSteps(geometry, 2, "a warp of time"),
  bind({ kernels, memory, options: { sigma, knots }, geometry, work }) {
    const { outer, steps, inner } = geometry;
    const bytes = sampleBytes(geometry);
    const speeds = new Float64Array(memory.buffer, work, knots);
    const places = work + speeds.byteLength;
    const copy = places + steps * 8;
    return (draw, address) => {
      for (let k = 0; k < knots; k += 1) speeds[k] = Math.max(slowest, 1 + sigma * draw.normal());
      kernels.warpedPlaces(places, steps, work, knots);
      kernels.copyBox(address, copy, 1, 0, 1, 0, bytes);
      kernels.takeSteps(copy, address, outer, steps, inner, places);
    };
  },
};

/**
 * Plays a waveform faster here and slower there, all channels alike: first and last step stay, values between steps are
 * interpolated linearly.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function timeWarp(options: TimeWarpOptions = {}): Augmentation {
  return describe(timeWarpTransform, { ...options });
}

/** Options of `permutation`. */
export interface PermutationOptions extends SampleOptions {
  /** Into how many segments a sample is cut, equal to within one step. Default 4. */
  segments?: number;
}

export const permutationTransform: Transform<{ segments: number }, WaveGeometry> = {
  name: "permutation",
  table: {
    segments: wholeOption("into how many segments a sample is cut", [2, 10_000], 4),
    probability: probabilityOption(1),
  },
  room: (geometry) => ({ tables: 0, work: sampleBytes(geometry) }),
  complain: ({ segments }, geometry) => needSteps(geometry, segments, `a cut into ${segments} segments`),
  bind({ kernels, options: { segments }, geometry, work }) {
    const { outer, steps, inner } = geometry;
    const bytes = sampleBytes(geometry);
    const row = inner * 4;
    const order = new Int32Array(segments);
    const startOf = (segment: number) => Math.floor((segment * steps) / segments);
    return (draw, address) => {
      for (let k = 0; k < segments; k += 1) {
        const other = draw.below(k + 1);
        order[k] = order[other]!;
        order[other] = k;
      }
      kernels.copyBox(address, work, 1, 0, 1, 0, bytes);
      let to = 0;
      for (let k = 0; k < segments; k += 1) {
        const from = startOf(order[k]!);
        const length = startOf(order[k]! + 1) - from;
        kernels.copyBox(work + from * row, address + to * row, outer, steps * row, 1, 0, length * row);
        to += length;
      }
    };
  },
};

/**
 * Cuts a waveform into segments and puts them together in another order, all channels alike.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function permutation(options: PermutationOptions = {}): Augmentation {
  return describe(permutationTransform, { ...options });
}

/** Options of `timeMask`. */
export interface TimeMaskOptions extends SampleOptions {
  /** Greatest share of the steps that one mask covers; how many is drawn, from none on. Default 0.1. */
  share?: number;
  /** How many masks, which may overlap. Default 1. */
  count?: number;
  /** What masked steps are filled with. Default 0, the mean where values are normalised. */
  fill?: number;
}

export const timeMaskTransform: Transform<{ share: number; count: number; fill: number }, WaveGeometry> = {
  name: "timeMask",
  table: {
    share: numberOption("the greatest share of the steps that one mask covers", [0, 1], 0.1),
    count: wholeOption("how many masks there are", [1, 1000], 1),
    fill: numberOption("what masked steps are filled with", [-maxValue, maxValue], 0),
    probability: probabilityOption(1),
  },
  room: () => noRoom,
  bind({ kernels, options: { share, count, fill }, geometry: { outer, steps, inner } }) {
    const row = inner * 4;
    const most = Math.floor(share * steps);
    return (draw, address) => {
      for (let mask = 0; mask < count; mask += 1) {
        const length = draw.below(most + 1);
        const first = draw.below(steps - length + 1);
        kernels.fillBox(address + first * row, outer, steps * row, 1, 0, length * row, fill);
      }
    };
  },
};

/**
 * Fills random stretches of a waveform with one value, all channels alike.
 *
 * @throws SpillwayError `usage` for options that do not make sense
 */
export function timeMask(options: TimeMaskOptions = {}): Augmentation {
  return describe(timeMaskTransform, { ...options });
}

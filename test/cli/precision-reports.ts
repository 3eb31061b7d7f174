// Reports of which it is known what is in them: recorders, images, heavy tails, gaps, constants, scalars, many channels.

import { join } from "node:path";
import {
  type DType,
  measurePrecision,
  type PrecisionOptions,
  type PrecisionReport,
  pack,
  tensor,
} from "spillway";
import { newPath } from "../fixtures/new-path.js";
import { Lot, recorder, wave } from "../precision/signals.js";

/** A sample's values by place: index within the sample, channel, sample. */
type Value = (time: number, channel: number, sample: number) => number;

export interface ReportField {
  /** Default "float64". */
  dtype?: DType;
  shape: readonly number[];
  /** Default: the last of two axes or more, null for none. */
  channelAxis?: number | null;
  value: Value;
}

/** Packs what is given as it is, and measures it. */
export async function reportOn(
  fields: Readonly<Record<string, ReportField>>,
  samples = 40,
  options: PrecisionOptions = {},
): Promise<PrecisionReport> {
  const path = join(newPath("measured"), "data <b>&");
  const described = Object.entries(fields).map(([name, { dtype = "float64", shape, channelAxis }]) => {
    const axis = channelAxis === undefined && shape.length > 1 ? shape.length - 1 : channelAxis;
    return [name, tensor(dtype, shape, typeof axis === "number" ? { channelAxis: axis } : {})] as const;
  });
  const rows = Array.from({ length: samples }, (_, sample) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, { shape, value, channelAxis }]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        const channels = shape.length > 1 && channelAxis !== null ? shape[shape.length - 1]! : 1;
        const numbers = Float64Array.from({ length: count }, (_, k) =>
          value(Math.floor(k / channels) + (sample * count) / channels, k % channels, sample),
        );
        return [name, shape.length === 0 ? numbers[0]! : Array.from(numbers)];
      }),
    ),
  );
  await pack(rows, path, { fields: Object.fromEntries(described), dtype: "keep" });
  return measurePrecision(path, options);
}

/** A 12-bit recorder of some channels, with a gain and an offset. */
export function recorderField(channels = 8, length = 512): ReportField {
  return { shape: [length, channels], value: recorder(new Lot(12), 12, 0.00122, 0.35) };
}

/** One channel of noise alone, of which no formula can be found. */
export function noiseField(length = 512): ReportField {
  const lot = new Lot(3);
  return { shape: [length], value: (time) => 101_325 + 400 * wave(lot, time, 0) };
}

/** Names of the simulated data, each as a report. */
export const reports: Readonly<Record<string, (options?: PrecisionOptions) => Promise<PrecisionReport>>> = {
  recorder: (options) => reportOn({ wave: recorderField() }, 60, options),
  images: () => {
    const lot = new Lot(5);
    const value: Value = (time) => {
      const [x, y] = [time % 28, Math.floor(time / 28) % 28];
      const disc = (x - 14) ** 2 + (y - 14) ** 2 < 80 ? 200 - 8 * Math.abs(x - 14) : 0;
      return Math.min(255, Math.floor(disc * (0.7 + 0.3 * lot.next()))) / 255;
    };
    return reportOn({ image: { shape: [28, 28], channelAxis: null, value } }, 200);
  },
  tails: () => {
    const lot = new Lot(7);
    const value: Value = (time) =>
      (0.02 * lot.normal() + Math.sin(time / 30)) / (lot.next() < 0.001 ? lot.next() / 50 : 1);
    return reportOn({ current: { shape: [1024], value }, pressure: noiseField() }, 60);
  },
  gaps: () => {
    const lot = new Lot(9);
    const measured = recorder(lot, 10, 0.005);
    const value: Value = (time, channel) => {
      if (channel === 2) return 1.5;
      if (channel === 3) return Number.NaN;
      return time % 300 < 40 && channel === 0 ? Number.NaN : measured(time, channel);
    };
    return reportOn({ emg: { shape: [512, 4], value } }, 50);
  },
  odd: () => {
    const lot = new Lot(13);
    return reportOn(
      {
        bytes: { dtype: "uint8", shape: [100], value: () => lot.below(256) },
        ids: { dtype: "int64", shape: [], value: (_, __, sample) => sample * 3 },
        flags: { dtype: "bool", shape: [4], value: () => lot.below(2) },
        single: { dtype: "float32", shape: [256, 2], value: (time, channel) => wave(lot, time, channel) },
        half: { dtype: "float16", shape: [64], value: () => lot.normal() },
        huge: { shape: [64], value: () => (lot.next() - 0.5) * 1.7e308 * (lot.next() < 0.5 ? 1 : 2) },
        tiny: { shape: [64], value: () => lot.next() * 1e-310 },
        endless: { shape: [64], value: (time) => (time % 9 === 0 ? Number.NEGATIVE_INFINITY : lot.normal()) },
        zeros: { shape: [64], value: (time) => (time % 2 ? -0 : 0) },
      },
      30,
    );
  },
  scalars: () => {
    const lot = new Lot(11);
    return reportOn(
      {
        age: { shape: [], value: () => 18 + lot.below(70) },
        weight: { shape: [], value: () => Number((70 + 12 * lot.normal()).toFixed(1)) },
        "<script>alert(1)</script>": { shape: [], value: () => lot.normal() },
      },
      500,
    );
  },
};

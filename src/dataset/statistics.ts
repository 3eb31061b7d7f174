// Statistics of the samples of a view: one pass over all of them, as they are delivered. Those of a training split are
// kept with its scheme, and validation data are normalised by them too, never by their own.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { defaultScheme, schemeFolder } from "../catalog/scheme.js";
import { type ChannelStatistics, keepStatistics, type SetStatistics } from "../catalog/statistics.js";
import { SpillwayError } from "../errors.js";
import { takeLock } from "../pack/lock.js";
import {
  channelAxisOf,
  channelRuns,
  deliveredFields,
  type Fields,
  type TensorField,
} from "../tensor/field.js";
import type { StatisticsChoice } from "./kept-statistics.js";
import type { View } from "./view.js";

export interface StatisticsOptions extends StatisticsChoice {
  /**
   * By tensor field: the axis whose places have figures of their own, null for one figure for all values; default: the
   * field's channel axis, or that of a waveform by its shape.
   */
  channelAxis?: Readonly<Record<string, number | null>>;
  onProgress?: (samples: number, total: number) => void;
  /** Ends the pass, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Samples that are looked at between two turns of the process's other work. */
const batchSize = 64;

/** Does the work of `dataset.measureStatistics`, see there. */
export async function measureStatistics(
  place: CatalogPlace,
  viewOf: (options: { split: string; scheme: string; fold?: number }) => View,
  options: StatisticsOptions,
): Promise<SetStatistics> {
  const { split = "train", scheme = defaultScheme, fold } = options;
  const view = viewOf({ split, scheme, ...(fold !== undefined && { fold }) });
  const fields = await measureFields(view, place.manifest.fields as Fields, options);
  const measured: SetStatistics = {
    view: view.fingerprint,
    split,
    ...(fold !== undefined && { fold }),
    samples: view.size,
    fields,
  };
  const lock = takeLock(schemeFolder(place, scheme));
  try {
    keepStatistics(place, scheme, measured);
  } finally {
    lock.release();
  }
  return measured;
}

async function measureFields(
  view: View,
  stored: Fields,
  { channelAxis = {}, onProgress, signal }: StatisticsOptions,
): Promise<SetStatistics["fields"]> {
  const fields = deliveredFields(stored);
  for (const name of Object.keys(channelAxis)) requireTensor(name, fields, view.path);
  const tensors = Object.entries(fields).flatMap(([name, field]) =>
    field.kind === "tensor" ? [{ name, sums: new FieldSums(field, axisOf(name, field, channelAxis)) }] : [],
  );
  let samples = 0;
  const batches = view.batches({
    batchSize: Math.min(batchSize, view.size),
    shuffle: false,
    ...(signal && { signal }),
  });
  for await (const batch of batches) {
    for (const { name, sums } of tensors) sums.add(batch.fields[name]!.data as Float32Array);
    samples += batch.size;
    onProgress?.(samples, view.size);
  }
  return Object.fromEntries(
    tensors.map(({ name, sums }) => [
      name,
      { ...(sums.axis !== undefined && { axis: sums.axis }), channels: sums.finish() },
    ]),
  );
}

function axisOf(
  name: string,
  field: TensorField,
  asked: NonNullable<StatisticsOptions["channelAxis"]>,
): number | undefined {
  const axis = asked[name];
  if (axis === undefined) return channelAxisOf(field);
  if (axis === null || (Number.isInteger(axis) && axis >= 0 && axis < field.shape.length))
    return axis ?? undefined;
  throw new SpillwayError(
    "usage",
    `field "${name}" of shape [${field.shape.join(", ")}] has no axis ${axis}`,
    {
      remedy: field.shape.length === 0 ? "Leave it out." : `Use 0 to ${field.shape.length - 1}, or none.`,
      where: { field: name },
    },
  );
}

function requireTensor(name: string, fields: Fields, dataset: string): void {
  if (fields[name]?.kind === "tensor") return;
  const tensors = Object.keys(fields).filter((each) => fields[each]!.kind === "tensor");
  throw new SpillwayError("usage", `channelAxis: ${dataset} has no tensor field "${name}"`, {
    remedy: tensors.length === 0 ? "Leave it out." : `Its tensor fields are ${tensors.join(", ")}.`,
    where: { dataset, field: name },
  });
}

/** Sums of a field's values by channel; differences to the first value, so that large offsets cost no digits. */
class FieldSums {
  readonly axis: number | undefined;
  readonly #channels: number;
  readonly #inner: number;
  readonly #counts: Float64Array;
  readonly #nonFinite: Float64Array;
  readonly #firsts: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #least: Float64Array;
  readonly #most: Float64Array;

  constructor({ shape }: TensorField, axis: number | undefined) {
    const { channels, inner } = channelRuns(shape, axis);
    this.axis = axis;
    this.#channels = channels;
    this.#inner = inner;
    const zeros = () => new Float64Array(channels);
    [this.#counts, this.#nonFinite, this.#firsts] = [zeros(), zeros(), zeros()];
    [this.#sums, this.#squares] = [zeros(), zeros()];
    this.#least = zeros().fill(Number.POSITIVE_INFINITY);
    this.#most = zeros().fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes in whole samples. */
  add(values: Float32Array): void {
    for (let start = 0, run = 0; start < values.length; start += this.#inner, run += 1)
      this.#addRun(values, start, run % this.#channels);
  }

  #addRun(values: Float32Array, start: number, channel: number): void {
    const end = start + this.#inner;
    let [count, sum, squares] = [0, 0, 0];
    let [least, most] = [this.#least[channel]!, this.#most[channel]!];
    let first = this.#firsts[channel]!;
    let isFirst = this.#counts[channel] === 0;
    for (let k = start; k < end; k += 1) {
      const value = values[k]!;
      if (value - value !== 0) continue;
      if (isFirst) {
        first = value;
        this.#firsts[channel] = value;
        isFirst = false;
      }
      const difference = value - first;
      sum += difference;
      squares += difference * difference;
      if (value < least) least = value;
      if (value > most) most = value;
      count += 1;
    }
    this.#counts[channel]! += count;
    this.#nonFinite[channel]! += this.#inner - count;
    this.#sums[channel]! += sum;
    this.#squares[channel]! += squares;
    this.#least[channel] = least;
    this.#most[channel] = most;
  }

  finish(): ChannelStatistics[] {
    return Array.from({ length: this.#channels }, (_, channel) => {
      const count = this.#counts[channel]!;
      const nonFinite = this.#nonFinite[channel]!;
      if (count === 0) return { count, nonFinite, min: 0, max: 0, mean: 0, std: 0 };
      const mean = this.#sums[channel]! / count;
      return {
        count,
        nonFinite,
        min: this.#least[channel]!,
        max: this.#most[channel]!,
        mean: this.#firsts[channel]! + mean,
        std: Math.sqrt(Math.max(0, this.#squares[channel]! / count - mean * mean)),
      };
    });
  }
}

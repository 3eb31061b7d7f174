// One sample of a dataset for looking at: its values as numbers, however they are stored, and figures about them.

import type { Dataset } from "../dataset/dataset.js";
import { type OpenOptions, open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import { decodeNumber, formulaOf } from "../kernels/decoding.js";
import type { TypedArray } from "../tensor/dtype.js";
import { channelRuns, elementCount, type Field } from "../tensor/field.js";
import { fromFloat16 } from "../tensor/float16.js";

/** One field of one sample. */
export interface SampleField {
  name: string;
  field: Field;
  count: number;
  /** Value at a place, row-major. Integers above 2^53 lose their last digits. */
  at(index: number): number;
}

/** What is tried first; the dataset itself says what a large sample needs. */
const memory = "64 MiB";

/**
 * Reads one sample as it is stored.
 *
 * @param path folder of the dataset
 * @param source where the files of an index are now, if not where they were
 */
export async function readSample(path: string, id: number, source?: string): Promise<SampleField[]> {
  const places = source === undefined ? {} : { source };
  try {
    return await readWith(path, id, { memory, ...places });
  } catch (error) {
    if (!(error instanceof SpillwayError && error.code === "memory" && error.where.neededBytes)) throw error;
    // The labels that stay in memory may grow with it, so a little more than was asked for.
    return readWith(path, id, { memory: Math.ceil(error.where.neededBytes * 1.25), ...places });
  }
}

async function readWith(path: string, id: number, options: OpenOptions): Promise<SampleField[]> {
  const dataset = await open(path, options);
  try {
    return await readFields(dataset, id);
  } finally {
    await dataset.close();
  }
}

async function readFields(dataset: Dataset, id: number): Promise<SampleField[]> {
  const view = dataset.view({ rows: [id, id + 1], withExcluded: true });
  for await (const batch of view.batches({ batchSize: 1, shuffle: false, deliver: "stored", readers: 1 })) {
    const { fields } = batch.copy();
    return Object.entries(dataset.fields).map(([name, field]) => {
      const { data } = fields[name]!;
      return { name, field, count: elementCount(field), at: valueReader(field, data) };
    });
  }
  throw new RangeError(`a view of sample ${id} gave no batch`);
}

/** Gives values, which are not the stored numbers where the field has an encoding. */
function valueReader(field: Field, data: TypedArray): (index: number) => number {
  const numberAt = (index: number) =>
    field.dtype === "float16" ? fromFloat16(Number(data[index])) : Number(data[index]);
  const encoding = field.kind === "tensor" ? field.encoding : undefined;
  if (field.kind === "class" || !encoding || encoding.channels.length === 0) return numberAt;
  const formulas = encoding.channels.map(formulaOf);
  const axis = formulas.length > 1 ? encoding.axis : undefined;
  const { channels, inner } = channelRuns(field.shape, axis);
  return (index) => decodeNumber(numberAt(index), formulas[Math.floor(index / inner) % channels]!);
}

/** Figures about the values of a field. */
export interface Statistics {
  min: number;
  max: number;
  mean: number;
  /** Standard deviation over all values. */
  std: number;
  /** Values that are NaN or infinite; the other figures leave them out. */
  nonFinite: number;
}

/** Figures about `count` values: Welford's method, one pass. */
export function computeStatistics(count: number, at: (index: number) => number): Statistics {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [mean, squares, finite] = [0, 0, 0];
  for (let index = 0; index < count; index += 1) {
    const value = at(index);
    if (!Number.isFinite(value)) continue;
    finite += 1;
    if (value < min) min = value;
    if (value > max) max = value;
    const difference = value - mean;
    mean += difference / finite;
    squares += difference * (value - mean);
  }
  const nonFinite = count - finite;
  if (finite === 0) return { min: Number.NaN, max: Number.NaN, mean: Number.NaN, std: Number.NaN, nonFinite };
  return { min, max, mean, std: Math.sqrt(squares / finite), nonFinite };
}

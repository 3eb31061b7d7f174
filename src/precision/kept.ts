// Stretches of the data that are kept as they are: for what needs neighbours or a second look (noise, information in
// bits, errors of candidates, pictures). A stretch is up to 1024 successive values of every channel within one sample.
// Which are kept is drawn by a hash of their number, the smallest ones stay: the same ones however the data was parted.

import type { DType } from "../tensor/dtype.js";
import { elementBytes } from "../tensor/dtype.js";
import { channelRuns, elementCount, type TensorField } from "../tensor/field.js";
import { fromFloat16 } from "../tensor/float16.js";

const longest = 1024;

/** Kept stretches as plain data, in the order of the data where they come from a merge. */
export interface Kept {
  channels: number;
  /** Values of one channel in a stretch. */
  length: number;
  /** Number of each stretch, counted over all samples. */
  units: Float64Array;
  /** Stretch after stretch, in each channel after channel. */
  values: Float64Array;
}

/** A number of 32 bits for the number of a stretch, as if by lot. */
function lotOf(unit: number): number {
  let x = (unit >>> 0) ^ Math.imul(Math.floor(unit / 2 ** 32) + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

export class Keeper {
  readonly #field: TensorField;
  readonly #channels: number;
  readonly #inner: number;
  readonly #length: number;
  /** Stretches in a sample. */
  readonly #perSample: number;
  readonly #capacity: number;
  #units: number[] = [];
  #stretches: Float64Array[] = [];
  #limit = 2 ** 32;

  /**
   * @param room values of one channel that are kept at most; at least one stretch is
   * @param samples of all of the data, where it is known: fewer stretches are then taken that do not stay
   */
  constructor(field: TensorField, axis: number | undefined, room: number, samples = 0) {
    const { channels, inner } = channelRuns(field.shape, axis);
    const series = elementCount(field) / channels;
    this.#field = field;
    this.#channels = channels;
    this.#inner = inner;
    this.#length = Math.min(series, longest);
    this.#perSample = Math.floor(series / this.#length);
    this.#capacity = Math.max(1, Math.floor(room / this.#length));
    // By lot more than there is room for, all but certainly.
    const wanted = this.#capacity + 8 * Math.sqrt(this.#capacity) + 16;
    if (samples > 0) this.#limit = Math.min(2 ** 32, (wanted / (samples * this.#perSample)) * 2 ** 32);
  }

  /** Looks at whole samples, of which the first has the given number. */
  offer(bytes: Uint8Array, first: number): void {
    const { dtype } = this.#field;
    const count = elementCount(this.#field);
    const samples = bytes.length / (count * elementBytes(dtype));
    for (let sample = 0; sample < samples; sample += 1) {
      for (let part = 0; part < this.#perSample; part += 1) {
        const unit = (first + sample) * this.#perSample + part;
        if (lotOf(unit) >= this.#limit) continue;
        this.#units.push(unit);
        this.#stretches.push(this.#take(bytes, sample * count, part * this.#length));
        if (this.#units.length >= 2 * this.#capacity + 16) this.#thin();
      }
    }
  }

  part(): Kept {
    this.#thin();
    const size = this.#channels * this.#length;
    const values = new Float64Array(this.#stretches.length * size);
    this.#stretches.forEach((stretch, k) => {
      values.set(stretch, k * size);
    });
    return { channels: this.#channels, length: this.#length, units: Float64Array.from(this.#units), values };
  }

  #thin(): void {
    const chosen = smallest(this.#units, this.#capacity);
    if (chosen.length === this.#units.length) return;
    this.#units = chosen.map((k) => this.#units[k]!);
    this.#stretches = chosen.map((k) => this.#stretches[k]!);
    this.#limit = this.#units.reduce((most, unit) => Math.max(most, lotOf(unit)), 0) + 1;
  }

  /** A stretch of a sample, channel after channel. */
  #take(bytes: Uint8Array, sampleStart: number, from: number): Float64Array {
    const stretch = new Float64Array(this.#channels * this.#length);
    const at = readerOf(this.#field.dtype, bytes);
    const inner = this.#inner;
    for (let k = 0; k < this.#length; k += 1) {
      const run = Math.floor((from + k) / inner);
      const start = sampleStart + run * this.#channels * inner + ((from + k) % inner);
      for (let channel = 0; channel < this.#channels; channel += 1) {
        stretch[channel * this.#length + k] = at(start + channel * inner);
      }
    }
    return stretch;
  }
}

/** Places of the numbers whose lots are the smallest, in the order of the numbers. */
function smallest(units: ArrayLike<number>, count: number): number[] {
  const places = Array.from(units, (_, k) => k);
  const byUnit = (a: number, b: number) => units[a]! - units[b]!;
  if (places.length > count) {
    const lots = Float64Array.from(units, lotOf);
    places.sort((a, b) => lots[a]! - lots[b]! || byUnit(a, b));
    places.length = count;
  }
  return places.sort(byUnit);
}

/** Stretches of two parts of the data as of both, no more than the longer part may have. */
export function mergeKept(a: Kept, b: Kept, room: number): Kept {
  const size = a.channels * a.length;
  const units = Float64Array.from([...a.units, ...b.units]);
  const chosen = smallest(units, Math.max(1, Math.floor(room / a.length)));
  const values = new Float64Array(chosen.length * size);
  chosen.forEach((place, k) => {
    const [from, at] = place < a.units.length ? [a, place] : [b, place - a.units.length];
    values.set(from.values.subarray(at * size, (at + 1) * size), k * size);
  });
  return { ...a, units: Float64Array.from(chosen, (place) => units[place]!), values };
}

/** The kept values of one channel, stretch after stretch. */
export function channelValues({ channels, length, units, values }: Kept, channel: number): Float64Array {
  const own = new Float64Array(units.length * length);
  for (let k = 0; k < units.length; k += 1) {
    const start = (k * channels + channel) * length;
    own.set(values.subarray(start, start + length), k * length);
  }
  return own;
}

/** Reads numbers out of bytes by their place. */
function readerOf(dtype: DType, bytes: Uint8Array): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case "bool":
    case "uint8":
      return (k) => bytes[k]!;
    case "int8":
      return (k) => view.getInt8(k);
    case "uint16":
      return (k) => view.getUint16(2 * k, true);
    case "int16":
      return (k) => view.getInt16(2 * k, true);
    case "uint32":
      return (k) => view.getUint32(4 * k, true);
    case "int32":
      return (k) => view.getInt32(4 * k, true);
    case "uint64":
      return (k) => Number(view.getBigUint64(8 * k, true));
    case "int64":
      return (k) => Number(view.getBigInt64(8 * k, true));
    case "float16":
      return (k) => fromFloat16(view.getUint16(2 * k, true));
    case "float32":
      return (k) => view.getFloat32(4 * k, true);
    case "float64":
      return (k) => view.getFloat64(8 * k, true);
  }
}

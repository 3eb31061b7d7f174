// Simulated signals of which it is known how they came about: recorders of 8 to 24 bits with gain and offset, the same
// printed with a few decimals, noise, drift, spikes, large offsets, gaps, constants, pictures.

import { bytesOf, type DType, zeros } from "#spillway/tensor/dtype";
import { type TensorField, tensor } from "#spillway/tensor/field";

/** Numbers in [0, 1) from a seed, the same everywhere. */
export class Lot {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    return (this.#word() * 2 ** 21 + (this.#word() >>> 11)) / 2 ** 53;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** Normal, mean 0, deviation 1. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  #word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }
}

/** A field and the bytes of its samples. */
export interface Signal {
  field: TensorField;
  bytes: Uint8Array;
  samples: number;
}

/** A signal whose values are given by place and channel; the last of two axes or more counts channels. */
export function signalOf(
  dtype: DType,
  shape: readonly number[],
  samples: number,
  value: (time: number, channel: number) => number | bigint,
): Signal {
  const field = tensor(dtype, shape, shape.length > 1 ? { channelAxis: shape.length - 1 } : {});
  const channels = shape.length > 1 ? shape[shape.length - 1]! : 1;
  const numbers = zeros(dtype, samples * shape.reduce((product, size) => product * size, 1));
  for (let k = 0; k < numbers.length; k += 1) {
    (numbers as Float64Array)[k] = value(Math.floor(k / channels), k % channels) as number;
  }
  return { field, bytes: bytesOf(numbers), samples };
}

/** The values of a float64 signal. */
export function numbersOf({ bytes }: Signal): Float64Array {
  return new Float64Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / 8);
}

/** A slow wave with noise, in -1 .. 1, as what a sensor sees. */
export function wave(lot: Lot, time: number, channel: number): number {
  const slow = 0.6 * Math.sin(time / (40 + 7 * channel)) + 0.25 * Math.sin(time / 11 + channel);
  return Math.max(-1, Math.min(1, slow + 0.02 * lot.normal()));
}

/** A recorder: a wave as whole numbers of so many bits, turned into a unit by gain and offset. */
export function recorder(lot: Lot, bits: number, gain: number, offset?: number) {
  const top = 2 ** (bits - 1) - 1;
  return (time: number, channel: number): number => {
    // A recorder has one zero, Math.round has two.
    const q = Math.round(wave(lot, time, channel) * top) + 0;
    return offset === undefined ? q * gain : q * gain + offset;
  };
}

/** The same as a text file has it. */
export function printed(value: (time: number, channel: number) => number, digits: number) {
  return (time: number, channel: number): number => Number(value(time, channel).toFixed(digits));
}

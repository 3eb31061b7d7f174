// Measures the values of a tensor field as they stream by, channel by channel, in bounded memory: what a thread does with
// its part of the data. Bytes go in whole samples; what comes out is plain data (facts.ts) that merges with the others'.
// Every value is looked at by the kernels in kernels/wasm/ (spread.ts, measure.ts); kept stretches and ranks take a few of them.

import { bindKernels, type Kernels, kernelModule, sharedMemory } from "../kernels/kernels.js";
import { type DType, elementBytes } from "../tensor/dtype.js";
import type { ChannelCode } from "../tensor/encoding.js";
import { channelRuns, fieldStride, type TensorField } from "../tensor/field.js";
import { type ChannelFacts, type ChannelPart, exampleRoom, type FieldPart, type Trial } from "./facts.js";
import { formulaOf } from "./formula.js";
import { Keeper } from "./kept.js";
import { RankSketch, rankRoom } from "./ranks.js";

/** What a pass over the data does; plain, so that it can be posted to threads. */
export interface MeasurePlan {
  /** Axis of a sample whose places are the channels; left out where all values are of one. */
  axis?: number;
  /** Formula to be tried on every value of each channel; null where there is none. */
  codes: readonly (ChannelCode | null)[];
  /** Values of each channel that are kept at most. */
  keepValues: number;
  /** Samples of all of the data, where that is known. */
  samples?: number;
}

/** Numbers that spreadFloat64 knows dtypes by. */
const kinds: Readonly<Record<DType, number>> = {
  bool: 0,
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  uint64: 6,
  int64: 7,
  float16: 8,
  float32: 9,
  float64: 10,
};

/** What a dtype says of all its values without a look at them: 1 they are whole, 2 float32, 4 float16. */
const certain: Readonly<Record<DType, number>> = {
  bool: 7,
  uint8: 7,
  int8: 7,
  uint16: 3,
  int16: 3,
  uint32: 1,
  int32: 1,
  uint64: 1,
  int64: 1,
  float16: 6,
  float32: 2,
  float64: 0,
};

/** Values that the kernels get at once: 8 KiB, which stay in the nearest cache with the rows that they come from. */
const runValues = 1024;
const nearestCache = 2 ** 15;
const factSlots = 18;
const trialSlots = 3 + exampleRoom;
const leastSlab = 2 ** 18;
const largestSlab = 2 ** 23;

export class FieldMeasure {
  /** Memory that bytes may be read into: `add` need not copy what lies here. Whole samples, where one fits. */
  readonly room: Uint8Array;
  readonly #kind: number;
  readonly #certain: number;
  readonly #itemBytes: number;
  readonly #channels: number;
  readonly #inner: number;
  readonly #stride: number;
  readonly #kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #runAt: number;
  readonly #run: Float64Array;
  readonly #nextAt: number;
  readonly #next: Float64Array;
  readonly #factsAt: number;
  readonly #trialsAt: number;
  readonly #formulas: readonly ({ divided: number; scale: number; offset: number } | undefined)[];
  readonly #sketches: readonly RankSketch[];
  readonly #keeper: Keeper;
  #samples = 0;
  #inexact = 0;

  constructor(field: TensorField, plan: MeasurePlan) {
    const { channels, inner } = channelRuns(field.shape, plan.axis);
    this.#kind = kinds[field.dtype];
    this.#certain = certain[field.dtype];
    this.#itemBytes = elementBytes(field.dtype);
    this.#channels = channels;
    this.#inner = inner;
    this.#stride = fieldStride(field);
    const rowBytes = channels * inner * this.#itemBytes;
    const wanted = Math.min(largestSlab, Math.max(leastSlab, rowBytes * Math.ceil(256 / inner)));
    const slabBytes =
      this.#stride <= wanted
        ? wanted - (wanted % this.#stride)
        : Math.max(leastSlab, wanted - (wanted % rowBytes));
    const factsAt = Math.ceil(slabBytes / 64) * 64;
    const trialsAt = factsAt + channels * factSlots * 8;
    const runAt = Math.ceil((trialsAt + channels * trialSlots * 8) / 64) * 64;
    this.#memory = sharedMemory(runAt + 2 * runValues * 8);
    this.#kernels = bindKernels(kernelModule(), this.#memory);
    this.#factsAt = factsAt;
    this.#trialsAt = trialsAt;
    this.#runAt = runAt;
    this.room = new Uint8Array(this.#memory.buffer, 0, slabBytes);
    this.#run = new Float64Array(this.#memory.buffer, runAt, runValues);
    this.#nextAt = runAt + runValues * 8;
    this.#next = new Float64Array(this.#memory.buffer, this.#nextAt, runValues);
    this.#formulas = plan.codes.map((code) => {
      if (!code) return undefined;
      const { scale, divisor, offset } = formulaOf(code);
      return code.kind === "divided" ? { divided: 1, scale: divisor, offset } : { divided: 0, scale, offset };
    });
    const rankValues = rankRoom(channels);
    this.#sketches = Array.from({ length: channels }, (_, k) => new RankSketch(rankValues, k));
    this.#keeper = new Keeper(field, plan.axis, plan.keepValues, plan.samples);
    const numbers = new Float64Array(this.#memory.buffer);
    for (let k = 0; k < channels; k += 1) {
      numbers.set(
        [7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
        (factsAt >> 3) + k * factSlots + 11,
      );
      numbers[(trialsAt >> 3) + k * trialSlots + 2] = exampleRoom;
    }
  }

  /**
   * Takes in whole samples.
   *
   * @param bytes samples one after another, of any length and place
   * @param firstSample number of the first in all of the data, however that is parted
   */
  add(bytes: Uint8Array, firstSample: number): void {
    this.#samples += bytes.length / this.#stride;
    this.#keeper.offer(bytes, firstSample);
    const rowBytes = this.#channels * this.#inner * this.#itemBytes;
    if (bytes.buffer === this.#memory.buffer) this.#addRows(bytes.byteOffset, bytes.length / rowBytes);
    else if (rowBytes <= this.room.length) {
      const step = this.room.length - (this.room.length % rowBytes);
      for (let at = 0; at < bytes.length; at += step) {
        const slab = bytes.subarray(at, at + step);
        this.room.set(slab);
        this.#addRows(0, slab.length / rowBytes);
      }
    } else this.#addPieces(bytes);
  }

  /** What is known so far. */
  part(): FieldPart {
    const channels = this.#sketches.map((sketch, k): ChannelPart => {
      const trial = this.#formulas[k] && this.#trialOf(k);
      return { facts: this.#factsOf(k), ...(trial ? { trial } : {}), ranks: sketch.part() };
    });
    return { samples: this.#samples, inexact: this.#inexact, channels, kept: this.#keeper.part() };
  }

  /** Rows of all channels at an address of the memory. */
  #addRows(address: number, rows: number): void {
    const rowBytes = this.#channels * this.#inner * this.#itemBytes;
    if (this.#channels === 1) this.#addTogether(0, address, rows * this.#inner);
    else if (this.#inner > runValues / 2) {
      for (let row = 0; row < rows; row += 1) {
        const from = address + row * rowBytes;
        for (let channel = 0; channel < this.#channels; channel += 1) {
          this.#addTogether(channel, from + channel * this.#inner * this.#itemBytes, this.#inner);
        }
      }
    } else {
      const most = Math.floor(runValues / this.#inner);
      const near = Math.max(Math.ceil(128 / this.#inner), Math.floor(nearestCache / rowBytes));
      const step = Math.min(most, near);
      for (let row = 0; row < rows; row += step) {
        this.#addFewRows(address + row * rowBytes, Math.min(step, rows - row), rowBytes);
      }
    }
  }

  /** Rows that are few enough for one run of each channel. */
  #addFewRows(address: number, rows: number, rowBytes: number): void {
    const count = rows * this.#inner;
    const channelBytes = this.#inner * this.#itemBytes;
    let channel = 0;
    if (this.#kind === kinds.float64 && this.#inner === 1) {
      for (; channel + 1 < this.#channels; channel += 2) {
        this.#kernels.spreadPair(address + channel * 8, this.#runAt, this.#nextAt, rows, rowBytes);
        this.#look(channel, this.#runAt, this.#run, count);
        this.#look(channel + 1, this.#nextAt, this.#next, count);
      }
    }
    for (; channel < this.#channels; channel += 1) {
      this.#spread(channel, address + channel * channelBytes, rows, this.#inner, rowBytes);
    }
  }

  /** Samples whose rows are larger than the memory: a piece of one channel at a time. */
  #addPieces(bytes: Uint8Array): void {
    const runBytes = this.#inner * this.#itemBytes;
    const step = this.room.length - (this.room.length % this.#itemBytes);
    for (let start = 0, run = 0; start < bytes.length; start += runBytes, run += 1) {
      for (let at = 0; at < runBytes; at += step) {
        const piece = bytes.subarray(start + at, start + Math.min(runBytes, at + step));
        this.room.set(piece);
        this.#addTogether(run % this.#channels, 0, piece.length / this.#itemBytes);
      }
    }
  }

  /** Values of one channel that lie one after another. */
  #addTogether(channel: number, address: number, count: number): void {
    for (let k = 0; k < count; k += runValues) {
      const some = Math.min(runValues, count - k);
      this.#spread(channel, address + k * this.#itemBytes, 1, some, 0);
    }
  }

  #spread(channel: number, from: number, runs: number, inner: number, step: number): void {
    this.#inexact += this.#kernels.spreadFloat64(this.#kind, from, this.#runAt, runs, inner, step);
    this.#look(channel, this.#runAt, this.#run, runs * inner);
  }

  /** Values of a channel, spread out at an address. */
  #look(channel: number, at: number, values: Float64Array, count: number): void {
    const facts = this.#factsAt + channel * factSlots * 8;
    const known = this.#kernels.measureRun(at, count, facts);
    this.#kernels.fitRun(at, count, facts);
    const formula = this.#formulas[channel];
    if (formula) {
      const { divided, scale, offset } = formula;
      const trial = this.#trialsAt + channel * trialSlots * 8;
      this.#kernels.tryFormula(at, count, known, divided, scale, offset, trial);
    }
    this.#sketches[channel]!.add(values, count);
  }

  #factsOf(channel: number): ChannelFacts {
    const at = this.#factsAt + channel * factSlots * 8;
    const slots = new Float64Array(this.#memory.buffer, at, factSlots);
    const slot = (k: number) => slots[k]!;
    const held = slot(11) | this.#certain;
    return {
      count: slot(0),
      finite: slot(17),
      nan: slot(1),
      positiveInfinity: slot(2),
      negativeInfinity: slot(3),
      zeros: slot(5),
      negativeZeros: slot(4),
      subnormal: { float64: slot(6), float32: slot(7), float16: slot(8) - slot(5) },
      beyond: { float32: slot(10), float16: slot(9) },
      areAll: { whole: (held & 1) > 0, float32: (held & 2) > 0, float16: (held & 4) > 0 },
      min: slot(12) + 0, // 0 where it is -0: which of two equal ends came first must not show
      max: slot(13) + 0,
      leastMagnitude: slot(14),
      mean: slot(15),
      squares: slot(16),
    };
  }

  #trialOf(channel: number): Trial {
    const at = this.#trialsAt + channel * trialSlots * 8;
    const slots = new Float64Array(this.#memory.buffer, at, trialSlots);
    const broke = slots[0]!;
    return {
      bits: (broke & 1) > 0,
      float32: (broke & 2) > 0,
      signs: (broke & 4) > 0,
      examples: [...slots.subarray(3, 3 + slots[1]!)],
    };
  }
}

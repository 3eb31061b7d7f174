// Measures the values of a tensor field as they stream by, channel by channel, in bounded memory: what a thread does with
// its part of the data. Bytes go in whole samples; what comes out is plain data (facts.ts) that merges with the others'.
// Every value is looked at by the kernels in kernels/wasm/measure.ts; kept stretches and ranks take a few of them.

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

/** Values that the kernels get at once: 16 KiB, which stay in the nearest cache. */
const runValues = 2048;
const factSlots = 20;
const trialSlots = 6 + exampleRoom;
const leastSlab = 2 ** 18;
const largestSlab = 2 ** 23;

export class FieldMeasure {
  /** Memory that bytes may be read into: `add` need not copy what lies here. Whole samples, where one fits. */
  readonly room: Uint8Array;
  readonly #kind: number;
  readonly #itemBytes: number;
  readonly #channels: number;
  readonly #inner: number;
  readonly #stride: number;
  readonly #kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #runAt: number;
  readonly #run: Float64Array;
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
    this.#memory = sharedMemory(runAt + runValues * 8);
    this.#kernels = bindKernels(kernelModule(), this.#memory);
    this.#factsAt = factsAt;
    this.#trialsAt = trialsAt;
    this.#runAt = runAt;
    this.room = new Uint8Array(this.#memory.buffer, 0, slabBytes);
    this.#run = new Float64Array(this.#memory.buffer, runAt, runValues);
    this.#formulas = plan.codes.map((code) => {
      if (!code) return undefined;
      const { scale, divisor, offset } = formulaOf(code);
      return code.kind === "divided" ? { divided: 1, scale: divisor, offset } : { divided: 0, scale, offset };
    });
    const rankValues = rankRoom(channels);
    this.#sketches = Array.from({ length: channels }, (_, k) => new RankSketch(rankValues, k));
    this.#keeper = new Keeper(field, plan.axis, plan.keepValues);
    const numbers = new Float64Array(this.#memory.buffer);
    for (let k = 0; k < channels; k += 1) {
      const facts = (factsAt >> 3) + k * factSlots;
      numbers[facts + 14] = Number.POSITIVE_INFINITY;
      numbers[facts + 15] = Number.NEGATIVE_INFINITY;
      numbers[facts + 16] = Number.POSITIVE_INFINITY;
      const trial = (trialsAt >> 3) + k * trialSlots;
      numbers[trial + 2] = Number.POSITIVE_INFINITY;
      numbers[trial + 3] = Number.NEGATIVE_INFINITY;
      numbers[trial + 5] = exampleRoom;
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
    const isTogether = this.#channels === 1;
    for (let channel = 0; channel < this.#channels; channel += 1) {
      const from = address + channel * this.#inner * this.#itemBytes;
      if (isTogether) this.#addTogether(channel, from, rows * this.#inner);
      else if (this.#inner > runValues) {
        for (let row = 0; row < rows; row += 1)
          this.#addTogether(channel, from + row * rowBytes, this.#inner);
      } else {
        const most = Math.floor(runValues / this.#inner);
        for (let row = 0; row < rows; row += most) {
          const some = Math.min(most, rows - row);
          this.#spread(channel, from + row * rowBytes, some, this.#inner, rowBytes);
        }
      }
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
    const count = runs * inner;
    const facts = this.#factsAt + channel * factSlots * 8;
    this.#kernels.measureRun(this.#runAt, count, facts);
    this.#kernels.fitRun(this.#runAt, count, facts);
    const formula = this.#formulas[channel];
    if (formula) {
      const { divided, scale, offset } = formula;
      const trial = this.#trialsAt + channel * trialSlots * 8;
      this.#kernels.tryFormula(this.#runAt, count, divided, scale, offset, trial);
    }
    this.#sketches[channel]!.add(this.#run, count);
  }

  #factsOf(channel: number): ChannelFacts {
    const at = this.#factsAt + channel * factSlots * 8;
    const slots = new Float64Array(this.#memory.buffer, at, factSlots);
    const slot = (k: number) => slots[k]!;
    return {
      count: slot(0),
      finite: slot(19),
      nan: slot(1),
      positiveInfinity: slot(2),
      negativeInfinity: slot(3),
      zeros: slot(5),
      negativeZeros: slot(4),
      subnormal: { float64: slot(6), float32: slot(7), float16: slot(8) - slot(5) },
      beyond: { float32: slot(10), float16: slot(9) },
      notIn: { integers: slot(11), float32: slot(12), float16: slot(13) },
      min: slot(14),
      max: slot(15),
      leastMagnitude: slot(16),
      mean: slot(17),
      squares: slot(18),
    };
  }

  #trialOf(channel: number): Trial {
    const at = this.#trialsAt + channel * trialSlots * 8;
    const slots = new Float64Array(this.#memory.buffer, at, trialSlots);
    return {
      changed: slots[0]!,
      changedAsFloat32: slots[1]!,
      low: slots[2]!,
      high: slots[3]!,
      examples: [...slots.subarray(6, 6 + slots[4]!)],
    };
  }
}

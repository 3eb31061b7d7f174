// From a stretch of counts to samples in the ring: order, place in the layout, reading. What readers of loops and of
// streams have in common.

import { availableParallelism } from "node:os";
import { bindKernels } from "../kernels/kernels.js";
import type { ReaderJob, ReaderStart } from "./messages.js";
import { Placement } from "./placement.js";
import { lineOf, readingWord, threadNumber, wayWord } from "./reading-words.js";
import { RunOrder } from "./run-order.js";
import { type SampleFiles, SampleReader } from "./sample-reader.js";
import { readerTime, viewTimes } from "./stage-times.js";
import { Surplus } from "./surplus.js";

/** The samples of a run. */
export interface RunSamples {
  ids: Float64Array;
  rows: Float64Array;
}

export class RunReader {
  readonly #order: RunOrder;
  readonly #placement: Placement | undefined;
  readonly #samples: SampleReader;
  readonly #ids: Float64Array;
  readonly #times: Float64Array;
  /** What the thread has read for all its jobs, and what it had when this one began. */
  readonly #line: Float64Array;
  readonly #lineBefore: Float64Array;
  readonly #surplus: Surplus;
  readonly #isDirect: boolean;
  /** What is read of a sample, at most. */
  readonly #sampleBytes: number;

  constructor(start: ReaderStart, job: ReaderJob, files: SampleFiles) {
    const { plan, reservation } = job;
    const { placed } = start.table;
    const memory = start.segments[reservation.segment]!;
    const scratch = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
    const kernels = bindKernels(start.module, memory);
    this.#order = new RunOrder(job, kernels, memory, scratch, start.segments);
    this.#placement = placed && new Placement(placed, plan, kernels, memory, scratch);
    this.#samples = new SampleReader(start, job, files);
    const slots = plan.places * plan.slotsPerBatch;
    this.#ids = new Float64Array(memory.buffer, reservation.address + plan.ids, slots);
    this.#times = viewTimes(memory, reservation.address + plan.times, job.reader);
    this.#times[readerTime.beganAt] = Date.now();
    this.#line = lineOf(start.reading, start.thread);
    this.#lineBefore = this.#line.slice();
    this.#surplus = new Surplus(job.reader, availableParallelism());
    this.#isDirect = Atomics.load(start.reading.words, readingWord.way) === wayWord.direct;
    this.#sampleBytes = plan.fields.reduce((sum, { storedStride }) => sum + storedStride, 0);
  }

  /**
   * Fills slots from `slot` on, which do not wrap, with the samples of counts [from, to), at most a run: all of them but
   * encoded images.
   *
   * @returns ids of the samples, and where they lie in the layout; valid until the next call
   */
  read(from: number, to: number, slot: number): RunSamples {
    const since = performance.now();
    this.#times[readerTime.since] = Date.now();
    const count = to - from;
    const ids = this.#order.rows(from, to);
    for (let k = 0; k < count; k += 1) this.#ids[slot + k] = ids[k]!;
    const rows = this.#placement ? this.#placement.rowsOf(ids, count) : ids;
    const missed = this.#line[threadNumber.misses]!;
    this.#samples.read(ids, rows, count, slot);
    const elapsed = performance.now() - since;
    const isFromDisk = this.#isDirect && this.#line[threadNumber.misses]! > missed;
    this.#surplus.note(elapsed, count, count * this.#sampleBytes, isFromDisk);
    this.#times[readerTime.reading]! += elapsed;
    this.#times[readerTime.samples]! += count;
    this.#times[readerTime.since] = 0;
    this.#noteLine();
    return { ids, rows };
  }

  /** Sleeps a little where more readers than this one are enough; false where it should go on. It must not hold a run. */
  rested(words32: Int32Array): boolean {
    if (!this.#surplus.mayRest) return false;
    const since = performance.now();
    this.#surplus.rest(words32);
    this.#times[readerTime.resting]! += performance.now() - since;
    return true;
  }

  /** Notes that images were read and decoded. */
  decoded(sinceMs: number): void {
    this.#times[readerTime.reading]! += performance.now() - sinceMs;
    this.#noteLine();
  }

  /** Notes that the reader has slept. */
  slept(sinceMs: number): void {
    const ms = performance.now() - sinceMs;
    this.#times[readerTime.waiting]! += ms;
    this.#samples.slept(ms);
  }

  #noteLine(): void {
    const [line, before] = [this.#line, this.#lineBefore];
    this.#times[readerTime.hits] = line[threadNumber.hits]! - before[threadNumber.hits]!;
    this.#times[readerTime.diskBytes] = line[threadNumber.diskBytes]! - before[threadNumber.diskBytes]!;
  }
}

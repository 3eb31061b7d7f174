// The threads that measure, and the slabs in which samples come to them: a slab is filled, measured, and filled again.
// Rule: as many slabs as there are bytes for; whoever wants one waits until one is free.

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { FieldPart } from "../precision/facts.js";
import type { MeasurePlan } from "../precision/measure.js";
import { fieldStride, type TensorField } from "../tensor/field.js";
import type { FromMeasurer, MeasurerStart, ToMeasurer } from "./measure-messages.js";
import { SlabMeasure } from "./measure-slab.js";

const slabBytes = 2 ** 22;
const maxThreads = 4;
/** Fewer bytes are measured sooner than a thread starts. */
const easyBytes = 2 ** 24;

/** A slab to be filled with up to `capacity` samples. */
export interface Slab {
  number: number;
  bytes: Uint8Array;
  capacity: number;
}

/** Measures what it is given, pass after pass. */
export interface MeasurePool {
  begin(plans: readonly MeasurePlan[]): void;
  /** A slab that is free. */
  slab(): Promise<Slab>;
  /** Hands a slab over, with the number of its first sample. */
  submit(slab: Slab, samples: number, firstSample: number): void;
  /** What the pass has found, by thread and field. */
  end(): Promise<FieldPart[][]>;
  close(): Promise<void>;
}

/** @param totalBytes of the data, as far as that is known */
export function createMeasurePool(fields: readonly TensorField[], totalBytes: number): MeasurePool {
  const sampleBytes = fields.reduce((sum, field) => sum + fieldStride(field), 0);
  const capacity = Math.max(1, Math.floor(slabBytes / sampleBytes));
  const threads = Math.min(maxThreads, Math.max(1, availableParallelism() - 1));
  if (totalBytes <= easyBytes) return new OwnPool(fields, capacity, sampleBytes);
  return new ThreadPool(fields, capacity, sampleBytes, threads);
}

/** Measures in this thread. */
class OwnPool implements MeasurePool {
  readonly #fields: readonly TensorField[];
  readonly #slab: Slab;
  #measure: SlabMeasure | undefined;

  constructor(fields: readonly TensorField[], capacity: number, sampleBytes: number) {
    this.#fields = fields;
    this.#slab = { number: 0, bytes: new Uint8Array(capacity * sampleBytes), capacity };
  }

  begin(plans: readonly MeasurePlan[]): void {
    this.#measure = new SlabMeasure(this.#fields, plans);
  }

  async slab(): Promise<Slab> {
    return this.#slab;
  }

  submit({ bytes }: Slab, samples: number, firstSample: number): void {
    this.#measure!.add(bytes, samples, firstSample);
  }

  async end(): Promise<FieldPart[][]> {
    return [this.#measure!.parts()];
  }

  async close(): Promise<void> {}
}

class ThreadPool implements MeasurePool {
  readonly #workers: readonly Worker[];
  readonly #slabs: readonly Slab[];
  readonly #free: Slab[];
  /** Who waits for a slab. */
  #waiting: Waiting<Slab> | undefined;
  /** Who waits for what each thread has found. */
  #ending: Waiting<FieldPart[]>[] = [];
  #failure: unknown;
  #turn = 0;

  constructor(fields: readonly TensorField[], capacity: number, sampleBytes: number, threads: number) {
    const workerData: MeasurerStart = { fields };
    this.#slabs = Array.from({ length: 2 * threads + 1 }, (_, number) => ({
      number,
      bytes: new Uint8Array(new SharedArrayBuffer(capacity * sampleBytes)),
      capacity,
    }));
    this.#free = [...this.#slabs];
    const script = new URL("./measure-thread.js", import.meta.url);
    this.#workers = Array.from({ length: threads }, () => new Worker(script, { workerData }));
    this.#workers.forEach((worker, k) => {
      worker.on("message", (message: FromMeasurer) => {
        if (message.type === "free") this.#release(this.#slabs[message.number]!);
        else this.#ending[k]?.resolve(message.parts);
      });
      worker.on("error", (error) => this.#fail(error));
    });
  }

  begin(plans: readonly MeasurePlan[]): void {
    for (const worker of this.#workers) post(worker, { type: "begin", plans });
  }

  async slab(): Promise<Slab> {
    if (this.#failure) throw this.#failure;
    const slab = this.#free.pop();
    if (slab) return slab;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  submit({ number, bytes }: Slab, samples: number, firstSample: number): void {
    const worker = this.#workers[this.#turn % this.#workers.length]!;
    this.#turn += 1;
    post(worker, { type: "slab", number, bytes, samples, firstSample });
  }

  async end(): Promise<FieldPart[][]> {
    if (this.#failure) throw this.#failure;
    return Promise.all(
      this.#workers.map(
        (worker, k) =>
          new Promise<FieldPart[]>((resolve, reject) => {
            this.#ending[k] = { resolve, reject };
            post(worker, { type: "end" });
          }),
      ),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #release(slab: Slab): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve(slab);
    else this.#free.push(slab);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    for (const ending of this.#ending) ending.reject(error);
  }
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

function post(worker: Worker, message: ToMeasurer): void {
  worker.postMessage(message);
}

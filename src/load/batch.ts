// A batch as the user holds it: views of its place in the ring, field by field, without a copy. Valid until the next
// batch is asked for; `copy()` keeps it.

import type { BatchPlan } from "../order/schedule.js";
import { type DType, elementBytes, type TypedArray, viewAs, zeros } from "../tensor/dtype.js";
import type { Field } from "../tensor/field.js";
import type { LoopPlan } from "./plan.js";

/** One field of a batch. */
export interface BatchField {
  /** All samples one after another, row-major; float16 as raw bits in a Uint16Array. */
  readonly data: TypedArray;
  /** Samples first: [64, 256, 8]; class labels and scalars have [64]. */
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Some samples, together. Valid until the next batch is asked for. */
export interface Batch {
  readonly fields: Readonly<Record<string, BatchField>>;
  /** Id of each sample: its row in the catalog. */
  readonly ids: Float64Array;
  /** Number of samples. */
  readonly size: number;
  readonly epoch: number;
  /** Number of the batch within its epoch, from 0. */
  readonly index: number;
  /** Samples taken again from the epoch's start to fill the batch (`last: "wrap"`). */
  readonly wrapped: number;
  /** Token with which another run goes on after this batch: `batches({ resume })`. */
  readonly resume: string;
  /** The same batch in memory of its own, to be kept. */
  copy(): Batch;
}

/** Places whose views are kept for the next time. */
const maxKept = 64;

/** Makes the batches of one loop out of its ring. */
export class BatchMaker {
  readonly #plan: LoopPlan;
  readonly #shapes: readonly (readonly number[])[];
  readonly #buffer: ArrayBufferLike;
  readonly #address: number;
  /** By place: the views of a whole batch, made when it is first full. Not kept where batches are small and many. */
  readonly #whole: BatchViews[] = [];

  constructor(plan: LoopPlan, fields: readonly Field[], buffer: ArrayBufferLike, address: number) {
    this.#plan = plan;
    this.#shapes = fields.map((field) => (field.kind === "class" ? [] : field.shape));
    this.#buffer = buffer;
    this.#address = address;
  }

  /** @param place where in the ring the batch lies */
  make(batch: BatchPlan, place: number, resume: string): Batch {
    const isKept = batch.size === this.#plan.batchSize && place < maxKept;
    const views = (isKept && this.#whole[place]) || this.#view(place, batch.size);
    if (isKept) this.#whole[place] = views;
    return new HeldBatch(views, batch, resume);
  }

  #view(place: number, size: number): BatchViews {
    const slot = place * this.#plan.slotsPerBatch;
    const fields: Record<string, BatchField> = {};
    this.#plan.fields.forEach((field, k) => {
      const at = this.#address + field.ring + slot * field.deliveredStride;
      fields[field.name] = {
        data: viewAs(field.delivered, this.#buffer, at, size * field.elements),
        shape: [size, ...this.#shapes[k]!],
        dtype: field.delivered,
      };
    });
    return { fields, ids: new Float64Array(this.#buffer, this.#address + this.#plan.ids + slot * 8, size) };
  }
}

type BatchViews = Pick<Batch, "fields" | "ids">;

/** A class and no object literal: V8 makes these much faster, which small batches feel. */
class HeldBatch implements Batch {
  readonly fields: Readonly<Record<string, BatchField>>;
  readonly ids: Float64Array;
  readonly size: number;
  readonly epoch: number;
  readonly index: number;
  readonly wrapped: number;
  readonly resume: string;

  constructor(views: BatchViews, place: Pick<Batch, "size" | "epoch" | "index" | "wrapped">, resume: string) {
    this.fields = views.fields;
    this.ids = views.ids;
    this.size = place.size;
    this.epoch = place.epoch;
    this.index = place.index;
    this.wrapped = place.wrapped;
    this.resume = resume;
  }

  copy(): Batch {
    return new HeldBatch({ fields: copyFields(this.fields), ids: this.ids.slice() }, this, this.resume);
  }
}

/** The fields of a batch in memory of their own. */
export function copyFields(fields: Batch["fields"]): Record<string, BatchField> {
  const copies: Record<string, BatchField> = {};
  for (const [name, field] of Object.entries(fields)) {
    const data = zeros(field.dtype, field.data.byteLength / elementBytes(field.dtype));
    (data as Uint8Array).set(field.data as Uint8Array);
    copies[name] = { ...field, data };
  }
  return copies;
}

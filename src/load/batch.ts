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

/** Which other sample of the batch each one is mixed with, and how much of it is its own. */
export interface Mixed {
  /** Weight of the sample's own label, 0 to 1; the partner's has the rest. */
  readonly weights: Float32Array;
  /** Place of the partner in the batch: its label is `label.data[partners[k]]`. */
  readonly partners: Int32Array;
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
  /** Only where mixup or cutmix has mixed samples with others of the batch. */
  readonly mixed?: Mixed;
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
    this.#shapes = sampleShapes(fields);
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
    const { ids, fields, slotsPerBatch } = this.#plan;
    const rings = fields.map((field) => this.#address + field.ring);
    return viewSlots({
      fields,
      shapes: this.#shapes,
      buffer: this.#buffer,
      rings,
      ids: this.#address + ids,
      slot: place * slotsPerBatch,
      size,
    });
  }
}

/** Views of samples that lie together. */
export type BatchViews = Pick<Batch, "fields" | "ids">;

/** Samples that lie together in a ring. */
export interface Slots {
  fields: LoopPlan["fields"];
  /** By field: the shape of one sample as it is delivered. */
  shapes: readonly (readonly number[])[];
  buffer: ArrayBufferLike;
  /** By field: the address of slot 0. */
  rings: readonly number[];
  /** The address of the id of slot 0. */
  ids: number;
  /** First slot, and how many. */
  slot: number;
  size: number;
}

export function viewSlots({ fields, shapes, buffer, rings, ids, slot, size }: Slots): BatchViews {
  const views: Record<string, BatchField> = {};
  fields.forEach((field, k) => {
    const at = rings[k]! + slot * field.deliveredStride;
    views[field.name] = {
      data: viewAs(field.delivered, buffer, at, size * field.elements),
      shape: [size, ...shapes[k]!],
      dtype: field.delivered,
    };
  });
  return { fields: views, ids: new Float64Array(buffer, ids + slot * 8, size) };
}

/** Shapes of the samples of some fields, as they are delivered. */
export function sampleShapes(fields: readonly Field[]): readonly (readonly number[])[] {
  return fields.map((field) => (field.kind === "class" ? [] : field.shape));
}

/** A class and no object literal: V8 makes these much faster, which small batches feel. */
export class HeldBatch implements Batch {
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

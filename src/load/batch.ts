// A batch as the user holds it: views of the ring, field by field, without a copy. One that reaches over the ring's
// end is put together in a spare place. Valid until the next batch is asked for; `copy()` keeps it.

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

/** Makes the batches of one loop out of its ring. */
export class BatchMaker {
  readonly #plan: LoopPlan;
  readonly #shapes: readonly (readonly number[])[];
  readonly #buffer: ArrayBufferLike;
  readonly #address: number;
  readonly #bytes: Uint8Array;

  constructor(plan: LoopPlan, fields: readonly Field[], buffer: ArrayBufferLike, address: number) {
    this.#plan = plan;
    this.#shapes = fields.map((field) => (field.kind === "class" ? [] : field.shape));
    this.#buffer = buffer;
    this.#address = address;
    this.#bytes = new Uint8Array(buffer);
  }

  /** @param first the loop's count of the first sample */
  make(batch: BatchPlan, first: number, resume: string): Batch {
    const { plan, size } = { plan: this.#plan, size: batch.size };
    const slot = first % plan.slots;
    const fields: Record<string, BatchField> = {};
    plan.fields.forEach((field, k) => {
      const at = this.#gather(field.ring, field.spare, field.deliveredStride, slot, size);
      fields[field.name] = {
        data: viewAs(field.delivered, this.#buffer, at, size * field.elements),
        shape: [size, ...this.#shapes[k]!],
        dtype: field.delivered,
      };
    });
    const ids = new Float64Array(this.#buffer, this.#gather(plan.ids, plan.idSpare, 8, slot, size), size);
    const { epoch, index, wrapped } = batch;
    return withCopy({ fields, ids, size, epoch, index, wrapped, resume });
  }

  /** Address of `count` consecutive slots of one field: in the ring, or in the spare where they would wrap. */
  #gather(ring: number, spare: number, stride: number, slot: number, count: number): number {
    const start = this.#address + ring;
    const { slots } = this.#plan;
    if (slot + count <= slots) return start + slot * stride;
    const target = this.#address + spare;
    const head = (slots - slot) * stride;
    this.#bytes.copyWithin(target, start + slot * stride, start + slots * stride);
    this.#bytes.copyWithin(target + head, start, start + count * stride - head);
    return target;
  }
}

function withCopy(parts: Omit<Batch, "copy">): Batch {
  return {
    ...parts,
    copy() {
      const fields: Record<string, BatchField> = {};
      for (const [name, field] of Object.entries(parts.fields)) {
        const data = zeros(field.dtype, field.data.byteLength / elementBytes(field.dtype));
        (data as Uint8Array).set(field.data as Uint8Array);
        fields[name] = { ...field, data };
      }
      return withCopy({ ...parts, fields, ids: parts.ids.slice() });
    },
  };
}

// The batch of a mix: the samples of its views one view after another, in memory of its own that is used again for every
// batch. Quotas never change, so each view has its place in every array once and for all.

import { type Batch, type BatchField, copyFields } from "../load/batch.js";
import type { Reservation } from "../load/memory-pool.js";
import { type Deliver, deliveredAs } from "../load/plan.js";
import { elementBytes, type TypedArray, viewAs } from "../tensor/dtype.js";
import { elementCount, type Field } from "../tensor/field.js";

/** Some samples of several views, together. Valid until the next batch is asked for. */
export interface MixedBatch extends Batch {
  /** Which view each sample is of, by its number in the list that `mix` was given; `ids` are those of its dataset. */
  readonly origins: Uint8Array | Uint16Array;
  copy(): MixedBatch;
}

/** A field of a dataset, by name. */
export type NamedField = readonly [name: string, field: Field];

/** Arrays start on multiples of this. */
const alignment = 64;

/** Where a field of the whole batch lies in its memory. */
function layOut(fields: readonly NamedField[], batchSize: number, deliver: Deliver) {
  let at = alignUp(batchSize * 8);
  const places = fields.map(([name, field]) => {
    const dtype = deliveredAs(field, deliver);
    const elements = elementCount(field);
    const place = { name, dtype, elements, shape: field.kind === "class" ? [] : field.shape, at };
    at = alignUp(at + batchSize * elements * elementBytes(dtype));
    return place;
  });
  return { places, byteLength: at };
}

function alignUp(byteLength: number): number {
  return Math.ceil(byteLength / alignment) * alignment;
}

/** Bytes that a mixed batch takes. */
export function mixedBatchBytes(fields: readonly NamedField[], batchSize: number, deliver: Deliver): number {
  return layOut(fields, batchSize, deliver).byteLength;
}

/** What a view fills of the batch. */
interface Section {
  ids: Float64Array;
  fields: readonly { name: string; data: TypedArray }[];
}

/** The arrays of a mixed batch, to be filled again and again. */
export class MixedArrays {
  readonly fields: Readonly<Record<string, BatchField>>;
  readonly ids: Float64Array;
  readonly origins: Uint8Array | Uint16Array;
  readonly #sections: readonly Section[];

  /** @param quotas samples of each view */
  constructor(
    fields: readonly NamedField[],
    quotas: readonly number[],
    deliver: Deliver,
    { memory, address }: Reservation,
  ) {
    const size = quotas.reduce((sum, quota) => sum + quota, 0);
    const { places } = layOut(fields, size, deliver);
    this.ids = new Float64Array(memory.buffer, address, size);
    this.fields = Object.fromEntries(
      places.map(({ name, dtype, elements, shape, at }) => [
        name,
        { data: viewAs(dtype, memory.buffer, address + at, size * elements), shape: [size, ...shape], dtype },
      ]),
    );
    this.origins = quotas.length > 256 ? new Uint16Array(size) : new Uint8Array(size);
    let first = 0;
    this.#sections = quotas.map((quota, view) => {
      const [start, end] = [first, first + quota];
      first = end;
      this.origins.fill(view, start, end);
      return {
        ids: this.ids.subarray(start, end),
        fields: places.map(({ name, elements }) => ({
          name,
          data: this.fields[name]!.data.subarray(start * elements, end * elements),
        })),
      };
    });
  }

  /** Copies a batch of each view to its place. */
  fill(parts: readonly Batch[]): void {
    parts.forEach((part, view) => {
      const { ids, fields } = this.#sections[view]!;
      ids.set(part.ids);
      for (const { name, data } of fields) (data as Uint8Array).set(part.fields[name]!.data as Uint8Array);
    });
  }
}

/** What is said of a mixed batch besides its samples. */
type BatchPlace = Pick<Batch, "epoch" | "index" | "resume">;

export class HeldMixedBatch implements MixedBatch {
  readonly fields: Readonly<Record<string, BatchField>>;
  readonly ids: Float64Array;
  readonly origins: Uint8Array | Uint16Array;
  readonly size: number;
  readonly epoch: number;
  readonly index: number;
  readonly wrapped = 0;
  readonly resume: string;

  constructor(arrays: Pick<MixedBatch, "fields" | "ids" | "origins">, place: BatchPlace) {
    this.fields = arrays.fields;
    this.ids = arrays.ids;
    this.origins = arrays.origins;
    this.size = arrays.ids.length;
    this.epoch = place.epoch;
    this.index = place.index;
    this.resume = place.resume;
  }

  copy(): MixedBatch {
    const { fields, ids, origins } = this;
    return new HeldMixedBatch(
      { fields: copyFields(fields), ids: ids.slice(), origins: origins.slice() },
      this,
    );
  }
}

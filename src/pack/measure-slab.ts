// What is measured of the samples in a slab, by a thread or by the packer itself where the data are few.

import type { FieldPart } from "../precision/facts.js";
import { FieldMeasure, type MeasurePlan } from "../precision/measure.js";
import { fieldStride, type TensorField } from "../tensor/field.js";

export class SlabMeasure {
  readonly #measures: readonly FieldMeasure[];
  readonly #strides: readonly number[];

  constructor(fields: readonly TensorField[], plans: readonly MeasurePlan[]) {
    this.#measures = fields.map((field, k) => new FieldMeasure(field, plans[k]!));
    this.#strides = fields.map(fieldStride);
  }

  /** @param bytes samples of the first field, then those of the next */
  add(bytes: Uint8Array, samples: number, firstSample: number): void {
    let start = 0;
    this.#measures.forEach((measure, k) => {
      const end = start + samples * this.#strides[k]!;
      measure.add(bytes.subarray(start, end), firstSample);
      start = end;
    });
  }

  parts(): FieldPart[] {
    return this.#measures.map((measure) => measure.part());
  }
}

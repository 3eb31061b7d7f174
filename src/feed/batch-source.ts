// Where a trainer's batches lie: in the shared ring, or, where they reach over its end or may be overwritten, in the
// trainer's own spare; or in its own ring, where readers have made them.
// Rule: nothing here looks at whether samples are there, or still there: the cursor has seen to that.

import { type BatchViews, type Mixed, viewSlots } from "../load/batch.js";
import type { Seat } from "./seat.js";

export class BatchSource {
  readonly #seat: Seat;
  readonly #ringFields: readonly number[];
  readonly #ownFields: readonly number[];
  readonly #slots: number;

  constructor(seat: Seat) {
    this.#seat = seat;
    const { plan, making, ring, own } = seat;
    this.#slots = plan.places * plan.slotsPerBatch;
    this.#ringFields = plan.fields.map((field) => ring.address + field.ring);
    this.#ownFields = making.fields.map((at) => own.address + at);
  }

  /** Whether samples from a count of the stream on lie together in the ring. */
  isTogether(first: number, size: number): boolean {
    return (first % this.#slots) + size <= this.#slots;
  }

  /** Views of samples of the shared ring that lie together. */
  shared(first: number, size: number): BatchViews {
    const { segments, plan, ring, shapes } = this.#seat;
    return viewSlots({
      fields: plan.fields,
      shapes,
      buffer: segments.ring.buffer,
      rings: this.#ringFields,
      ids: ring.address + plan.ids,
      slot: first % this.#slots,
      size,
    });
  }

  /** Copies samples of the shared ring into the spare. */
  copy(first: number, size: number): void {
    const { making, own } = this.#seat;
    this.#copyShared(first, size, own.address + making.ids, this.#ownFields);
  }

  /** Keeps samples of the shared ring that are the first of an epoch, from its `place`-th on. */
  keepHead(first: number, place: number, size: number): void {
    const { own, making, plan } = this.#seat;
    const heads = making.heads!;
    const fields = heads.fields.map((at, k) => own.address + at + place * plan.fields[k]!.deliveredStride);
    this.#copyShared(first, size, own.address + heads.ids + place * 8, fields);
  }

  /** Copies the first `count` samples that were kept behind those in the spare. */
  addHead(at: number, count: number): void {
    const { own, making, plan, segments } = this.#seat;
    const heads = making.heads!;
    const bytes = new Uint8Array(segments.own.buffer);
    const move = (from: number, to: number, stride: number) =>
      bytes.copyWithin(to + at * stride, from, from + count * stride);
    move(own.address + heads.ids, own.address + making.ids, 8);
    plan.fields.forEach(({ deliveredStride }, k) => {
      move(own.address + heads.fields[k]!, this.#ownFields[k]!, deliveredStride);
    });
  }

  #copyShared(first: number, size: number, ids: number, fields: readonly number[]): void {
    const { segments, plan, ring } = this.#seat;
    const from = new Uint8Array(segments.ring.buffer);
    const to = new Uint8Array(segments.own.buffer);
    const start = first % this.#slots;
    const before = Math.min(size, this.#slots - start);
    const move = (source: number, target: number, stride: number) => {
      to.set(from.subarray(source + start * stride, source + (start + before) * stride), target);
      to.set(from.subarray(source, source + (size - before) * stride), target + before * stride);
    };
    move(ring.address + plan.ids, ids, 8);
    plan.fields.forEach(({ deliveredStride }, k) => {
      move(this.#ringFields[k]!, fields[k]!, deliveredStride);
    });
  }

  /** Views of the trainer's own memory: the spare, or a place of its ring. */
  own(place: number, size: number): BatchViews & { mixed?: Mixed } {
    const { segments, plan, making, own, shapes } = this.#seat;
    const slot = place * making.slotsPerBatch;
    const views = viewSlots({
      fields: plan.fields,
      shapes,
      buffer: segments.own.buffer,
      rings: this.#ownFields,
      ids: own.address + making.ids,
      slot,
      size,
    });
    const { mixed } = making;
    if (!mixed) return views;
    const { buffer } = segments.own;
    const weights = new Float32Array(buffer, own.address + mixed.weights + slot * 4, size);
    const partners = new Int32Array(buffer, own.address + mixed.partners + slot * 4, size);
    return { ...views, mixed: { weights, partners } };
  }
}

// Batches made for one trainer of a stream: samples copied from the shared ring into the trainer's own, augmented on the
// way. Each reader of the stream has a maker for each such trainer; they share the work run by run.
// Rule: what a sample becomes depends on (seed, epoch, sample, list of transforms), not on who makes it or when.

import { Augmenter } from "../augment/augmenter.js";
import { batchRange, locate } from "../order/schedule.js";
import { isFilledIn, markFilledIn } from "./control.js";
import { viewCosts } from "./making-costs.js";
import { type HeadPlan, isAugmented } from "./making-plan.js";
import type { MakingJob, ReaderStart, StreamJob } from "./messages.js";
import { readerTime, viewTimes } from "./stage-times.js";
import { entry64, type StreamControl } from "./stream-control.js";
import { streamCount, wrappedOf } from "./stream-counts.js";

/** A batch that is being made. */
interface BatchAtHand {
  /** The trainer's count of its first sample, and the stream's. */
  first: number;
  source: number;
  /** First slot in the trainer's ring. */
  slot: number;
  size: number;
  /** How many of its samples are in the shared ring: the others are of the epoch's head. */
  fresh: number;
}

/** A field on its way: addresses of the first slots, and of the room for a partner. */
interface CopiedField {
  stride: number;
  ring: number;
  made: number;
  head: number;
  partner: number;
  /** Its number among those that are augmented, or -1. */
  augmented: number;
}

export class Maker {
  readonly trainer: number;
  readonly serial: number;
  readonly #job: MakingJob;
  readonly #stream: StreamControl;
  readonly #augmenter: Augmenter;
  readonly #heads: HeadPlan | undefined;
  readonly #done: Int32Array;
  readonly #ringIds: Float64Array;
  readonly #ids: Float64Array;
  readonly #headIds: Float64Array;
  readonly #weights: Float32Array | undefined;
  readonly #partners: Int32Array | undefined;
  readonly #fields: readonly CopiedField[];
  readonly #shared: Uint8Array;
  readonly #own: Uint8Array;
  /** Addresses of the augmented fields of the sample at hand, and of its partner. */
  readonly #addresses: Float64Array;
  readonly #partnerAddresses: Float64Array;
  readonly #times: Float64Array;
  readonly #costs: Float64Array;

  private constructor(
    start: ReaderStart,
    { plan: ringPlan, reservation: ring, reader }: StreamJob,
    job: MakingJob,
    stream: StreamControl,
    augmenter: Augmenter,
  ) {
    const { plan, reservation } = job;
    const { address } = reservation;
    this.trainer = job.trainer;
    this.serial = job.serial;
    this.#job = job;
    this.#stream = stream;
    this.#augmenter = augmenter;
    this.#heads = plan.heads;
    const own = start.segments[reservation.segment]!.buffer;
    const shared = start.segments[ring.segment]!.buffer;
    this.#own = new Uint8Array(own);
    this.#shared = new Uint8Array(shared);
    const slots = plan.places * plan.slotsPerBatch;
    this.#done = new Int32Array(own, address + plan.done, plan.places * plan.runsPerBatch);
    this.#ids = new Float64Array(own, address + plan.ids, slots);
    this.#ringIds = new Float64Array(shared, ring.address + ringPlan.ids, stream.slots);
    const { mixed, heads } = plan;
    this.#headIds = new Float64Array(
      own,
      address + (heads?.ids ?? 0),
      heads ? heads.count * heads.epochs : 0,
    );
    this.#weights = mixed && new Float32Array(own, address + mixed.weights, slots);
    this.#partners = mixed && new Int32Array(own, address + mixed.partners, slots);
    const scratch = scratchOf(job, reader);
    let count = 0;
    this.#fields = ringPlan.fields.map((field, number) => ({
      stride: field.deliveredStride,
      ring: ring.address + field.ring,
      made: address + plan.fields[number]!,
      head: address + (heads?.fields[number] ?? 0),
      partner: scratch + plan.scratch.partnerFields[number]!,
      augmented: isAugmented(field) ? count++ : -1,
    }));
    this.#addresses = new Float64Array(count);
    this.#partnerAddresses = new Float64Array(count);
    for (const { augmented, partner } of this.#fields)
      if (augmented >= 0) this.#partnerAddresses[augmented] = partner;
    const memory = start.segments[reservation.segment]!;
    this.#costs = viewCosts({ memory, address }, plan, job.augmentation, reader);
    this.#times = viewTimes(start.segments[ring.segment]!, ring.address + ringPlan.times, reader);
  }

  /** Imports modules of the user's own. @throws SpillwayError `usage` if they are not what they should be */
  static async create(
    start: ReaderStart,
    job: StreamJob,
    making: MakingJob,
    stream: StreamControl,
  ): Promise<Maker> {
    const augmenter = await Augmenter.create(making.augmentation, {
      module: start.module,
      memory: start.segments[making.reservation.segment]!,
      scratch: scratchOf(making, job.reader),
      seed: making.seed,
    });
    return new Maker(start, job, making, stream, augmenter);
  }

  /** Makes a run if there is one to be made; false where there is none. @throws SpillwayError of the augmentation */
  work(): boolean {
    const { trainer } = this;
    const { plan, schedule, origin } = this.#job;
    const stream = this.#stream;
    const { runsPerBatch, runLength, places, slotsPerBatch } = plan;
    const run = stream.get(trainer, entry64.madeClaimed);
    const batch = Math.floor(run / runsPerBatch);
    if (batch >= stream.get(trainer, entry64.madeReleased) + places) return false;
    const { first, size } = batchRange(schedule, batch);
    if (size === 0) return false;
    const offset = (run - batch * runsPerBatch) * runLength;
    const count = Math.max(0, Math.min(runLength, size - offset));
    const source = streamCount(schedule, origin, first);
    const fresh = size - wrappedOf(schedule, origin, first);
    // What is mixed may come from anywhere in the batch.
    const from = source + (plan.mixed ? 0 : Math.min(fresh, offset));
    const to = source + (plan.mixed ? fresh : Math.min(fresh, offset + count));
    if (from < to && !stream.isReady(from, to)) return false;
    // Heads were kept when the epoch's earlier batches were made.
    if (fresh < size && stream.get(trainer, entry64.madeWhole) < batch) return false;
    if (!stream.claim(trainer, entry64.madeClaimed, run)) return true;
    const since = performance.now();
    const atHand = { first, source, slot: (batch % places) * slotsPerBatch, size, fresh };
    for (let k = offset; k < offset + count; k += 1) this.#makeSample(atHand, k);
    // Before anybody hears of the run: a loop may end with it.
    this.#augmenter.writeCosts(this.#costs);
    this.#times[readerTime.making]! += performance.now() - since;
    this.#times[readerTime.made]! += count;
    markFilledIn(this.#done, run);
    this.#finish();
    return true;
  }

  #makeSample(batch: BatchAtHand, k: number): void {
    const { schedule } = this.#job;
    const to = batch.slot + k;
    const { epoch, place } = locate(schedule, batch.first + k);
    for (const field of this.#fields) {
      const at = field.made + to * field.stride;
      this.#copy(field, batch, k, epoch, place, at);
      if (field.augmented >= 0) this.#addresses[field.augmented] = at;
    }
    const id = this.#idOf(batch, k, epoch, place);
    this.#ids[to] = id;
    if (this.#heads && k < batch.fresh && place < this.#heads.count) this.#keepHead(to, epoch, place);
    this.#augmenter.apply(epoch, id, this.#addresses);
    if (this.#weights) this.#weights[to] = this.#mix(batch, k, epoch, id);
  }

  /** Mixes another sample of the batch into one; gives the weight of its own label. */
  #mix(batch: BatchAtHand, k: number, epoch: number, id: number): number {
    const { schedule } = this.#job;
    const start = locate(schedule, batch.first);
    const partner = this.#augmenter.partnerOf(start.epoch, start.place, batch.size, k);
    this.#partners![batch.slot + k] = partner;
    if (partner === k) return 1;
    const other = locate(schedule, batch.first + partner);
    for (const field of this.#fields) {
      if (field.augmented >= 0) this.#copy(field, batch, partner, other.epoch, other.place, field.partner);
    }
    const otherId = this.#idOf(batch, partner, other.epoch, other.place);
    this.#augmenter.apply(other.epoch, otherId, this.#partnerAddresses);
    return this.#augmenter.mix(epoch, id, this.#addresses, this.#partnerAddresses);
  }

  /** Copies a field of the batch's k-th sample, out of the shared ring or the epoch's head, to an address. */
  #copy(field: CopiedField, batch: BatchAtHand, k: number, epoch: number, place: number, to: number): void {
    const { stride } = field;
    if (k >= batch.fresh) {
      const from = field.head + this.#headOf(epoch, place) * stride;
      this.#own.copyWithin(to, from, from + stride);
      return;
    }
    const from = field.ring + ((batch.source + k) % this.#stream.slots) * stride;
    if (this.#own.buffer === this.#shared.buffer) this.#own.copyWithin(to, from, from + stride);
    else this.#own.set(this.#shared.subarray(from, from + stride), to);
  }

  #idOf(batch: BatchAtHand, k: number, epoch: number, place: number): number {
    if (k >= batch.fresh) return this.#headIds[this.#headOf(epoch, place)]!;
    return this.#ringIds[(batch.source + k) % this.#stream.slots]!;
  }

  #headOf(epoch: number, place: number): number {
    const { epochs, count } = this.#heads!;
    return (epoch % epochs) * count + place;
  }

  /** Keeps a sample, just copied to slot `from` and not yet augmented, for the epoch's last batch. */
  #keepHead(from: number, epoch: number, place: number): void {
    const at = this.#headOf(epoch, place);
    this.#headIds[at] = this.#ids[from]!;
    for (const { stride, made, head } of this.#fields) {
      this.#own.copyWithin(head + at * stride, made + from * stride, made + (from + 1) * stride);
    }
  }

  /** Counts batches that are whole, and lets go of their samples in the shared ring. */
  #finish(): void {
    const { trainer } = this;
    const { plan, schedule, origin } = this.#job;
    const { runsPerBatch } = plan;
    const stream = this.#stream;
    for (;;) {
      const batch = stream.get(trainer, entry64.madeWhole);
      if (!isFilledIn(this.#done, batch * runsPerBatch, (batch + 1) * runsPerBatch)) return;
      if (!stream.claim(trainer, entry64.madeWhole, batch)) continue;
      const next = batchRange(schedule, batch + 1);
      const released =
        next.size === 0 ? stream.get(trainer, entry64.end) : streamCount(schedule, origin, next.first);
      stream.raise(trainer, entry64.released, released);
      const wanted = stream.get(trainer, entry64.madeWanted);
      if (wanted >= 0 && batch + 1 >= wanted) stream.wakeTrainer(trainer);
      stream.wakeReaders();
    }
  }
}

function scratchOf({ plan, reservation }: MakingJob, reader: number): number {
  return reservation.address + plan.scratchStart + reader * plan.scratch.byteLength;
}

// A feed: one reading of a view, drawn from by any number of trainers. It decides who joins when, and where in the
// stream; reading and drawing go on without it. Nothing is read before the first trainer asks for a batch; when the last
// one has left, memory and threads are given back, and the next one goes on where the stream stood.
// Rule: a trainer sees every sample of an epoch exactly once, in the order of a loop of its own with the same seed, for
// every epoch that it is there from the start of; others go by `late` and `slow`, and say so in their batches.

import type { AugmentationPlan } from "../augment/plan.js";
import { SpillwayError } from "../errors.js";
import { sampleShapes } from "../load/batch.js";
import { type Engine, loopEnded } from "../load/engine.js";
import { type Ground, type GroundRequest, takeGround } from "../load/ground.js";
import { mostReaders } from "../load/loop-room.js";
import { type MakingPlan, planMaking } from "../load/making-plan.js";
import type { Reservation } from "../load/memory-pool.js";
import { type DeliveredField, planFields } from "../load/plan.js";
import { endlessSchedule, Stream, type StreamRequest } from "../load/stream.js";
import { entry64 } from "../load/stream-control.js";
import { streamEnd } from "../load/stream-counts.js";
import { createSchedule, type Schedule } from "../order/schedule.js";
import type { CursorHost } from "./cursor.js";
import { type FeedStats, feedStats } from "./feed-stats.js";
import { HandedOver } from "./hand-over.js";
import type { Seat } from "./seat.js";
import { Trainer, type TrainerHandle, type TrainerHost } from "./trainer.js";
import { checkTrainer, type TrainerOptions, type TrainerRequest } from "./trainer-options.js";
import { emptyStats, type TrainerStats, trainerStats } from "./trainer-stats.js";
import { planTransforms } from "./transforms.js";

/** A feed as it is asked for, everything checked. */
export interface FeedRequest
  extends Omit<GroundRequest, "signal">,
    Omit<StreamRequest, "schedule" | "viewFingerprint"> {
  /** Position at which it starts. */
  position: number;
  commit: number;
  /** Largest batch of trainers that join later. */
  largestBatch: number;
  debug: boolean;
}

interface Member {
  trainer: Trainer;
  request: TrainerRequest;
  augmentation: AugmentationPlan | undefined;
  making: MakingPlan;
  own: Reservation | undefined;
  seat: Seat | undefined;
  /** In another thread. */
  away: HandedOver | undefined;
  hasLeft: boolean;
}

export class Feed {
  readonly #engine: Engine;
  readonly #request: FeedRequest;
  readonly #fields: readonly DeliveredField[];
  /** For how many readers trainers have scratch. */
  readonly #mostReaders: number;
  readonly #members = new Map<Trainer, Member>();
  readonly #past: TrainerStats[] = [];
  /** Joining and leaving, one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #ground: Ground | undefined;
  #stream: Stream | undefined;
  #startedAt = 0;
  #origin: number;
  /** The furthest position that any trainer has reached, and whether none has ever begun. */
  #reached: number;
  #isFresh = true;
  #count = 0;
  #isClosed = false;
  readonly #host: TrainerHost;

  /** Use `view.feed()`. */
  constructor(engine: Engine, request: FeedRequest) {
    this.#engine = engine;
    this.#request = request;
    this.#fields = planFields(engine.table.columns, request.deliver);
    this.#mostReaders = mostReaders(engine, { ...request, schedule: endlessSchedule(request.selection.count, 0) });
    this.#origin = request.position;
    this.#reached = request.position;
    this.#host = {
      seat: (trainer) => this.#seatOf(trainer),
      cursorHost: (trainer) => this.#cursorHost(trainer),
      leave: (trainer) => this.#inTurn(() => this.#leave(trainer)),
      stats: (trainer) => this.#statsOf(trainer),
      handOver: (trainer) => this.#handOver(trainer),
    };
  }

  /**
   * One more trainer. It joins at once; its memory is reserved then, and `trainer.joined` rejects where there is none.
   *
   * @throws SpillwayError `usage` for options that make no sense, or once the feed is closed
   */
  trainer(options: TrainerOptions = {}): Trainer {
    this.#requireOpen();
    this.#count += 1;
    const { count: n } = this.#request.selection;
    const request = checkTrainer(options, {
      name: `trainer ${this.#count}`,
      seed: this.#request.seed ?? 0,
      n,
    });
    const { deliver, normalisations } = this.#request;
    const { columns } = this.#engine.table;
    const augmentation = planTransforms(request.augment, request.name, { columns, deliver, normalisations });
    const { batchSize, last } = request;
    const wrapped = last === "wrap" ? (batchSize - (n % batchSize)) % batchSize : 0;
    const making = planMaking(this.#fields, this.#mostReaders, { batchSize, augmentation, wrapped });
    const member = { request, augmentation, making, own: undefined, seat: undefined, away: undefined };
    let enter: (joined: Member) => Promise<void> = async () => {};
    const joined = new Promise<void>((resolve, reject) => {
      enter = (joining) => this.#inTurn(() => this.#join(joining)).then(resolve, reject);
    });
    const trainer = new Trainer(this.#host, request, n, joined);
    const entering: Member = { ...member, trainer, hasLeft: false };
    this.#members.set(trainer, entering);
    void enter(entering);
    return trainer;
  }

  /** What trainers and readers do, and which of them is the slowest. */
  stats(): FeedStats {
    const stream = this.#stream;
    const trainers = [...this.#members.keys()].map((trainer) => this.#statsOf(trainer));
    return feedStats({
      trainers,
      past: this.#past,
      times: stream?.isStarted ? stream.times() : undefined,
      elapsedMs: stream?.isStarted ? performance.now() - this.#startedAt : 0,
      ringSlots: stream?.control.slots ?? 0,
    });
  }

  /** Ends all trainers, whose loops then throw, and gives memory and threads back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream?.control.stop();
    const members = [...this.#members.keys()];
    await Promise.all(members.map((trainer) => this.#inTurn(() => this.#leave(trainer))));
    await this.#inTurn(() => this.#endStream());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }

  /** What the ring depends on; @param largest batch of the trainers */
  #roomRequest(largest: number): StreamRequest {
    const { deliver, normalisations, readers, seed, selection, largestBatch } = this.#request;
    const { count, fingerprint } = selection;
    return {
      schedule: endlessSchedule(count, 0),
      deliver,
      normalisations,
      readers,
      seed,
      viewFingerprint: fingerprint,
      stream: { largestBatch: Math.max(largest, largestBatch), mostReaders: this.#mostReaders },
    };
  }

  async #join(member: Member): Promise<void> {
    if (member.hasLeft) return;
    try {
      this.#requireOpen();
      this.#ground ??= await takeGround(this.#engine, { ...this.#request, signal: undefined });
      this.#requireOpen();
      if (this.#stream?.isStarted) this.#joinRunning(member, this.#stream);
      else this.#layOut(member);
    } catch (error) {
      this.#members.delete(member.trainer);
      await this.#endIfEmpty();
      throw error;
    }
  }

  /** Reserves memory for those that are there and one more, before anything is read. */
  #layOut(member: Member): void {
    const others = [...this.#members.values()].filter((each) => each.own && each !== member);
    try {
      this.#reserveFor([...others, member]);
    } catch (error) {
      // What was there before fits again.
      if (others.length > 0) this.#reserveFor(others);
      throw error;
    }
  }

  #reserveFor(members: readonly Member[]): void {
    this.#stream?.release();
    this.#stream = undefined;
    for (const each of members) this.#giveBack(each);
    try {
      for (const each of members) this.#reserveOwn(each);
      const largest = Math.max(...members.map(({ request }) => request.batchSize));
      this.#stream = new Stream(this.#engine, this.#roomRequest(largest), this.#ground!);
      this.#engine.loops.add(this.#end);
    } catch (error) {
      for (const each of members) this.#giveBack(each);
      throw error;
    }
  }

  #reserveOwn(member: Member): void {
    const { making, request } = member;
    member.own = this.#engine.pool.reserve(
      making.byteLength,
      `${request.name} with batches of ${request.batchSize}`,
    );
    const { memory, address } = member.own;
    new Uint8Array(memory.buffer, address + making.done, making.places * making.runsPerBatch * 4).fill(0);
  }

  #giveBack(member: Member): void {
    member.own?.release();
    member.own = undefined;
  }

  readonly #end = () => this.close();

  /** Lets one more draw from a stream that is at work. @throws SpillwayError `memory` */
  #joinRunning(member: Member, stream: Stream): void {
    const { request } = member;
    const { batchSize, late, slow, name } = request;
    const { runLength, slots } = stream.control;
    if (batchSize + runLength > slots) {
      throw new SpillwayError(
        "memory",
        `${name} asks for batches of ${batchSize}, and the ring of the feed, which is at work, has room for ${slots} samples`,
        {
          remedy: `Let it join before the others ask for batches, or say feed({ largestBatch: ${batchSize} }).`,
        },
      );
    }
    this.#reserveOwn(member);
    const { count: n } = this.#request.selection;
    let schedule: Schedule | undefined;
    const choose = (oldestSafe: number) => {
      const safe = this.#origin + Math.max(0, oldestSafe);
      const start = late === "now" ? safe : Math.ceil(safe / n) * n;
      schedule = this.#scheduleFrom(member, start, false);
      return { from: start - this.#origin, end: streamEnd(schedule, this.#origin) };
    };
    const first = choose(stream.control.oldestSafe);
    const entry = stream.freeEntry();
    if (!entry) {
      this.#giveBack(member);
      throw new SpillwayError("usage", `${name} is one trainer too many for a feed`, {
        remedy: "Make a second feed, or let others leave.",
      });
    }
    stream.enter(entry, { ...first, slow }, choose);
    this.#takeSeat(member, stream, entry, schedule!);
  }

  #scheduleFrom({ request }: Member, start: number, isFromStart: boolean): Schedule {
    const { batchSize, last, epochs } = request;
    const { count: n } = this.#request.selection;
    const before = isFromStart ? 0 : Math.ceil(start / n);
    return createSchedule({
      n,
      batchSize,
      rank: 0,
      worldSize: 1,
      last,
      position: start,
      epochs: before + epochs,
    });
  }

  #takeSeat(
    member: Member,
    stream: Stream,
    { trainer, serial }: { trainer: number; serial: number },
    schedule: Schedule,
  ): void {
    const { request, making, own, augmentation } = member;
    const { seed, commit, selection, debug } = this.#request;
    const { name, slow, augmentSeed } = request;
    const { segments } = this.#engine.pool;
    const ownPlace = { segment: own!.segment, address: own!.address };
    const start = schedule.position % schedule.n;
    const mark = this.#ground!.drawing.mark;
    member.seat = {
      name,
      segments: { ring: segments[stream.place.segment]!, own: segments[ownPlace.segment]! },
      plan: stream.plan,
      ring: stream.place,
      entries: stream.place.address + stream.entries,
      trainer,
      serial,
      making,
      own: ownPlace,
      isMade: augmentation !== undefined,
      schedule,
      origin: this.#origin,
      shapes: sampleShapes(this.#engine.fields),
      token: { seed, view: selection.fingerprint, commit, ...(mark === undefined ? {} : { drawing: mark }) },
      partialEpoch:
        start === 0 || schedule.position === this.#request.position
          ? -1
          : Math.floor(schedule.position / schedule.n),
      slow,
      debug,
    };
    if (!augmentation) return;
    stream.makeFor({
      trainer,
      serial,
      plan: making,
      reservation: ownPlace,
      schedule,
      origin: this.#origin,
      augmentation,
      seed: augmentSeed,
    });
  }

  /** Sets the stream to work, with all that have joined so far. */
  #start(stream: Stream): void {
    const members = [...this.#members.values()].filter(({ own }) => own);
    const { count: n } = this.#request.selection;
    const isFresh = this.#isFresh;
    const starts = members.map(({ request: { late } }) =>
      isFresh || late === "now" ? this.#reached : Math.ceil(this.#reached / n) * n,
    );
    this.#origin = Math.min(...starts);
    this.#isFresh = false;
    const seated = members.map((member, k) => {
      const schedule = this.#scheduleFrom(member, starts[k]!, isFresh);
      const entry = stream.freeEntry()!;
      const from = starts[k]! - this.#origin;
      const first = { from, end: Math.max(from, streamEnd(schedule, this.#origin)) };
      stream.enter(entry, { ...first, slow: member.request.slow }, () => first);
      return { member, entry, schedule };
    });
    this.#startedAt = performance.now();
    stream.start(endlessSchedule(n, this.#origin), (error) => {
      for (const { away } of this.#members.values()) away?.fail(error);
    });
    for (const { member, entry, schedule } of seated) this.#takeSeat(member, stream, entry, schedule);
  }

  /** A trainer's seat. The first to ask for it sets the stream to work. */
  async #seatOf(trainer: Trainer): Promise<Seat> {
    await this.#queue;
    this.#requireOpen();
    const member = this.#members.get(trainer);
    const stream = this.#stream;
    if (!member || !stream) throw loopEnded();
    if (!stream.isStarted) this.#start(stream);
    return member.seat!;
  }

  #cursorHost(trainer: Trainer): CursorHost {
    const stream = this.#stream!;
    return {
      isClosed: () => this.#isClosed || stream.isClosed || this.#members.get(trainer)?.hasLeft !== false,
      closed: () => loopEnded(),
      failure: () => stream.failed(),
    };
  }

  async #handOver(trainer: Trainer): Promise<TrainerHandle> {
    await trainer.joined;
    const seat = await this.#seatOf(trainer);
    const away = new HandedOver(() => trainer.leave());
    this.#members.get(trainer)!.away = away;
    return { seat, port: away.theirs };
  }

  /** Takes a trainer out; safe to be called again. */
  async #leave(trainer: Trainer): Promise<void> {
    const member = this.#members.get(trainer);
    if (!member || member.hasLeft) return;
    const stream = this.#stream;
    if (member.seat && stream) {
      // A trainer in another thread says that it will not touch the memory any more.
      await member.away?.dismiss();
      this.#past.push(this.#statsOf(trainer));
      member.hasLeft = true;
      const released = stream.control.get(member.seat.trainer, entry64.released);
      this.#reached = Math.max(this.#reached, this.#origin + released);
      await stream.leave(member.seat.trainer);
    }
    member.hasLeft = true;
    this.#giveBack(member);
    this.#members.delete(trainer);
    await this.#endIfEmpty();
  }

  async #endIfEmpty(): Promise<void> {
    if (this.#members.size === 0) await this.#endStream();
  }

  async #endStream(): Promise<void> {
    const [stream, ground] = [this.#stream, this.#ground];
    this.#engine.loops.delete(this.#end);
    await stream?.close();
    ground?.release();
    this.#stream = undefined;
    this.#ground = undefined;
  }

  #statsOf(trainer: Trainer): TrainerStats {
    const member = this.#members.get(trainer);
    const { name, batchSize } = trainer;
    if (member?.seat && this.#stream)
      return trainerStats(this.#stream.control, member.seat.trainer, {
        name,
        batchSize,
        isMade: member.seat.isMade,
      });
    return this.#past.find((past) => past.name === name) ?? emptyStats(name, batchSize);
  }

  #requireOpen(): void {
    if (this.#isClosed) throw loopEnded();
    this.#engine.requireOpen();
  }
}

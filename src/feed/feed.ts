// A feed: one reading of a view, drawn from by any number of trainers. It decides who joins when, and where in the
// stream; reading and drawing go on without it. Nothing is read before the first trainer asks for a batch; when the last
// one has left, memory and threads are given back, and the next one goes on where the stream stood.
// Rule: a trainer sees every sample of an epoch exactly once, in the order of a loop of its own with the same seed, for
// every epoch that it is there from the start of; others go by `late` and `slow`, and say so in their batches.

import type { SpillwayError } from "../errors.js";
import { type Engine, loopEnded } from "../load/engine.js";
import { type Ground, takeGround } from "../load/ground.js";
import { mostReaders } from "../load/loop-room.js";
import { sumCosts } from "../load/making-costs.js";
import { planMaking } from "../load/making-plan.js";
import { type DeliveredField, planFields } from "../load/plan.js";
import { endlessSchedule, type Stream } from "../load/stream.js";
import { entry64, maxTrainers } from "../load/stream-control.js";
import type { CursorHost } from "./cursor.js";
import { type Entered, enterAll, enterRunning, requireRoom, takeEntry } from "./entering.js";
import { feedClosed, hasLeft, startIsGone, tooManyTrainers, wasAborted } from "./feed-errors.js";
import type { FeedRequest } from "./feed-request.js";
import { type FeedStats, feedStats, PastTrainers } from "./feed-stats.js";
import { HandedOver } from "./hand-over.js";
import { giveBack, layOut, reserveOwn } from "./layout.js";
import { cursorHostOf, type Member, takeSeat } from "./member.js";
import type { Seat } from "./seat.js";
import { Trainer, type TrainerHandle, type TrainerHost } from "./trainer.js";
import { checkTrainer, type TrainerOptions } from "./trainer-options.js";
import { emptyStats, type TrainerStats, trainerStats } from "./trainer-stats.js";
import { planTransforms } from "./transforms.js";
import { defaultPatienceMs, findHoldUp, Watchdog } from "./watchdog.js";

export class Feed {
  readonly #engine: Engine;
  readonly #request: FeedRequest;
  readonly #fields: readonly DeliveredField[];
  /** For how many readers trainers have scratch. */
  readonly #mostReaders: number;
  readonly #members = new Map<Trainer, Member>();
  readonly #past = new PastTrainers();
  /** Joining and leaving, one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #ground: Ground | undefined;
  #stream: Stream | undefined;
  #watchdog: Watchdog | undefined;
  #startedAt = 0;
  /** What readers did in the last stream that has ended. */
  #ended: Pick<FeedStats, "readers" | "elapsedMs" | "ringSlots"> | undefined;
  #origin: number;
  /** The furthest position that any trainer has reached, and whether none has ever begun. */
  #reached: number;
  #isFresh = true;
  #count = 0;
  #closing: Promise<void> | undefined;
  readonly #host: TrainerHost;

  /** Use `view.feed()`. */
  constructor(engine: Engine, request: FeedRequest) {
    this.#engine = engine;
    this.#request = request;
    this.#fields = planFields(engine.table.columns, request.deliver);
    this.#mostReaders = mostReaders(engine, {
      ...request,
      schedule: endlessSchedule(request.selection.count, 0),
    });
    this.#origin = request.position;
    this.#reached = request.position;
    this.#host = {
      seat: (trainer) => this.#seatOf(trainer),
      cursorHost: (trainer) => this.#cursorHost(trainer),
      leave: (trainer) => this.#leave(trainer, undefined),
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
    const name = `trainer ${this.#count + 1}`;
    const { count: n } = this.#request.selection;
    const request = checkTrainer(options, { name, seed: this.#request.seed ?? 0, n });
    const { batchSize, last, signal } = request;
    const left = n - (this.#reached % n);
    if (last === "wrap" && this.#isFresh && left < n && left % batchSize > 0)
      throw startIsGone(request, left);
    const { deliver, normalisations } = this.#request;
    const { columns } = this.#engine.table;
    const augmentation = planTransforms(request.augment, request.name, { columns, deliver, normalisations });
    const wrapped = last === "wrap" ? (batchSize - (n % batchSize)) % batchSize : 0;
    const making = planMaking(this.#fields, this.#mostReaders, { batchSize, augmentation, wrapped });
    this.#count += 1;
    // In its turn, and not before the trainer is made.
    const joined = this.#inTurn(() => this.#join(member));
    const trainer = new Trainer(this.#host, request, n, joined);
    const member: Member = {
      trainer,
      request,
      augmentation,
      making,
      own: undefined,
      seated: undefined,
      away: undefined,
      failure: undefined,
      leaving: undefined,
      onAbort: () => {
        if (!trainer.isIterated) void this.#leave(trainer, wasAborted(request.name));
      },
    };
    this.#members.set(trainer, member);
    signal?.addEventListener("abort", member.onAbort, { once: true });
    return trainer;
  }

  /** What trainers and readers do, and which of them is the slowest. */
  stats(): FeedStats {
    const trainers = [...this.#members.keys()].map((trainer) => this.#statsOf(trainer));
    const past = this.#past.all();
    const nothing = { readers: undefined, elapsedMs: 0, ringSlots: 0 };
    return feedStats({ trainers, past, ...(this.#readersNow() ?? this.#ended ?? nothing) });
  }

  #readersNow(): Pick<FeedStats, "readers" | "elapsedMs" | "ringSlots"> | undefined {
    const stream = this.#stream;
    if (!stream?.isStarted || stream.isClosed) return undefined;
    const elapsedMs = performance.now() - this.#startedAt;
    return { readers: stream.times(), elapsedMs, ringSlots: stream.control.slots };
  }

  /**
   * Ends all trainers, whose loops then throw, and gives memory and threads back. Waits for those in worker threads until
   * they have noticed: they do when their thread comes back to its event loop, or ends.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stream?.control.stop();
    const members = [...this.#members.keys()];
    const why = this.#engine.isClosed ? loopEnded() : feedClosed();
    await Promise.all(members.map((trainer) => this.#leave(trainer, why)));
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

  async #join(member: Member): Promise<void> {
    try {
      this.#requireOpen();
      if (member.leaving) throw hasLeft(member.request.name);
      this.#ground ??= await takeGround(this.#engine, { ...this.#request, signal: undefined });
      this.#requireOpen();
      if (this.#stream?.isStarted) this.#joinRunning(member, this.#stream);
      else this.#layOut(member);
    } catch (error) {
      this.#forget(member);
      await this.#endIfEmpty();
      throw error;
    }
  }

  /** Reserves memory for those that are there and one more, before anything is read. */
  #layOut(member: Member): void {
    const others = [...this.#members.values()].filter((each) => each.own && each !== member);
    if (others.length >= maxTrainers) throw tooManyTrainers(member.request.name);
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
    for (const each of members) giveBack(each);
    const parts = { request: this.#request, ground: this.#ground!, mostReaders: this.#mostReaders };
    this.#stream = layOut(this.#engine, members, parts);
    this.#engine.loops.add(this.#end);
  }

  readonly #end = () => this.close();

  /** Lets one more draw from a stream that is at work. @throws SpillwayError `memory` */
  #joinRunning(member: Member, stream: Stream): void {
    const { request } = member;
    requireRoom(request, stream);
    const entry = takeEntry(stream, request.name);
    reserveOwn(this.#engine, member);
    const { count: n } = this.#request.selection;
    this.#seat(enterRunning(stream, { member, entry }, { n, origin: this.#origin }), stream);
  }

  #seat({ member, entry, schedule }: Entered, stream: Stream): void {
    const { mark } = this.#ground!.drawing;
    const standing = { entry, schedule, origin: this.#origin, mark };
    takeSeat(member, this.#engine, stream, this.#request, standing);
  }

  /** Sets the stream to work, with all that have joined so far. */
  #start(stream: Stream): void {
    const members = [...this.#members.values()].filter(({ own }) => own);
    const { firstCount = 0, selection, patienceMs = defaultPatienceMs } = this.#request;
    const { count: n } = selection;
    const outset = { n, reached: this.#reached, isFresh: this.#isFresh, firstCount };
    const { origin, entered } = enterAll(stream, members, outset);
    this.#origin = origin;
    this.#startedAt = performance.now();
    try {
      stream.start({
        schedule: endlessSchedule(n, this.#origin),
        from: firstCount,
        onFailure: (error) => {
          for (const { away } of this.#members.values()) away?.fail(error);
        },
        onMakingFailed: (trainer, serial, error) => this.#failTrainer(stream, trainer, serial, error),
      });
    } catch (error) {
      // As if nobody had asked: the next one that does may find room.
      stream.clear();
      throw error;
    }
    this.#isFresh = false;
    for (const each of entered) this.#seat(each, stream);
    this.#watchdog = new Watchdog(patienceMs, () =>
      findHoldUp(stream.control, [...this.#members.values()], patienceMs),
    );
  }

  #failTrainer(stream: Stream, trainer: number, serial: number, error: SpillwayError): void {
    for (const member of this.#members.values()) {
      const { seated, away } = member;
      if (seated?.stream !== stream || seated.seat.trainer !== trainer || seated.seat.serial !== serial)
        continue;
      member.failure ??= error;
      away?.fail(error);
    }
  }

  /** A trainer's seat. The first to ask for it sets the stream to work. */
  async #seatOf(trainer: Trainer): Promise<Seat> {
    await this.#queue;
    this.#requireOpen();
    const member = this.#members.get(trainer);
    const stream = this.#stream;
    if (!member || !stream || member.leaving) throw hasLeft(trainer.name);
    if (!stream.isStarted) this.#start(stream);
    return member.seated!.seat;
  }

  #cursorHost(trainer: Trainer): CursorHost {
    return cursorHostOf(this.#members.get(trainer), {
      isClosed: () => this.#closing !== undefined,
      closed: () => {
        if (this.#engine.isClosed) return loopEnded();
        return this.#closing ? feedClosed() : undefined;
      },
    });
  }

  async #handOver(trainer: Trainer): Promise<TrainerHandle> {
    await trainer.joined;
    const seat = await this.#seatOf(trainer);
    const member = this.#members.get(trainer);
    if (!member || member.leaving) throw hasLeft(trainer.name);
    const away = new HandedOver(() => void this.#leave(trainer, undefined));
    member.away = away;
    return away.handle(seat);
  }

  /** Takes a trainer out; safe to be called again. @param why what its loop throws; undefined where it just ends */
  async #leave(trainer: Trainer, why: SpillwayError | undefined): Promise<void> {
    const member = this.#members.get(trainer);
    if (!member) return;
    member.leaving ??= this.#letGo(member, why);
    await member.leaving;
    await this.#inTurn(() => this.#takeOut(member));
  }

  /** From now on nobody waits for it, even where the thread that it lives in takes a while to let go of its memory. */
  async #letGo({ seated, away }: Member, why: SpillwayError | undefined): Promise<void> {
    seated?.stream.letGo(seated.seat.trainer);
    await away?.dismiss(why);
  }

  async #takeOut(member: Member): Promise<void> {
    const { trainer, seated, own } = member;
    if (!this.#members.has(trainer)) return;
    if (seated) {
      const { stream, seat } = seated;
      this.#past.keep(trainer, this.#statsOf(trainer));
      const released = stream.control.get(seat.trainer, entry64.released);
      this.#reached = Math.max(this.#reached, this.#origin + released);
      await stream.leave(seat.trainer);
    }
    if (own) giveBack(member);
    this.#forget(member);
    await this.#endIfEmpty();
  }

  #forget(member: Member): void {
    member.request.signal?.removeEventListener("abort", member.onAbort);
    this.#members.delete(member.trainer);
  }

  async #endIfEmpty(): Promise<void> {
    if (this.#members.size === 0) await this.#endStream();
  }

  async #endStream(): Promise<void> {
    const [stream, ground] = [this.#stream, this.#ground];
    this.#ended = this.#readersNow() ?? this.#ended;
    this.#watchdog?.stop();
    this.#stream = undefined;
    this.#ground = undefined;
    await stream?.close();
    ground?.release();
    this.#engine.loops.delete(this.#end);
  }

  #statsOf(trainer: Trainer): TrainerStats {
    const { name, batchSize } = trainer;
    const { seated, own, making, augmentation: plan } = this.#members.get(trainer) ?? {};
    if (!seated || !own || !making) return this.#past.of(trainer) ?? emptyStats(name, batchSize);
    const { seat, stream } = seated;
    const augmentation = sumCosts(own, making, plan);
    return trainerStats(stream.control, seat.trainer, { name, batchSize, isMade: seat.isMade, augmentation });
  }

  #requireOpen(): void {
    this.#engine.requireOpen();
    if (this.#closing) throw feedClosed();
  }
}

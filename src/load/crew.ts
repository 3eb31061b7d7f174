// The readers of one loop or stream: lent from the pool, each given its job, and whether they have ended or failed.
// Starting a thread takes tens of milliseconds of a core. If all were started at once, none would read before the last
// one is there. So each that has started lets the next one start, and only while the ring runs short of samples: a model
// that few readers can feed keeps the cores for itself.

import { availableParallelism } from "node:os";
import { type ErrorRecord, recordError, restoreError, type SpillwayError } from "../errors.js";
import type { MakingFailed, ReaderJob, ToReader } from "./messages.js";
import type { LentReader } from "./reader-pool.js";

/** Until the next look whether more readers are needed. */
const lookMs = 50;

/** What a crew is to do. */
export interface CrewWork {
  jobOf(reader: number): ReaderJob;
  /** Whether more readers would help: much is still to be read for which there is room. */
  isShort(): boolean;
  /** Called when a reader has failed: one that died could not say so in the shared words. */
  onFailure(error: SpillwayError): void;
  /** Called with what readers say while they are at work. */
  onWord?(word: MakingFailed): void;
}

export class Crew {
  readonly #work: CrewWork;
  readonly #working: LentReader[] = [];
  /** Those not set to work yet. */
  readonly #waiting: LentReader[];
  readonly #ended: Promise<void>[] = [];
  #failure: ErrorRecord | undefined;

  /** @param readers lent by the pool, which has them back when they have ended */
  constructor(readers: readonly LentReader[], work: CrewWork) {
    this.#work = work;
    this.#waiting = [...readers];
    for (let k = 0; k < availableParallelism(); k += 1) this.#startNext();
  }

  #startNext(): void {
    const reader = this.#waiting.shift();
    if (!reader) return;
    const { jobOf, onWord } = this.#work;
    let resolve = () => {};
    const ended = new Promise<void>((fulfil) => {
      resolve = fulfil;
    });
    const onEnd = (error: ErrorRecord | undefined) => {
      if (error) this.#fail(error);
      resolve();
    };
    try {
      reader.run(jobOf(this.#working.length), onEnd, onWord);
    } catch (error) {
      reader.giveBack();
      this.#doWithout(error);
      return;
    }
    this.#working.push(reader);
    this.#ended.push(ended);
    void reader.ready.then(() => this.#startWhenShort());
  }

  #startWhenShort(): void {
    if (this.#waiting.length === 0 || this.#failure) return;
    if (this.#work.isShort()) this.#startNext();
    else setTimeout(() => this.#startWhenShort(), lookMs).unref();
  }

  #fail(error: ErrorRecord): void {
    this.#failure ??= error;
    this.#work.onFailure(restoreError(error));
  }

  /** Where the system gives no more threads: one reader has to be there, the others only help. */
  #doWithout(error: unknown): void {
    this.#giveWaitingBack();
    if (this.#working.length === 0) this.#fail(recordError(error));
    else {
      const why = error instanceof Error ? error.message : String(error);
      const count = `${this.#working.length} reader${this.#working.length === 1 ? "" : "s"}`;
      process.emitWarning(`Reading goes on with ${count}: ${why}`, "SpillwayWarning");
    }
  }

  #giveWaitingBack(): void {
    for (const reader of this.#waiting.splice(0)) reader.giveBack();
  }

  /** Tells each reader something that is at work. Others are to find it in their job. */
  tell(message: ToReader): void {
    for (const reader of this.#working) reader.tell(message);
  }

  /** The first error of a reader, so far. */
  get failure(): SpillwayError | undefined {
    return this.#failure && restoreError(this.#failure);
  }

  /** That error, once a reader has said in the shared words that it failed: its message is on its way. */
  async failed(): Promise<SpillwayError> {
    for (;;) {
      const { failure } = this;
      if (failure) return failure;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until all readers have ended; what they worked on is theirs until then. */
  async ended(): Promise<void> {
    this.#giveWaitingBack();
    const hold = setInterval(() => {}, 2 ** 30);
    await Promise.all(this.#ended).finally(() => clearInterval(hold));
  }
}

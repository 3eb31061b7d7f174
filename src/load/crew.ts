// The readers of one loop or stream: lent from the pool, each given its job, and whether they have ended or failed.

import { type ErrorRecord, restoreError, type SpillwayError } from "../errors.js";
import type { MakingFailed, ReaderJob, ToReader } from "./messages.js";
import type { LentReader } from "./reader-pool.js";

/** What a crew is to do. */
export interface CrewWork {
  jobOf(reader: number): ReaderJob;
  /** Called when a reader has failed: one that died could not say so in the shared words. */
  onFailure(error: SpillwayError): void;
  /** Called with what readers say while they are at work. */
  onWord?(word: MakingFailed): void;
}

export class Crew {
  readonly #readers: readonly LentReader[];
  readonly #ended: Promise<void>[] = [];
  #failure: ErrorRecord | undefined;

  /** @param readers lent by the pool, which has them back when they have ended */
  constructor(readers: readonly LentReader[], { jobOf, onFailure, onWord }: CrewWork) {
    this.#readers = readers;
    this.#readers.forEach((reader, number) => {
      this.#ended.push(
        new Promise((resolve) => {
          const onEnd = (error: ErrorRecord | undefined) => {
            if (error) {
              this.#failure ??= error;
              onFailure(restoreError(error));
            }
            resolve();
          };
          reader.run(jobOf(number), onEnd, onWord);
        }),
      );
    });
  }

  /** Tells each reader something while it is at work. */
  tell(message: ToReader): void {
    for (const reader of this.#readers) reader.tell(message);
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
    const hold = setInterval(() => {}, 2 ** 30);
    await Promise.all(this.#ended).finally(() => clearInterval(hold));
  }
}

// The reader threads of an open dataset: started when a loop needs them, kept for the next loop, ended on close. Each
// is counted in the memory. A thread that is idle does not keep the process alive.

import { Worker } from "node:worker_threads";
import { type ErrorRecord, recordError, SpillwayError } from "../errors.js";
import { kernelModule } from "../kernels/kernels.js";
import { type MemoryPool, threadBytes } from "./memory-pool.js";
import type { FromReader, MakingFailed, ReaderJob, ReaderStart, ToReader } from "./messages.js";
import { openFileLimit } from "./open-files.js";
import { lineOf, type ReadingWords, threadNumber } from "./reading-words.js";
import type { DatasetTable } from "./table.js";

/** Shards that all readers together keep open at most: a third of what the process may open, shared by eight. */
const maxOpenFiles = 512;
const typicalReaders = 8;

/** Small heaps: readers hold next to nothing of their own. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64, stackSizeMb: 1 };

/** One reader at work for one loop. */
export interface LentReader {
  /** Hands over the work; `onEnd` is called once, with an error if it failed, `onWord` for what it says until then. */
  run(
    job: ReaderJob,
    onEnd: (error: ErrorRecord | undefined) => void,
    onWord?: (word: MakingFailed) => void,
  ): void;
  /** Tells it something while it is at work. */
  tell(message: ToReader): void;
}

interface Thread extends LentReader {
  worker: Worker;
  /** Its own, while it lives. */
  number: number;
  onEnd: ((error: ErrorRecord | undefined) => void) | undefined;
  onWord: ((word: MakingFailed) => void) | undefined;
  isDead: boolean;
}

export class ReaderPool {
  readonly #memory: MemoryPool;
  readonly #table: DatasetTable;
  readonly #reading: ReadingWords;
  readonly #script: URL;
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[] = [];

  /** @param script what a thread runs; another one in tests only */
  constructor(
    memory: MemoryPool,
    table: DatasetTable,
    reading: ReadingWords,
    script = new URL("./reader.js", import.meta.url),
  ) {
    this.#memory = memory;
    this.#table = table;
    this.#reading = reading;
    this.#script = script;
  }

  /** Threads that wait for work. */
  get idle(): number {
    return this.#idle.length;
  }

  /** @throws SpillwayError `memory` if a thread does not fit */
  lend(count: number): LentReader[] {
    const lent: Thread[] = [];
    try {
      while (lent.length < count) lent.push(this.#idle.pop() ?? this.#startThread());
    } catch (error) {
      this.#idle.push(...lent);
      throw error;
    }
    return lent;
  }

  /** Takes readers back that were lent and never set to work. */
  takeBack(lent: readonly LentReader[]): void {
    this.#idle.push(...(lent as readonly Thread[]).filter(({ isDead }) => !isDead));
  }

  async close(): Promise<void> {
    const threads = [...this.#threads];
    this.#idle.length = 0;
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
  }

  #startThread(): Thread {
    if (!this.#memory.takeThread()) throw this.#memory.shortage(threadBytes, "a reader thread");
    const number = this.#freeNumber();
    const workerData: ReaderStart = {
      module: kernelModule(),
      segments: this.#memory.segments,
      memoryBytes: this.#memory.byteLength,
      table: this.#table,
      reading: this.#reading,
      thread: number,
      maxOpenFiles: Math.max(1, Math.floor(Math.min(maxOpenFiles, openFileLimit() / 3) / typicalReaders)),
    };
    const worker = new Worker(this.#script, {
      workerData,
      resourceLimits,
      execArgv: [],
      name: "spillway-reader",
    });
    const thread: Thread = {
      worker,
      number,
      onEnd: undefined,
      onWord: undefined,
      isDead: false,
      run: (job, onEnd, onWord) => {
        thread.onEnd = onEnd;
        thread.onWord = onWord;
        if (thread.isDead) this.#finish(thread, threadDied("it had ended before"));
        else worker.postMessage(job);
      },
      tell: (message) => worker.postMessage(message),
    };
    this.#threads.add(thread);
    worker.on("message", (message: FromReader) => {
      if (message.type === "making-failed") thread.onWord?.(message);
      else this.#finish(thread, message.type === "failed" ? message.error : undefined);
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      thread.isDead = true;
      this.#threads.delete(thread);
      const at = this.#idle.indexOf(thread);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#memory.returnThread();
      // A thread that was stopped in a read cannot say that the read is over.
      lineOf(this.#reading, number)[threadNumber.since] = 0;
      this.#finish(thread, failure === undefined ? threadDied(`exit code ${code}`) : recordError(failure));
    });
    // After the listeners: adding one for messages would undo it.
    worker.unref();
    return thread;
  }

  #freeNumber(): number {
    const taken = new Set([...this.#threads].map(({ number }) => number));
    let number = 0;
    while (taken.has(number)) number += 1;
    return number;
  }

  #finish(thread: Thread, error: ErrorRecord | undefined): void {
    const { onEnd } = thread;
    if (!onEnd) return;
    thread.onEnd = undefined;
    thread.onWord = undefined;
    if (!thread.isDead) this.#idle.push(thread);
    onEnd(error);
  }
}

function threadDied(why: string): ErrorRecord {
  return new SpillwayError("thread", `a reader thread ended in the middle of its work: ${why}`, {
    remedy:
      "Look for a lack of memory or a signal in the system's log; start the run again from batch.resume.",
  }).toJSON();
}

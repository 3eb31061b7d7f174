// The reader threads of an open dataset: lent to a loop, started when they are set to work for the first time, kept for
// the next loop, ended on close, or when a loop lacks their memory. Each is counted in that from when it is lent. A thread
// that is idle does not keep the process alive.

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
  /** Fulfilled when its thread has started, or has ended. */
  readonly ready: Promise<void>;
  /**
   * Hands over the work, for which a thread is started where there is none; `onEnd` is called once, with an error if it
   * failed, `onWord` for what it says until then.
   *
   * @throws SpillwayError `thread` if no thread can be started: it has no work then
   */
  run(
    job: ReaderJob,
    onEnd: (error: ErrorRecord | undefined) => void,
    onWord?: (word: MakingFailed) => void,
  ): void;
  /** Tells it something while it is at work. */
  tell(message: ToReader): void;
  /** Instead of work. */
  giveBack(): void;
}

interface Thread extends LentReader {
  /** Undefined before its first work. */
  worker: Worker | undefined;
  setReady: () => void;
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
      while (lent.length < count) lent.push(this.#idle.pop() ?? this.#newThread());
    } catch (error) {
      for (const thread of lent) this.#takeBack(thread);
      throw error;
    }
    return lent;
  }

  /** Ends the threads that wait for work, for the memory that they take; false where there are none. */
  endIdle(): boolean {
    const idle = this.#idle.splice(0);
    for (const thread of idle) {
      this.#forget(thread);
      void thread.worker?.terminate();
    }
    return idle.length > 0;
  }

  #forget(thread: Thread): void {
    thread.isDead = true;
    thread.setReady();
    this.#threads.delete(thread);
    this.#memory.returnThread();
  }

  async close(): Promise<void> {
    const threads = [...this.#threads];
    this.#idle.length = 0;
    await Promise.all(threads.map((thread) => thread.worker?.terminate()));
  }

  #newThread(): Thread {
    if (!this.#memory.takeThread()) throw this.#memory.shortage(threadBytes, "a reader thread");
    let setReady = () => {};
    const ready = new Promise<void>((resolve) => {
      setReady = resolve;
    });
    const thread: Thread = {
      worker: undefined,
      ready,
      setReady,
      number: this.#freeNumber(),
      onEnd: undefined,
      onWord: undefined,
      isDead: false,
      run: (job, onEnd, onWord) => {
        if (!thread.isDead) thread.worker ??= this.#startWorker(thread);
        thread.onEnd = onEnd;
        thread.onWord = onWord;
        if (thread.isDead) this.#finish(thread, threadDied("it had ended before"));
        else thread.worker?.postMessage(job);
      },
      tell: (message) => thread.worker?.postMessage(message),
      giveBack: () => this.#takeBack(thread),
    };
    this.#threads.add(thread);
    return thread;
  }

  #takeBack(thread: Thread): void {
    if (thread.isDead) return;
    if (thread.worker) this.#idle.push(thread);
    else {
      this.#threads.delete(thread);
      this.#memory.returnThread();
    }
  }

  #startWorker(thread: Thread): Worker {
    const { number } = thread;
    const workerData: ReaderStart = {
      module: kernelModule(),
      segments: this.#memory.segments,
      memoryBytes: this.#memory.byteLength,
      table: this.#table,
      reading: this.#reading,
      thread: number,
      maxOpenFiles: Math.max(1, Math.floor(Math.min(maxOpenFiles, openFileLimit() / 3) / typicalReaders)),
    };
    const worker = createWorker(this.#script, workerData);
    worker.on("message", (message: FromReader) => {
      if (message.type === "ready") thread.setReady();
      else if (message.type === "making-failed") thread.onWord?.(message);
      else this.#finish(thread, message.type === "failed" ? message.error : undefined);
    });
    let failure: unknown;
    worker.on("error", (error) => {
      failure = error;
    });
    worker.on("exit", (code) => {
      if (thread.isDead) return;
      this.#forget(thread);
      const at = this.#idle.indexOf(thread);
      if (at >= 0) this.#idle.splice(at, 1);
      // A thread that was stopped in a read cannot say that the read is over.
      lineOf(this.#reading, number)[threadNumber.since] = 0;
      this.#finish(thread, failure === undefined ? threadDied(`exit code ${code}`) : recordError(failure));
    });
    // After the listeners: adding one for messages would undo it.
    worker.unref();
    return worker;
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

/** @throws SpillwayError `thread` where the system gives no more threads */
function createWorker(script: URL, workerData: ReaderStart): Worker {
  try {
    return new Worker(script, { workerData, resourceLimits, execArgv: [], name: "spillway-reader" });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SpillwayError("thread", `a reader thread could not be started: ${reason}`, {
      remedy:
        "Raise the number of threads that the process may have (ulimit -u, or pids.max of its container), or ask for fewer readers.",
      cause,
    });
  }
}

function threadDied(why: string): ErrorRecord {
  return new SpillwayError("thread", `a reader thread ended in the middle of its work: ${why}`, {
    remedy:
      "Look for a lack of memory or a signal in the system's log; start the run again from batch.resume.",
  }).toJSON();
}

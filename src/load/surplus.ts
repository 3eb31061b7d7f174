// Readers beyond the cores: they help where reads wait for a disk, and only get into the way of the others where samples
// come out of memory. Each of them finds out by itself, from how long its runs take.
// Rule: who rests holds no run, and wakes up by itself: nothing ever waits for it.

import { word32 } from "./control.js";

/** What is slower than this, for a sample and for a byte, has waited for a disk, or would gain by another core. */
const fastMsPerSample = 0.01;
const fastBytesPerMs = 2 * 2 ** 20;

/** Runs, one after another, that must have been fast; a thread that was interrupted looks slow now and then. */
const fastRuns = 4;

/** Milliseconds until the next try. */
const restMs = 20;

export class Surplus {
  readonly #isSurplus: boolean;
  #fast = 0;

  /** @param reader its number among the readers of its loop */
  constructor(reader: number, cores: number) {
    this.#isSurplus = reader >= cores;
  }

  /** To be told of each run. @param isFromDisk whether it was read past the page cache */
  note(elapsedMs: number, samples: number, byteLength: number, isFromDisk: boolean): void {
    const isFast = !isFromDisk && elapsedMs < samples * fastMsPerSample + byteLength / fastBytesPerMs;
    this.#fast = isFast ? this.#fast + 1 : 0;
  }

  /** Whether the next run is better left to others. */
  get mayRest(): boolean {
    return this.#isSurplus && this.#fast >= fastRuns;
  }

  /** Sleeps a little, until work is stopped at the latest; after one more fast run it may rest again. */
  rest(words32: Int32Array): void {
    Atomics.wait(words32, word32.stop, 0, restMs);
    this.#fast = fastRuns - 1;
  }
}

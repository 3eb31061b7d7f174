// How to read small pieces quickly: blocking while the operating system's cache answers (no thread is woken, two to
// three times as many files per second), asynchronously when the disk has to be asked (several at once overlap).
// Rule: blocking reads never keep the event loop longer than one slice, so timers and Ctrl-C go on.

/** Longest time for which blocking reads hold the event loop. */
const sliceMs = 8;
/** Mean time of a blocking read above which the disk is taken to be at work. A cached 16 KiB file takes 0.01 ms. */
const defaultSlowMs = 0.06;
/** Asynchronous reads after which blocking is tried again. */
const asyncRun = 512;
/** Each new time counts for this share of the mean. */
const meanShare = 1 / 16;

/** Runs one of two ways to do the same read: the first blocks, the second does not. */
export type Pace = <T>(blocking: () => T, asynchronous: () => Promise<T>) => Promise<T>;

/**
 * A pace of its own for one source, learnt from the times that its reads take.
 *
 * @param slowMs mean time above which the disk is taken to be at work, where a sample takes several reads
 */
export function createPace(slowMs = defaultSlowMs): Pace {
  let pause: Promise<void> | undefined;
  let sliceEnd = 0;
  let mean = 0;
  let asyncLeft = 0;
  return async (blocking, asynchronous) => {
    if (asyncLeft > 0) {
      asyncLeft -= 1;
      return asynchronous();
    }
    let start = performance.now();
    if (start > sliceEnd) {
      pause ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        pause = undefined;
        sliceEnd = performance.now() + sliceMs;
      });
      await pause;
      start = performance.now();
    }
    const result = blocking();
    mean += (performance.now() - start - mean) * meanShare;
    if (mean > slowMs) {
      mean = 0;
      asyncLeft = asyncRun;
    }
    return result;
  };
}

// How readers spend their time: a few float64 numbers of shared memory for each, which it alone writes and anybody
// reads. Times are wall-clock milliseconds. A number may be read while it is being written: they are for people.

/** Places of a reader's record. */
export const readerTime = {
  /** Reading, checking and converting samples into the ring. */
  reading: 0,
  /** Augmenting, batches being put together included. */
  making: 1,
  /** Sleeping because nothing is free to be written: trainers are the slower side. */
  waiting: 2,
  /** Samples that were read. */
  samples: 3,
  /** Samples that were augmented. */
  made: 4,
  /** Milliseconds since 1970 at which it began the read that it is in, or 0. */
  since: 5,
  /** Samples that came out of the pinned set, and bytes asked of the system. */
  hits: 6,
  diskBytes: 7,
  /** Sleeping because samples come out of memory, and readers as many as the cores are enough. */
  resting: 8,
  /** Milliseconds since 1970 at which it began with the job, or 0. */
  beganAt: 9,
} as const;

/** A reader's record takes two lines of a cache, so that readers do not disturb each other. */
const numbers = 16;

/** Bytes of a reader's record. */
export const readerTimesBytes = numbers * 8;

/** What the readers of a loop or stream did since it began, all together. */
export interface StageTimes {
  /** Those that there may be at most, and those that have started: others do when the ring runs short. */
  readers: number;
  started: number;
  /** Since each of them started, all together. */
  presentMs: number;
  /** Runs that each of them works at at the same time: the times are of all of these. Above 1 where images are decoded. */
  lanes: number;
  readingMs: number;
  makingMs: number;
  waitingMs: number;
  /** Of those beyond the cores, while samples came out of memory. */
  restingMs: number;
  samples: number;
  made: number;
  /** Samples that came out of the pinned set, and bytes that were asked of the system, sums apart. */
  hits: number;
  diskBytes: number;
  /** For how long the longest read that is going on has taken so far: seconds tell of a disk that stalls. */
  nowReadingMs: number;
}

/** The record of one reader. */
export function viewTimes(memory: WebAssembly.Memory, address: number, reader: number): Float64Array {
  return new Float64Array(memory.buffer, address + reader * readerTimesBytes, numbers);
}

/** @param address of the first reader's record */
export function sumTimes(
  memory: WebAssembly.Memory,
  address: number,
  { readers, lanes }: Pick<StageTimes, "readers" | "lanes">,
): StageTimes {
  const sums = new Float64Array(numbers);
  const now = Date.now();
  let earliest = Number.POSITIVE_INFINITY;
  let [started, presentMs] = [0, 0];
  for (let reader = 0; reader < readers; reader += 1) {
    const own = viewTimes(memory, address, reader);
    for (let k = 0; k < numbers; k += 1) sums[k]! += own[k]!;
    earliest = Math.min(earliest, own[readerTime.since] || Number.POSITIVE_INFINITY);
    const beganAt = own[readerTime.beganAt]!;
    if (beganAt === 0) continue;
    started += 1;
    presentMs += Math.max(0, now - beganAt);
  }
  return {
    readers,
    started,
    presentMs,
    lanes,
    readingMs: sums[readerTime.reading]!,
    makingMs: sums[readerTime.making]!,
    waitingMs: sums[readerTime.waiting]!,
    restingMs: sums[readerTime.resting]!,
    samples: sums[readerTime.samples]!,
    made: sums[readerTime.made]!,
    hits: sums[readerTime.hits]!,
    diskBytes: sums[readerTime.diskBytes]!,
    nowReadingMs: Math.max(0, now - Math.min(earliest, now)),
  };
}

/** Begins the records anew: what lies there is of the memory's last user. */
export function clearTimes(memory: WebAssembly.Memory, address: number, readers: number): void {
  new Float64Array(memory.buffer, address, readers * numbers).fill(0);
}

/** Those of two loops that run beside each other. */
export function addTimes(a: StageTimes, b: StageTimes): StageTimes {
  return {
    readers: a.readers + b.readers,
    started: a.started + b.started,
    presentMs: a.presentMs + b.presentMs,
    lanes: Math.max(a.lanes, b.lanes),
    readingMs: a.readingMs + b.readingMs,
    makingMs: a.makingMs + b.makingMs,
    waitingMs: a.waitingMs + b.waitingMs,
    restingMs: a.restingMs + b.restingMs,
    samples: a.samples + b.samples,
    made: a.made + b.made,
    hits: a.hits + b.hits,
    diskBytes: a.diskBytes + b.diskBytes,
    nowReadingMs: Math.max(a.nowReadingMs, b.nowReadingMs),
  };
}

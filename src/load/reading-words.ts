// The words that all readers of an open dataset share, outside of its memory: which rows are pinned and where, how
// shards are read, and what each thread has read so far. Under 100 KiB, made when the dataset is opened, and handed to
// every reader thread when it starts.
//
//   words     limit, generation, way, refused, keeps | per chunk of the pinned set: segment, page, writers, rows filled
//   threads   per thread, each on a cache line of its own: samples hit, samples missed, bytes and reads from disk, since
//             when it reads (milliseconds since 1970, 0 while it does not), which shard, reads of blocks
//
// Rule: only the main thread changes limit, way, keeps and the places of chunks; a thread writes to its own line alone.

/** Numbers of the words that stand in front. */
export const readingWord = { limit: 0, generation: 1, way: 2, refused: 3, keeps: 4 } as const;

/** Values of the word `way`. */
export const wayWord = { buffered: 0, direct: 1 } as const;

/** Values of the word `keeps`: which rows stay in memory once they were read, be it pinned or in the page cache. */
export const keepsWord = { none: 0, pinned: 1, all: 2 } as const;

const headWords = 8;

/** Words of a chunk, see above. */
export const chunkWord = { segment: 0, page: 1, writers: 2, filled: 3 } as const;
const chunkWords = 4;

/** Chunks that the pinned set has at most; the larger the memory, the larger they are. */
export const maxChunks = 4096;

/** Numbers in a thread's line. */
export const threadNumber = {
  hits: 0,
  misses: 1,
  diskBytes: 2,
  diskReads: 3,
  since: 4,
  shard: 5,
  blockReads: 6,
} as const;
const lineLength = 8;
const maxLines = 512;

export interface ReadingWords {
  words: Int32Array<SharedArrayBuffer>;
  threads: Float64Array<SharedArrayBuffer>;
}

export function createReadingWords(): ReadingWords {
  return {
    words: new Int32Array(new SharedArrayBuffer((headWords + maxChunks * chunkWords) * 4)),
    threads: new Float64Array(new SharedArrayBuffer(maxLines * lineLength * 8)),
  };
}

/** Number of the first word of a chunk. */
export function wordsOfChunk(chunk: number): number {
  return headWords + chunk * chunkWords;
}

/** A thread's own line. Threads that have ended hand theirs on. */
export function lineOf({ threads }: ReadingWords, thread: number): Float64Array {
  const at = (thread % maxLines) * lineLength;
  return threads.subarray(at, at + lineLength);
}

/** All lines together, by the numbers of `threadNumber`. */
export function sumOfLines({ threads }: ReadingWords, number: number): number {
  let sum = 0;
  for (let at = number; at < threads.length; at += lineLength) sum += threads[at]!;
  return sum;
}

/** The longest read that is going on: since when, and of which shard. */
export function oldestRead({ threads }: ReadingWords): { since: number; shard: number } | undefined {
  let oldest: { since: number; shard: number } | undefined;
  for (let at = 0; at < threads.length; at += lineLength) {
    const since = threads[at + threadNumber.since]!;
    if (since > 0 && (!oldest || since < oldest.since))
      oldest = { since, shard: threads[at + threadNumber.shard]! };
  }
  return oldest;
}

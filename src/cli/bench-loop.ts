// The loops that bench runs: one over the dataset, timed and looked at, and two models beside each other, from one feed
// and from loops of their own. Each ends with its epoch or with its time.

import type { Dataset } from "../dataset/dataset.js";
import type { View } from "../dataset/view.js";
import type { BatchOptions } from "../dataset/view-options.js";
import type { Batch } from "../load/batch.js";
import type { LoopStats } from "../load/loop-stats.js";

/** What one loop came to. */
export interface LoopBench {
  samples: number;
  /** Whether it was a whole epoch. */
  isWhole: boolean;
  seconds: number;
  firstBatchMs: number;
  samplesPerSecond: number;
  /** Of what is delivered. */
  bytesPerSecond: number;
  bytesPerSample: number;
  /** Seconds of an epoch; reckoned where the loop was cut. */
  epochSeconds: number;
  /** Copies of as many bytes that one core makes in memory in a second, at random. */
  memoryBytesPerSecond: number;
  /** By class field: variance of the class counts of batches, over that of a true shuffle of the same samples. */
  classMix: Record<string, number>;
  stats: LoopStats;
}

/** Reads one epoch, or as much as the time allows. */
export async function measureLoop(
  dataset: Dataset,
  view: View,
  options: BatchOptions,
  limitMs: number,
  onSamples: (samples: number) => void,
): Promise<LoopBench> {
  const batches = view.batches(options);
  const mixes = Object.entries(dataset.fields)
    .filter(([, { kind }]) => kind === "class")
    .map(([name]) => ({ name, mix: new ClassMix() }));
  const start = performance.now();
  let [samples, bytes, firstBatchMs] = [0, 0, 0];
  for await (const batch of batches) {
    if (samples === 0) firstBatchMs = performance.now() - start;
    samples += batch.size;
    bytes += bytesOf(batch);
    for (const { name, mix } of mixes)
      if (batch.size === options.batchSize) mix.add(batch.fields[name]!.data);
    onSamples(samples);
    if (performance.now() - start > limitMs) break;
  }
  const seconds = (performance.now() - start) / 1000;
  const bytesPerSample = samples === 0 ? 0 : bytes / samples;
  const samplesPerSecond = samples / seconds;
  return {
    samples,
    isWhole: samples === view.size,
    seconds,
    firstBatchMs,
    samplesPerSecond,
    bytesPerSecond: bytes / seconds,
    bytesPerSample,
    epochSeconds: samples === view.size ? seconds : view.size / samplesPerSecond,
    memoryBytesPerSecond: measureCopies(bytesPerSample),
    classMix: Object.fromEntries(
      mixes.flatMap(({ name, mix }) => (mix.ratio === undefined ? [] : [[name, mix.ratio]])),
    ),
    stats: batches.stats(),
  };
}

/** Samples per second that two models get in all: from one feed, and from loops of their own. */
export async function compareFeed(
  view: View,
  options: BatchOptions,
  limitMs: number,
): Promise<{ feed: number; loops: number }> {
  const { batchSize = 64, augment = [], readers } = options;
  const epochs = Number.POSITIVE_INFINITY;
  const drawn = { feed: { samples: 0, ms: 0 }, loops: { samples: 0, ms: 0 } };
  // What is read in one turn may be in memory in the next: neither is always the later one.
  for (const way of ["loops", "feed", "feed", "loops"] as const) {
    const feed = view.feed(readers === undefined ? {} : { readers });
    const next = (seed: number) =>
      way === "feed"
        ? feed.trainer({ batchSize, augment, epochs })
        : view.batches({ ...options, seed, epochs });
    try {
      const { samples, ms } = await drawBoth([next(0), next(1)], limitMs / 4);
      drawn[way].samples += samples;
      drawn[way].ms += ms;
    } finally {
      await feed.close();
    }
  }
  const rateOf = ({ samples, ms }: { samples: number; ms: number }) => (1000 * samples) / ms;
  return { feed: rateOf(drawn.feed), loops: rateOf(drawn.loops) };
}

/** Draws for some time, which begins when each of both has got its first batch: threads may have to start before. */
async function drawBoth(
  both: readonly AsyncIterable<Batch>[],
  limitMs: number,
): Promise<{ samples: number; ms: number }> {
  let [samples, start, unbegun] = [0, 0, both.length];
  await Promise.all(
    both.map(async (batches) => {
      let hasBegun = false;
      for await (const { size } of batches) {
        if (!hasBegun) unbegun -= 1;
        hasBegun = true;
        if (unbegun > 0) continue;
        if (start === 0) start = performance.now();
        else samples += size;
        if (performance.now() - start > limitMs) break;
      }
    }),
  );
  return { samples, ms: performance.now() - start };
}

function bytesOf({ fields }: Batch): number {
  return Object.values(fields).reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Milliseconds for which copies are timed, and bytes that they are made of. */
const copyMs = 100;
const copiedBytes = 64 * 2 ** 20;

function measureCopies(bytesPerSample: number): number {
  const size = Math.max(1, Math.min(copiedBytes / 2, Math.ceil(bytesPerSample)));
  const from = new Uint8Array(copiedBytes).fill(1);
  const to = new Uint8Array(size);
  const places = Math.floor(copiedBytes / size);
  const start = performance.now();
  let copies = 0;
  let place = 0;
  do {
    place = (place + 7919) % places;
    to.set(from.subarray(place * size, (place + 1) * size));
    copies += 1;
  } while (performance.now() - start < copyMs);
  return (1000 * copies * size) / (performance.now() - start);
}

/**
 * How evenly batches of one size mix classes. With m batches of B the counts of a class are compared with those of m
 * batches drawn without replacement from the same m * B samples (hypergeometric), so that part of an epoch will do.
 */
class ClassMix {
  #batches = 0;
  #batchSize = 0;
  readonly #totals = new Map<number, number>();
  readonly #squares = new Map<number, number>();

  add(labels: ArrayLike<number | bigint>): void {
    const counts = new Map<number, number>();
    for (let k = 0; k < labels.length; k += 1) {
      const label = Number(labels[k]);
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    for (const [label, count] of counts) {
      this.#totals.set(label, (this.#totals.get(label) ?? 0) + count);
      this.#squares.set(label, (this.#squares.get(label) ?? 0) + count ** 2);
    }
    this.#batches += 1;
    this.#batchSize = labels.length;
  }

  /** 1 for a true shuffle; undefined where there is too little to tell. */
  get ratio(): number | undefined {
    const [m, size] = [this.#batches, this.#batchSize];
    if (m < 2 || this.#totals.size < 2 || size < 2) return undefined;
    let [found, expected] = [0, 0];
    for (const [label, total] of this.#totals) {
      const share = total / (m * size);
      found += this.#squares.get(label)! - total ** 2 / m;
      expected += (m * size * share * (1 - share) * (m * size - size)) / (m * size - 1);
    }
    return found / expected;
  }
}

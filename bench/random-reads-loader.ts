// One round of the loader for random-reads.ts and pinned.ts, in a process of its own: epochs in global shuffle until the time is up.
// The first epoch, in which every sum is checked, is timed apart. Prints one line of JSON.

import { type Batch, open, type ReadingStats } from "spillway";
import { peakBytes } from "./report.js";

/** What a round is told, as JSON on its command line. */
export interface LoaderRound {
  path: string;
  /** Undefined: as many as the plan chooses. */
  readers?: number;
  batchSize: number;
  /** Least time of the epochs that count; whole epochs are finished. */
  seconds: number;
  /** Whether the sums are checked in an epoch of its own before the clock starts. */
  warmUp: boolean;
  memory: string;
}

export interface LoaderResult {
  samplesPerSecond: number;
  firstEpochSamplesPerSecond: number;
  /** The same of the first epoch's second half, when all threads have started. */
  secondHalfSamplesPerSecond: number;
  epochs: number;
  /** Samples of an epoch, and the exclusive or of their numbers and their sum: the same in every epoch. */
  checksum: { samples: number; xor: number; sum: number };
  peakBytes: number;
  /** How samples were read, and the part of them that came out of the pinned set after the first epoch. */
  reading: ReadingStats;
  hitShare: number;
}

const round: LoaderRound = JSON.parse(process.argv[2]!);
console.log(JSON.stringify(await run(round)));

async function run({
  path,
  readers,
  batchSize,
  seconds,
  warmUp,
  memory,
}: LoaderRound): Promise<LoaderResult> {
  const dataset = await open(path, { memory });
  const batches = dataset.view().batches({
    batchSize,
    ...(readers && { readers }),
    seed: 7,
    epochs: Number.POSITIVE_INFINITY,
    deliver: "stored",
  });
  let [samples, xor, sum] = [0, 0, 0];
  let checksum: LoaderResult["checksum"] | undefined;
  let start = performance.now();
  let firstEpochSeconds = 0;
  let firstHits = 0;
  let halfway: { at: number; samples: number } | undefined;
  let secondHalf = 0;
  let epochs = 0;
  for await (const batch of batches) {
    [xor, sum] = addNumbers(batch, xor, sum);
    samples += batch.size;
    if (samples >= dataset.size / 2) halfway ??= { at: performance.now(), samples };
    if (samples < dataset.size) continue;
    checksum ??= { samples, xor, sum };
    if (checksum.xor !== xor || checksum.sum !== sum)
      throw new Error(`epoch ${batch.epoch} gave other samples`);
    const elapsed = (performance.now() - start) / 1000;
    if (batch.epoch === 0) {
      firstEpochSeconds = elapsed;
      secondHalf = ((samples - halfway!.samples) * 1000) / (performance.now() - halfway!.at);
      firstHits = (await dataset.stats()).reading.hits;
    }
    [samples, xor, sum] = [0, 0, 0];
    if (batch.epoch === 0 && warmUp) {
      start = performance.now();
      continue;
    }
    epochs += 1;
    if (elapsed < seconds) continue;
    const { reading } = await dataset.stats();
    const later = reading.hits + reading.misses - dataset.size;
    const result = {
      samplesPerSecond: (epochs * dataset.size) / elapsed,
      firstEpochSamplesPerSecond: dataset.size / firstEpochSeconds,
      secondHalfSamplesPerSecond: secondHalf,
      epochs,
      checksum,
      peakBytes: peakBytes(),
      reading,
      hitShare: (reading.hits - firstHits) / later,
    };
    await dataset.close();
    return result;
  }
  throw new Error("the loop ended");
}

/** Every sample is touched, and its number must be its id. */
function addNumbers(batch: Batch, xorBefore: number, sumBefore: number): [number, number] {
  const { data, shape } = batch.fields.data!;
  const length = shape[1]!;
  let [xor, sum] = [xorBefore, sumBefore];
  for (let k = 0; k < batch.size; k += 1) {
    const number = data[k * length] as number;
    xor ^= number;
    sum += number;
  }
  return [xor, sum];
}

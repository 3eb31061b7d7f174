// Claim: the order is a true shuffle that costs next to nothing. Four numbers: it is a bijection around every power of
// two; batches of class-sorted data mix classes as a true shuffle does, measured on what the whole loader delivers;
// neighbours in the order have nothing to do with each other; and so many positions are computed in a second.
//
//   node scripts/task.mjs bench order-quality [--full]
//
// By default sizes up to 2^26 are tested; --full adds 2^32 - 1, 2^32 and 2^32 + 1 with one bit per value (512 MiB, about
// half an hour).

import { join } from "node:path";
import { open } from "spillway";
import { bindKernels, type Kernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import { type Permutation, permutation, rounds } from "#spillway/order/permutation";
import { makeSparse } from "../test/fixtures/sparse.js";
import { benchFolder } from "./numbered.js";
import { hasFlag, median, peakBytes, writeResult } from "./report.js";

const view = "0123456789abcdef";
const runLength = 8192;
const memory = sharedMemory(64 + runLength * 8);
const kernels: Kernels = bindKernels(kernelModule(), memory);
const values = new Float64Array(memory.buffer, 64, runLength);

/** Values at places [start, start + count) of an order, in `values`; computed as the readers compute them. */
function fillRun({ n, keys, halves }: Permutation, start: number, count: number): void {
  new Uint32Array(memory.buffer, 0, rounds).set(keys);
  kernels.permuteRun(start, count, n, 0, rounds, halves.leftBits, halves.rightBits, 64);
}

/** Whether every value of 0 .. n-1 comes exactly once: n values, none of them beyond n, and no bit met twice. */
function isBijection(n: number, epoch: number): boolean {
  const order = permutation(n, 7, epoch, view);
  const bits = new Uint32Array(Math.ceil(n / 32));
  for (let start = 0; start < n; start += runLength) {
    const count = Math.min(runLength, n - start);
    fillRun(order, start, count);
    for (let k = 0; k < count; k += 1) {
      const value = values[k]!;
      const word = Math.floor(value / 32);
      const bit = 1 << (value - word * 32);
      if (!(value >= 0 && value < n) || (bits[word]! & bit) !== 0) return false;
      bits[word]! |= bit;
    }
  }
  return true;
}

function testBijection(): { sizes: number[]; isBijection: boolean; seconds: number } {
  const sizes = [1, 2, 3];
  for (let k = 2; k <= 26; k += 1) sizes.push(2 ** k - 1, 2 ** k, 2 ** k + 1);
  if (hasFlag("full")) sizes.push(2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1);
  const start = performance.now();
  const wrong = sizes.filter((n, epoch) => {
    if (n > 2 ** 30) console.log(`  ... all ${n} values`);
    return !isBijection(n, epoch);
  });
  const seconds = (performance.now() - start) / 1000;
  const largest = sizes.at(-1)!;
  console.log(
    `Bijection        ${sizes.length} sizes from 1 to ${largest}: ${wrong.length === 0 ? "all" : `NOT ${wrong.join(", ")}`}`,
  );
  return { sizes, isBijection: wrong.length === 0, seconds };
}

/**
 * Class-sorted data: of n samples, class c has ids [c * n / classes, (c + 1) * n / classes). Variance of the number of
 * samples of a class in a batch, over that of drawing without replacement (hypergeometric); and how often a batch lacks
 * a class, beside how often it should.
 */
async function measureMix(): Promise<object> {
  const [n, classCount, batchSize, epochs] = [100_000, 20, 100, 40];
  const dataset = await open(makeSparse(join(benchFolder(), "sorted"), n, 4), { memory: "64 MiB" });
  let [squares, counted, lacking, batches] = [0, 0, 0, 0];
  const share = 1 / classCount;
  for await (const { ids, size } of dataset.view().batches({ batchSize, seed: 7, epochs })) {
    const counts = new Float64Array(classCount);
    for (let k = 0; k < size; k += 1) counts[Math.floor(ids[k]! * (classCount / n))]! += 1;
    for (const count of counts) {
      squares += (count - size * share) ** 2;
      if (count === 0) lacking += 1;
    }
    counted += classCount;
    batches += 1;
  }
  await dataset.close();
  const expected = batchSize * share * (1 - share) * ((n - batchSize) / (n - 1));
  const ratio = squares / counted / expected;
  // The mean of so many squares of nearly normal counts strays by this much, one standard deviation.
  const spread = Math.sqrt(2 / (batches * (classCount - 1)));
  const lackingShare = lacking / counted;
  const lackingExpected = (1 - share) ** batchSize;
  console.log(
    `Class mix        variance ${ratio.toFixed(4)} of a true shuffle's (chance: 1 +- ${spread.toFixed(4)}); batches without a given class ${percent(lackingShare)} (true: ${percent(lackingExpected)})`,
  );
  console.log(
    `                 ${batches} batches of ${batchSize} out of ${n} class-sorted samples, ${classCount} classes, through the whole loader`,
  );
  return { n, classCount, batchSize, epochs, ratio, spread, lackingShare, lackingExpected };
}

/** Correlation between the values at places p and p + lag, for several lags. */
function measureCorrelation(): object {
  const n = 2 ** 24 + 12_345;
  const order = permutation(n, 7, 0, view);
  const all = new Uint32Array(n);
  for (let start = 0; start < n; start += runLength) {
    const count = Math.min(runLength, n - start);
    fillRun(order, start, count);
    all.set(values.subarray(0, count), start);
  }
  const mean = (n - 1) / 2;
  const variance = (n * n - 1) / 12;
  const correlations = Object.fromEntries(
    [1, 2, 3, 4, 8, 64, 256, 4096].map((lag) => {
      let sum = 0;
      for (let place = 0; place + lag < n; place += 1)
        sum += (all[place]! - mean) * (all[place + lag]! - mean);
      return [lag, sum / (n - lag) / variance];
    }),
  );
  const most = Math.max(...Object.values(correlations).map(Math.abs));
  console.log(
    `Neighbours       serial correlation at most ${most.toExponential(1)} over 8 lags (chance: +- ${(1 / Math.sqrt(n)).toExponential(1)})`,
  );
  return { n, correlations, chance: 1 / Math.sqrt(n) };
}

/** Positions per second of one thread, by the kernel that readers use; sizes just above a power of two walk longest. */
function measureSpeed(): object {
  const rates = Object.fromEntries(
    [2 ** 20, 2 ** 20 + 1, 10 ** 8, 2 ** 32 + 1, 2 ** 48].map((n) => {
      const order = permutation(n, 7, 0, view);
      const rounds = Array.from({ length: 7 }, () => {
        const start = performance.now();
        const runs = 400;
        for (let run = 0; run < runs; run += 1) fillRun(order, (run * runLength) % n, runLength);
        return (runs * runLength) / ((performance.now() - start) / 1000);
      });
      return [n, { median: median(rounds), raw: rounds }];
    }),
  );
  const text = Object.entries(rates).map(([n, rate]) => `${(rate.median / 1e6).toFixed(1)} M (n = ${n})`);
  console.log(`Speed            positions per second and thread: ${text.join(", ")}`);
  return rates;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

const bijection = testBijection();
const classMix = await measureMix();
const correlation = measureCorrelation();
const positionsPerSecond = measureSpeed();
writeResult("order-quality", {
  bijection,
  classMix,
  correlation,
  positionsPerSecond,
  peakBytes: peakBytes(),
});
if (!bijection.isBijection) process.exitCode = 1;

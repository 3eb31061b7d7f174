// Claims: samples that are pinned come faster than out of the page cache, and that faster than from the disk; of a part c
// of the rows that is pinned, a part c of the samples is served without a read; and all of this holds beyond 4 GiB, which
// is as much as one segment of the memory can be.
//
//   node scripts/task.mjs bench pinned [--gib 1] [--large-gib 6.5] [--seconds 3]
//
// Every row is a process of its own: one epoch that fills the set, then epochs for some seconds. "disk" runs in a cgroup
// that leaves next to nothing for the page cache. The large data set is zeros in sparse files: its memory is real.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { runLimited } from "../test/fixtures/cgroup.js";
import { makeSparse } from "../test/fixtures/sparse.js";
import { benchFolder, packNumbered } from "./numbered.js";
import type { LoaderResult, LoaderRound } from "./random-reads-loader.js";
import { median, numberFlag, warmUp, writeResult } from "./report.js";

const gibi = 2 ** 30;
const mebi = 2 ** 20;
const sampleBytes = 8192;
const rounds = numberFlag("rounds", 3);
const seconds = numberFlag("seconds", 3);
const dataBytes = numberFlag("gib", 1) * gibi;
const largeBytes = numberFlag("large-gib", 6.5) * gibi;
const loader = join(import.meta.dirname, "random-reads-loader.js");
const folder = benchFolder();

interface Case {
  what: string;
  path: string;
  memoryBytes: number;
  /** All that the process may take, page cache included; undefined: no limit. */
  limitBytes?: number;
}

interface Row {
  what: string;
  memoryMiB: number;
  samplesPerSecond: number;
  raw: number[];
  firstEpoch: number;
  hitShare: number;
  pinnedShare: number;
  way: string;
  peakMiB: number;
}

const { path, shard, count } = await packNumbered(join(folder, "data"), sampleBytes, dataBytes);
const largeRows = Math.floor(largeBytes / sampleBytes);
const large = makeSparse(join(folder, "large"), largeRows, sampleBytes / 4);
const beside = 160 * mebi;
const cases: Case[] = [
  { what: "all pinned", path, memoryBytes: dataBytes * 1.1 + 320 * mebi },
  ...[0.75, 0.5, 0.25].map((part) => ({
    what: `${part * 100} % of memory`,
    path,
    memoryBytes: dataBytes * part + beside,
  })),
  { what: "page cache", path, memoryBytes: 96 * mebi },
  { what: "disk", path, memoryBytes: 96 * mebi, limitBytes: 96 * mebi + 120 * mebi },
  { what: "beyond 4 GiB", path: large, memoryBytes: largeBytes * 1.02 + 512 * mebi },
];

console.log(
  `${count} samples of ${sampleBytes / 1024} KiB, and ${largeRows} of zeros; medians of ${rounds} rounds\n`,
);
console.log("  what                 memory    samples/s          pinned     hits   read by         peak RSS");
const rows: Row[] = [];
const results = new Map<string, LoaderResult[]>();
for (let round = 0; round < rounds; round += 1) {
  for (const one of round % 2 === 0 ? cases : [...cases].reverse()) {
    const result = await measure(one);
    results.set(one.what, [...(results.get(one.what) ?? []), result]);
  }
}
for (const one of cases) rows.push(print(one, results.get(one.what)!));
writeResult("pinned", { sampleBytes, dataBytes, largeBytes, seconds, rounds, rows });

async function measure({ path: dataset, memoryBytes, limitBytes }: Case): Promise<LoaderResult> {
  if (limitBytes === undefined) warmUp(shard);
  const round: LoaderRound = {
    path: dataset,
    batchSize: 256,
    seconds,
    warmUp: true,
    memory: `${Math.round(memoryBytes / mebi)} MiB`,
  };
  const args = [JSON.stringify(round)];
  if (limitBytes === undefined)
    return JSON.parse(
      execFileSync(process.execPath, [loader, ...args], { encoding: "utf8", maxBuffer: 2 ** 26 }),
    );
  const { stdout, isLimited } = await runLimited(limitBytes, loader, args);
  if (!isLimited) console.error("no cgroup could be made here: what is called disk is the page cache");
  return JSON.parse(stdout);
}

function print({ what, memoryBytes }: Case, all: readonly LoaderResult[]): Row {
  const rates = all.map(({ samplesPerSecond }) => samplesPerSecond);
  const { hitShare, reading, checksum } = all[0]!;
  const row: Row = {
    what,
    memoryMiB: Math.round(memoryBytes / mebi),
    samplesPerSecond: median(rates),
    raw: rates,
    firstEpoch: median(all.map((one) => one.firstEpochSamplesPerSecond)),
    hitShare,
    pinnedShare: reading.pinnedRows / checksum.samples,
    way: reading.way!,
    peakMiB: Math.max(...all.map(({ peakBytes }) => peakBytes)) / mebi,
  };
  const speed = `${Math.round(row.samplesPerSecond / 1000)} k (${((row.samplesPerSecond * sampleBytes) / 1e9).toFixed(2)} GB/s)`;
  console.log(
    `  ${what.padEnd(18)}${`${row.memoryMiB} MiB`.padStart(9)}${speed.padStart(20)}${percent(row.pinnedShare)}${percent(hitShare)}   ${row.way.padEnd(11)}${`${Math.round(row.peakMiB)} MiB`.padStart(13)}`,
  );
  return row;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`.padStart(9);
}

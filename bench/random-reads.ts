// Claim: samples in truly random order come out of the whole loader at no less than 0.9 of what fio gets from plain
// random reads of the same bytes with as many threads. Warm: the file is in the page cache. Rounds of fio and of the
// loader take turns in one run, each in a fresh process, first one and then the other in front.
//
//   node scripts/task.mjs bench random-reads [--rounds 5] [--seconds 4] [--gib 1] [--cold]
//
// The loader has so little memory that next to nothing is pinned; the part that is, is printed. Warm, its first epoch, in
// which it checks every sum, is not counted but printed beside. --cold (needs root) drops the page cache before each round
// and has the loader in a cgroup that leaves none for it, so that it reads directly, as fio then does; every sample is
// read once, and its sum checked. What counts is then the second half of the epoch: the threads have started.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runLimited } from "../test/fixtures/cgroup.js";
import { fioRandomReads, requireFio } from "./fio.js";
import { benchFolder, type Numbered, packNumbered } from "./numbered.js";
import type { LoaderResult, LoaderRound } from "./random-reads-loader.js";
import { dropCaches, hasFlag, median, numberFlag, warmUp, writeResult } from "./report.js";

const target = 0.9;
const cases = [
  { sampleBytes: 4096, batchSize: 256 },
  { sampleBytes: 8192, batchSize: 256 },
  { sampleBytes: 65_536, batchSize: 64 },
  { sampleBytes: 262_144, batchSize: 16 },
];

interface Row {
  sampleBytes: number;
  readers: number;
  ratio: number;
  loader: { median: number; raw: number[]; firstEpoch: number; peakMiB: number };
  fio: { median: number; raw: number[] };
  checksum: LoaderResult["checksum"];
  /** How the loader read, and the part of the rows that was pinned. */
  way: string;
  pinnedShare: number;
}

const isCold = hasFlag("cold");
const rounds = numberFlag("rounds", isCold ? 3 : 5);
const seconds = numberFlag("seconds", 4);
const gib = numberFlag("gib", 1);
const readerCounts = isCold ? [4, 16, 32] : [1, 2, 3];

const fio = requireFio();
if (isCold && !dropCaches()) {
  console.error("--cold drops the page cache between rounds, which needs root: run it with sudo.");
  process.exit(1);
}
const folder = benchFolder();
console.log(
  `Random samples against ${fio} with as many threads, ${isCold ? "cold" : "warm"}: ${gib} GiB each, medians of ${rounds} rounds`,
);
console.log(
  `\n  sample   readers   loader samples/s        fio reads/s   ratio (target ${target})   first epoch, sums checked   peak RSS   pinned, read by`,
);
const rows: Row[] = [];
for (const { sampleBytes, batchSize } of cases) {
  const dataset = await packNumbered(join(folder, `${sampleBytes}`), sampleBytes, gib * 2 ** 30);
  for (const readers of readerCounts) rows.push(await measure(dataset, sampleBytes, batchSize, readers));
}
writeResult(isCold ? "random-reads-cold" : "random-reads", {
  target,
  isCold,
  rounds,
  seconds,
  gib,
  fio,
  rows,
});

async function measure(
  dataset: Numbered,
  sampleBytes: number,
  batchSize: number,
  readers: number,
): Promise<Row> {
  const loader: LoaderResult[] = [];
  const fioRates: number[] = [];
  const memoryMiB = 8 * (readers + 2) + (isCold ? 96 : 48);
  const prepare = () => (isCold ? dropCaches() : warmUp(dataset.shard));
  const runLoader = async () => {
    prepare();
    loader.push(
      await loaderRound({
        path: dataset.path,
        readers,
        batchSize,
        seconds: isCold ? 0 : seconds,
        warmUp: !isCold,
        memory: `${memoryMiB} MiB`,
      }),
    );
  };
  const runFio = async () => {
    prepare();
    const { shard: path, startByte, byteLength } = dataset;
    fioRates.push(
      fioRandomReads({
        path,
        startByte,
        byteLength,
        blockBytes: sampleBytes,
        jobs: readers,
        seconds: isCold ? undefined : seconds,
        isDirect: isCold,
      }),
    );
  };
  // fio, loader, loader, fio, fio, loader ...: neither is always the one that comes second.
  for (let round = 0; round < rounds; round += 1) {
    for (const step of round % 2 === 0 ? [runFio, runLoader] : [runLoader, runFio]) await step();
  }
  // Cold, a loader's threads start from a cold disk as well: their start is printed with the whole epoch.
  const rates = loader.map((result) =>
    isCold ? result.secondHalfSamplesPerSecond : result.samplesPerSecond,
  );
  const { checksum, reading } = loader[0]!;
  if (loader.some((result) => JSON.stringify(result.checksum) !== JSON.stringify(checksum)))
    throw new Error("rounds gave other samples");
  const row: Row = {
    sampleBytes,
    readers,
    ratio: median(rates) / median(fioRates),
    loader: {
      median: median(rates),
      raw: rates,
      firstEpoch: median(loader.map((result) => result.firstEpochSamplesPerSecond)),
      peakMiB: Math.max(...loader.map((result) => result.peakBytes)) / 2 ** 20,
    },
    fio: { median: median(fioRates), raw: fioRates },
    checksum,
    way: reading.way!,
    pinnedShare: reading.pinnedRows / checksum.samples,
  };
  print(row);
  return row;
}

async function loaderRound(round: LoaderRound): Promise<LoaderResult> {
  const script = join(import.meta.dirname, "random-reads-loader.js");
  if (isCold) {
    const limit = Number.parseInt(round.memory, 10) + 120;
    const { stdout, isLimited } = await runLimited(limit * 2 ** 20, script, [JSON.stringify(round)]);
    if (!isLimited) throw new Error("--cold needs a cgroup, which could not be made");
    return JSON.parse(stdout);
  }
  const done = spawnSync(process.execPath, [script, JSON.stringify(round)], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the loader failed: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

function print({ sampleBytes, readers, ratio, loader, fio, way, pinnedShare }: Row): void {
  const rate = (perSecond: number) => {
    const k = `${(perSecond / 1000).toFixed(perSecond >= 1e5 ? 0 : 1)} k`;
    return `${k} (${((perSecond * sampleBytes) / 1e9).toFixed(2)} GB/s)`.padStart(19);
  };
  const columns = [
    `${sampleBytes / 1024} KiB`.padStart(8),
    String(readers).padStart(9),
    rate(loader.median),
    rate(fio.median),
    ratio.toFixed(3).padStart(7) + (ratio >= target ? "     " : " LESS"),
    rate(loader.firstEpoch).padStart(38),
    `${Math.round(loader.peakMiB)} MiB`.padStart(10),
    `${(pinnedShare * 100).toFixed(1)} %, ${way}`.padStart(18),
  ];
  console.log(columns.join(""));
}

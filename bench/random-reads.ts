// Claim: samples in truly random order come out of the whole loader at no less than 0.8 of what fio gets from plain
// random reads of the same bytes with as many threads. Warm: the file is in the page cache. Rounds of fio and of the
// loader take turns in one run, each in a fresh process, first one and then the other in front.
//
//   node scripts/task.mjs bench random-reads [--rounds 5] [--seconds 4] [--gib 1] [--cold]
//
// Not counted: the loader's first epoch, in which it checks every sum; it is printed beside. --cold drops the page
// cache before each round (needs root), reads every sample once, checks included, and is for information.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fioRandomReads, requireFio } from "./fio.js";
import { benchFolder, type Numbered, packNumbered } from "./numbered.js";
import type { LoaderResult, LoaderRound } from "./random-reads-loader.js";
import { dropCaches, hasFlag, median, numberFlag, warmUp, writeResult } from "./report.js";

const target = 0.8;
const cases = [
  { sampleBytes: 4096, batchSize: 256 },
  { sampleBytes: 65_536, batchSize: 64 },
];

interface Row {
  sampleBytes: number;
  readers: number;
  ratio: number;
  loader: { median: number; raw: number[]; firstEpoch: number; peakMiB: number };
  fio: { median: number; raw: number[] };
  checksum: LoaderResult["checksum"];
}

const isCold = hasFlag("cold");
const rounds = numberFlag("rounds", isCold ? 3 : 5);
const seconds = numberFlag("seconds", 4);
const gib = numberFlag("gib", 1);
const readerCounts = isCold ? [1, 8, 16] : [1, 2, 3];

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
  `\n  sample   readers   loader samples/s        fio reads/s   ratio (target ${target})   first epoch, sums checked   peak RSS`,
);
const rows: Row[] = [];
for (const { sampleBytes, batchSize } of cases) {
  const dataset = await packNumbered(join(folder, `${sampleBytes}`), sampleBytes, gib * 2 ** 30);
  for (const readers of readerCounts) rows.push(measure(dataset, sampleBytes, batchSize, readers));
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

function measure(dataset: Numbered, sampleBytes: number, batchSize: number, readers: number): Row {
  const loader: LoaderResult[] = [];
  const fioRates: number[] = [];
  const memory = "256 MiB";
  const prepare = () => (isCold ? dropCaches() : warmUp(dataset.shard));
  const runLoader = () => {
    prepare();
    loader.push(
      loaderRound({
        path: dataset.path,
        readers,
        batchSize,
        seconds: isCold ? 0 : seconds,
        warmUp: !isCold,
        memory,
      }),
    );
  };
  const runFio = () => {
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
      }),
    );
  };
  // fio, loader, loader, fio, fio, loader ...: neither is always the one that comes second.
  for (let round = 0; round < rounds; round += 1) {
    for (const step of round % 2 === 0 ? [runFio, runLoader] : [runLoader, runFio]) step();
  }
  const rates = loader.map((result) => result.samplesPerSecond);
  const { checksum } = loader[0]!;
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
  };
  print(row);
  return row;
}

function loaderRound(round: LoaderRound): LoaderResult {
  const script = join(import.meta.dirname, "random-reads-loader.js");
  const done = spawnSync(process.execPath, [script, JSON.stringify(round)], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the loader failed: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

function print({ sampleBytes, readers, ratio, loader, fio }: Row): void {
  const rate = (perSecond: number) => {
    const k = `${(perSecond / 1000).toFixed(perSecond >= 1e5 ? 0 : 1)} k`;
    return `${k} (${((perSecond * sampleBytes) / 1e9).toFixed(2)} GB/s)`.padStart(19);
  };
  const columns = [
    `${sampleBytes / 1024} KiB`.padStart(8),
    String(readers).padStart(9),
    rate(loader.median),
    rate(fio.median),
    ratio.toFixed(3).padStart(7) + (ratio >= target || isCold ? "     " : " LESS"),
    rate(loader.firstEpoch).padStart(38),
    `${Math.round(loader.peakMiB)} MiB`.padStart(10),
  ];
  console.log(columns.join(""));
}

// Claim: a folder with a file per sample trains faster once it is packed, cold and warm. The same samples in the same
// order, read from their own files (indexed) and from a few shards (packed); each epoch is a process of its own, which
// shows the same checksum. Printed besides: how long it takes to index and to pack, and how many files there are.
//
//   node scripts/task.mjs bench small-files [--files 200000] [--rounds 3] [--kib 8]
//
// Cold drops the page cache before each epoch, which needs root; without it only warm epochs are measured.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { index, type PackOptions, pack } from "spillway";
import { createNpyWriter } from "../examples/npy-file.js";
import { benchFolder } from "./numbered.js";
import type { LoaderResult, LoaderRound } from "./random-reads-loader.js";
import { dropCaches, median, numberFlag, writeResult } from "./report.js";

const files = numberFlag("files", 200_000);
const rounds = numberFlag("rounds", 3);
const length = numberFlag("kib", 8) * 128;
const classCount = 20;
const folder = benchFolder();
const source = join(folder, "source");

makeFiles();
const canBeCold = dropCaches();
const indexed = await made("Index", "indexed", index);
const packed = await made("Pack", "packed", (from, to, options) =>
  pack(from, to, { ...options, layout: "source" }),
);
const sizes = {
  "one file per sample": fileCount(source),
  "the index beside them": fileCount(indexed.path),
  packed: fileCount(packed.path),
};
console.log(
  `  Files     ${Object.entries(sizes)
    .map(([name, count]) => `${name}: ${count.toLocaleString("en")}`)
    .join("; ")}\n`,
);

console.log("                 indexed samples/s   packed samples/s   packed / indexed");
const results = [];
for (const isCold of canBeCold ? [true, false] : [false]) {
  for (const readers of isCold ? [4, 16] : [2, 4]) results.push(compare(isCold, readers));
}
if (!canBeCold) console.log("  (cold epochs need root)");
const [indexing, packing] = [indexed, packed].map(({ path: _path, ...measured }) => measured);
writeResult("small-files", {
  files,
  sampleBytes: length * 8,
  sizes,
  indexed: indexing,
  packed: packing,
  results,
});

/** One .npy per sample, a folder per class; the first value of a sample is its number in the order of the paths. */
function makeFiles(): void {
  const start = performance.now();
  const { values, write } = createNpyWriter([length]);
  for (let k = 0; k < length; k += 1) values[k] = Math.random();
  const perClass = Math.ceil(files / classCount);
  for (let i = 0; i < files; i += 1) {
    const inClass = i % perClass;
    const to = join(source, `class-${String(Math.floor(i / perClass)).padStart(2, "0")}`);
    if (inClass === 0) fs.mkdirSync(to, { recursive: true });
    values[0] = i;
    write(join(to, `${String(inClass).padStart(6, "0")}.npy`));
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${files.toLocaleString("en")} files of ${length * 8} bytes and a header in ${classCount} folders, made in ${seconds.toFixed(0)} s\n`,
  );
}

async function made(
  title: string,
  name: string,
  work: (from: string, to: string, options: PackOptions) => Promise<unknown>,
): Promise<{ path: string; seconds: number; progressLines: number }> {
  const path = join(folder, name);
  let progressLines = 0;
  dropCaches();
  const start = performance.now();
  const onProgress = () => {
    progressLines += 1;
  };
  await work(source, path, { memory: "256 MiB", onProgress });
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `  ${title.padEnd(9)} ${seconds.toFixed(1)} s, ${Math.round(files / seconds).toLocaleString("en")} samples/s, progress told ${progressLines} times`,
  );
  return { path, seconds, progressLines };
}

function fileCount(path: string): number {
  return fs.readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .length;
}

function compare(isCold: boolean, readers: number) {
  const rates = { indexed: [] as number[], packed: [] as number[] };
  const checksums = new Set<string>();
  const epoch = (kind: "indexed" | "packed") => {
    if (isCold) dropCaches();
    const { path } = kind === "indexed" ? indexed : packed;
    const round: LoaderRound = {
      path,
      readers,
      batchSize: 256,
      seconds: 0,
      warmUp: !isCold,
      memory: "256 MiB",
    };
    const result = runLoader(round);
    checksums.add(JSON.stringify(result.checksum));
    rates[kind].push(result.samplesPerSecond);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? (["indexed", "packed"] as const) : (["packed", "indexed"] as const))
      epoch(kind);
  }
  if (checksums.size !== 1) throw new Error("indexed and packed gave other samples");
  const [a, b] = [median(rates.indexed), median(rates.packed)];
  const name = `${isCold ? "cold" : "warm"}, ${readers} readers`;
  console.log(
    `  ${name.padEnd(16)}${Math.round(a).toLocaleString("en").padStart(16)}${Math.round(b).toLocaleString("en").padStart(19)}${(b / a).toFixed(2).padStart(19)}${b > a ? "" : " LESS"}`,
  );
  return {
    isCold,
    readers,
    ratio: b / a,
    indexed: rates.indexed,
    packed: rates.packed,
    checksum: [...checksums][0],
  };
}

function runLoader(round: LoaderRound): LoaderResult {
  const script = join(import.meta.dirname, "random-reads-loader.js");
  const done = spawnSync(process.execPath, [script, JSON.stringify(round)], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`the loader failed: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

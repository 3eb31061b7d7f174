// Claim: samples in truly random order reach the consumer several times faster than by the loaders that are one
// `pip install` or `npm install` away and truly shuffle too: PyTorch DataLoader over a file per sample and over a memmap,
// Hugging Face datasets, Lance. The same samples, batches of 256 as float32 in one array, the same checksum.
//
//   node scripts/task.mjs bench rivals [--rounds 3] [--kib 8,64] [--warm-gib 1] [--cold-gib 4] [--limit-mib 1024]
//                                      [--seconds 30] [--tools FOLDER] [--only warm|cold] [--count N]
//
// Warm: data that fit in memory, the epochs after a process's first, for two seconds at least. Cold: page cache dropped
// (needs root), the first epoch, in a cgroup that holds process and page cache down to a fraction of the data; one that is
// not through after --seconds is cut off and marked; what fio gets from the disk in the same minutes stands beside it. Every run is a process of its own, the order of rivals is reversed
// each round.
// --tools keeps what is installed (some GB for PyTorch) for the next run; --count takes that many samples: a trial.

import { randomUUID } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { measureDevice } from "spillway";
import { fioRandomReads, requireFio } from "./fio.js";
import { benchFolder } from "./numbered.js";
import { runProgram } from "./programs.js";
import { dropCaches, median, numberFlag, textFlag, writeResult } from "./report.js";
import { type Checksum, emptySum, makeSamples, type RivalResult, type RivalTask } from "./rivals-samples.js";
import { printTable, printTargets, type Row, type Variant } from "./rivals-table.js";
import { findTools } from "./rivals-tools.js";

const batchSize = 256;
const rounds = numberFlag("rounds", 3);
const mostSeconds = numberFlag("seconds", 30);
/** Reads of fio at a time, and for how long. */
const diskDepth = 32;
const fioSeconds = 5;
/** Warm epochs of the fastest take tenths of a second. */
const leastSeconds = 2;
const limitBytes = numberFlag("limit-mib", 1024) * 2 ** 20;
const only = textFlag("only");
const sampleKib = (textFlag("kib") ?? "8,64").split(",").map(Number);
const modes = (["warm", "cold"] as const).filter((mode) => only === undefined || only === mode);

if (modes.includes("cold")) requireFio();
const folder = benchFolder();
const tools = await findTools(textFlag("tools") ?? join(folder, "tools"));
const { torch, datasets } = tools.packages;
console.log(
  `\nPyTorch ${torch ?? "-"}, Hugging Face datasets ${datasets ?? "-"}, Lance for Node ${tools.lance ?? "-"}`,
);

const results: object[] = [];
for (const mode of modes) {
  if (mode === "cold" && !dropCaches()) {
    console.log("LEFT OUT: cold epochs need root, to drop the page cache.");
    continue;
  }
  for (const kib of sampleKib) results.push(await compare(mode, kib));
}
writeResult(only ? `rivals-${only}` : "rivals", {
  batchSize,
  rounds,
  tools: { torch, datasets, lance: tools.lance },
  results,
});
process.exit();

function variantsOf(mode: "warm" | "cold", dataMib: number): Variant[] {
  const python = (kind: string, name: string, workers: readonly number[]) =>
    workers.map((count) => ({ kind, name: `${name}, ${count} workers`, workers: count, family: kind }));
  const spillway = (name: string, mib: number) => ({
    kind: "spillway",
    name,
    workers: 0,
    family: name,
    memory: `${mib} MiB`,
  });
  return [
    ...(mode === "warm"
      ? [spillway("Spillway", 256), spillway("Spillway, all pinned", dataMib + 256)]
      : [
          { kind: "fio", name: `fio, ${diskDepth} reads at a time`, workers: diskDepth, family: "fio" },
          spillway("Spillway", limitBytes / 2 ** 20 - 256),
          spillway("Spillway, 256 MiB", 256),
        ]),
    ...(torch
      ? [
          ...python("torch-files", "PyTorch, a file per sample", [0, 2, 4]),
          ...python("torch-memmap", "PyTorch, memmap", [0, 2]),
          ...python("torch-memmap-tuned", "PyTorch, memmap, gathered by batch", [0, 2]),
        ]
      : []),
    ...(datasets
      ? [{ kind: "datasets", name: "Hugging Face datasets", workers: 0, family: "datasets" }]
      : []),
    ...(tools.lance
      ? [1, 4].map((workers) => ({
          kind: "lance",
          name: `Lance in Node, ${workers} in flight`,
          workers,
          family: "lance",
        }))
      : []),
  ];
}

async function compare(mode: "warm" | "cold", kib: number): Promise<object> {
  const gib = numberFlag(`${mode}-gib`, mode === "warm" ? 1 : 4);
  const count = numberFlag("count", Math.floor((gib * 2 ** 20) / kib));
  const length = kib * 256;
  const dataMib = Math.ceil((count * kib) / 1024);
  const samples = join(folder, `samples-${randomUUID()}`);
  fs.mkdirSync(samples);
  const base = { folder: samples, count, length, batchSize, mostSeconds, lanceFolder: tools.lanceFolder };
  const start = performance.now();
  const expected = await makeSamples(samples, count, length);
  // As "spillway bench" does once for a user.
  if (mode === "cold") await measureDevice(join(samples, "spillway"));
  const still = { ...base, workers: 0, isWarm: false, leastSeconds: 0, memory: "" };
  if (datasets) await runRival({ ...still, kind: "make-datasets" }, undefined);
  if (tools.lance) await runRival({ ...still, kind: "make-lance" }, undefined);
  const load = os.loadavg().map((value) => value.toFixed(1));
  const cold = `page cache dropped, ${limitBytes / 2 ** 20} MiB for process and page cache`;
  console.log(
    `\n${mode}: ${count.toLocaleString("en")} samples of ${kib} KiB, ${dataMib} MiB${mode === "cold" ? `, ${cold}` : ", all in memory"}; ` +
      `made in ${((performance.now() - start) / 1000).toFixed(0)} s; load of the machine ${load.join(" ")}`,
  );
  const variants = variantsOf(mode, dataMib);
  const raw = new Map(variants.map((variant) => [variant, [] as RivalResult[]]));
  let isLimited = mode === "cold";
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of round % 2 === 0 ? variants : [...variants].reverse()) {
      if (mode === "cold") dropCaches();
      const { kind, workers, memory = "" } = variant;
      const isWarm = mode === "warm";
      const most = isWarm ? Number.MAX_SAFE_INTEGER : mostSeconds;
      const task = {
        ...base,
        kind,
        workers,
        memory,
        isWarm,
        leastSeconds: isWarm ? leastSeconds : 0,
        mostSeconds: most,
      };
      if (kind === "fio") {
        raw.get(variant)!.push(readByFio(task));
        continue;
      }
      const { result, wasLimited } = await runRival(task, mode === "cold" ? limitBytes : undefined);
      isLimited &&= wasLimited;
      check(variant.name, result, expected);
      raw.get(variant)!.push(result);
    }
  }
  fs.rmSync(samples, { recursive: true });
  if (mode === "cold" && !isLimited)
    console.log("NOT LIMITED: no cgroup could be made, all of the machine's memory served as page cache.");
  const rows: Row[] = variants.map((variant) => {
    const runs = raw.get(variant)!;
    const rates = runs.map((run) => run.samples / run.seconds);
    return { ...variant, rate: median(rates), rates, runs };
  });
  printTable(rows, count, kib * 1024);
  const targets = printTargets(mode, rows, kib * 1024);
  return { mode, kib, count, limitBytes: isLimited ? limitBytes : undefined, load, expected, targets, rows };
}

/** What the disk itself gives in the same minutes: it may change by far more than loaders differ. */
function readByFio({ folder: samples, count, length, workers: jobs }: RivalTask): RivalResult {
  const [path, blockBytes] = [join(samples, "samples.npy"), length * 4];
  const byteLength = count * blockBytes;
  const range = { path, startByte: 0, byteLength, blockBytes };
  const perSecond = fioRandomReads({ ...range, jobs, seconds: fioSeconds, isDirect: true });
  const read = { ...emptySum(), samples: Math.round(perSecond * fioSeconds) };
  return { ...read, seconds: fioSeconds, peakBytes: Number.NaN, isCut: true };
}

/** Every whole epoch shows the same checksum; of one that was cut off only the count is known. */
function check(name: string, result: RivalResult, expected: Checksum): void {
  if (result.isCut && result.samples < expected.samples) return;
  for (const key of Object.keys(expected) as (keyof Checksum)[]) {
    if (result[key] !== expected[key])
      throw new Error(`${name} gave other samples: ${key} is ${result[key]}, expected ${expected[key]}`);
  }
}

async function runRival(
  task: RivalTask,
  limit: number | undefined,
): Promise<{ result: RivalResult; wasLimited: boolean }> {
  const inNode = {
    spillway: "rivals-spillway.js",
    lance: "rivals-lance.js",
    "make-lance": "rivals-lance.js",
  };
  const script = inNode[task.kind as keyof typeof inNode];
  const [program, file] = script
    ? [process.execPath, join(import.meta.dirname, script)]
    : [tools.python!, join(import.meta.dirname, "../../bench/rivals-python.py")];
  // Caches of Hugging Face go where they are removed; Lance's warnings are about a table that is not there yet.
  const env = { HF_HOME: join(task.folder, "hugging-face"), HF_HUB_OFFLINE: "1", RUST_LOG: "error" };
  const options = { limitBytes: limit, env };
  const { stdout, isLimited } = await runProgram(program, [file, JSON.stringify(task)], options);
  return { result: JSON.parse(stdout.trim().split("\n").at(-1)!), wasLimited: isLimited };
}

// Claim: a model trains from disk as fast as from memory: an epoch from data that fit in neither the memory given nor the
// page cache takes at most 1.03 times as long as the same epoch from arrays, with one core free for reading. The same
// network (1-D convolutions), the same batches in the same order: the loss at the end is the same number.
//
//   node scripts/task.mjs bench training [--rounds 5] [--samples 65536] [--limit-mib 448] [--batch 64]
//
// From disk: page cache dropped (needs root), in a cgroup that holds process and page cache below the bytes of the
// data; every sum is checked, as in any first epoch. From memory: samples gathered from one array, batch by batch.
// Each epoch is a process of its own; which comes first changes each round. Starting to read takes some tenths of a second,
// which short epochs feel: an epoch here takes 14 seconds and more.
// Beside: the epoch from memory once more while fio reads as many bytes of the same file: what any reading costs a model
// on this machine, whose cores and disk may share more than they show.

import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { classes, pack, tensor } from "spillway";
import type { Manifest } from "#spillway/format/manifest";
import { fioBeside, requireFio } from "./fio.js";
import { benchFolder } from "./numbered.js";
import { runProgram } from "./programs.js";
import { dropCaches, median, numberFlag, writeResult } from "./report.js";
import type { TrainingResult } from "./training-child.js";

const target = 1.03;
const rounds = numberFlag("rounds", 5);
const samples = numberFlag("samples", 65_536);
const limitBytes = numberFlag("limit-mib", 448) * 2 ** 20;
const batchSize = numberFlag("batch", 64);
const dataBytes = samples * 8192;
const memory = "64 MiB";

requireFio();
const path = join(benchFolder(), "waves");
await pack(waves(), path, {
  fields: { wave: tensor("float32", [256, 8]), label: classes(["a", "b", "c"]) },
  layout: "source",
});
const isCold = dropCaches();
if (!isCold) console.log("NOT COLD: dropping the page cache needs root.");
if (dataBytes <= limitBytes)
  console.log("NOT LARGER THAN MEMORY: give more --samples or a lower --limit-mib.");
const load = os.loadavg().map((value) => value.toFixed(1));
console.log(
  `An epoch of ${samples} samples, ${dataBytes / 2 ** 20} MiB, batches of ${batchSize}; load of the machine before ${load.join(" ")}`,
);
console.log(
  "\n  round        from memory   fio beside        from disk   disk / memory   processor time of each   first batch of each   loss at the end (all)",
);
const runs = { disk: [] as TrainingResult[], ram: [] as TrainingResult[], beside: [] as TrainingResult[] };
type Variant = keyof typeof runs;
const turns: Variant[] = ["ram", "beside", "disk"];
const shard = shardOf(path);
let isLimited = true;
for (let round = 0; round < rounds; round += 1) {
  for (const variant of round % 2 === 0 ? turns : [...turns].reverse()) await runOnce(variant);
  const [disk, ram, beside] = [runs.disk[round]!, runs.ram[round]!, runs.beside[round]!];
  for (const other of [disk, beside])
    if (other.loss !== ram.loss || other.batches !== ram.batches)
      throw new Error(
        `not the same work: losses ${other.loss} and ${ram.loss}, ${other.batches} and ${ram.batches} batches`,
      );
  const s = (seconds: number) => `${seconds.toFixed(2)} s`;
  const columns = [
    String(round + 1).padStart(7),
    s(ram.seconds).padStart(19),
    s(beside.seconds).padStart(13),
    s(disk.seconds).padStart(17),
    (disk.seconds / ram.seconds).toFixed(3).padStart(16),
    `${s(ram.cpuSeconds)}, ${s(disk.cpuSeconds)}`.padStart(25),
    `${s(ram.firstBatchSeconds)}, ${s(disk.firstBatchSeconds)}`.padStart(22),
    `   ${disk.loss.toFixed(7)}, ${disk.batches} batches`,
  ];
  console.log(columns.join(""));
}
const secondsOf = (results: readonly TrainingResult[]) => median(results.map(({ seconds }) => seconds));
const ratio = secondsOf(runs.disk) / secondsOf(runs.ram);
const besideRatio = secondsOf(runs.beside) / secondsOf(runs.ram);
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
const peakOf = (results: readonly TrainingResult[]) =>
  mib(Math.max(...results.map(({ peakBytes }) => peakBytes)));
console.log(
  `\n  disk / memory ${ratio.toFixed(3)}, medians of ${rounds} (target ${target}${ratio <= target ? "" : ", MISSED"}); with fio beside / memory ${besideRatio.toFixed(3)}`,
);
const [first] = runs.disk;
console.log(
  `  peak RSS ${peakOf(runs.disk)} from disk${isLimited ? ` (in a cgroup of ${mib(limitBytes)})` : " (no cgroup could be made)"}, ${peakOf(runs.ram)} from memory; read "${first!.way}", ${mib(first!.diskBytes)}; training waited ${(100 * median(runs.disk.map(({ waitingShare }) => waitingShare))).toFixed(1)} % of the time`,
);
writeResult("training", {
  target,
  ratio,
  besideRatio,
  samples,
  batchSize,
  memory,
  limitBytes,
  isCold,
  isLimited,
  load,
  runs,
});
process.exit();

/** One epoch in a process of its own, where the page cache has nothing of the file. */
async function runOnce(variant: Variant): Promise<void> {
  dropCaches();
  const from = variant === "disk" ? "disk" : "ram";
  const args = [join(import.meta.dirname, "training-child.js"), from, path, memory, String(batchSize)];
  // The first round begins with an epoch from memory: fio reads as fast as that one trained.
  const stop =
    variant === "beside"
      ? fioBeside({ path: shard, blockBytes: 8192 }, samples / runs.ram[0]!.seconds)
      : undefined;
  try {
    const limit = variant === "disk" ? { limitBytes } : {};
    const done = await runProgram(process.execPath, args, limit);
    if (variant === "disk") isLimited &&= done.isLimited;
    runs[variant].push(JSON.parse(done.stdout.trim().split("\n").at(-1)!));
  } finally {
    stop?.();
  }
}

/** The dataset's only shard. */
function shardOf(dataset: string): string {
  const manifest: Manifest = JSON.parse(fs.readFileSync(join(dataset, "dataset.json"), "utf8"));
  return join(dataset, manifest.shards[0]!.path);
}

/** Three classes of waves, told apart by their frequency, under noise. */
function* waves(): Generator<{ wave: Float32Array; label: number }> {
  let state = 7;
  for (let i = 0; i < samples; i += 1) {
    const wave = new Float32Array(2048);
    const frequency = ((i % 3) + 2) / 40;
    const phase = i * 0.7;
    for (let step = 0; step < 256; step += 1) {
      const clean = Math.sin(step * frequency + phase);
      for (let channel = 0; channel < 8; channel += 1) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        wave[step * 8 + channel] = clean + (state / 2 ** 32 - 0.5) * 4;
      }
    }
    yield { wave, label: i % 3 };
  }
}

// Claim: augmentation takes neither disk nor memory, however many variants of each sample are trained on; and what
// several trainers of one feed train on is read once. 1, 10 and 100 variants are that many epochs of augmented samples
// out of a small dataset: bytes of the dataset and peak RSS are the same. 1, 2 and 4 trainers take an epoch each.
//
//   node scripts/task.mjs bench variants [--samples 4096] [--memory-mib 64]
//
// Each line is a process of its own. Proof of the work: how many forms sample 0 came in, which is one per epoch. The
// trainers' dataset is larger than the memory given, so that what is read again is seen.

import { join } from "node:path";
import { benchFolder, packNumbered } from "./numbered.js";
import { runProgram } from "./programs.js";
import { numberFlag, writeResult } from "./report.js";
import type { VariantsResult } from "./variants-child.js";

const samples = numberFlag("samples", 4096);
const memoryMib = numberFlag("memory-mib", 64);
const sampleBytes = 8192;
const folder = benchFolder();
const small = await packNumbered(join(folder, "small"), sampleBytes, samples * sampleBytes);
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const print = (columns: readonly (string | number)[], widths: readonly number[]) =>
  console.log(columns.map((text, k) => String(text).padStart(widths[k]!)).join(""));

console.log(`${samples} samples of 8 KiB, jitter, scaling, shift and time mask; memory ${memoryMib} MiB\n`);
const widths = [11, 19, 22, 14, 12, 14];
print(["variants", "samples delivered", "forms of sample 0", "dataset", "peak RSS", "samples/s"], widths);
const variants: VariantsResult[] = [];
for (const count of [1, 10, 100]) {
  const result = await child("variants", small.path, count);
  if (result.forms !== count || result.delivered !== count * samples)
    throw new Error(`${result.forms} forms and ${result.delivered} samples for ${count} variants`);
  variants.push(result);
  const { delivered, forms, datasetBytes, peakBytes, seconds } = result;
  const rate = Math.round(delivered / seconds).toLocaleString("en");
  print([count, delivered, forms, mib(datasetBytes), mib(peakBytes), rate], widths);
}
const isSameOnDisk = new Set(variants.map(({ datasetBytes }) => datasetBytes)).size === 1;
const growth = variants.at(-1)!.peakBytes - variants[0]!.peakBytes;
console.log(
  `\n  dataset ${isSameOnDisk ? "the same to the byte" : "GREW"}; peak RSS with 100 variants ${mib(growth)} more than with 1` +
    `${growth < 16 * 2 ** 20 ? "" : ": MORE THAN 16 MiB"}`,
);

const large = await packNumbered(join(folder, "large"), sampleBytes, 4 * memoryMib * 2 ** 20);
console.log(`\n${large.count} samples of 8 KiB, ${mib(large.byteLength)}; memory ${memoryMib} MiB\n`);
const feedWidths = [11, 19, 15, 18, 26];
print(
  ["trainers", "samples delivered", "samples read", "disk", "disk with loops of their own"],
  [...feedWidths.slice(0, 4), 32],
);
const trainers: { feed: VariantsResult; loops: VariantsResult }[] = [];
for (const count of [1, 2, 4]) {
  const feed = await child("feed", large.path, count);
  const loops = await child("loops", large.path, count);
  if (feed.delivered !== count * large.count || loops.delivered !== feed.delivered)
    throw new Error(`${feed.delivered} and ${loops.delivered} samples for ${count} trainers`);
  trainers.push({ feed, loops });
  print(
    [count, feed.delivered, feed.read, mib(feed.diskBytes), mib(loops.diskBytes)],
    [...feedWidths.slice(0, 4), 32],
  );
}
const once = trainers[0]!.feed.diskBytes;
console.log(
  `\n  bytes read for 1, 2 and 4 trainers: ${trainers.map(({ feed }) => (feed.diskBytes / once).toFixed(2)).join(", ")} of those for one (target 1.0)`,
);
writeResult("variants", { samples, memoryMib, sampleBytes, variants, trainers });
process.exit();

async function child(kind: string, path: string, count: number): Promise<VariantsResult> {
  const script = join(import.meta.dirname, "variants-child.js");
  const { stdout } = await runProgram(process.execPath, [
    script,
    kind,
    path,
    String(count),
    `${memoryMib} MiB`,
  ]);
  return JSON.parse(stdout);
}

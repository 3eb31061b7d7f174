// Claim: augmentation takes neither disk nor memory, however many variants of each sample are trained on; and what
// several trainers of one feed train on is read once. 1, 10 and 100 variants are that many epochs of augmented samples
// out of a small dataset: the dataset stays the same to the byte, and the process takes no more memory than for as many
// epochs of the samples as they are (V8's heaps grow a little over the first dozens of epochs, with variants or without).
// 1, 2 and 4 trainers take an epoch each.
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
const widths = [11, 19, 20, 11, 12, 18, 12];
print(
  ["variants", "samples delivered", "forms of sample 0", "dataset", "peak RSS", "as they are", "samples/s"],
  widths,
);
const variants: { augmented: VariantsResult; plain: VariantsResult }[] = [];
for (const count of [1, 10, 100]) {
  const augmented = await child("variants", small.path, count);
  const plain = await child("plain", small.path, count);
  if (augmented.forms !== count || plain.forms !== 1)
    throw new Error(`${augmented.forms} forms for ${count} variants, ${plain.forms} of the sample as it is`);
  if (augmented.delivered !== count * samples || plain.delivered !== augmented.delivered)
    throw new Error(`${augmented.delivered} and ${plain.delivered} samples for ${count} variants`);
  variants.push({ augmented, plain });
  const { delivered, forms, datasetBytes, peakBytes, seconds } = augmented;
  const rate = Math.round(delivered / seconds).toLocaleString("en");
  print([count, delivered, forms, mib(datasetBytes), mib(peakBytes), mib(plain.peakBytes), rate], widths);
}
const isSameOnDisk = new Set(variants.map(({ augmented }) => augmented.datasetBytes)).size === 1;
const [of1, , of100] = variants.map(({ augmented, plain }) => augmented.peakBytes - plain.peakBytes);
console.log(
  `\n  dataset ${isSameOnDisk ? "the same to the byte" : "GREW"}; 1 variant takes ${mib(of1!)} more than the samples as they are, 100 take ${mib(of100!)}` +
    `${of100! - of1! < 16 * 2 ** 20 ? "" : ": 16 MiB MORE OR ABOVE"}`,
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

// Claim: two and four trainers on one feed get at least 1.9 and 3.6 times the samples of one in all, and no more is read
// than for one. Beside them as many loops of their own.
//
//   node scripts/task.mjs bench feed [--mib 256] [--rounds 5] [--epochs 8]
//
// Warm. Each run is a process of its own; rounds go through all variants forwards and backwards in turn. Trainers that
// do nothing are bound by one thread; those in workers take 2 ms for each batch of 256, in which their core is free.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { FeedRun } from "./feed-child.js";
import { benchFolder, packNumbered } from "./numbered.js";
import { median, numberFlag, warmUp, writeResult } from "./report.js";

const rounds = numberFlag("rounds", 5);
const epochs = numberFlag("epochs", 8);
const { path, shard } = await packNumbered(
  join(benchFolder(), "data"),
  8192,
  numberFlag("mib", 256) * 2 ** 20,
);
warmUp(shard);

interface Variant {
  name: string;
  way: "feed" | "loops";
  trainers: number;
  workMs: number;
  runs: FeedRun[];
}

const variants: Variant[] = [];
for (const trainers of [1, 2, 4]) {
  const add = (name: string, way: Variant["way"], workMs: number) =>
    variants.push({ name, way, trainers, workMs, runs: [] });
  add("one feed", "feed", 0);
  add("own loops", "loops", 0);
  add("one feed, workers", "feed", 2);
}

for (let round = 0; round < rounds; round += 1) {
  for (const variant of round % 2 === 0 ? variants : [...variants].reverse()) {
    const { way, trainers, workMs } = variant;
    const child = join(import.meta.dirname, "feed-child.js");
    const args = [child, path, way, String(trainers), String(epochs), String(workMs)];
    const done = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(done.stderr);
    variant.runs.push(JSON.parse(done.stdout));
  }
}

const perSecond = ({ runs }: Variant) => median(runs.map(({ delivered, seconds }) => delivered / seconds));
console.log(`Samples of 8 KiB, ${epochs} epochs, medians of ${rounds} rounds\n`);
console.log("                     trainers   samples/s in all   times one   read / one's   peak RSS");
for (const variant of variants) {
  const { name, trainers, runs } = variant;
  const one = variants.find((each) => each.name === name && each.trainers === 1)!;
  const read = (of: Variant) => median(of.runs.map((run) => run.read));
  console.log(
    [
      name.padEnd(20),
      String(trainers).padStart(9),
      `${(perSecond(variant) / 1000).toFixed(0)} k`.padStart(18),
      (perSecond(variant) / perSecond(one)).toFixed(2).padStart(11),
      (read(variant) / read(one)).toFixed(2).padStart(14),
      `${(median(runs.map((run) => run.peakBytes)) / 2 ** 20).toFixed(0)} MiB`.padStart(10),
    ].join(" "),
  );
}
writeResult("feed", { target: { two: 1.9, four: 3.6 }, epochs, variants });

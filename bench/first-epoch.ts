// Claim: where memory keeps what was read, be it pinned or in the page cache, the first epoch from a cold disk takes no
// longer than threads that read the same records one by one in a random order and do nothing else with them.
//
//   node scripts/task.mjs bench first-epoch [--mib 1024] [--rounds 3]        (drops the page cache: needs root)
//
// The loader's time begins with opening the dataset; the threads, 4 and 16 of them, are there already, and the faster
// count is the rival. Beside it the time of reading the shard from front to back. Proof of the work: the sum of the first values of all samples.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { open } from "spillway";
import { benchFolder, type Numbered, packNumbered } from "./numbered.js";
import { plainReadSeconds } from "./plain-reads.js";
import { dropCaches, median, numberFlag, warmUp, writeResult } from "./report.js";

const target = 1;
const mib = numberFlag("mib", 1024);
const rounds = numberFlag("rounds", 3);
const ways = [
  "sequential",
  "one by one, 4",
  "one by one, 16",
  "loader, all pinned",
  "loader, page cache",
] as const;
type Way = (typeof ways)[number];

if (!dropCaches()) {
  console.error("Dropping the page cache needs root.");
  process.exit(1);
}
console.log(`${mib} MiB of float32 samples and a label, cold, batches of 256; seconds of one epoch\n`);
console.log(`  sample      ${ways.join("   ")}   ratio (target ${target})`);
const rows = [];
for (const kib of [4, 8, 64]) {
  const folder = benchFolder();
  const data = await packNumbered(join(folder, "data"), kib * 1024, mib * 2 ** 20);
  const seconds = Object.fromEntries(ways.map((way) => [way, [] as number[]])) as Record<Way, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (let k = 0; k < ways.length; k += 1) {
      const way = ways[(k + round) % ways.length]!;
      dropCaches();
      seconds[way].push(await timed(way, data, kib));
    }
  }
  const [, four, sixteen, pinned, cached] = ways.map((way) => median(seconds[way]));
  const ratio = Math.max(pinned!, cached!) / Math.min(four!, sixteen!);
  const shown = ways.map((way) => median(seconds[way]).toFixed(2).padStart(way.length));
  console.log(
    `  ${`${kib} KiB`.padEnd(9)}   ${shown.join("   ")}   ${ratio.toFixed(2)}${ratio > target ? " MISSED" : ""}`,
  );
  rows.push({ kib, count: data.count, seconds, ratio });
  rmSync(folder, { recursive: true });
}
writeResult("first-epoch", { target, mib, rounds, rows });

async function timed(way: Way, data: Numbered, kib: number): Promise<number> {
  const { count, shard, startByte } = data;
  if (way === "sequential") {
    const start = performance.now();
    warmUp(shard);
    return (performance.now() - start) / 1000;
  }
  const isLoader = way.startsWith("loader");
  const { seconds, sum } = isLoader
    ? await load(data, way === "loader, all pinned" ? `${mib + 256} MiB` : "96 MiB")
    : await plainReadSeconds(
        { shard, startByte, stride: kib * 1024, type: "float32", epochs: 1, count },
        Number(way.split(" ").at(-1)),
      );
  if (sum !== (count * (count - 1)) / 2) throw new Error(`${way}: the first values add up to ${sum}`);
  return seconds;
}

async function load({ path }: Numbered, memory: string): Promise<{ seconds: number; sum: number }> {
  const start = performance.now();
  const dataset = await open(path, { memory });
  let sum = 0;
  for await (const { size, fields } of dataset.view().batches({ batchSize: 256, seed: 7 })) {
    const { data, shape } = fields.data!;
    for (let k = 0; k < size; k += 1) sum += data[k * shape[1]!] as number;
  }
  const seconds = (performance.now() - start) / 1000;
  await dataset.close();
  return { seconds, sum };
}

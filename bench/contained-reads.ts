// Claim: the whole loader, with its global shuffle, batches of 256 and float32 coming out, takes little more than the
// reads that it contains: at least 0.85 of the speed at which as many threads read the same records, in an order as
// random, and do nothing else with them.
//
//   node scripts/task.mjs bench contained-reads [--mib 512] [--rounds 5] [--readers 2] [--epochs 3]
//
// Out of the page cache, next to nothing pinned; the loader's first epoch, in which it checks every sum, is not counted.
// Loader and plain reads take turns in one process. Proof of the work: the sum of the first values of all samples.

import fs from "node:fs";
import { join } from "node:path";
import { open, pack, tensor } from "spillway";
import type { Manifest } from "#spillway/format/manifest";
import { benchFolder } from "./numbered.js";
import { plainReadSeconds } from "./plain-reads.js";
import { median, numberFlag, warmUp, writeResult } from "./report.js";

const target = 0.85;
const mib = numberFlag("mib", 512);
const rounds = numberFlag("rounds", 5);
const readers = numberFlag("readers", 2);
const epochs = numberFlag("epochs", 3);
const batchSize = 256;
const length = 2048;
const types = { float32: Float32Array, float64: Float64Array, int16: Int16Array, uint8: Uint8Array };
type Type = keyof typeof types;

interface Records {
  path: string;
  shard: string;
  startByte: number;
  stride: number;
  count: number;
}

console.log(
  `${mib} MiB of samples of ${length} values, batches of ${batchSize} as float32, ${readers} readers`,
);
console.log(`\n  stored as   sample     loader samples/s   plain reads/s   ratio (target ${target})`);
const folder = benchFolder();
const rows = [];
for (const type of ["float32", "float64", "int16", "uint8"] as const) {
  const records = await packRecords(type);
  warmUp(records.shard);
  const [loader, plain]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const turns = [
      async () => loader.push(await load(records)),
      async () => plain.push(await read(records, type)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const ratio = median(loader.map((rate, k) => rate / plain[k]!));
  const [a, b] = [loader, plain].map((rates) => Math.round(median(rates)).toLocaleString("en").padStart(13));
  console.log(
    `  ${type.padEnd(9)}${`${records.stride / 1024} KiB`.padStart(9)}   ${a}        ${b}   ${ratio.toFixed(2)}${ratio < target ? " MISSED" : ""}`,
  );
  rows.push({ type, sampleBytes: records.stride, loader, plain, ratio });
}
writeResult("contained-reads", { target, mib, rounds, readers, epochs, batchSize, rows });

async function packRecords(type: Type): Promise<Records> {
  const stride = length * types[type].BYTES_PER_ELEMENT;
  const count = Math.floor((mib * 2 ** 20) / stride);
  function* samples() {
    for (let k = 0; k < count; k += 1) yield { data: new types[type](length).fill(firstOf(k)) };
  }
  const path = join(folder, type);
  const fields = { data: tensor(type, [length]) };
  await pack(samples(), path, { fields, layout: "source", shardSize: 2 * mib * 2 ** 20 });
  const manifest: Manifest = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8"));
  const [shard] = manifest.shards;
  return { path, shard: join(path, shard!.path), startByte: shard!.columns.data!.start, stride, count };
}

/** What all values of a sample are. */
function firstOf(sample: number): number {
  return sample % 127;
}

function sumOf(count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k += 1) sum += firstOf(k);
  return sum;
}

/** Samples per second of epochs after the first. */
async function load({ path, count }: Records): Promise<number> {
  const dataset = await open(path, { memory: `${8 * (readers + 2) + 48} MiB` });
  const batches = dataset.view().batches({ batchSize, readers, seed: 7, epochs: epochs + 1 });
  let [sum, start] = [0, 0];
  for await (const { epoch, size, fields } of batches) {
    if (epoch === 0) continue;
    start ||= performance.now();
    const { data } = fields.data!;
    for (let k = 0; k < size; k += 1) sum += data[k * length] as number;
  }
  const seconds = (performance.now() - start) / 1000;
  await dataset.close();
  if (sum !== epochs * sumOf(count)) throw new Error(`the loader's first values add up to ${sum}`);
  return (epochs * count) / seconds;
}

/** Reads per second of threads that only read. */
async function read(records: Records, type: Type): Promise<number> {
  const { seconds, sum } = await plainReadSeconds({ ...records, type, epochs }, readers);
  if (sum !== epochs * sumOf(records.count))
    throw new Error(`the plain reads' first values add up to ${sum}`);
  return (epochs * records.count) / seconds;
}

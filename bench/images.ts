// Claim: images that are kept encoded take a fraction of the bytes and are decoded on the way out as fast as by a plain
// loop with sharp over the files; decoded once they are read many times faster, for many times the bytes. Which is the
// better deal depends on their size, on the size wanted and on the machine: this prints both, cold and warm.
//
//   node scripts/task.mjs bench images [--images 400] [--rounds 3] [--epochs 2]
//
// Simulated JPEG files. Each variant is a process of its own, in turn; all sum up the same pixels. Cold: the files at work
// are pushed out of the page cache before (dd's nocache); rates then count opening and threads too.

import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { pack } from "spillway";
import { describeImageSpeed, measureImages } from "#spillway/dataset/image-speed";
import { readManifest } from "#spillway/source/manifest-file";
import type { ImagesResult, ImagesTask } from "./images-child.js";
import { makeJpegFolder } from "./jpeg-folder.js";
import { benchFolder } from "./numbered.js";
import { median, numberFlag, writeResult } from "./report.js";

const imageCount = numberFlag("images", 400);
const rounds = numberFlag("rounds", 3);
const epochs = numberFlag("epochs", 2);
const folder = benchFolder();

interface Variant {
  name: string;
  bytes: number;
  files: readonly string[];
  task: Omit<ImagesTask, "epochs" | "isWarm">;
  warm: ImagesResult[];
  cold: ImagesResult[];
}

const sets = [];
for (const side of [256, 512]) {
  const source = join(folder, `jpeg-${side}`);
  const { paths, bytes } = await makeJpegFolder(source, imageCount, side);
  for (const wanted of [64, 224]) sets.push(await compare(source, paths, bytes, side, wanted));
}
writeResult("images", { images: imageCount, rounds, epochs, sets });

async function compare(
  source: string,
  paths: readonly string[],
  bytes: number,
  side: number,
  wanted: number,
) {
  const size = { width: wanted, height: wanted };
  const [encoded, decoded] = ["encoded", "decoded"].map((kind) => join(folder, `${kind}-${side}-${wanted}`));
  await pack(source, encoded!, { images: "encoded", size });
  await pack(source, decoded!, { images: "decoded", size });
  const of = (name: string, path: string, more: Partial<ImagesTask> = {}): Variant => {
    const files = shardsOf(path);
    const held = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
    return {
      name,
      bytes: held,
      files,
      task: { path, isFolder: false, side: wanted, ...more },
      warm: [],
      cold: [],
    };
  };
  const plain = { path: source, isFolder: true, side: wanted };
  const variants: Variant[] = [
    { name: "plain loop with sharp over the files", bytes, files: paths, task: plain, warm: [], cold: [] },
    of("kept encoded, decoded on the way out", encoded!),
    of("  the same with 2 reader threads", encoded!, { readers: 2 }),
    of("  the same, cut at random", encoded!, { random: true }),
    of("decoded once, while packing", decoded!),
  ];
  for (let round = 0; round < rounds; round += 1) {
    // In turn, and the other way round each time: what else the machine does meets all of them.
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      evict(variant.files);
      variant.cold.push(child({ ...variant.task, epochs: 1, isWarm: false }));
      variant.warm.push(child({ ...variant.task, epochs, isWarm: true }));
    }
  }
  const same = variants.filter(({ task }) => !task.random).map(({ warm }) => warm[0]!.checksum);
  if (new Set(same).size !== 1) throw new Error(`the variants did other work: ${same.join(", ")}`);
  const [speed] = await measureImages(encoded!, readManifest(encoded!)!);
  console.log(
    `\n${imageCount} JPEG files of ${side}x${side} pixels (${Math.round(bytes / imageCount / 1024)} KiB each), delivered as ${wanted}x${wanted}: sum of pixels ${same[0]}\n`,
  );
  console.log(
    "                                             MiB   images/s warm     cold   ms of a core   peak MiB",
  );
  for (const { name, bytes: held, warm, cold } of variants) {
    const rate = (results: ImagesResult[]) =>
      Math.round(median(results.map(({ imagesPerSecond }) => imagesPerSecond))).toLocaleString("en");
    const each = median(warm.map(({ processorMs }) => processorMs)).toFixed(2);
    const peak = Math.round(median(warm.map((result) => result.peakBytes)) / 2 ** 20);
    console.log(
      `  ${name.padEnd(38)}${(held / 2 ** 20).toFixed(1).padStart(8)}${rate(warm).padStart(16)}${rate(cold).padStart(9)}${each.padStart(15)}${String(peak).padStart(11)}`,
    );
  }
  console.log(`\n  ${describeImageSpeed(speed!)}`);
  const results = variants.map(({ files: _files, task: _task, ...rest }) => rest);
  return { side, wanted, encodedBytes: bytes, checksum: same[0], speed, variants: results };
}

function shardsOf(dataset: string): string[] {
  const shards = join(dataset, "shards");
  return fs.readdirSync(shards).map((name) => join(shards, name));
}

/** Pushes files out of the page cache, and nothing else of it. */
function evict(files: readonly string[]): void {
  for (const file of files)
    execFileSync("dd", [`if=${file}`, "iflag=nocache", "count=0", "status=none"], { stdio: "ignore" });
}

function child(task: ImagesTask): ImagesResult {
  const script = join(import.meta.dirname, "images-child.js");
  const done = spawnSync(process.execPath, [script, JSON.stringify(task)], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout.trim().split("\n").at(-1)!) as ImagesResult;
}

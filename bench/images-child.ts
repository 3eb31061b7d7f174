// One variant of images.ts in a process of its own: epochs over the images, and what they cost. Prints one line of JSON.

import fs from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { open } from "spillway";
import { peakBytes } from "./report.js";

/** What is to be done, as JSON on the command line. */
export interface ImagesTask {
  /** A dataset, or a folder of JPEG files for the plain loop. */
  path: string;
  isFolder: boolean;
  side: number;
  /** Epochs that are timed; where it is warm there is one before. */
  epochs: number;
  isWarm: boolean;
  readers?: number;
  random?: boolean;
}

export interface ImagesResult {
  imagesPerSecond: number;
  /** Processor seconds of an image. */
  processorMs: number;
  /** Sum of all pixels of an epoch, the same for whoever does the same work. */
  checksum: number;
  peakBytes: number;
}

const batchSize = 64;
const task: ImagesTask = JSON.parse(process.argv[2]!);
let [images, checksum] = [0, 0];
let start = performance.now();
let since = process.cpuUsage();
await (task.isFolder ? plainLoop : loader)(task);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(since);
const result: ImagesResult = {
  imagesPerSecond: images / seconds,
  processorMs: (user + system) / 1000 / images,
  checksum: checksum / task.epochs,
  peakBytes: peakBytes(),
};
console.log(JSON.stringify(result));

/** All begins to be counted here: what lay before was to warm up. */
function begin(): void {
  [images, checksum] = [0, 0];
  start = performance.now();
  since = process.cpuUsage();
}

/** Uses a batch: touches all of its pixels. The sum is exact, it stays below 2^53. */
function use(pixels: Uint8Array, count: number): void {
  let sum = 0;
  for (let k = 0; k < pixels.length; k += 1) sum += pixels[k]!;
  checksum += sum;
  images += count;
}

async function loader({ path, epochs, isWarm, readers, random }: ImagesTask) {
  const dataset = await open(path, { memory: "256 MiB" });
  const options = {
    batchSize,
    seed: 7,
    deliver: "stored" as const,
    ...(readers !== undefined && { readers }),
    ...(random && { images: { crop: "random" as const } }),
  };
  const run = async (count: number) => {
    for await (const { fields, size } of dataset.view().batches({ ...options, epochs: count }))
      use(fields.image!.data as Uint8Array, size);
  };
  if (isWarm) {
    await run(1);
    begin();
  }
  await run(epochs);
  await dataset.close();
}

/** What one writes by hand: a list of files, shuffled each epoch, a batch decoded at once while the one before is used. */
async function plainLoop({ path, side, epochs, isWarm }: ImagesTask) {
  sharp.concurrency(1);
  const files = fs
    .readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jpg"))
    .map((name) => join(path, name));
  const decode = async (file: string) =>
    sharp(await fs.promises.readFile(file))
      .autoOrient()
      .resize(side, side, { fit: "cover" })
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer();
  for (let epoch = isWarm ? -1 : 0; epoch < epochs; epoch += 1) {
    if (epoch === 0 && isWarm) begin();
    for (let k = files.length - 1; k > 0; k -= 1) {
      const other = Math.floor(Math.random() * (k + 1));
      [files[k], files[other]] = [files[other]!, files[k]!];
    }
    const ahead = (first: number) => Promise.all(files.slice(first, first + batchSize).map(decode));
    let next = ahead(0);
    for (let first = 0; first < files.length; first += batchSize) {
      const batch = await next;
      next = ahead(first + batchSize);
      use(Buffer.concat(batch), batch.length);
    }
  }
}

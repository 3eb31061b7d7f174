// One line of variants.ts, in a process of its own: epochs of samples, augmented or plain; or an epoch for each of some
// trainers, of one feed or with loops of their own. Prints one line of JSON.
//
//   node variants-child.js variants|plain|feed|loops DATASET COUNT MEMORY

import fs from "node:fs";
import { join } from "node:path";
import { type Batch, jitter, open, scaling, shift, timeMask } from "spillway";
import { Hasher } from "#spillway/kernels/hasher";
import { endWithParent } from "./programs.js";
import { peakBytes } from "./report.js";

export interface VariantsResult {
  /** Samples that all together got. */
  delivered: number;
  /** Different contents in which sample 0 came. */
  forms: number;
  /** Samples that readers read into rings, and bytes asked of the disk. */
  read: number;
  diskBytes: number;
  /** Bytes that the files of the dataset take on the disk. */
  datasetBytes: number;
  peakBytes: number;
  seconds: number;
}

endWithParent();
const [kind = "", path = "", count = "", memory = ""] = process.argv.slice(2);
console.log(JSON.stringify(await run(Number(count))));
process.exit();

async function run(count: number): Promise<VariantsResult> {
  const dataset = await open(path, { memory });
  const view = dataset.view();
  const forms = new Set<bigint>();
  let [delivered, read] = [0, 0];
  const start = performance.now();
  const take = (batch: Batch) => {
    delivered += batch.size;
    const at = batch.ids.indexOf(0);
    if (at < 0) return;
    const { data, shape } = batch.fields.data!;
    const length = shape[1]!;
    forms.add(hashOf(data.slice(at * length, (at + 1) * length) as Float32Array));
  };
  if (kind === "variants" || kind === "plain") {
    // `data` counts as 2,048 steps of one channel.
    const steps = [
      jitter({ sigma: 0.03 }),
      scaling({ sigma: 0.1 }),
      shift({ steps: 64 }),
      timeMask({ share: 0.1 }),
    ];
    const augment = kind === "variants" ? steps : [];
    for await (const batch of view.batches({ batchSize: 64, seed: 7, epochs: count, augment })) take(batch);
    read = delivered;
  } else if (kind === "feed") {
    const feed = view.feed({ seed: 7 });
    const trainers = Array.from({ length: count }, () => feed.trainer({ batchSize: 64 }));
    await Promise.all(
      trainers.map(async (trainer) => {
        for await (const batch of trainer) {
          take(batch);
          read = feed.stats().readers?.samples ?? read;
        }
      }),
    );
    await feed.close();
  } else {
    for (let loop = 0; loop < count; loop += 1)
      for await (const batch of view.batches({ batchSize: 64, seed: loop })) take(batch);
    read = delivered;
  }
  const seconds = (performance.now() - start) / 1000;
  const { reading } = await dataset.stats();
  await dataset.close();
  return {
    delivered,
    forms: forms.size,
    read,
    diskBytes: reading.diskBytes,
    datasetBytes: bytesOnDisk(path),
    peakBytes: peakBytes(),
    seconds,
  };
}

function hashOf(values: Float32Array): bigint {
  return new Hasher().update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).finish();
}

function bytesOnDisk(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(join(entry.parentPath, entry.name)).blocks * 512, 0);
}

// Spillway's own epoch for rivals.ts, in a process of its own. Prints one line of JSON.

import { join } from "node:path";
import { open } from "spillway";
import { endWithParent } from "./programs.js";
import { peakBytes } from "./report.js";
import { addBatch, emptySum, type RivalResult, type RivalTask } from "./rivals-samples.js";

endWithParent();
const task: RivalTask = JSON.parse(process.argv[2]!);
console.log(JSON.stringify(await run(task)));
process.exit();

async function run(task: RivalTask): Promise<RivalResult & { way: string | undefined }> {
  const { folder, count, length, batchSize, isWarm, leastSeconds, mostSeconds, memory } = task;
  const dataset = await open(join(folder, "spillway"), { memory });
  const view = dataset.view();
  // One loop, as one trains: the first epoch, where it is not timed, also starts the readers.
  const firstTimed = isWarm ? 1 : 0;
  const epochs = isWarm ? Number.POSITIVE_INFINITY : 1;
  let sum = emptySum();
  let start = performance.now();
  let [isCut, timed] = [false, 1];
  for await (const batch of view.batches({ batchSize, deliver: "float32", seed: 0, epochs })) {
    addBatch(sum, batch.fields.data!.data as Float32Array, batch.fields.label!.data as Uint8Array, length);
    const elapsed = (performance.now() - start) / 1000;
    isCut = elapsed > mostSeconds;
    if (isCut) break;
    if (sum.samples < count) continue;
    timed = batch.epoch - firstTimed + 1;
    if (timed > 0 && elapsed >= leastSeconds) break;
    sum = emptySum();
    if (timed === 0) start = performance.now();
  }
  const seconds = (performance.now() - start) / 1000 / timed;
  const { reading } = await dataset.stats();
  await dataset.close();
  return { ...sum, seconds, peakBytes: peakBytes(), isCut, way: reading.way };
}

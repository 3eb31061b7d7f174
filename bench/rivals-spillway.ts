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
  const { folder, count, length, batchSize, isWarm, mostSeconds, memory } = task;
  const dataset = await open(join(folder, "spillway"), { memory });
  const view = dataset.view();
  // One loop, as one trains: the first epoch, where it is not the one that is timed, also starts the readers.
  const epochs = isWarm ? 2 : 1;
  let sum = emptySum();
  let start = performance.now();
  let isCut = false;
  for await (const batch of view.batches({ batchSize, deliver: "float32", seed: 0, epochs })) {
    addBatch(sum, batch.fields.data!.data as Float32Array, batch.fields.label!.data as Uint8Array, length);
    isCut = performance.now() - start > mostSeconds * 1000;
    if (isCut) break;
    if (batch.epoch === epochs - 1 || sum.samples < count) continue;
    sum = emptySum();
    start = performance.now();
  }
  const seconds = (performance.now() - start) / 1000;
  const { reading } = await dataset.stats();
  await dataset.close();
  return { ...sum, seconds, peakBytes: peakBytes(), isCut, way: reading.way };
}

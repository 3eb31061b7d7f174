// Claim: a run may go on for billions of samples: resident memory, speed, threads and open files stay as they are, and
// counters pass 2^31 without a seam. Records of a byte, all of them holes in a sparse file and held in memory as a
// resident column: no disk is read, so as many positions go by in a second as the loader can make.
//
//   node scripts/task.mjs bench soak [--seconds 60] [--positions 3e9] [--rows 1000000] [--batch 8192] [--only loop|feed]
//
// First one endless loop, then a feed with two trainers (batches of different sizes); both start from a resume token a
// little before position 2^31, or with --positions from 0, and then go as far as that. Proof of the work: the numbers of
// the samples of each whole epoch add up to n(n-1)/2.

import os from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Batch, open, type View } from "spillway";
import { encodeToken } from "#spillway/order/token";
import { makeSparse } from "../test/fixtures/sparse.js";
import { benchFolder } from "./numbered.js";
import { numberFlag, textFlag, writeResult } from "./report.js";
import { judge, type Point, printPoints, Watch } from "./soak-watch.js";

interface Phase {
  name: string;
  points: Point[];
  from: number;
  to: number;
  epochs: number;
  seconds: number;
  verdict: string[];
}

const rows = numberFlag("rows", 1_000_000);
const batchSize = numberFlag("batch", 8192);
const seconds = numberFlag("seconds", 60);
const positions = numberFlag("positions", Number.POSITIVE_INFINITY);
const isCounted = Number.isFinite(positions);
const only = textFlag("only");
/** Position 2^31 lies half a million samples and more behind the start, at the end of an epoch. */
const start = isCounted ? 0 : Math.floor(2 ** 31 / rows - 0.5) * rows;
const wholeSoak = 3e9;

const path = makeSparse(join(benchFolder(), "zeros"), rows, 1, { dtype: "uint8" });
const load = os.loadavg().map((value) => value.toFixed(1));
console.log(
  `${rows.toLocaleString("en")} records of a byte, batches of ${batchSize}; load of the machine before ${load.join(" ")}`,
);
const phases: Phase[] = [];
if (only !== "feed") phases.push(await soak("one loop", 1));
if (only !== "loop") phases.push(await soak("a feed with two trainers", 2));
const failed = phases.flatMap(({ name, verdict }) => verdict.map((text) => `${name}: ${text}`));
console.log(
  failed.length === 0
    ? "\nConstant: memory, speed, threads and files."
    : `\nNOT CONSTANT:\n  ${failed.join("\n  ")}`,
);
writeResult("soak", { rows, batchSize, seconds, positions: isCounted ? positions : undefined, load, phases });
process.exit(failed.length === 0 ? 0 : 1);

async function soak(name: string, trainers: 1 | 2): Promise<Phase> {
  const dataset = await open(path, { memory: "64 MiB" });
  const view = dataset.view();
  const resume = encodeToken({ seed: 7, position: start, view: view.fingerprint, commit: view.commit });
  const watch = new Watch(start, isCounted ? { positions } : { seconds }, trainers);
  console.log(
    `\n${name}, from position ${start.toLocaleString("en")}\n\n  seconds        position   samples/s   per cpu second        RSS   threads   open files`,
  );
  const sources = trainers === 1 ? [loopOver(view, resume)] : feedOver(view, resume);
  await Promise.all(sources.map((source, k) => draw(source, k, watch)));
  const { points } = watch;
  await dataset.close();
  const position = watch.reached;
  const elapsed = watch.seconds;
  printPoints(points);
  const rate = (position - start) / elapsed;
  const passed = position > 2 ** 31 && start < 2 ** 31 ? ", past 2^31" : "";
  console.log(
    `  ${(position - start).toLocaleString("en")} positions${passed}, ${watch.epochs} whole epochs added up right, ${Math.round(rate).toLocaleString("en")} positions/s; ` +
      `${wholeSoak.toExponential(0)} positions take ${(wholeSoak / rate / 60).toFixed(1)} minutes`,
  );
  const verdict = judge(points);
  return { name, points, from: start, to: position, epochs: watch.epochs, seconds: elapsed, verdict };
}

function loopOver(view: View, resume: string): AsyncIterable<Batch> {
  return view.batches({ batchSize, resume, epochs: Number.POSITIVE_INFINITY, deliver: "stored" });
}

function feedOver(view: View, resume: string): AsyncIterable<Batch>[] {
  const feed = view.feed({ resume, deliver: "stored" });
  const epochs = Number.POSITIVE_INFINITY;
  return [batchSize, batchSize / 2].map((size) => feed.trainer({ batchSize: size, epochs }));
}

/** Takes batches until the time or the positions are up; sums the numbers of each epoch. */
async function draw(source: AsyncIterable<Batch>, trainer: number, watch: Watch): Promise<void> {
  let [epoch, sum, taken] = [start / rows, 0, 0];
  for await (const batch of source) {
    if (batch.epoch !== epoch)
      throw new Error(`epoch ${batch.epoch} came after ${taken} samples of ${epoch}`);
    const { ids, size } = batch;
    for (let k = 0; k < size; k += 1) sum += ids[k]!;
    taken += size;
    if (taken === rows) {
      if (sum !== (rows * (rows - 1)) / 2) throw new Error(`the numbers of epoch ${epoch} add up to ${sum}`);
      watch.epochs += 1;
      [epoch, sum, taken] = [epoch + 1, 0, 0];
    }
    if (watch.note(trainer, size)) await setImmediate();
    if (watch.isOver(trainer)) return;
  }
}

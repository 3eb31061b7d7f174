// Claim: what a process takes does not grow with its data: at most memory + 80 MiB, readers included, for data of 1 to
// 100 times the memory. Each point is a process of its own, in a cgroup that would kill it above that, which takes
// every sample once and runs a validation loop.
//
//   node scripts/task.mjs bench memory [--memory-mib 32]
//
// The data are zeros in sparse files with right sums: the loader does all of its work, the disk has little to do.

import fs from "node:fs";
import { join } from "node:path";
import { runLimited } from "../test/fixtures/cgroup.js";
import { makeSparse } from "../test/fixtures/sparse.js";
import { drawMemoryPlot, type MemoryPoint } from "./memory-plot.js";
import { benchFolder } from "./numbered.js";
import { docsFolder, numberFlag, writeResult } from "./report.js";

const mebi = 2 ** 20;
const memory = numberFlag("memory-mib", 32) * mebi;
const besides = 80 * mebi;
const sampleBytes = 4096;
const child = join(import.meta.dirname, "../test/fixtures/memory-child.js");
const folder = benchFolder();

console.log(
  `Peak RSS of an epoch of training and validation, memory ${memory / mebi} MiB, samples of 4 KiB\n`,
);
console.log(
  "     data   peak RSS   of it before any data   held of the memory   samples taken   in a cgroup",
);
const points: MemoryPoint[] = [];
for (const factor of [1, 3, 10, 30, 100]) {
  const rows = (factor * memory) / sampleBytes;
  const path = makeSparse(join(folder, `memory-${factor}`), rows, sampleBytes / 4);
  const { stdout, isLimited } = await runLimited(memory + besides, child, [path, String(memory), "1"]);
  const { bare, last, held, samples } = JSON.parse(stdout) as Record<string, number>;
  if (samples !== rows) throw new Error(`${samples} samples were taken of ${rows}`);
  points.push({ dataBytes: factor * memory, peakBytes: last!, bareBytes: bare!, heldBytes: held! });
  const mib = (bytes: number) => `${(bytes / mebi).toFixed(0)} MiB`;
  const columns = [
    mib(factor * memory),
    mib(last!),
    mib(bare!),
    mib(held!),
    String(samples),
    isLimited ? "yes" : "no",
  ];
  console.log(columns.map((text, k) => text.padStart([9, 11, 24, 21, 16, 14][k]!)).join(""));
  fs.rmSync(path, { recursive: true });
}
const most = Math.max(...points.map((point) => point.peakBytes));
console.log(`\n  at most memory + ${((most - memory) / mebi).toFixed(0)} MiB (target: memory + 80 MiB)`);
const plot = join(docsFolder, "memory.svg");
fs.writeFileSync(plot, drawMemoryPlot(points, memory));
console.log(`  Picture: ${plot}`);
writeResult("memory", { memory, besides, sampleBytes, points });

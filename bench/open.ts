// Information: what it takes to open a dataset of 100 million samples, beyond a process that has only started Node and
// imported the library, and to get its first batch. Targets: under 100 ms, under 32 MiB.
//
//   node scripts/task.mjs bench open [--samples 100000000] [--rounds 5]
//
// Samples of 1 KiB in 96 shards, as sparse files: only the manifest is read when opening. Each round is a process of its own.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { makeSparse } from "../test/fixtures/sparse.js";
import { benchFolder } from "./numbered.js";
import { median, numberFlag, writeResult } from "./report.js";

interface Opened {
  openMs: number;
  /** Resident bytes of the process with its imports, after opening, and after the first batch. */
  bareBytes: number;
  openBytes: number;
  firstBatchMs: number;
  firstBatchBytes: number;
}

const script = `
import { readFileSync } from "node:fs";
const { open } = await import("spillway");
const rss = () => { globalThis.gc?.(); return Number(/^VmRSS:\\s+(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024; };
const bareBytes = rss();
let start = performance.now();
const dataset = await open(process.argv[1], { memory: "1 GiB" });
const view = dataset.view();
const openMs = performance.now() - start;
const openBytes = rss();
start = performance.now();
for await (const batch of view.batches({ batchSize: 64, seed: 1 })) break;
const firstBatchMs = performance.now() - start;
const firstBatchBytes = rss();
await dataset.close();
console.log(JSON.stringify({ openMs, bareBytes, openBytes, firstBatchMs, firstBatchBytes }));
`;

const samples = numberFlag("samples", 1e8);
const rounds = numberFlag("rounds", 5);
const path = makeSparse(join(benchFolder(), "large"), samples, 256);
const raw = Array.from({ length: rounds }, (): Opened => {
  const args = ["--input-type=module", "--expose-gc", "-e", script, path];
  const done = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: join(import.meta.dirname, "../.."),
  });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
});
const mid = (of: (round: Opened) => number) => median(raw.map(of));
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
console.log(`A dataset of ${samples} samples, medians of ${rounds} processes\n`);
console.log(
  `  open and view    ${mid((r) => r.openMs).toFixed(1)} ms, ${mib(mid((r) => r.openBytes - r.bareBytes))} beyond ${mib(mid((r) => r.bareBytes))} bare`,
);
console.log(
  `  first batch      ${mid((r) => r.firstBatchMs).toFixed(0)} ms more, ${mib(mid((r) => r.firstBatchBytes - r.openBytes))} more (of the memory given: labels, sums, ring, threads)`,
);
writeResult("open", { samples, target: { ms: 100, bytes: 32 * 2 ** 20 }, raw });

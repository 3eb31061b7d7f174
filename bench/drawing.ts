// Claim: balanced and weighted drawing cost next to nothing. Draws per second of one reader thread, positions to rows, with
// the memory that they take; then whole loops over the same samples, shuffled, balanced and weighted, each with a sum
// over the ids that shows how many distinct samples came.
//
//   node scripts/task.mjs bench drawing [--rounds 5] [--large]
//
// --large adds 100 million rows (about 1 GiB of memory).

import { join } from "node:path";
import { type BatchOptions, classes, open } from "spillway";
import { bindKernels, kernelModule } from "#spillway/kernels/kernels";
import type { Drawing } from "#spillway/load/drawing";
import { Drawings } from "#spillway/load/drawings";
import { MemoryPool } from "#spillway/load/memory-pool";
import { bindDraws } from "#spillway/load/run-draws";
import type { DatasetTable } from "#spillway/load/table";
import { elementBytes, viewAs } from "#spillway/tensor/dtype";
import { benchFolder, packNumbered } from "./numbered.js";
import { hasFlag, median, numberFlag, peakBytes, writeResult } from "./report.js";

const rounds = numberFlag("rounds", 5);
const drawsPerRound = 200_000;
const fingerprint = "0123456789abcdef";

/** Rates of one kind of drawing over labels at random, as a reader's thread computes them. */
async function measureDraws(
  rows: number,
  classCount: number,
  kind: "balanced" | "weighted",
  memoryBytes: number,
) {
  const field = classes(Array.from({ length: classCount }, (_, k) => `class ${k}`));
  const labelBytes = elementBytes(field.dtype);
  const pool = new MemoryPool(memoryBytes);
  const place = pool.reserve(rows * labelBytes, "labels");
  const labels = viewAs(field.dtype, place.memory.buffer, place.address, rows) as Uint8Array;
  for (let row = 0; row < rows; row += 1) labels[row] = Math.floor(Math.random() * classCount);
  const table = { rows, columns: [{ name: "label", field, stride: labelBytes }] } as unknown as DatasetTable;
  const residents = {
    table: { columns: [place], sums: [], checked: [] },
    notes: [],
    byteLength: 0,
    release() {},
  };
  const source = { name: "weights", key: "all", of: "view" as const };
  const drawing: Drawing =
    kind === "balanced"
      ? { kind, field: "label" }
      : { kind, weights: { ...source, parts: () => [new Float32Array(rows).map(Math.random)] } };
  const before = pool.held;
  const start = performance.now();
  const view = { fingerprint, count: rows, rows: { kind: "range" as const, start: 0 } };
  const held = await new Drawings(
    table,
    pool,
    () => {},
    () => false,
  ).take(drawing, view, residents);
  const buildMs = performance.now() - start;
  const bitsPerRow = ((pool.held - before) * 8) / rows;
  const reservation = pool.reserve(4096, "a loop");
  const job = {
    drawing: held.table,
    schedule: { n: rows },
    seed: 7,
    viewFingerprint: fingerprint,
    rows: view.rows,
    reservation,
  };
  const draws = bindDraws(job as never, bindKernels(kernelModule(), reservation.memory), pool.segments)!;
  let sum = 0;
  const run = (round: number) => {
    const from = performance.now();
    for (let k = 0; k < drawsPerRound; k += 1) sum += draws.at(round, k);
    return drawsPerRound / ((performance.now() - from) / 1000);
  };
  run(0);
  const raw = Array.from({ length: rounds }, (_, round) => run(round + 1));
  const mean = sum / drawsPerRound / (rounds + 1) / rows;
  const what = kind === "balanced" ? `balanced, ${classCount.toLocaleString("en")} classes` : "weighted";
  console.log(
    `  ${`${what}, ${rows.toLocaleString("en")} rows, ${memoryBytes / 2 ** 20} MiB`.padEnd(54)} ${(median(raw) / 1e6).toFixed(2)} M draws/s   ` +
      `${bitsPerRow.toFixed(2)} bits per row, built in ${buildMs.toFixed(0)} ms   mean row ${(mean * 100).toFixed(1)} %`,
  );
  pool.close();
  return { rows, classCount, kind, memoryBytes, drawsPerSecond: median(raw), raw, bitsPerRow, buildMs };
}

/** Samples per second of whole loops, in turn so that each meets the machine in all of its moods. */
async function measureLoops() {
  const { path, count } = await packNumbered(join(benchFolder(), "small-samples"), 256, 100 * 2 ** 20);
  const dataset = await open(path, { memory: "256 MiB" });
  const kinds: Record<string, BatchOptions> = {
    shuffled: {},
    balanced: { balance: "label" },
    weighted: { weights: new Float32Array(count).map(() => Math.random()) },
  };
  const raw: Record<string, number[]> = {};
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, options] of Object.entries(kinds)) {
      const seen = new Uint8Array(count);
      const start = performance.now();
      let samples = 0;
      for await (const { ids, size } of dataset
        .view()
        .batches({ ...options, batchSize: 256, seed: round + 1, readers: 1 })) {
        for (let k = 0; k < size; k += 1) seen[ids[k]!] = 1;
        samples += size;
      }
      const rate = samples / ((performance.now() - start) / 1000);
      if (round < 0)
        console.log(
          `  ${name.padEnd(10)} ${samples} samples, ${seen.reduce((sum, one) => sum + one, 0)} distinct`,
        );
      else raw[name] = [...(raw[name] ?? []), rate];
    }
  }
  await dataset.close();
  const shuffled = median(raw.shuffled!);
  for (const [name, rates] of Object.entries(raw)) {
    const share = name === "shuffled" ? "" : `, ${(median(rates) / shuffled).toFixed(2)} of shuffled`;
    console.log(`  ${name.padEnd(10)} ${(median(rates) / 1e3).toFixed(0)} k samples/s${share}`);
  }
  return raw;
}

console.log("One thread, positions to rows");
const cases: [rows: number, classCount: number, kind: "balanced" | "weighted", memoryBytes: number][] = [
  [1e6, 10, "balanced", 2 ** 26],
  [1e6, 1000, "balanced", 2 ** 26],
  [1e6, 1000, "balanced", 2 ** 28],
  [1e6, 10_000, "balanced", 2 ** 28],
  [1e6, 1, "weighted", 2 ** 26],
];
if (hasFlag("large"))
  cases.push([1e8, 10, "balanced", 2 ** 30], [1e8, 1000, "balanced", 2 ** 30], [1e8, 1, "weighted", 2 ** 30]);
const drawn = [];
for (const each of cases) drawn.push(await measureDraws(...each));
console.log("\nWhole loops over 256-byte samples, one reader, batches of 256");
const samplesPerSecond = await measureLoops();
writeResult("drawing", { drawn, samplesPerSecond, peakBytes: peakBytes() });

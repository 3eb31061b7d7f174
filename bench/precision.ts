// Claim: looking at every value of a file costs no more than three readings of it. The analysis of `spillway precision`
// (facts about all values, a formula tried on each, kept values, quantiles) on a simulated recorder's float64 file and on
// noise in float32, against reading the same file once in one thread; with one and two measuring threads. Warm out of
// the page cache, and cold from the disk, which is what data larger than memory comes from (needs root).
//
//   node scripts/task.mjs bench precision [--rounds 5] [--megabytes 800]
//
// Every round shows the count and the largest value: the same work was done.

import fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { choose } from "#spillway/precision/choose";
import { type FieldPart, mergeParts } from "#spillway/precision/facts";
import { FieldMeasure, type MeasurePlan } from "#spillway/precision/measure";
import { firstPass } from "#spillway/precision/plan";
import { reportOf } from "#spillway/precision/report";
import { fieldStride, type TensorField, tensor } from "#spillway/tensor/field";
import { benchFolder } from "./numbered.js";
import { dropCaches, median, numberFlag, warmUp, writeResult } from "./report.js";

interface Job {
  path: string;
  field: TensorField;
  plan: MeasurePlan;
  first: number;
  end: number;
}

/** Measures some of the samples of a file, read straight into the memory that measures them. */
function measureFile({ path, field, plan, first, end }: Job): FieldPart {
  const measure = new FieldMeasure(field, plan);
  const stride = fieldStride(field);
  const most = Math.floor(measure.room.length / stride);
  const fd = fs.openSync(path, "r");
  for (let sample = first; sample < end; sample += most) {
    const bytes = measure.room.subarray(0, Math.min(most, end - sample) * stride);
    fs.readSync(fd, bytes, 0, bytes.length, sample * stride);
    measure.add(bytes, sample);
  }
  fs.closeSync(fd);
  return measure.part();
}

/** Seconds of one reading from end to end. */
function readOnce(path: string): number {
  const buffer = new Uint8Array(2 ** 18);
  const start = performance.now();
  const fd = fs.openSync(path, "r");
  while (fs.readSync(fd, buffer) > 0);
  fs.closeSync(fd);
  return (performance.now() - start) / 1000;
}

function part(worker: Worker, job: Job): Promise<FieldPart> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners().once("message", resolve).once("error", reject);
    worker.postMessage(job);
  });
}

/** Writes a file of so many samples, a block of 256 of them over and over. */
function writeFile(path: string, field: TensorField, samples: number, value: (k: number) => number): void {
  if (fs.existsSync(path) && fs.statSync(path).size === samples * fieldStride(field)) return;
  const count = (256 * fieldStride(field)) / (field.dtype === "float64" ? 8 : 4);
  const block = Float64Array.from({ length: count }, (_, k) => value(k));
  const bytes = new Uint8Array(field.dtype === "float64" ? block.buffer : Float32Array.from(block).buffer);
  const fd = fs.openSync(path, "w");
  for (let sample = 0; sample < samples; sample += 256) {
    fs.writeSync(fd, bytes, 0, Math.min(256, samples - sample) * fieldStride(field));
  }
  fs.closeSync(fd);
}

async function main() {
  const rounds = numberFlag("rounds", 5);
  const totalBytes = numberFlag("megabytes", 800) * 1e6;
  const folder = join(benchFolder(), "precision");
  fs.mkdirSync(folder, { recursive: true });
  const noise = () => Math.random() + Math.random() - 1;
  const cases: [name: string, field: TensorField, value: (k: number) => number][] = [
    [
      "12-bit recorder, float64 [256, 8]",
      tensor("float64", [256, 8], { channelAxis: 1 }),
      (k) => Math.round(1500 * Math.sin(k / 3000 + (k % 8)) + 20 * noise()) * 0.0123 - 1.7,
    ],
    ["noise, float64 [256, 8]", tensor("float64", [256, 8], { channelAxis: 1 }), noise],
    ["noise, float32 [8, 1024]", tensor("float32", [8, 1024], { channelAxis: 0 }), noise],
    [
      "pictures k / 255, float32 [64, 64]",
      tensor("float32", [64, 64]),
      () => Math.floor(Math.random() * 256) / 255,
    ],
  ];
  const workers = [0, 1].map(() => new Worker(fileURLToPath(import.meta.url), { workerData: "measure" }));
  const results = [];
  for (const [k, [name, field, value]] of cases.entries()) {
    const path = join(folder, `${k}.raw`);
    const samples = Math.floor(totalBytes / fieldStride(field));
    writeFile(path, field, samples, value);
    warmUp(path);
    const probe = fs.readFileSync(path).subarray(0, 64 * fieldStride(field));
    const start = performance.now();
    const plan = firstPass(field, { samples }, probe);
    const planMs = performance.now() - start;
    const raw: Record<string, number[]> = { read: [], one: [], two: [], coldRead: [], coldTwo: [] };
    let said = "";
    for (let round = -1; round < rounds; round += 1) {
      const seconds: Record<string, number> = { read: readOnce(path) };
      const ways = [
        { kind: "one", threads: 1, isCold: false },
        { kind: "two", threads: 2, isCold: false },
      ];
      if (dropCaches()) {
        seconds.coldRead = readOnce(path);
        ways.push({ kind: "coldTwo", threads: 2, isCold: true });
        warmUp(path);
      }
      for (const { kind, threads, isCold } of ways) {
        if (isCold) dropCaches();
        const from = performance.now();
        const bounds = Array.from({ length: threads + 1 }, (_, at) => Math.floor((samples * at) / threads));
        const parts = await Promise.all(
          workers
            .slice(0, threads)
            .map((worker, at) =>
              part(worker, { path, field, plan, first: bounds[at]!, end: bounds[at + 1]! }),
            ),
        );
        const merged = parts.reduce((a, b) => mergeParts(a, b, plan));
        seconds[kind] = (performance.now() - from) / 1000;
        if (round < 0 && kind === "two") {
          const reportStart = performance.now();
          const report = reportOf(field, plan, merged);
          const reportMs = performance.now() - reportStart;
          const count = report.channels.reduce((sum, { facts }) => sum + facts.count, 0);
          said =
            `${choose(report).dtype}, ${count} values, largest ${report.channels[0]!.facts.max}; ` +
            `guess ${planMs.toFixed(0)} ms, report ${reportMs.toFixed(0)} ms`;
        }
      }
      if (round < 0) continue;
      for (const [kind, time] of Object.entries(seconds)) raw[kind]!.push(time);
      warmUp(path);
    }
    const bytes = samples * fieldStride(field);
    const rate = (kind: string) => bytes / median(raw[kind]!) / 1e9;
    console.log(
      `${name.padEnd(36)} read ${rate("read").toFixed(2)} GB/s, measured ${rate("one").toFixed(2)} (${(rate("one") / rate("read")).toFixed(2)}), ` +
        `by two threads ${rate("two").toFixed(2)} (${(rate("two") / rate("read")).toFixed(2)})   ${said}`,
    );
    if (raw.coldRead!.length > 0)
      console.log(
        `${" ".repeat(36)} cold: read ${rate("coldRead").toFixed(2)} GB/s, measured by two threads ${rate("coldTwo").toFixed(2)} (${(rate("coldTwo") / rate("coldRead")).toFixed(2)})`,
      );
    results.push({
      name,
      bytes,
      said,
      gigabytesPerSecond: Object.fromEntries(
        Object.keys(raw).map((kind) => [kind, raw[kind]!.length > 0 ? rate(kind) : undefined]),
      ),
      raw,
    });
    fs.rmSync(path);
  }
  for (const worker of workers) await worker.terminate();
  writeResult("precision", { rounds, results });
}

if (isMainThread) await main();
else if (workerData === "measure")
  parentPort!.on("message", (job: Job) => parentPort!.postMessage(measureFile(job)));

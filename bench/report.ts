// What every benchmark shares when it reports: the machine that it ran on, medians, peak memory, and the file in
// bench/results that keeps all raw values.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { basename, join } from "node:path";

/** Where results go: one JSON file per benchmark. */
export const resultsFolder = join(import.meta.dirname, "../../bench/results");

/** Where pictures for people go. */
export const docsFolder = join(import.meta.dirname, "../../docs");

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** What a reader of the numbers must know of the machine. */
export function machine(): Record<string, string | number> {
  return {
    processor: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Peak resident memory of a process in bytes, NaN where the system does not say. */
export function peakBytes(pid: number | "self" = "self"): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** Writes bench/results/NAME.json, together with the machine and the command, and says where. */
export function writeResult(name: string, result: object): void {
  fs.mkdirSync(resultsFolder, { recursive: true });
  const path = join(resultsFolder, `${name}.json`);
  const script = basename(process.argv[1]!, ".js");
  // Where tools were kept is of this machine only.
  const flags = process.argv
    .slice(2)
    .join(" ")
    .replace(/ ?--tools \S+/, "");
  const command = `node scripts/task.mjs bench ${script} ${flags}`.trimEnd();
  fs.writeFileSync(path, `${JSON.stringify({ command, machine: machine(), ...result }, null, 1)}\n`);
  console.log(`\nAll values: ${path}`);
}

/** Reads a file from end to end, so that it is in the page cache even where other programs have pushed it out. */
export function warmUp(path: string): void {
  const buffer = new Uint8Array(2 ** 20);
  const fd = fs.openSync(path, "r");
  while (fs.readSync(fd, buffer) > 0);
  fs.closeSync(fd);
}

/** Drops the page cache; false where that is not allowed (it needs root). */
export function dropCaches(): boolean {
  try {
    execFileSync("sync");
    fs.writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}

/** Whether the command line has `--name`. */
export function hasFlag(name: string): boolean {
  return process.argv.includes(`--${name}`);
}

/** The number after `--name`, or another one where it is not there. */
export function numberFlag(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

/** The text after `--name`, undefined where it is not there. */
export function textFlag(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

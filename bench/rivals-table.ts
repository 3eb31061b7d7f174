// What rivals.ts prints: a table with Spillway's speed over each rival's, and which targets are met by how much.

import type { RivalResult } from "./rivals-samples.js";

/** One way to read the samples. */
export interface Variant {
  kind: string;
  name: string;
  workers: number;
  /** Variants of one family differ in how much they do at once: the best of them counts. */
  family: string;
  /** Given to Spillway. */
  memory?: string;
}

/** What its epochs came to. */
export interface Row extends Variant {
  /** Samples per second, the median and all. */
  rate: number;
  rates: readonly number[];
  runs: readonly RivalResult[];
}

export interface Target {
  what: string;
  ratio: number;
  target: number;
}

/** Samples up to this size are small. */
const smallBytes = 8192;

const spillway = "Spillway";
const pinned = "Spillway, all pinned";

/** Peak RSS is that of all processes of a variant; pages of mapped files count in it. */
export function printTable(rows: readonly Row[], count: number, sampleBytes: number): void {
  const base = rows.find((row) => row.name === spillway)!;
  console.log(
    "\n                                                  samples/s      MB/s   Spillway / this   peak RSS   samples, sum of ids, hash",
  );
  for (const { kind, name, rate, runs } of rows) {
    const { samples, ids, hash } = runs[0]!;
    const cut = runs.filter((run) => run.isCut && run.samples < count).length;
    const columns = [
      Math.round(rate).toLocaleString("en").padStart(11),
      ((rate * sampleBytes) / 1e6).toFixed(0).padStart(10),
      (base.rate / rate).toFixed(2).padStart(18),
      (kind === "fio"
        ? "-"
        : `${Math.round(Math.max(...runs.map((run) => run.peakBytes)) / 2 ** 20)} MiB`
      ).padStart(11),
      kind === "fio" ? "" : `   ${samples}, ${ids}, ${hash}`,
      cut > 0 && kind !== "fio" ? `   CUT OFF in ${cut} of ${runs.length} rounds` : "",
    ];
    console.log(`  ${name.padEnd(46)}${columns.join("")}`);
  }
}

/** The best variant of each family of rivals, fastest first. */
function bestRivals(rows: readonly Row[]): Row[] {
  const best = new Map<string, Row>();
  for (const row of rows) {
    if (["spillway", "fio"].includes(row.kind)) continue;
    if (row.rate > (best.get(row.family)?.rate ?? 0)) best.set(row.family, row);
  }
  return [...best.values()].sort((a, b) => b.rate - a.rate);
}

/** Prints each target with its ratio, and gives them. That over separate files is for small samples. */
export function printTargets(mode: "warm" | "cold", rows: readonly Row[], sampleBytes: number): Target[] {
  const [fastest, ...others] = bestRivals(rows);
  if (!fastest) return [];
  const rateOf = (name: string) => rows.find((row) => row.name === name)!.rate;
  const targets: Target[] = [];
  const add = (what: string, ratio: number, target: number) => targets.push({ what, ratio, target });
  const files = bestRivals(rows).find((row) => row.kind === "torch-files");
  if (files && sampleBytes <= smallBytes)
    add(`Spillway / ${files.name}`, rateOf(spillway) / files.rate, mode === "cold" ? 8 : 25);
  if (mode === "cold")
    add(`Spillway / ${fastest.name}, the fastest rival`, rateOf(spillway) / fastest.rate, 3);
  else {
    add(`${pinned} / ${fastest.name}, the fastest rival`, rateOf(pinned) / fastest.rate, 1);
    const [next] = others;
    if (next) add(`${pinned} / ${next.name}, the next`, rateOf(pinned) / next.rate, 2);
  }
  console.log("");
  for (const { what, ratio, target } of targets)
    console.log(`  ${what}: ${ratio.toFixed(2)} (target ${target})${ratio >= target ? "" : ", MISSED"}`);
  return targets;
}

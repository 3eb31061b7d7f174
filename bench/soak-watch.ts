// What soak.ts looks at once a second, and what it makes of it: how far trainers are, and what the process holds.
// Rule: looking costs next to nothing, and goes by the clock, not by timers, which a busy loop would starve.

import fs from "node:fs";
import { median } from "./report.js";

/** When a trainer is done: at a position, or after a time. */
export type End = { positions: number } | { seconds: number };

/** What is looked at every second. */
export interface Point {
  seconds: number;
  /** Position that the slowest trainer has reached. */
  position: number;
  samplesPerSecond: number;
  /** Per second of processor time of all threads: what else the machine does hardly changes it. */
  samplesPerCpuSecond: number;
  rssBytes: number;
  threads: number;
  files: number;
}

/** Where trainers stand, and the state of the process once a second. */
export class Watch {
  readonly points: Point[] = [];
  epochs = 0;
  readonly #end: End;
  readonly #reached: number[];
  readonly #begin = performance.now();
  #next = 1000;
  #last: { ms: number; cpuMs: number; position: number };

  /** @param end the position, or the time, at which a trainer is done */
  constructor(start: number, end: End, trainers: number) {
    this.#end = end;
    this.#reached = new Array(trainers).fill(start);
    this.#last = { ms: 0, cpuMs: cpuMs(), position: start };
  }

  get reached(): number {
    return Math.min(...this.#reached);
  }

  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  isOver(trainer: number): boolean {
    if ("seconds" in this.#end) return this.seconds >= this.#end.seconds;
    return this.#reached[trainer]! >= this.#end.positions;
  }

  /** @returns whether a second has passed: then timers and signals should have their turn */
  note(trainer: number, samples: number): boolean {
    this.#reached[trainer]! += samples;
    const ms = performance.now() - this.#begin;
    if (ms < this.#next) return false;
    this.#next = Math.floor(ms / 1000 + 1) * 1000;
    const position = this.reached;
    const now = { ms, cpuMs: cpuMs(), position };
    const passed = (position - this.#last.position) * 1000;
    const samplesPerSecond = passed / (ms - this.#last.ms);
    const samplesPerCpuSecond = passed / (now.cpuMs - this.#last.cpuMs);
    this.#last = now;
    const rates = { samplesPerSecond, samplesPerCpuSecond };
    this.points.push({ seconds: ms / 1000, position, ...rates, ...stateOfProcess() });
    return true;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function stateOfProcess(): Pick<Point, "rssBytes" | "threads" | "files"> {
  const status = fs.readFileSync("/proc/self/status", "utf8");
  const numberAfter = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssBytes: numberAfter("VmRSS") * 1024,
    threads: numberAfter("Threads"),
    files: fs.readdirSync("/proc/self/fd").length,
  };
}

/** At most 15 lines, evenly spread. */
export function printPoints(points: readonly Point[]): void {
  const every = Math.ceil(points.length / 15);
  for (const [k, point] of points.entries()) {
    if (k % every !== 0 && k !== points.length - 1) continue;
    const columns = [
      point.seconds.toFixed(0).padStart(9),
      point.position.toLocaleString("en").padStart(16),
      `${(point.samplesPerSecond / 1e6).toFixed(2)} M`.padStart(12),
      `${(point.samplesPerCpuSecond / 1e6).toFixed(2)} M`.padStart(17),
      `${(point.rssBytes / 2 ** 20).toFixed(1)} MiB`.padStart(11),
      String(point.threads).padStart(10),
      String(point.files).padStart(13),
    ];
    console.log(columns.join(""));
  }
}

/** Seconds after the start that tell something: a heap takes half a minute until it stays as it is. */
const leastSeconds = 40;

/** What is not constant: the last quarter against the first one after the start, the first tenth, which does not count. */
export function judge(points: readonly Point[]): string[] {
  const steady = points.slice(Math.max(2, Math.ceil(points.length / 10)));
  if (steady.length < leastSeconds)
    return [`only ${steady.length} seconds after the start, too few to judge: ${leastSeconds} are needed`];
  const quarter = steady.length >> 2;
  const [first, last] = [steady.slice(0, quarter), steady.slice(-quarter)];
  const middle = (part: readonly Point[], key: keyof Point) => median(part.map((point) => point[key]));
  const found: string[] = [];
  const grown = middle(last, "rssBytes") - middle(first, "rssBytes");
  if (grown > 16 * 2 ** 20) found.push(`RSS grew by ${(grown / 2 ** 20).toFixed(1)} MiB`);
  const pace = middle(last, "samplesPerCpuSecond") / middle(first, "samplesPerCpuSecond");
  if (pace < 0.8) found.push(`speed by processor time fell to ${pace.toFixed(2)} of the beginning`);
  for (const key of ["threads", "files"] as const) {
    const values = new Set(steady.map((point) => point[key]));
    if (values.size !== 1) found.push(`${key} varied: ${[...values].join(", ")}`);
  }
  return found;
}

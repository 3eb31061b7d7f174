// Runs fio, the standard tool for what a disk can do: the yardstick of random reads.

import { spawn, spawnSync } from "node:child_process";

/** Random reads of one size, anywhere in a range of a file, by some threads with one blocking read each. */
export interface FioOptions {
  path: string;
  startByte: number;
  byteLength: number;
  blockBytes: number;
  jobs: number;
  /** Undefined: until every block was read once. */
  seconds: number | undefined;
  /** Past the page cache. */
  isDirect?: boolean;
}

/** Ends the process with what to do where fio is not installed; gives its version. */
export function requireFio(): string {
  const { stdout, error } = spawnSync("fio", ["--version"], { encoding: "utf8" });
  if (!error) return stdout.trim();
  console.error(
    "This benchmark measures against fio, which is not installed. Get it with: apt-get install fio",
  );
  process.exit(1);
}

/** Reads per second. Blocks lie on multiples of their size from the start of the range, as records do. */
export function fioRandomReads(options: FioOptions): number {
  const { path, startByte, byteLength, blockBytes, jobs, seconds, isDirect } = options;
  const jobBytes = Math.floor(byteLength / jobs / blockBytes) * blockBytes;
  // Warm, blocks may come again: keeping track of them would only slow fio down. Cold, none may come from the cache.
  const choice =
    seconds === undefined
      ? [`--size=${jobBytes}`, `--offset_increment=${jobBytes}`]
      : [`--size=${byteLength}`, "--norandommap", "--time_based", `--runtime=${seconds}`];
  const args = [
    "--name=random-reads",
    `--filename=${path}`,
    "--readonly",
    "--rw=randread",
    "--ioengine=psync",
    "--thread",
    "--invalidate=0",
    "--randrepeat=0",
    `--direct=${isDirect ? 1 : 0}`,
    `--offset=${startByte}`,
    `--bs=${blockBytes}`,
    `--numjobs=${jobs}`,
    ...choice,
    "--group_reporting",
    "--output-format=json",
  ];
  const done = spawnSync("fio", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (done.status !== 0) throw new Error(`fio failed: ${done.stderr || done.error?.message}`);
  return JSON.parse(done.stdout.slice(done.stdout.indexOf("{"))).jobs[0].read.iops;
}

/** Has one thread of fio read at random, directly, a number of times a second, until what this gives is called. */
export function fioBeside(
  { path, blockBytes }: Pick<FioOptions, "path" | "blockBytes">,
  perSecond: number,
): () => void {
  const fio = spawn(
    "fio",
    [
      "--name=beside",
      `--filename=${path}`,
      "--readonly",
      "--rw=randread",
      "--ioengine=psync",
      "--direct=1",
      `--bs=${blockBytes}`,
      `--rate_iops=${Math.ceil(perSecond)}`,
      "--time_based",
      "--runtime=3600",
    ],
    { stdio: "ignore" },
  );
  const end = () => void fio.kill();
  process.once("exit", end);
  return () => {
    process.off("exit", end);
    end();
  };
}

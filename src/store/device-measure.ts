// Measures what a device can do with the files that will be read from it: random and sequential reads of several sizes,
// few and many at a time, by blocking threads and by reads in flight. Reads only, past the page cache where that can be
// had, in about two seconds.
//
// Reads in flight are limited by the threads that the process has for them: four, unless UV_THREADPOOL_SIZE is set when it
// starts. From within it cannot be changed any more, so that threads are what readers go by.

import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type ErrorRecord, recordError, restoreError, SpillwayError, systemCode } from "../errors.js";
import { type DevicePoint, type DeviceProfile, deviceFormat } from "./device.js";
import { blocksOf, type DeviceThreadStart, deviceWord } from "./device-words.js";

export interface MeasureDeviceOptions {
  /** Most threads, default 32; each takes 8 MiB while it measures. */
  maxDepth?: number;
  /** Milliseconds for each measurement, default 80. */
  pointMs?: number;
}

const sizes = [4096, 65_536, 262_144];
const depths = [1, 4, 16, 32, 64];
const asyncDepths = [1, 4, 16, 64];
const largestBlock = 262_144;

/** Files beyond so many add nothing. */
const maxFiles = 16;

/** File systems that refuse to be read directly say so when a file is opened, or when it is read. */
function canBeDirect(path: string, memory: WebAssembly.Memory): boolean {
  if (fs.constants.O_DIRECT === undefined) return false;
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECT);
    fs.readSync(fd, new Uint8Array(memory.buffer), 0, 4096, 0);
    return true;
  } catch (error) {
    if (["EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes(systemCode(error))) return false;
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** The first files that are large enough to measure by. */
export function filesToMeasure(paths: readonly string[]): DeviceThreadStart["files"] {
  return paths
    .slice(0, maxFiles)
    .map((path) => ({ path, byteLength: fs.statSync(path).size }))
    .filter(({ byteLength }) => byteLength >= largestBlock);
}

function bytesOf(files: DeviceThreadStart["files"]): number {
  return files.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/**
 * A name for the device that files lie on: its number, the kind of file system, and the class of size of what is read,
 * since small files may lie in the device's own cache.
 */
export function deviceName(files: DeviceThreadStart["files"]): string {
  const { dev } = fs.statSync(files[0]!.path);
  const { type } = fs.statfsSync(files[0]!.path);
  const sizeClass = Math.max(0, Math.floor(Math.log2(bytesOf(files) / 2 ** 30)) + 1);
  return `${dev.toString(16)}-${type.toString(16)}-${sizeClass}`;
}

/**
 * Measures a device by some files that lie on it.
 *
 * @param paths files, of which those of at least 256 KiB are read
 * @throws SpillwayError `usage` where none is large enough, `io`, `missing`
 */
export async function measureFiles(
  paths: readonly string[],
  { maxDepth = 32, pointMs = 80 }: MeasureDeviceOptions = {},
): Promise<DeviceProfile> {
  const files = filesToMeasure(paths);
  if (files.length === 0) {
    throw new SpillwayError("usage", "there is no file of 256 KiB or more to measure the device by", {
      remedy: "Measure with a larger dataset.",
    });
  }
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const isDirect = canBeDirect(files[0]!.path, memory);
  const points = await measureThreads(files, isDirect, { maxDepth, pointMs });
  for (const depth of asyncDepths.filter((depth) => depth <= maxDepth))
    points.push(await measureAsync(files, isDirect, depth, pointMs));
  return {
    format: deviceFormat,
    device: deviceName(files),
    date: new Date().toISOString(),
    fileBytes: bytesOf(files),
    isDirect,
    points,
  };
}

async function measureThreads(
  files: DeviceThreadStart["files"],
  isDirect: boolean,
  { maxDepth, pointMs }: Required<MeasureDeviceOptions>,
): Promise<DevicePoint[]> {
  const used = depths.filter((depth) => depth <= maxDepth);
  const count = used.at(-1)!;
  const words = new Int32Array(new SharedArrayBuffer((deviceWord.counts + count) * 4));
  let failure: ErrorRecord | undefined;
  const threads = Array.from({ length: count }, (_, thread) => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
    const worker = new Worker(new URL("./device-thread.js", import.meta.url), {
      workerData: { words, thread, files, isDirect, memory } satisfies DeviceThreadStart,
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32, stackSizeMb: 1 },
      execArgv: [],
      name: "spillway-device",
    });
    worker.on("message", (error: ErrorRecord) => {
      failure ??= error;
    });
    worker.on("error", (error) => {
      failure ??= recordError(error);
    });
    return worker;
  });
  const points: DevicePoint[] = [];
  try {
    await Promise.all(threads.map((thread) => new Promise((resolve) => thread.once("online", resolve))));
    for (const blockBytes of sizes) {
      for (const depth of used) points.push(await measure({ blockBytes, depth, isSequential: false }));
      if (blockBytes > 4096) points.push(await measure({ blockBytes, depth: 1, isSequential: true }));
    }
  } finally {
    Atomics.store(words, deviceWord.isOver, 1);
    Atomics.store(words, deviceWord.isRunning, 0);
    Atomics.add(words, deviceWord.turn, 1);
    Atomics.notify(words, deviceWord.turn);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return points;

  async function measure(of: {
    blockBytes: number;
    depth: number;
    isSequential: boolean;
  }): Promise<DevicePoint> {
    words.fill(0, deviceWord.counts);
    words[deviceWord.blockBytes] = of.blockBytes;
    words[deviceWord.isSequential] = of.isSequential ? 1 : 0;
    words[deviceWord.active] = of.depth;
    words[deviceWord.stopped] = 0;
    Atomics.store(words, deviceWord.isRunning, 1);
    const usage = process.cpuUsage();
    const since = performance.now();
    Atomics.add(words, deviceWord.turn, 1);
    Atomics.notify(words, deviceWord.turn);
    const readSoFar = () => words.subarray(deviceWord.counts).reduce((sum, each) => sum + each, 0);
    await setTimeout(pointMs);
    // On a machine that has other things to do, threads may not have had a turn yet.
    while (readSoFar() === 0 && failure === undefined) await setTimeout(1);
    Atomics.store(words, deviceWord.isRunning, 0);
    const seconds = (performance.now() - since) / 1000;
    const reads = readSoFar();
    while (failure === undefined) {
      const stopped = Atomics.load(words, deviceWord.stopped);
      if (stopped === count) break;
      await setTimeout(1);
    }
    if (failure) throw restoreError(failure);
    const { user, system } = process.cpuUsage(usage);
    return {
      pattern: of.isSequential ? "sequential" : "random",
      way: "threads",
      blockBytes: of.blockBytes,
      depth: of.depth,
      readsPerSecond: reads / seconds,
      cpuMicroseconds: (user + system) / Math.max(1, reads),
    };
  }
}

/** Random reads of 64 KiB that one thread has in flight. */
async function measureAsync(
  files: DeviceThreadStart["files"],
  isDirect: boolean,
  depth: number,
  pointMs: number,
): Promise<DevicePoint> {
  const blockBytes = 65_536;
  const memory = new WebAssembly.Memory({ initial: depth, maximum: depth, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const flags = fs.constants.O_RDONLY | (isDirect ? fs.constants.O_DIRECT : 0);
  const open = await Promise.all(files.map(({ path }) => fs.promises.open(path, flags)));
  const blocks = blocksOf(files, blockBytes, false, 0);
  let reads = 0;
  const usage = process.cpuUsage();
  const since = performance.now();
  try {
    const readOn = async (slot: number) => {
      do {
        const { file, startByte } = blocks.next().value;
        await open[file]!.read(bytes, slot * blockBytes, blockBytes, startByte);
        reads += 1;
      } while (performance.now() - since < pointMs);
    };
    await Promise.all(Array.from({ length: depth }, (_, slot) => readOn(slot)));
  } finally {
    await Promise.all(open.map((file) => file.close()));
  }
  const seconds = (performance.now() - since) / 1000;
  const { user, system } = process.cpuUsage(usage);
  return {
    pattern: "random",
    way: "async",
    blockBytes,
    depth,
    readsPerSecond: reads / seconds,
    cpuMicroseconds: (user + system) / Math.max(1, reads),
  };
}

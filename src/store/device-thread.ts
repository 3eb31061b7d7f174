// A thread that reads while a device is measured: waits for its turn in shared words, reads blocks until it is told to
// stop, and counts. Started by URL with `workerData: DeviceThreadStart`.

import fs from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { recordError } from "../errors.js";
import { ioError } from "./file.js";

/** Numbers of the shared words; from `counts` on one for each thread. */
export const deviceWord = {
  /** Raised for each measurement. */
  turn: 0,
  isRunning: 1,
  blockBytes: 2,
  isSequential: 3,
  /** Threads with lower numbers take part. */
  active: 4,
  isOver: 5,
  /** Threads that are through with the turn, whether they took part or not: the next one waits for all. */
  stopped: 6,
  counts: 8,
} as const;

export interface DeviceThreadStart {
  words: Int32Array<SharedArrayBuffer>;
  thread: number;
  files: readonly { path: string; byteLength: number }[];
  isDirect: boolean;
  /** Room for the largest block, on a page of its own. */
  memory: WebAssembly.Memory;
}

/** The blocks that one reader asks for, one after another or anywhere. */
export function* blocksOf(
  files: DeviceThreadStart["files"],
  blockBytes: number,
  isSequential: boolean,
  thread: number,
): Generator<{ file: number; startByte: number }, never, undefined> {
  const counts = files.map(({ byteLength }) => Math.floor(byteLength / blockBytes));
  const total = counts.reduce((sum, count) => sum + count, 0);
  for (let at = Math.floor(((thread % 16) / 16) * total); ; at += 1) {
    let block = isSequential ? at % total : Math.floor(Math.random() * total);
    let file = 0;
    while (block >= counts[file]!) {
      block -= counts[file]!;
      file += 1;
    }
    yield { file, startByte: block * blockBytes };
  }
}

function read({ words, thread, files, isDirect, memory }: DeviceThreadStart): void {
  const flags = fs.constants.O_RDONLY | (isDirect ? fs.constants.O_DIRECT : 0);
  const open = files.map(({ path }) => fs.openSync(path, flags));
  const bytes = new Uint8Array(memory.buffer);
  const { turn, isRunning, blockBytes, isSequential, active, isOver, stopped, counts } = deviceWord;
  try {
    for (let done = 0; ; done += 1) {
      Atomics.wait(words, turn, done);
      if (Atomics.load(words, isOver) !== 0) return;
      const isActive = thread < Atomics.load(words, active);
      const size = Atomics.load(words, blockBytes);
      const blocks = blocksOf(files, size, Atomics.load(words, isSequential) !== 0, thread);
      while (isActive && Atomics.load(words, isRunning) !== 0) {
        const { file, startByte } = blocks.next().value;
        try {
          fs.readSync(open[file]!, bytes, 0, size, startByte);
        } catch (cause) {
          throw ioError(cause, files[file]!.path, `cannot be read at byte ${startByte}`);
        }
        Atomics.add(words, counts + thread, 1);
      }
      Atomics.add(words, stopped, 1);
      Atomics.notify(words, stopped);
    }
  } finally {
    for (const fd of open) fs.closeSync(fd);
  }
}

if (parentPort) {
  try {
    read(workerData as DeviceThreadStart);
  } catch (error) {
    parentPort.postMessage(recordError(error));
  }
}

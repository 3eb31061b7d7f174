// A thread that reads while a device is measured: waits for its turn in shared words, reads blocks until it is told to
// stop, and counts. Started by URL with `workerData: DeviceThreadStart`.

import fs from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { recordError } from "../errors.js";
import { blocksOf, type DeviceThreadStart, deviceWord } from "./device-words.js";
import { ioError } from "./file.js";

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

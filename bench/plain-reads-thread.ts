// A thread of plain-reads.ts that reads records in a given order into a ring, and does nothing else with them but add up
// their first values. Says a number when it is ready, and another when all is read.

import fs from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

import type { PlainRecords } from "./plain-reads.js";

export interface PlainReads extends PlainRecords {
  /** Number of the record that is the k-th to be read. */
  order: Uint32Array;
  /** The first: reads that were claimed. */
  words: Int32Array;
}

/** As many as the loader's readers claim, and a ring as large as theirs. */
const claim = 64;
const ringBytes = 2 ** 24;

const { shard, startByte, stride, type, order, words, epochs }: PlainReads = workerData;
const slots = Math.floor(ringBytes / stride);
const ring = new Uint8Array(slots * stride);
const values = viewOf(ring);
const perRecord = values.length / slots;
parentPort!.once("message", () => {
  parentPort!.postMessage(readAll());
});
parentPort!.postMessage(0);

function viewOf({ buffer }: Uint8Array): Float32Array | Float64Array | Int16Array | Uint8Array {
  if (type === "float32") return new Float32Array(buffer);
  if (type === "float64") return new Float64Array(buffer);
  return type === "int16" ? new Int16Array(buffer) : new Uint8Array(buffer);
}

function readAll(): number {
  const fd = fs.openSync(shard, "r");
  const total = epochs * order.length;
  let [sum, slot] = [0, 0];
  for (;;) {
    const from = Atomics.add(words, 0, claim);
    if (from >= total) break;
    for (let k = from; k < Math.min(from + claim, total); k += 1) {
      const record = order[k % order.length]!;
      const read = fs.readSync(fd, ring, slot * stride, stride, startByte + record * stride);
      if (read !== stride) throw new Error(`record ${record} was read in part`);
      sum += values[slot * perRecord]!;
      slot = (slot + 1) % slots;
    }
  }
  fs.closeSync(fd);
  return sum;
}

// The rival that does nothing but read: threads that read the records of a shard one by one, in a random order, each
// epoch in the same one.

import { Worker } from "node:worker_threads";
import type { PlainReads } from "./plain-reads-thread.js";

/** Records that lie one after another in a file. */
export interface PlainRecords {
  shard: string;
  startByte: number;
  /** Bytes of a record. */
  stride: number;
  type: "float32" | "float64" | "int16" | "uint8";
  epochs: number;
}

/** Seconds that so many threads take once all are there, and the sum of the first values of all records. */
export async function plainReadSeconds(
  { count, shard, startByte, stride, type, epochs }: PlainRecords & { count: number },
  readers: number,
): Promise<{ seconds: number; sum: number }> {
  const order = new Uint32Array(new SharedArrayBuffer(count * 4));
  for (let k = 0; k < count; k += 1) order[k] = k;
  for (let k = count - 1; k > 0; k -= 1) {
    const other = Math.floor(Math.random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  const words = new Int32Array(new SharedArrayBuffer(8));
  const workerData: PlainReads = { shard, startByte, stride, type, epochs, order, words };
  const script = new URL("./plain-reads-thread.js", import.meta.url);
  const threads = Array.from({ length: readers }, () => new Worker(script, { workerData }));
  const answers = (thread: Worker) => new Promise<number>((resolve) => thread.once("message", resolve));
  await Promise.all(threads.map(answers));
  const start = performance.now();
  const done = threads.map(answers);
  for (const thread of threads) thread.postMessage("go");
  const sums = await Promise.all(done);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all(threads.map((thread) => thread.terminate()));
  return { seconds, sum: sums.reduce((all, each) => all + each, 0) };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { SpillwayError } from "#spillway/errors";
import { MemoryPool, threadBytes } from "#spillway/load/memory-pool";
import type { ReaderJob } from "#spillway/load/messages";
import { ReaderPool } from "#spillway/load/reader-pool";
import { createReadingWords } from "#spillway/load/reading-words";
import type { DatasetTable } from "#spillway/load/table";

/** A thread that has done whatever it is told. */
const worker = `
  import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ loop }) => parentPort.postMessage({ type: "ended", loop }));
  parentPort.postMessage({ type: "ready" });
`;

/** A pool whose readers do no work, so that it needs no dataset. */
function poolFor(threads: number, script?: URL): ReaderPool {
  const memory = new MemoryPool(threads * threadBytes);
  return new ReaderPool(memory, {} as DatasetTable, createReadingWords(), script);
}

test("a reader that was never set to work gives its thread's memory back", () => {
  const pool = poolFor(4);
  for (let loop = 0; loop < 10; loop += 1) {
    const readers = pool.lend(4);
    assert.throws(() => pool.lend(1), SpillwayError);
    for (const reader of readers) reader.giveBack();
    assert.equal(pool.idle, 0);
  }
});

test("readers that do not all fit take nothing", () => {
  const pool = poolFor(4);
  assert.throws(() => pool.lend(5), SpillwayError);
  assert.equal(pool.lend(4).length, 4);
});

test("a thread that cannot be started is an error that says why and what to do, and can be given back", () => {
  // No thread runs what is not a file: it is refused as the system refuses one thread too many.
  const pool = poolFor(1, new URL("http://localhost/reader.js"));
  const [reader] = pool.lend(1);
  assert.throws(
    () => reader!.run({} as ReaderJob, () => assert.fail()),
    (error) =>
      error instanceof SpillwayError &&
      error.code === "thread" &&
      error.message ===
        "a reader thread could not be started: The URL must be of scheme file. Raise the number of threads that the process may have (ulimit -u, or pids.max of its container), or ask for fewer readers.",
  );
  reader!.giveBack();
  assert.equal(pool.lend(1).length, 1);
});

test("a thread that was started and is not needed again is kept, and counted", async () => {
  const pool = poolFor(2, new URL(`data:text/javascript,${encodeURIComponent(worker)}`));
  const [reader] = pool.lend(1);
  // A thread of the pool does not keep the process alive.
  const hold = setInterval(() => {}, 2 ** 30);
  await new Promise((resolve) => reader!.run({ loop: 1 } as ReaderJob, resolve));
  await reader!.ready;
  clearInterval(hold);
  assert.equal(pool.idle, 1);
  const again = pool.lend(2);
  assert.equal(again[0], reader);
  assert.equal(pool.idle, 0);
  for (const each of again) each.giveBack();
  assert.equal(pool.idle, 1);
  assert.throws(() => pool.lend(3), SpillwayError);
  assert.equal(pool.idle, 1);
  assert.equal(pool.lend(2).length, 2);
  await pool.close();
});

test("threads that wait for work are ended for their memory, once", async () => {
  const pool = poolFor(1, new URL(`data:text/javascript,${encodeURIComponent(worker)}`));
  const hold = setInterval(() => {}, 2 ** 30);
  for (let round = 0; round < 3; round += 1) {
    assert.equal(pool.endIdle(), false);
    const [reader] = pool.lend(1);
    const error = await new Promise((resolve) => reader!.run({ loop: 1 } as ReaderJob, resolve));
    assert.equal(error, undefined);
    assert.equal(pool.endIdle(), true);
    assert.equal(pool.idle, 0);
  }
  // The threads that were ended are gone by now or will be: neither counts twice.
  await setTimeout(100);
  pool.lend(1);
  assert.throws(() => pool.lend(1), SpillwayError);
  clearInterval(hold);
});

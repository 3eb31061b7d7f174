import assert from "node:assert/strict";
import { test } from "node:test";
import { SpillwayError } from "#spillway/errors";
import { MemoryPool, threadBytes } from "#spillway/load/memory-pool";
import { ReaderPool } from "#spillway/load/reader-pool";
import type { ReadingWords } from "#spillway/load/reading-words";
import type { DatasetTable } from "#spillway/load/table";

/** A pool whose readers are never set to work, so that it needs no dataset. */
function poolFor(threads: number): ReaderPool {
  return new ReaderPool(new MemoryPool(threads * threadBytes), {} as DatasetTable, {} as ReadingWords);
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

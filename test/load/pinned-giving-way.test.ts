import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bindKernels, kernelModule } from "#spillway/kernels/kernels";
import { MemoryPool, type Reservation } from "#spillway/load/memory-pool";
import type { ReaderStart } from "#spillway/load/messages";
import { PinnedSet } from "#spillway/load/pinned";
import { PinnedReader } from "#spillway/load/pinned-reader";
import { chunkWord, createReadingWords, wordsOfChunk } from "#spillway/load/reading-words";
import type { DatasetTable } from "#spillway/load/table";

const rows = 40_000;
const stride = 1000;
const segmentBytes = 2 ** 20;
const memoryBytes = 24 * 2 ** 20;
const isResident = [false];

/** A set over a table of one column, and a reader of it, in one thread; row r is `stride` times the byte r % 251. */
function make() {
  const table = { rows, columns: [{ stride }] } as unknown as DatasetTable;
  const pool = new MemoryPool(memoryBytes, segmentBytes);
  const reading = createReadingWords();
  const pinned = new PinnedSet(pool, table, reading, 2);
  const own = pool.reserve(2 * stride, "a loop");
  const kernels = bindKernels(kernelModule(), own.memory);
  const start = { table, reading, memoryBytes, segments: pool.segments } as unknown as ReaderStart;
  const reader = PinnedReader.of(start, isResident, kernels, own.segment)!;
  const bytes = new Uint8Array(own.memory.buffer);
  const keep = (row: number) => {
    bytes.fill(row % 251, own.address, own.address + stride);
    reader.begin();
    reader.keep(0, row, 1, own.address);
  };
  /** Bytes of a row as a run would deliver them; undefined where it would have to be read, or the run done again. */
  const take = (row: number, meanwhile = () => {}): number[] | undefined => {
    const generation = reader.begin();
    if (!reader.find(0, row, 1)) return undefined;
    meanwhile();
    reader.copyTo(own.address + stride, stride);
    if (!reader.isUnchanged(generation)) return undefined;
    return [...bytes.subarray(own.address + stride, own.address + 2 * stride)];
  };
  return { pool, reading, pinned, keep, take };
}

/** Few enough to be met again, all over the set. */
const anyRow = fc.integer({ min: 0, max: 39 }).map((k) => k * 431);

const step = fc.oneof(
  fc.record({ kind: fc.constant("grow" as const) }),
  fc.record({ kind: fc.constant("keep" as const), row: anyRow }),
  fc.record({ kind: fc.constant("take" as const), row: anyRow }),
  fc.record({ kind: fc.constant("reserve" as const), bytes: fc.integer({ min: 1, max: 700_000 }) }),
  fc.record({ kind: fc.constant("release" as const) }),
);

test("rows that are found are those that were kept, whatever was given back and taken again", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const { pool, pinned, keep, take } = make();
      const held: Reservation[] = [];
      pinned.grow(isResident, 0);
      const kept = new Set<number>();
      for (const action of steps) {
        if (action.kind === "grow") pinned.grow(isResident, 0);
        if (action.kind === "keep") {
          keep(action.row);
          if (action.row < pinned.rows) kept.add(action.row);
        }
        if (action.kind === "release") held.pop()?.release();
        if (action.kind === "reserve" && pool.largestFree() >= action.bytes + 4096) {
          const reservation = pool.reserve(action.bytes, "a test");
          new Uint8Array(reservation.memory.buffer, reservation.address, action.bytes).fill(255);
          held.push(reservation);
          for (const row of kept) if (row >= pinned.rows) kept.delete(row);
        }
        if (action.kind === "take") {
          const taken = take(action.row);
          assert.equal(taken !== undefined, kept.has(action.row));
          assert.ok(!taken || taken.every((byte) => byte === action.row % 251));
        }
        assert.equal(pinned.filledRows, kept.size);
        assert.ok(pool.touched + pool.threads * 8 * 2 ** 20 <= memoryBytes);
      }
    }),
    { numRuns: 200 },
  );
});

test("what was copied while memory was given back does not count", () => {
  const { pool, pinned, keep, take } = make();
  pinned.grow(isResident, 0);
  const row = pinned.rows - 1;
  keep(row);
  assert.deepEqual(new Set(take(row)), new Set([row % 251]));
  const overwrite = () => {
    while (pinned.rows > row) assert.ok(pinned.giveWay());
    for (const size = 2 ** 18; pool.largestFree() >= size; ) {
      const { memory, address } = pool.reserve(size, "a test");
      new Uint8Array(memory.buffer, address, size).fill(255);
    }
  };
  assert.equal(take(row, overwrite), undefined);
});

test("a chunk is not given back while somebody writes to it, and one whose writer died stays", () => {
  const { reading, pinned, keep } = make();
  pinned.grow(isResident, 0);
  const before = pinned.rows;
  const writers = wordsOfChunk(Math.ceil(before / 262) - 1) + chunkWord.writers;
  Atomics.add(reading.words, writers, 1);
  assert.equal(pinned.giveWay(), false);
  assert.equal(pinned.rows, before);
  keep(before - 1);
  assert.equal(pinned.filledRows, 0, "nothing new is written to it");
  Atomics.sub(reading.words, writers, 1);
  assert.equal(pinned.giveWay(), true);
  assert.ok(pinned.rows < before);
});

test("a set that could hold less than a 64th of the rows takes nothing", () => {
  const pool = new MemoryPool(memoryBytes, segmentBytes);
  const table = { rows: 2_000_000, columns: [{ stride }] } as unknown as DatasetTable;
  const pinned = new PinnedSet(pool, table, createReadingWords(), 2);
  pinned.grow(isResident, 0);
  assert.deepEqual([pinned.rows, pinned.byteLength, pool.held], [0, 0, 0]);
});

// When more readers would help, by the shared words of a loop and of a stream.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedMemory } from "#spillway/kernels/kernels";
import { isShort, markFilled, viewControl, word64 } from "#spillway/load/control";
import { entry64, entryState, StreamControl } from "#spillway/load/stream-control";

/** Counts of a ring of 4 batches of 2 runs. */
function loopIs(claimed: number, filled: readonly number[], { released = 0, end = 100 } = {}): boolean {
  const shape = { places: 4, runsPerBatch: 2 };
  const control = viewControl(sharedMemory(4096), 0, 8);
  control.words64[word64.claimed] = BigInt(claimed);
  control.words64[word64.released] = BigInt(released);
  for (const run of filled) markFilled(control, run);
  return isShort(control, shape, end);
}

test("a loop's ring is short while less than half of it is filled, whoever is at work on the rest", () => {
  assert.equal(loopIs(0, []), true);
  assert.equal(loopIs(7, [0, 1, 2]), true, "4 runs are being read, and one is left");
  assert.equal(loopIs(7, [0, 1, 2, 3]), false);
  assert.equal(loopIs(7, [0, 1, 3, 4, 5, 6]), true, "nobody can draw what lies behind a gap");
  assert.equal(loopIs(15, [0, 1, 2, 3, 8, 9, 10], { released: 4 }), true, "runs before do not count");
});

test("where each run is filled or being read, no more readers help", () => {
  assert.equal(loopIs(8, [0, 1, 2]), false, "there is no room");
  assert.equal(loopIs(9, [0]), false, "one waits for room already");
  assert.equal(loopIs(5, [0], { end: 3 }), true);
  assert.equal(loopIs(6, [0], { end: 3 }), false, "there is nothing left");
  assert.equal(loopIs(0, [], { end: 0 }), false);
  assert.equal(loopIs(2 ** 33, [], { released: 2 ** 32, end: Number.POSITIVE_INFINITY }), true);
});

/** Of a ring of 8 runs of 10 samples, and one trainer that wants samples below 1000. */
function streamIs(
  claimed: number,
  filled: readonly number[],
  { released = 0, end = 1000, state = entryState.waits as number } = {},
): boolean {
  const shape = { runLength: 10, ringRuns: 8 };
  const stream = new StreamControl(sharedMemory(2 ** 16), 0, 4096, shape);
  stream.reset();
  stream.startAt(claimed);
  for (const run of filled) markFilled(stream.control, run);
  stream.set(3, entry64.released, released);
  stream.set(3, entry64.end, end);
  stream.setState(3, state);
  return stream.isShort;
}

test("a stream's ring is short while less than half of it is filled for the slowest that draws", () => {
  for (const state of [entryState.waits, entryState.skips]) {
    assert.equal(streamIs(0, [], { state }), true);
    assert.equal(streamIs(7, [0, 1, 2], { state }), true, "4 runs are being read, and one is left");
    assert.equal(streamIs(7, [0, 1, 2, 3], { state }), false);
    assert.equal(streamIs(7, [0, 1, 2, 3], { state, released: 5 }), true);
    assert.equal(streamIs(8, [0, 1, 2], { state }), false, "there is no room");
    assert.equal(streamIs(5, [0], { state, end: 50 }), false, "nobody wants more");
    assert.equal(streamIs(5, [0], { state, end: 51 }), true);
  }
});

test("a stream that nobody draws from is not short", () => {
  for (const state of [entryState.free, entryState.failed, entryState.leaving])
    assert.equal(streamIs(0, [], { state }), false);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { word32 } from "#spillway/load/control";
import { Surplus } from "#spillway/load/surplus";

const [samples, byteLength] = [32, 2 ** 18];
const fast = (surplus: Surplus) => surplus.note(0.1, samples, byteLength, false);

test("a reader beyond the cores may rest after four fast runs, the others never", () => {
  const [beyond, within] = [new Surplus(2, 2), new Surplus(1, 2)];
  for (let run = 0; run < 4; run += 1) {
    assert.equal(beyond.mayRest, false);
    fast(beyond);
    fast(within);
  }
  assert.equal(beyond.mayRest, true);
  assert.equal(within.mayRest, false);
});

test("a slow run, or one from the disk, has to be followed by four fast ones", () => {
  for (const [elapsedMs, isFromDisk] of [
    [0.5, false],
    [0.1, true],
  ] as const) {
    const surplus = new Surplus(5, 2);
    for (let run = 0; run < 3; run += 1) fast(surplus);
    surplus.note(elapsedMs, samples, byteLength, isFromDisk);
    for (let run = 0; run < 3; run += 1) fast(surplus);
    assert.equal(surplus.mayRest, false);
    fast(surplus);
    assert.equal(surplus.mayRest, true);
  }
});

test("large samples may take their time by their bytes, many by their number", () => {
  const surplus = new Surplus(2, 2);
  for (let run = 0; run < 4; run += 1) surplus.note(4, 1, 2 ** 23, false);
  assert.equal(surplus.mayRest, true, "8 MiB in 4 ms");
  for (let run = 0; run < 4; run += 1) surplus.note(0.6, 64, 64, false);
  assert.equal(surplus.mayRest, true, "64 labels in 0.6 ms");
  surplus.note(0.7, 64, 64, false);
  assert.equal(surplus.mayRest, false);
});

test("a rest ends at once where work has stopped, and after it one fast run is enough for the next", () => {
  const surplus = new Surplus(2, 2);
  for (let run = 0; run < 4; run += 1) fast(surplus);
  const words = new Int32Array(new SharedArrayBuffer(64));
  words[word32.stop] = 1;
  surplus.rest(words);
  assert.equal(surplus.mayRest, false);
  fast(surplus);
  assert.equal(surplus.mayRest, true);
});

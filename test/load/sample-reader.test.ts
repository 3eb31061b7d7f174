import assert from "node:assert/strict";
import fs from "node:fs";
import { type TestContext, test } from "node:test";
import { keepsWord, readingWord } from "#spillway/load/reading-words";
import { openEngine } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";
import { samplesHere } from "../fixtures/reader-here.js";

const mebi = 2 ** 20;

test("a run during which the pinned set gave way is read again, and counted once", async () => {
  const path = await packed({ count: 40, length: 5000, dtype: "uint8", layout: "source" });
  const engine = openEngine(path, 64 * mebi);
  const { reading } = engine;
  let reads = 0;
  const { read, close } = await samplesHere(engine, () => {
    reads += 1;
    // As a chunk that is given back while this run is being read.
    if (reads === 3) Atomics.add(reading.shared.words, readingWord.generation, 1);
  });
  const ids = [7, 3, 39, 20];
  assert.deepEqual(
    read(...ids).map((bytes) => bytes[1]),
    ids,
  );
  const { hits, misses, diskReads } = reading.stats();
  // Four reads, the run again: the four records have been kept by then.
  assert.deepEqual([reads, hits, misses, diskReads], [4, 4, 0, 4]);
  close();
  await engine.close();
});

/** Time that only reads take: so many milliseconds each, as well as for each KiB. */
function diskTime(t: TestContext, { each, kibi }: { each: number; kibi: number }) {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  return (byteLength: number) => {
    now += each + (kibi * byteLength) / 1024;
  };
}

test("small samples that share sums are compared with their block by the reads that they take", async (t) => {
  // 102 of them share a sum; a block is 64 sums.
  const count = 102 * 400;
  const path = await packed({ count, length: 10, layout: "source" });
  for (const [each, pays] of [
    [0, false],
    [4, true],
  ] as const) {
    const engine = openEngine(path, 64 * mebi);
    const { read, close } = await samplesHere(engine, diskTime(t, { each, kibi: 0.125 }));
    for (let k = 0; k < 80; k += 1) {
      const id = ((k * 157) % 400) * 102;
      const [bytes] = read(id);
      assert.deepEqual([...new Float32Array(bytes!.buffer).subarray(0, 2)], [Math.floor(id / 100), id % 100]);
    }
    const { blockReads } = engine.reading.stats();
    assert.equal(blockReads > 2, pays, `${each} ms: ${blockReads} blocks`);
    close();
    await engine.close();
    t.mock.restoreAll();
  }
});

test("a place that the disk cannot read ends the reading of its own sample, and of no other of its block", async (t) => {
  // Of 52 samples that make a block, number 60 cannot be read.
  const path = await packed({ count: 2000, length: 5000, dtype: "uint8", layout: "source" });
  const engine = openEngine(path, 64 * mebi);
  const bad = engine.table.columns.find(({ name }) => name === "data")!.starts[0]! + 60 * 5000 + 17;
  const takeTime = diskTime(t, { each: 1, kibi: 0.001 });
  let failures = 0;
  const { read, close } = await samplesHere(engine, (byteLength, startByte) => {
    takeTime(byteLength);
    if (startByte > bad || startByte + byteLength <= bad) return;
    failures += 1;
    throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
  });
  // The first ones of blocks further behind, until blocks are read.
  for (let k = 4; k < 4 + 20; k += 1) read(k * 52);
  const { blockReads } = engine.reading.stats();
  assert.ok(blockReads > 0);
  for (const id of [53, 54, 103, 61]) assert.equal(read(id)[0]![1], id % 100);
  assert.equal(failures, 1, "no block is tried again so soon");
  assert.throws(() => read(60), { code: "io", message: /00000\.arrow cannot be read at byte \d+: EIO/ });
  assert.equal(read(104)[0]![1], 4);
  close();
  await engine.close();
});

test("a loop that reads past the page cache leaves no blocks to it when another loop finds room there", {
  skip: fs.constants.O_DIRECT === undefined && "this system has no direct reads",
}, async (t) => {
  const path = await packed({ count: 4000, length: 5000, dtype: "uint8", layout: "source" });
  for (const isDirect of [true, false]) {
    const engine = openEngine(path, 26 * mebi, isDirect ? { freeMemory: () => 0 } : {});
    const { reading } = engine;
    const { read, close } = await samplesHere(engine, diskTime(t, { each: 1, kibi: 0.001 }));
    const { way, pinnedRows } = reading.stats();
    assert.equal(way, isDirect ? "direct" : "page cache");
    Atomics.store(reading.shared.words, readingWord.keeps, keepsWord.all);
    for (let id = 3999; id > Math.max(2500, pinnedRows); id -= 52) assert.equal(read(id)[0]![1], id % 100);
    assert.equal(reading.stats().blockReads > 0, !isDirect);
    close();
    await engine.close();
    t.mock.restoreAll();
  }
});

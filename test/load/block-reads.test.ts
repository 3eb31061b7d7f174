import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pack, type TensorField, tensor } from "spillway";
import type { Manifest } from "#spillway/format/manifest";
import { BlockChoice } from "#spillway/load/block-reads";
import type { Engine } from "#spillway/load/engine";
import { keepsWord, readingWord } from "#spillway/load/reading-words";
import { storedNumbers } from "../fixtures/encoded.js";
import { contentOf, loopOf, openEngine } from "../fixtures/engine.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";

const mebi = 2 ** 20;
const slow = new URL("../fixtures/slow-reader.js", import.meta.url);
const quick = new URL("../fixtures/quick-reader.js", import.meta.url);
const kibi8 = 8192;

/** A choice after its first reads, which are not timed. */
function newChoice(now?: () => number): BlockChoice {
  const choice = new BlockChoice(now);
  assert.equal(readsOf(choice, 8, { singleMs: 50 }), ones(8));
  return choice;
}

/** Tells a choice of reads as it asks for them: what each kind takes, and which kinds it asked for, as "1" and "B". */
function readsOf(
  choice: BlockChoice,
  reads: number,
  { singleMs = 0.5, blockMs = 1, newOnes = 32 }: { singleMs?: number; blockMs?: number; newOnes?: number },
): string {
  let kinds = "";
  for (let k = 0; k < reads; k += 1) {
    const { wantsBlock, isTiming } = choice;
    const ms = wantsBlock ? blockMs : singleMs;
    if (wantsBlock) choice.note(isTiming ? ms : 0, 32 * kibi8, newOnes);
    else choice.note(isTiming ? ms : 0, kibi8);
    kinds += wantsBlock ? "B" : "1";
  }
  return kinds;
}

const ones = (count: number) => "1".repeat(count);
const blocks = (count: number) => "B".repeat(count);

test("where a block takes little more than a sample, blocks are read, and both are timed again and again", () => {
  const choice = newChoice();
  assert.equal(readsOf(choice, 8 + 2 + 64 + 8 + 2 + 5, {}), ones(8) + blocks(2 + 64) + ones(8) + blocks(7));
});

test("where a block takes as long as its samples, these are read one by one", () => {
  const choice = newChoice();
  const figures = { singleMs: 0.5, blockMs: 16 };
  assert.equal(readsOf(choice, 8 + 2 + 128 + 8 + 1, figures), `${ones(8) + blocks(2) + ones(128 + 8)}B`);
  const barely = newChoice();
  assert.equal(readsOf(barely, 12, { singleMs: 0.5, blockMs: 8.1 }), `${ones(8)}BB11`);
  const enough = newChoice();
  assert.equal(readsOf(enough, 12, { singleMs: 0.5, blockMs: 7.9 }), `${ones(8)}BBBB`);
});

test("blocks that do not pay are tried less and less often, and as often as before once they do", () => {
  const choice = newChoice();
  const pauses = (reads: number, figures: Parameters<typeof readsOf>[2]) =>
    readsOf(choice, reads, figures)
      .split(/B+/)
      .map((singles) => singles.length);
  const slow = { singleMs: 0.5, blockMs: 16 };
  assert.deepEqual(pauses(8 + 2 + 128 + 8 + 2 + 256 + 8 + 2 + 512 + 8 + 2 + 1024 + 8 + 2 + 1024 + 8, slow), [
    8,
    128 + 8,
    256 + 8,
    512 + 8,
    1024 + 8,
    1024 + 8,
  ]);
  assert.equal(readsOf(choice, 2 + 64 + 8, {}), blocks(2 + 64) + ones(8));
  assert.deepEqual(pauses(2 + 128 + 8 + 1, slow), [0, 128 + 8, 0]);
});

test("a block has to pay by those of its samples that were not there yet", () => {
  assert.equal(readsOf(newChoice(), 12, { newOnes: 5 }), `${ones(8)}BBBB`);
  assert.equal(readsOf(newChoice(), 12, { newOnes: 4 }), `${ones(8)}BB11`);
});

test("what comes out of the page cache is read one by one, also where a thread was interrupted", () => {
  const choice = newChoice();
  assert.equal(readsOf(choice, 500, { singleMs: 0.004 }), ones(500));
  const interrupted = newChoice();
  interrupted.note(20, kibi8);
  readsOf(interrupted, 3, { singleMs: 0.004 });
  interrupted.note(20, kibi8);
  assert.equal(readsOf(interrupted, 200, { singleMs: 0.004 }), ones(200));
});

test("readers that wait for training read one by one, until they do not wait any more", () => {
  let now = 0;
  const choice = newChoice(() => now);
  now += 100;
  choice.slept(26);
  assert.equal(readsOf(choice, 8 + 64, {}), ones(8 + 64));
  now += 100;
  choice.slept(24);
  assert.equal(readsOf(choice, 8 + 3, {}), ones(8) + blocks(3));
});

/** Of each kind, in which memory a part of the samples is pinned. */
const kinds: { name: string; count: number; partMiB: number; fields: Record<string, TensorField> }[] = [
  { name: "large samples", count: 3000, partMiB: 40, fields: { data: tensor("uint8", [3000]) } },
  {
    name: "small ones, which share sums",
    count: 30_000,
    partMiB: 36,
    fields: { data: tensor("float32", [10]) },
  },
  {
    name: "two fields",
    count: 3000,
    partMiB: 40,
    fields: { data: tensor("int16", [1500]), other: tensor("uint8", [700]) },
  },
];

for (const { name, count, partMiB, fields } of kinds) {
  test(`blocks bring the same samples as single reads: ${name}`, async () => {
    const path = join(temporaryFolder(), "dataset");
    const samples = Array.from({ length: count }, (_, sample) =>
      Object.fromEntries(Object.entries(fields).map(([field, of]) => [field, storedNumbers(of, sample)])),
    );
    await pack(samples, path, { fields, layout: "source", shardSize: "1 MiB" });
    const expected = await read(openEngine(path, 64 * mebi, { readerScript: quick }));
    assert.equal(expected.reading.blockReads, 0);
    const ways = {
      pinned: [64, undefined],
      "page cache": [28, undefined],
      direct: [partMiB, () => 0],
    } as const;
    for (const [way, [memoryMiB, freeMemory]] of Object.entries(ways)) {
      if (way === "direct" && fs.constants.O_DIRECT === undefined) continue;
      const parts = { readerScript: slow, ...(freeMemory && { freeMemory }) };
      const { content, reading } = await read(openEngine(path, memoryMiB * mebi, parts));
      assert.deepEqual(content, expected.content);
      assert.equal(reading.way, way);
      assert.ok(reading.blockReads > 0, `${way}: none of ${reading.diskReads} reads`);
      if (way === "direct") assert.ok(reading.pinnedRows > 0 && reading.pinnedRows < count);
      if (way === "pinned")
        assert.ok(reading.diskReads < expected.reading.diskReads / 4, `${reading.diskReads}`);
    }
  });
}

async function read(engine: Engine, epochs = 2) {
  const content = await contentOf(loopOf(engine, { epochs, readers: 2, deliver: "stored" }));
  const reading = engine.reading.stats();
  await engine.close();
  return { content, reading };
}

test("where few of all samples are read, or none of them stays in memory, there are no blocks", async () => {
  const path = await packed({ count: 4000, length: 3000, dtype: "uint8" });
  const few = openEngine(path, 64 * mebi, { readerScript: slow });
  await contentOf(loopOf(few, { readers: 2, rows: 900 }));
  assert.deepEqual(few.reading.stats().blockReads, 0);
  // Together with another view it is enough.
  await contentOf(loopOf(few, { readers: 2, rows: 1000 }));
  assert.ok(few.reading.stats().blockReads > 0);
  await few.close();
  const none = openEngine(path, 26 * mebi, { readerScript: slow, freeMemory: () => 0 });
  await contentOf(loopOf(none, { readers: 2, rows: 1200 }));
  const { blockReads, pinnedRows } = none.reading.stats();
  assert.ok(
    pinnedRows < 4000 && blockReads <= Math.ceil((3000 * pinnedRows) / (256 * 1024)),
    `${blockReads}`,
  );
  await none.close();
});

test("the page cache keeps blocks where it has room for all samples, not only for those of the views", async () => {
  const path = await packed({ count: 4000, length: 3000, dtype: "uint8" });
  let free = 6 * mebi;
  const engine: Engine = openEngine(path, 26 * mebi, {
    freeMemory: () => free + engine.pool.byteLength - engine.pool.touched,
  });
  const keeps = () => Atomics.load(engine.reading.shared.words, readingWord.keeps);
  await contentOf(loopOf(engine, { readers: 1, rows: 1200 }));
  assert.deepEqual([engine.reading.stats().way, keeps()], ["page cache", keepsWord.pinned]);
  free = 14 * mebi;
  await contentOf(loopOf(engine, { readers: 1, rows: 1200 }));
  assert.deepEqual([engine.reading.stats().way, keeps()], ["page cache", keepsWord.all]);
  await engine.close();
});

test("a damaged sample is told when it is wanted, and not when others of its block are", async () => {
  const count = 2000;
  const path = await packed({ count, length: 3000, dtype: "uint8", layout: "source" });
  const { shards } = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8")) as Manifest;
  assert.equal(shards.length, 1);
  const whole = (await read(openEngine(path, 64 * mebi), 1)).content;
  const file = join(path, shards[0]!.path);
  const bytes = fs.readFileSync(file);
  bytes[shards[0]!.columns.data!.start + (count - 1) * 3000 + 5]! ^= 1;
  fs.writeFileSync(file, bytes);
  const engine = openEngine(path, 64 * mebi, { readerScript: slow });
  for (const seed of [1, 2]) {
    const content = await contentOf(loopOf(engine, { readers: 2, rows: count - 1, deliver: "stored", seed }));
    assert.deepEqual(content.sort(), whole.filter((each) => !each.startsWith(`${count - 1}|`)).sort());
  }
  assert.ok(engine.reading.stats().blockReads > 0);
  const all = loopOf(engine, { readers: 2 });
  await assert.rejects(contentOf(all), { code: "corrupt", message: /sample 1999, / });
  await engine.close();
});

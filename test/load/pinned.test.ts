import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { type DType, index, open } from "spillway";
import { planPinned } from "#spillway/load/pinned-plan";
import { packEncoded } from "../fixtures/encoded.js";
import { contentOf, loopOf, openEngine } from "../fixtures/engine.js";
import { collect, packed, temporaryFolder, upTo } from "../fixtures/packed.js";
import { npyBytes, writeFile } from "../source/fixtures.js";

const mebi = 2 ** 20;

test("chunks hold all rows, bits before records, nothing overlaps, and they are small parts of the memory", () => {
  const wishes = fc.record({
    rows: fc.integer({ min: 1, max: 10_000_000 }),
    strides: fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 4 }),
    memoryBytes: fc.integer({ min: 2 ** 20, max: 2 ** 40 }),
  });
  fc.assert(
    fc.property(wishes, ({ rows, strides, memoryBytes }) => {
      const columns = strides.map((stride) => ({ stride }));
      const plan = planPinned(
        { rows, columns } as never,
        strides.map((stride) => stride <= 16),
        memoryBytes,
      );
      const kept = strides.filter((stride) => stride > 16);
      if (kept.length === 0) return assert.equal(plan, undefined);
      const { rowsPerChunk, chunks, chunkBytes } = plan!;
      const rowBytes = kept.reduce((sum, stride) => sum + stride, 0);
      const reachesAll = rowsPerChunk * chunks >= rows;
      assert.ok(reachesAll || chunks * rowsPerChunk * rowBytes >= memoryBytes, "as much as the memory holds");
      assert.ok(chunks <= 4096 && (chunks - 1) * rowsPerChunk < rows);
      assert.ok(rowsPerChunk === 1 || chunkBytes <= Math.max(2 ** 24, memoryBytes / 1024) * 1.2 + 4096);
      const parts = plan!.columns.flatMap((column) =>
        column === undefined
          ? []
          : [
              { start: column.bits, end: column.bits + Math.ceil(rowsPerChunk / 32) * 4 },
              { start: column.records, end: column.records + rowsPerChunk * column.stride },
            ],
      );
      parts.sort((a, b) => a.start - b.start);
      parts.forEach(({ start, end }, k) => {
        assert.equal(start % 64, 0);
        assert.ok(end <= (parts[k + 1]?.start ?? chunkBytes));
      });
      const lastBits = Math.max(...plan!.columns.map((column) => column?.bits ?? 0));
      assert.ok(plan!.columns.every((column) => !column || column.records > lastBits));
    }),
  );
});

test("where all samples fit, they are read once, and later epochs make no system call", async () => {
  const path = await packed({ count: 3000, length: 300, dtype: "uint8", shardSize: "100 KB" });
  const dataset = await open(path, { memory: "64 MiB" });
  const train = dataset.view();
  await collect(train.batches({ batchSize: 50, seed: 1 }));
  const first = (await dataset.stats()).reading;
  assert.equal(first.way, "pinned");
  assert.equal(
    first.reason,
    "All samples (879 KiB) fit in the memory given: each is read from the disk once.",
  );
  assert.deepEqual([first.pinnedRows, first.filledRows], [3000, 3000]);
  assert.equal(first.hits + first.misses, 3000);
  // Records of 300 bytes share sums, 13 at a time: most of them are there when their turn comes.
  assert.ok(first.misses < 3000 / 2, `${first.misses} misses`);
  const numbers = await collect(train.batches({ batchSize: 50, seed: 2, epochs: 2 }));
  assert.deepEqual(
    [...new Set(numbers)].sort((a, b) => a - b),
    upTo(3000),
  );
  const later = (await dataset.stats()).reading;
  assert.deepEqual([later.diskReads, later.diskBytes], [first.diskReads, first.diskBytes]);
  assert.equal(later.hits - first.hits, 6000);
  await dataset.close();
});

test("with a part of the rows pinned, each epoch after the first finds exactly these in memory", async () => {
  const path = await packed({ count: 2000, length: 5000, dtype: "uint8", shardSize: "1 MB" });
  const dataset = await open(path, { memory: "38 MiB" });
  const epoch = async (seed: number) => {
    const before = (await dataset.stats()).reading;
    await collect(dataset.view().batches({ batchSize: 20, readers: 1, seed }));
    const after = (await dataset.stats()).reading;
    return { ...after, hits: after.hits - before.hits, misses: after.misses - before.misses };
  };
  assert.equal((await epoch(1)).hits, 0);
  for (const seed of [2, 3]) {
    const { hits, misses, pinnedRows, filledRows, way, reason, pinnedBytes } = await epoch(seed);
    assert.ok(pinnedRows > 200 && pinnedRows < 2000, `${pinnedRows} rows`);
    assert.deepEqual([hits, hits + misses, filledRows], [pinnedRows, 2000, pinnedRows]);
    assert.ok(pinnedBytes >= pinnedRows * 5000 && pinnedBytes < pinnedRows * 5000 * 1.1);
    assert.equal(way, "page cache");
    assert.match(
      reason,
      /^\d+\.\d % of 9\.5\d? MiB of samples are pinned in the memory given; [\d.]+ GiB of memory are free besides, in which the page cache can hold the others\.$/,
    );
  }
  await dataset.close();
});

const segmentBytes = 4 * mebi;

test("what is pinned in the loop's segment or another is delivered as what is read, in every dtype and way", async () => {
  const kinds: { dtype: DType; length: number }[] = [
    { dtype: "float32", length: 6 },
    { dtype: "int16", length: 2500 },
    { dtype: "uint8", length: 4096 },
    { dtype: "float64", length: 1111 },
  ];
  for (const { dtype, length } of kinds) {
    const bytes = length * (dtype === "float32" ? 4 : dtype === "float64" ? 8 : dtype === "int16" ? 2 : 1);
    const count = Math.min(20_000, Math.ceil((5 * mebi) / bytes));
    const path = await packEncoded({ data: { dtype, shape: [length] } }, count);
    for (const deliver of ["float32", "stored", "float16"] as const) {
      const small = openEngine(path, 18 * mebi);
      const expected = await contentOf(loopOf(small, { epochs: 2, deliver, readers: 1 }));
      await small.close();
      const large = openEngine(path, 48 * mebi, { segmentBytes });
      const taken = await contentOf(loopOf(large, { epochs: 2, deliver }));
      const { pinnedRows, hits } = large.reading.stats();
      // Where an epoch ends, a sample may be asked for again before the reader that has it at hand has kept it.
      assert.ok(pinnedRows > count / 2 && hits > 0.9 * pinnedRows, `${pinnedRows} rows pinned, ${hits} hits`);
      assert.ok(taken.every((sample, k) => sample === expected[k]) && taken.length === expected.length);
      await large.close();
    }
  }
});

test("loops take back from the pinned set what they need while others read from it, and nothing is damaged", async () => {
  const count = 12_000;
  const path = await packed({ count, length: 3000, dtype: "uint8", shardSize: "4 MB" });
  const dataset = await open(path, { memory: "100 MiB" });
  const view = dataset.view();
  const pinnedRows: number[] = [];
  const readAll = async (seed: number) => {
    const numbers = await collect(
      view.batches({ batchSize: 32, seed, readers: 2, epochs: 4, deliver: "stored" }),
    );
    assert.equal(numbers.length, 4 * count);
  };
  const takeRoom = async () => {
    for (let round = 0; round < 40; round += 1) {
      const batchSize = 600 + (round % 5) * 600;
      for await (const batch of view.batches({ batchSize, readers: 1, seed: round, deliver: "stored" })) {
        assert.equal(batch.size, batchSize);
        break;
      }
      pinnedRows.push((await dataset.stats()).reading.pinnedRows);
      await setImmediate();
    }
  };
  await Promise.all([readAll(1), readAll(2), takeRoom()]);
  assert.ok(Math.min(...pinnedRows) < Math.max(...pinnedRows), `from ${Math.min(...pinnedRows)} rows up`);
  const { peakBytes, memoryBytes } = await dataset.stats();
  assert.ok(peakBytes <= memoryBytes);
  await dataset.close();
});

test("memory that was pinned and given to a loop holds no samples when it is pinned again", async () => {
  const path = await packed({ count: 3000, length: 4096, dtype: "uint8", shardSize: "4 MB" });
  const engine = openEngine(path, 80 * mebi);
  const take = async (batchSize: number) =>
    (await contentOf(loopOf(engine, { batchSize, deliver: "stored" }))).sort();
  const expected = await take(16);
  const { pinnedRows } = engine.reading.stats();
  assert.equal(pinnedRows, 3000);
  const room = engine.pool.reserve(40 * mebi, "a test");
  assert.ok(engine.reading.stats().pinnedRows < 3000);
  new Uint8Array(room.memory.buffer, room.address, room.byteLength).fill(255);
  room.release();
  assert.deepEqual(await take(16), expected);
  assert.equal(engine.reading.stats().pinnedRows, 3000);
  await engine.close();
});

test("samples in files of their own are pinned too", async () => {
  const folder = temporaryFolder();
  for (let i = 0; i < 60; i += 1)
    writeFile(join(folder, "data", `${i}.npy`), npyBytes("|u1", [100], new Uint8Array(100).fill(i)));
  const path = join(folder, "dataset");
  await index(join(folder, "data"), path);
  const dataset = await open(path, { memory: "24 MiB" });
  const read = async () => {
    for await (const { size, fields } of dataset.view().batches({ batchSize: 10 }))
      assert.ok(size === 10 && fields);
  };
  await read();
  assert.equal((await dataset.stats()).reading.filledRows, 60);
  fs.rmSync(join(folder, "data"), { recursive: true });
  await read();
  await dataset.close();
});

test("a record is checked before it is pinned", async () => {
  const path = await packed({ count: 100, length: 5000, dtype: "uint8" });
  const shard = join(path, "shards/00000.arrow");
  const bytes = fs.readFileSync(shard);
  bytes[bytes.length >> 1]! ^= 1;
  fs.writeFileSync(shard, bytes);
  const dataset = await open(path, { memory: "32 MiB" });
  for (let round = 0; round < 2; round += 1)
    await assert.rejects(
      collect(dataset.view().batches({ batchSize: 100, readers: 1 })),
      /does not agree with its sum/,
    );
  assert.ok((await dataset.stats()).reading.filledRows < 100);
  await dataset.close();
});

test("more readers than fit beside what is pinned are fewer, which stats says", async () => {
  const path = await packed({ count: 4000, length: 20_000, dtype: "uint8", shardSize: "20 MB" });
  const dataset = await open(path, { memory: "100 MiB" });
  const take = async (readers: number) => {
    for await (const { size } of dataset.view().batches({ batchSize: 4, readers, deliver: "stored" })) {
      assert.equal(size, 4);
      return (await dataset.stats()).threads;
    }
  };
  assert.equal(await take(1), 1);
  assert.deepEqual((await dataset.stats()).notes, []);
  const threads = (await take(9))!;
  assert.ok(threads > 1 && threads < 9, `${threads} threads`);
  assert.deepEqual((await dataset.stats()).notes, [
    `9 readers were asked for, ${threads} fit beside the samples that are pinned: ask for them in the first loop, or open with more memory.`,
  ]);
  await dataset.close();
});

test("as many readers as a loop has had fit again, whether they were needed then or not", async () => {
  const path = await packed({ count: 4000, length: 20_000, dtype: "uint8", shardSize: "20 MB" });
  const engine = openEngine(path, 100 * mebi);
  for (const reader of engine.readers.lend(9)) reader.giveBack();
  for (const readers of [1, 9]) {
    const batches = loopOf(engine, { batchSize: 4, readers, deliver: "stored" });
    await batches.next();
    assert.ok(engine.reading.stats().pinnedRows > 0);
    assert.equal(engine.pool.threads, readers);
    assert.deepEqual(engine.reading.notes(), []);
    await batches.return();
  }
  await engine.close();
});

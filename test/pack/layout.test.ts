// Where samples lie: the order of a layout and the shape of shards, which depend on the source and the seed, not on
// memory, jobs or the way of packing.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PackOptions } from "spillway";
import { encodeShard } from "#spillway/format/arrow";
import { planShard } from "#spillway/format/shard";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { npyBytes, writeFile } from "../source/fixtures.js";
import { collected, packNew, shuffled } from "./layouts.js";
import { contentOf, stream, streamFields } from "./sources.js";
import { manifestOf, numbersIn } from "./unpacked.js";

/** One .npy table of int32 [count, 40], row i full of i. */
function table(count: number): string {
  const data = Int32Array.from({ length: count * 40 }, (_, k) => Math.floor(k / 40));
  return writeFile(newPath(`table ${count}.npy`), npyBytes("<i4", [count, 40], new Uint8Array(data.buffer)));
}

test("the order of two passes is that of the hashes, whatever the memory and the size of shards", async () => {
  const count = 12_000;
  const expected = shuffled(count, 5);
  for (const [memory, shardSize] of [
    ["1 MiB", "1 GiB"],
    ["8 MiB", "300 KiB"],
    ["64 MiB", "1 GiB"],
  ] as const) {
    const path = await packNew(stream(count), { fields: streamFields, seed: 5, memory, shardSize });
    assert.deepEqual(await numbersIn(path), expected, `${memory}, shards of ${shardSize}`);
  }
  const other = await packNew(stream(count), { fields: streamFields, seed: 6, memory: "8 MiB" });
  assert.notDeepEqual(await numbersIn(other), expected);
});

test("the whole dataset is the same for 8 and 64 MiB of memory", async () => {
  const [small, large] = await Promise.all(
    ["8 MiB", "64 MiB"].map((memory) =>
      packNew(stream(3000), { fields: streamFields, memory, shardSize: "64 KiB" }),
    ),
  );
  assert.deepEqual(contentOf(small!), contentOf(large!));
});

test("one pass gives a permutation, the same for any memory, jobs and size of shards", async () => {
  const path = table(3000);
  const order = await numbersIn(await packNew(path, { seed: 2, memory: "64 MiB" }));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    upTo(3000),
  );
  assert.notDeepEqual(order, upTo(3000));
  for (const options of [
    { memory: "1 MiB", jobs: 1 },
    { memory: "2 MiB", jobs: 100, shardSize: 16_001 },
  ]) {
    assert.deepEqual(await numbersIn(await packNew(path, { seed: 2, ...options })), order);
  }
  assert.notDeepEqual(await numbersIn(await packNew(path, { seed: 3 })), order);
});

test("the layout source keeps the order of the source, read at random or as it comes", async () => {
  const options: PackOptions = { layout: "source", shardSize: 50_000, memory: "1 MiB" };
  assert.deepEqual(await numbersIn(await packNew(table(1000), options)), upTo(1000));
  assert.deepEqual(
    await numbersIn(await packNew(stream(1000), { ...options, fields: streamFields })),
    upTo(1000),
  );
});

test("a last shard that did not fill is closed up: its size and places are those of its rows, zeros between", async () => {
  const options: PackOptions = {
    fields: streamFields,
    layout: "source",
    shardSize: "100 KiB",
    memory: "1 MiB",
  };
  const path = await packNew(stream(1000), options);
  const known = await packNew(await collected(stream(1000)), options);
  const { shards } = manifestOf(path);
  assert.deepEqual(
    shards.map(({ rows }) => rows),
    [636, 364],
  );
  for (const [number, shard] of shards.entries()) {
    const headerBytes = shard.columns.data!.start;
    const plan = planShard(streamFields, shard.rows, headerBytes);
    assert.deepEqual(shard.columns, plan.columns);
    assert.equal(shard.bytes, plan.bodyEnd + encodeShard(streamFields, plan).footer.length);
    // The same shard, written with its rows known: the bytes of its body are the same, those between columns too.
    const other = manifestOf(known).shards[number]!;
    const body = (folderOf: string, { columns }: typeof shard) =>
      fs
        .readFileSync(join(folderOf, shard.path))
        .subarray(columns.data!.start, columns.data!.start + plan.bodyEnd - headerBytes);
    assert.ok(body(path, shard).equals(body(known, other)));
  }
});

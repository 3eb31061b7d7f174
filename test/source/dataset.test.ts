// A dataset as a source: its samples by id, several at once and in any order, each checked; no file left open.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { pack } from "spillway";
import { append, index } from "#spillway/pack/pack";
import { IndexedRecords } from "#spillway/source/index-places";
import { sampleSlot } from "#spillway/source/read-ahead";
import { openSource } from "#spillway/source/registry";
import { samplesOf } from "../fixtures/batches.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { npyFolder, stream, streamFields } from "../pack/sources.js";
import { manifestOf } from "../pack/unpacked.js";
import { openFileCount, refuses, take } from "./fixtures.js";

const folder = temporaryFolder();
const small = { memory: "1 MiB", shardSize: 4096 } as const;

/** One dataset of each kind of layout: rows are ids, shuffled anew, grown since, and an index. */
const datasets: Record<string, string> = {};
for (const name of ["packed", "compacted", "grown", "indexed"]) datasets[name] = join(folder, name);
await pack(stream(200), datasets.packed!, { ...small, fields: streamFields });
for (const name of ["compacted", "grown"])
  await pack(datasets.packed!, datasets[name]!, { ...small, seed: 9 });
await append(stream(60), datasets.grown!, { ...small, fields: streamFields });
await index(npyFolder(join(folder, "npy"), 120, 30), datasets.indexed!);

for (const [name, path] of Object.entries(datasets)) {
  test(`${name}: samples by id are those that training gives, from any start and in any order`, async () => {
    const expected = await samplesOf(path);
    const source = await openSource(path);
    const { rows, commits } = manifestOf(path);
    assert.deepEqual(
      [source.kind, source.sampleCount, source.fingerprint, source.notes],
      ["dataset", rows, commits.at(-1)!.fingerprint, []],
    );
    const textOf = (bytes: readonly Uint8Array[]) =>
      Object.fromEntries(
        Object.keys(source.fields).map((field, k) => [field, Buffer.from(bytes[k]!).toString("latin1")]),
      );
    for (const start of [0, 1, 77, rows - 1, rows]) {
      const taken = await take(source, start);
      assert.deepEqual(
        taken.map(({ bytes }) => textOf(bytes)),
        expected.slice(start),
      );
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(rows - 1), { maxLength: 40 }), async (ids) => {
        const found = await Promise.all(
          ids.map(async (id) => {
            const into = sampleSlot(source.fields).map(
              (part) => new Uint8Array(new SharedArrayBuffer(part.length)),
            );
            await source.readInto!(id, into);
            return textOf(into);
          }),
        );
        assert.deepEqual(
          found,
          ids.map((id) => expected[id]),
        );
      }),
      { numRuns: 30 },
    );
    await source.close();
  });

  test(`${name}: no file stays open, also when the reader stops early`, async () => {
    const round = async () => {
      const source = await openSource(path);
      for await (const _ of source.samples(3)) break;
      await source.close();
    };
    await round();
    const before = openFileCount();
    for (let number = 0; number < 5; number += 1) await round();
    assert.equal(openFileCount(), before);
  });
}

test("a dataset of more shards than are kept open, and an index of more files, are read in any order", async () => {
  for (const path of [join(folder, "many"), join(folder, "many files")]) {
    if (path.endsWith("many")) await pack(stream(2500), path, { ...small, fields: streamFields });
    else await index(npyFolder(join(folder, "npy many"), 300, 3), path);
    const source = await openSource(path);
    const before = openFileCount()!;
    const order = upTo(source.sampleCount!).map((k) => (k * 37) % source.sampleCount!);
    const into = sampleSlot(source.fields);
    for (const id of order) {
      await source.readInto!(id, into);
      const number = Buffer.from(into[0]!).readInt32LE(0);
      if (path.endsWith("many")) assert.ok(number >= 0 && number < 2500);
      assert.ok(openFileCount()! <= before + 64);
    }
    await source.close();
    assert.equal(openFileCount(), before);
  }
});

test("a shard that was cut, a damaged sum and a damaged record are each named", async () => {
  const path = join(folder, "damaged");
  fs.cpSync(datasets.packed!, path, { recursive: true });
  const { shards } = manifestOf(path);
  const read = async (id: number) => {
    const source = await openSource(path);
    try {
      await source.readInto!(id, sampleSlot(source.fields));
    } finally {
      await source.close();
    }
  };
  const [first, second, third] = shards;
  fs.truncateSync(join(path, first!.path), first!.bytes - 1);
  await refuses(
    () => read(0),
    "corrupt",
    `${join(path, first!.path)} has ${first!.bytes - 1} bytes, dataset.json says ${first!.bytes}. The file was cut or changed: restore it from a copy, or pack again.`,
  );
  const { start, stride } = second!.columns.data!;
  const bytes = fs.readFileSync(join(path, second!.path));
  bytes[start + 2 * stride]! ^= 1;
  fs.writeFileSync(join(path, second!.path), bytes);
  await refuses(
    () => read(30),
    "corrupt",
    `${second!.path} of ${path} is damaged: sample 30, field "data", does not agree with its sum (bytes ${start}-${start + 25 * stride}). Run "spillway verify ${path}" for the extent; restore the file from a copy.`,
  );
  fs.rmSync(join(path, third!.sums.path));
  await refuses(() => read(60), "missing", `${join(path, third!.sums.path)} does not exist. Check the path.`);
});

test("the records of an index are known by file and byte", async () => {
  const path = datasets.indexed!;
  const manifest = manifestOf(path);
  const records = await IndexedRecords.read(path, manifest, manifest.rows);
  assert.ok(records.has("class-0/00000.npy", 128));
  assert.ok(records.has("class-2/00119.npy", 128));
  for (const [name, startByte] of [
    ["class-0/00000.npy", 129],
    ["class-0/00001.npy", 128],
    ["class-0/00000.npy\0", 128],
    ["", 0],
  ] as const) {
    assert.ok(!records.has(name, startByte), name);
  }
  assert.ok(!(await IndexedRecords.read(path, manifest, 0)).has("class-0/00000.npy", 128));
});

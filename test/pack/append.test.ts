// A dataset grows by commits: what was there stays as it was, and what comes stands behind it, each sample once.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type PackOptions, pack } from "spillway";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { append } from "#spillway/pack/pack";
import { samplesOf, takeBatches } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { base, isWhole, numbersOf, streamed } from "./growing.js";
import { contentOf, stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

/** The samples of a stream as a list, whose length is known. */
function listOf(count: number) {
  return upTo(count).map((i) => ({
    data: new Int32Array(40).fill(i),
    label: "abc"[i % 3]!,
    path: `row ${i}`,
  }));
}

test("earlier ids, values, catalog and split stay when a dataset grows, and the new samples have the next ids", async () => {
  const path = await base();
  const [before, split, manifest] = [
    await samplesOf(path),
    await takeBatches(path, { view: { split: "val" } }),
    manifestOf(path),
  ];
  const files = contentOf(path);
  const result = await append(stream(50), path, streamed);
  assert.deepEqual(
    [result.rows, result.added, result.isAppended, result.isIndexed, result.resumedAt],
    [110, 50, true, false, 0],
  );
  const now = await samplesOf(path);
  assert.deepEqual(now.slice(0, 60), before);
  assert.deepEqual(
    (await numbersOf(path)).slice(60).sort((a, b) => a - b),
    upTo(50),
  );
  const { commits, shards, packing } = manifestOf(path);
  assert.equal(packing, undefined);
  assert.deepEqual(commits[0], manifest.commits[0]);
  assert.deepEqual(
    commits.map(({ rows }) => rows),
    [60, 110],
  );
  assert.deepEqual(commits[1]!.source, manifest.source);
  assert.deepEqual(shards.slice(0, manifest.shards.length), manifest.shards);
  // Schemes share the new samples out too; what they gave before is seen at the commit of then.
  for (const [file, bytes] of Object.entries(files)) {
    if (file !== "dataset.json" && !file.startsWith("splits"))
      assert.ok(contentOf(path)[file] === bytes, file);
  }
  const val = await takeBatches(path, {
    view: { split: "val", commit: 1 },
    batches: { shuffle: false, epochs: 1 },
  });
  const ids = split.flatMap((batch) => batch.ids);
  assert.deepEqual(
    val.flatMap((batch) => batch.ids),
    [...new Set(ids)].sort((a, b) => a - b),
  );
  for (const id of [0, 59, 60, 109]) {
    const row = await readCatalogRow({ folder: path, manifest: manifestOf(path) }, id);
    const number = Buffer.from(now[id]!.data!, "latin1").readInt32LE(0);
    assert.deepEqual([row.id, row.path, row.labels], [id, `row ${number}`, ["abc"[number % 3]]]);
  }
  await isWhole(path);
});

test("datasets that grew by the same steps are the same, whatever memory and shards; by other steps they are not", async () => {
  const grown = async (options: PackOptions, steps: readonly number[]) => {
    const path = newPath();
    for (const [k, count] of steps.entries()) {
      await (k === 0 ? pack : append)(stream(count), path, { fields: streamFields, ...options });
    }
    return manifestOf(path).commits;
  };
  const steps = [40, 30, 30];
  const one = await grown({ memory: "1 MiB", shardSize: 4096 }, steps);
  assert.deepEqual(await grown({ memory: "32 MiB" }, steps), one);
  assert.notEqual((await grown({ memory: "32 MiB" }, [70, 30])).at(-1)!.fingerprint, one.at(-1)!.fingerprint);
  assert.equal(new Set(one.map(({ fingerprint }) => fingerprint)).size, 3);
});

test("any number of appends of any length, in any layout, gives every sample once and behind those before", async () => {
  const step = fc.record({
    count: fc.integer({ min: 1, max: 60 }),
    layout: fc.constantFrom("shuffled", "source"),
    isList: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      const path = newPath();
      let rows = 0;
      let before: unknown[] = [];
      for (const [k, { count, layout, isList }] of steps.entries()) {
        const samples = isList ? listOf(count) : stream(count);
        const options = { ...streamed, layout } as PackOptions;
        await (k === 0 ? pack : append)(samples, path, options);
        const now = await samplesOf(path);
        assert.deepEqual(now.slice(0, rows), before);
        const numbers = (await numbersOf(path)).slice(rows);
        assert.deepEqual(layout === "source" ? numbers : numbers.sort((a, b) => a - b), upTo(count));
        rows += count;
        before = now;
      }
      await isWhole(path);
      fs.rmSync(path, { recursive: true });
    }),
    { numRuns: 15 },
  );
});

test("what is no dataset is not appended to, nor one that is being written", async () => {
  const path = newPath();
  await refuses(
    () => append(stream(3), path, streamed),
    "missing",
    `${path} is no dataset that could be appended to. Check the path, or leave out --append to make a new one.`,
  );
  assert.ok(!fs.existsSync(path));
  const grown = await base(20);
  const slow = (async function* () {
    yield* stream(5);
    await refuses(() => append(stream(3), grown, streamed), "locked", /is being written by process \d+/);
  })();
  assert.equal((await append(slow, grown, streamed)).rows, 25);
});

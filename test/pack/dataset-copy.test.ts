// A dataset made of another one (an index packed, small shards compacted) holds the same samples under the same ids:
// whoever trains, resumes or splits cannot tell them apart.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { open, type PackOptions, pack } from "spillway";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { layoutPermutation } from "#spillway/order/layout";
import { append, index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { verifyDataset } from "#spillway/pack/verify";
import { samplesOf, takeBatches } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";
import { contentOf, errorOf, npyFolder, stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

const npy = npyFolder(newPath("npy"), 90, 50);

/** A dataset of many small shards, split. */
async function manyShards(count = 300, path = newPath("many")): Promise<string> {
  await pack(stream(count), path, { fields: streamFields, shardSize: 4096, seed: 1, memory: "2 MiB" });
  await splitIn(path);
  return path;
}

async function splitIn(path: string): Promise<void> {
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.2 }, { seed: 3 });
  await dataset.split({ a: 0.5, b: 0.5 }, { seed: 4, scheme: "halves" });
  await dataset.close();
}

/** Asserts that two datasets cannot be told apart but by how they lie on disk. */
async function areTheSame(path: string, other: string): Promise<void> {
  const [one, two] = [manifestOf(path), manifestOf(other)];
  assert.deepEqual(two.commits, one.commits);
  assert.deepEqual(two.fields, one.fields);
  assert.deepEqual(two.source, one.source);
  assert.deepEqual(two.catalog, one.catalog);
  const ofIds = ({ catalog, splits }: Record<string, Record<string, string>>) => ({ catalog, splits });
  assert.deepEqual(ofIds(partsOf(other)), ofIds(partsOf(path)));
  for (const view of [
    {},
    { split: "val" },
    { split: "b", scheme: "halves" },
    { rows: [7, one.rows - 5] as const },
  ]) {
    const whole = await takeBatches(path, { view });
    assert.deepEqual(await takeBatches(other, { view }), whole);
    const resume = whole[1]!.resume;
    assert.deepEqual(await takeBatches(other, { view, batches: { resume } }), whole.slice(2));
  }
  assert.deepEqual(await samplesOf(other), await samplesOf(path));
  for (const id of [0, 1, one.rows - 1]) {
    assert.deepEqual(
      await readCatalogRow({ folder: other, manifest: two }, id),
      await readCatalogRow({ folder: path, manifest: one }, id),
    );
  }
  assert.deepEqual((await verifyDataset(other)).problems, []);
}

/** Files by the folder of the dataset that they are in. */
function partsOf(path: string): Record<string, Record<string, string>> {
  const parts: Record<string, Record<string, string>> = {};
  for (const [file, bytes] of Object.entries(contentOf(path))) {
    const [part = "", name = ""] = file.split(/\/(.*)/);
    parts[part] = { ...parts[part], [name]: bytes };
  }
  return parts;
}

for (const options of [{ seed: 8 }, { layout: "source" }] as const) {
  test(`an index that is packed keeps its ids, splits, fingerprint and tokens: ${JSON.stringify(options)}`, async () => {
    const indexed = newPath("index");
    await packSource(npy, indexed, {}, { isIndex: true, isAppend: false, indexRows: 20 });
    await splitIn(indexed);
    const packed = newPath("packed");
    const result = await pack(indexed, packed, { shardSize: 4096, memory: "2 MiB", ...options });
    assert.deepEqual([result.rows, result.isIndexed, result.isAppended], [90, false, false]);
    const { files, placed, layout } = manifestOf(packed);
    assert.equal(files, undefined);
    assert.deepEqual(placed, options.layout ? undefined : [{ rows: 90, seed: 8 }]);
    assert.deepEqual(layout, options.layout ? { kind: "source" } : { kind: "shuffled", seed: 8 });
    await areTheSame(indexed, packed);
  });
}

test("many small shards become few, with the same ids, and again after an append", async () => {
  const many = await manyShards();
  const compact = newPath("compact");
  const result = await pack(many, compact, { seed: 2, memory: "2 MiB" });
  assert.equal(manifestOf(many).shards.length, 12);
  assert.equal(result.shards, 1);
  assert.equal(manifestOf(compact).catalog.length, 12);
  await areTheSame(many, compact);

  const before = await samplesOf(compact);
  const more = await append(stream(40), compact, {
    fields: streamFields,
    shardSize: 4096,
    seed: 6,
    memory: "2 MiB",
  });
  assert.deepEqual([more.rows, more.added, more.shards, more.isAppended], [340, 40, 3, true]);
  assert.deepEqual(manifestOf(compact).placed, [{ rows: 300, seed: 2 }]);
  assert.deepEqual((await samplesOf(compact)).slice(0, 300), before);
  assert.deepEqual((await verifyDataset(compact)).problems, []);

  const again = newPath("again");
  assert.equal((await pack(compact, again, { seed: 7 })).shards, 1);
  assert.deepEqual(manifestOf(again).placed, [{ rows: 340, seed: 7 }]);
  await areTheSame(compact, again);
  const inOrder = newPath("in order");
  await pack(again, inOrder, { layout: "source" });
  assert.equal(manifestOf(inOrder).placed, undefined);
  await areTheSame(compact, inOrder);
});

test("any dataset packed again with any seed and size of shards gives the same samples under the same ids", async () => {
  const seed = fc.nat(1000);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 120 }),
      seed,
      fc.integer({ min: 4096, max: 9000 }),
      async (count, number, shardSize) => {
        const [path, other] = [newPath(), newPath()];
        await pack(stream(count), path, {
          fields: streamFields,
          shardSize,
          memory: "1 MiB",
          seed: number + 1,
        });
        await pack(path, other, { seed: number, shardSize: 4096, memory: "1 MiB" });
        assert.deepEqual(await samplesOf(other), await samplesOf(path));
        assert.deepEqual((await verifyDataset(other)).problems, []);
        for (const made of [path, other]) fs.rmSync(made, { recursive: true });
      },
    ),
    { numRuns: 15 },
  );
});

test("class names that came with an append are known in the copy, and which commit knows which", async () => {
  const path = newPath();
  await pack(npy, path, { memory: "2 MiB" });
  await append([{ data: new Float32Array(50), label: "new" }], path, {
    fields: {
      ...manifestOf(path).fields,
      label: { kind: "class", dtype: "uint8", classes: ["new"] },
    } as PackOptions["fields"] & {},
  });
  await splitIn(path);
  const copy = newPath();
  await pack(path, copy);
  const { commits, fields } = manifestOf(copy);
  assert.deepEqual(fields.label, {
    kind: "class",
    dtype: "uint8",
    classes: ["class-0", "class-1", "class-2", "new"],
  });
  assert.deepEqual(
    commits.map(({ rows, classes }) => [rows, classes]),
    [
      [90, { label: 3 }],
      [91, undefined],
    ],
  );
  await areTheSame(path, copy);
});

test("what lies beside the samples is copied with its folders", async () => {
  const many = await manyShards(40);
  fs.mkdirSync(join(many, "columns/deep"), { recursive: true });
  fs.writeFileSync(join(many, "columns/deep/x.parquet"), "some");
  fs.writeFileSync(join(many, "columns/half.tmp"), "left by a kill");
  const copy = newPath();
  await pack(many, copy);
  assert.deepEqual(partsOf(copy).columns, { "deep/x.parquet": "some" });
});

test("a damaged record of a compacted dataset is named by its id, wherever it lies", async () => {
  const many = await manyShards(200);
  const copy = newPath();
  await pack(many, copy, { seed: 5 });
  const { shards, placed } = manifestOf(copy);
  const { start, stride } = shards[0]!.columns.data!;
  const row = 77;
  // A sum covers 25 rows: all of them are suspect.
  const ids = upTo(200).filter((id) => Math.floor(rowOf(id) / 25) === Math.floor(row / 25));
  function rowOf(id: number): number {
    return placementRow(placed![0]!, id);
  }
  flip(join(copy, shards[0]!.path), start + row * stride);
  const { problems, damagedSamples } = await verifyDataset(copy);
  assert.equal(damagedSamples, 25);
  assert.deepEqual(
    problems.map(({ startSample, endSample }) => [startSample, endSample]).sort((a, b) => a[0]! - b[0]!),
    ids.map((id) => [id, id + 1]),
  );
  for (const { what, startSample, field } of problems) {
    assert.equal(field, "data");
    assert.match(what, new RegExp(`: sample ${startSample}, field "data", does not agree with its sum`));
  }
  const error = await errorOf(() => takeBatches(copy));
  assert.equal(error.code, "corrupt");
  assert.match(
    error.message,
    /shards\/00000\.arrow of .* is damaged: sample \d+ and \d+ that lie behind it, field "data"/,
  );
  assert.ok(ids.includes(error.where.sample!));
  const another = await errorOf(() => pack(copy, newPath(), { layout: "source", jobs: 1 }));
  assert.match(
    another.message,
    /is damaged: sample \d+, field "data", does not agree with its sum \(bytes \d+-\d+\)/,
  );
  assert.equal(another.where.sample, Math.min(...ids));
});

test("a lost shard of a compacted dataset is counted with all of its samples", async () => {
  const many = await manyShards(200);
  const copy = newPath();
  await pack(many, copy, { seed: 5, shardSize: 4096 });
  fs.rmSync(join(copy, "shards/00001.arrow"));
  const { problems, damagedSamples } = await verifyDataset(copy);
  assert.equal(damagedSamples, manifestOf(copy).shards[1]!.rows);
  assert.ok(
    problems.some(({ path, sampleCount }) => path === "shards/00001.arrow" && sampleCount === damagedSamples),
  );
});

test("the problems of a compacted dataset full of damage are capped", async () => {
  const path = newPath();
  const copy = newPath();
  await pack(stream(3000), path, { fields: streamFields, memory: "2 MiB" });
  await pack(path, copy, { memory: "2 MiB" });
  const { shards } = manifestOf(copy);
  const file = join(copy, shards[0]!.path);
  const { start, stride } = shards[0]!.columns.data!;
  for (let row = 0; row < 3000; row += 25) flip(file, start + row * stride);
  const { problems, problemsLeftOut, damagedSamples } = await verifyDataset(copy);
  assert.deepEqual([problems.length, problemsLeftOut, damagedSamples], [1000, 2000, 1000]);
});

test("a dataset that is not whole yet cannot be packed, and one that is being added to gives its commits", async () => {
  const path = newPath();
  const stop = new AbortController();
  const reason = new Error("stopped");
  const options: PackOptions = { fields: streamFields, layout: "source", shardSize: 4096, memory: "1 MiB" };
  const stopAfter = (rows: number) => ({
    ...options,
    signal: stop.signal,
    onProgress: () => {
      if (fs.existsSync(join(path, "dataset.json")) && manifestOf(path).rows >= rows) stop.abort(reason);
    },
  });
  await assert.rejects(pack(stream(100), path, stopAfter(20)), reason);
  await refuses(
    () => pack(path, newPath()),
    "mismatch",
    `${path} is not whole yet, so nothing can be made of it. Run the pack command again to finish it.`,
  );
  await pack(stream(100), path, options);
  const again = new AbortController();
  await assert.rejects(
    append(stream(100), path, {
      ...options,
      signal: again.signal,
      onProgress: () => manifestOf(path).rows >= 125 && again.abort(reason),
    }),
    reason,
  );
  const notes: string[] = [];
  const copy = newPath();
  const { rows } = await pack(path, copy, { onNote: (note) => notes.push(note) });
  assert.equal(rows, 100);
  assert.ok(notes.includes("It is being added to, or that was interrupted: its finished commits are taken."));
  assert.equal(manifestOf(copy).commits.length, 1);
  assert.deepEqual((await verifyDataset(copy)).problems, []);
  assert.deepEqual(await samplesOf(copy), await samplesOf(path));
});

test("an interrupted copy is gone on with, and ends with the same bytes", async () => {
  const many = await manyShards(200);
  const whole = newPath();
  const options: PackOptions = { seed: 5, shardSize: 4096, memory: "1 MiB" };
  await pack(many, whole, options);
  const path = newPath();
  const stop = new AbortController();
  const reason = new Error("stopped");
  const onProgress = () => {
    if (manifestOf(path).rows > 60) stop.abort(reason);
  };
  const opened = openFileCount();
  await assert.rejects(pack(many, path, { ...options, signal: stop.signal, onProgress }), reason);
  assert.equal(openFileCount(), opened);
  const { problems, packing } = await verifyDataset(path);
  assert.deepEqual([problems, packing], [[], { rows: 200 }]);
  const done = await pack(many, path, options);
  assert.ok(done.resumedAt > 60);
  assert.deepEqual(contentOf(path), contentOf(whole));
});

test("options of raw data are refused for a dataset, and so is a catalog that is damaged", async () => {
  const many = await manyShards(60);
  await refuses(
    () => pack(many, newPath(), { classes: ["a"] }),
    "usage",
    'a source of kind "dataset" has no use for classes (--classes). Leave it out; the options of this kind are: --source.',
  );
  await refuses(
    () => index(many, newPath()),
    "source",
    "the samples of a dataset cannot be indexed. Index the files themselves, or pack both datasets and append.",
  );
  const [part] = manifestOf(many).catalog;
  flip(join(many, part!.path), 9);
  await refuses(
    () => pack(many, newPath()),
    "corrupt",
    `${join(many, part!.path)} is damaged: its hash is not the one in dataset.json. Restore it from a copy, then run the same command again.`,
  );
});

/** Row of an id by the definition in FORMAT.md: the p of which the order gives the id. */
function placementRow({ rows, seed }: { rows: number; seed: number }, id: number): number {
  return upTo(rows).find((p) => layoutPermutation(rows, seed).at(p) === id)!;
}

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 1;
  fs.writeFileSync(file, bytes);
}

// A dataset grows by commits: what was there stays, what comes is held to it, and an interrupted append loses nothing.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { classes, type Fields, open, type PackOptions, pack, tensor } from "spillway";
import { readCatalogRow } from "#spillway/catalog/catalog-reader";
import { append, index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { verifyDataset } from "#spillway/pack/verify";
import { samplesOf, takeBatches } from "../fixtures/batches.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { float64, npyBytes, openFileCount, refuses, writeFile } from "../source/fixtures.js";
import { contentOf, errorOf, idxPair, npyFolder, stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

const folder = temporaryFolder();
let names = 0;
const newPath = (name = "") => {
  names += 1;
  return join(folder, `${names} ${name}`);
};
const small: PackOptions = { memory: "1 MiB", shardSize: 4096 };
const streamed: PackOptions = { ...small, fields: streamFields };

/** A dataset of `count` samples of a stream, split. */
async function base(count = 60, path = newPath("base")): Promise<string> {
  await pack(stream(count), path, streamed);
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.3 }, { seed: 3 });
  await dataset.close();
  return path;
}

/** The samples of a stream as a list, whose length is known. */
function listOf(count: number) {
  return upTo(count).map((i) => ({
    data: new Int32Array(40).fill(i),
    label: "abc"[i % 3]!,
    path: `row ${i}`,
  }));
}

/** The number in each sample, by id. */
async function numbersOf(path: string): Promise<number[]> {
  return (await samplesOf(path)).map(({ data }) => Buffer.from(data!, "latin1").readInt32LE(0));
}

async function isWhole(path: string): Promise<void> {
  assert.deepEqual((await verifyDataset(path)).problems, []);
}

/** Begins an append and stops it once `rows` rows of it are committed. */
async function begun(
  path: string,
  source: Parameters<typeof append>[0],
  options: PackOptions,
  rows = 1,
): Promise<void> {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const before = manifestOf(path).rows;
  const onProgress = () => {
    if (manifestOf(path).rows >= before + rows) stop.abort(reason);
  };
  await assert.rejects(append(source, path, { ...options, signal: stop.signal, onProgress }), reason);
  assert.ok(manifestOf(path).packing);
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

/** A folder of float64 [2] with a class per sub-folder; the k-th name given is sample k. */
function folderOf(...files: string[]): string {
  const source = newPath("source");
  files.forEach((name, k) => {
    writeFile(join(source, name), npyBytes("<f8", [2], float64(k, -k)));
  });
  return source;
}

/** Class name and first number of each sample, by id. */
async function namedOf(path: string): Promise<[string, number][]> {
  const { fields } = manifestOf(path);
  const label = fields.label as { classes: string[]; dtype: string };
  return (await samplesOf(path)).map(({ data, label: stored }) => {
    const bytes = Buffer.from(stored!, "latin1");
    const number =
      label.dtype === "uint8"
        ? bytes.readUInt8()
        : label.dtype === "uint16"
          ? bytes.readUInt16LE()
          : bytes.readInt32LE();
    return [label.classes[number]!, Buffer.from(data!, "latin1").readDoubleLE()];
  });
}

test("new classes are numbered behind those that are there, and labels of the source renumbered by name", async () => {
  const path = newPath();
  await pack(folderOf("run/0.npy", "walk/1.npy", "walk/2.npy"), path, { layout: "source" });
  const notes: string[] = [];
  await append(folderOf("climb/0.npy", "walk/1.npy", "zoom/2.npy"), path, {
    layout: "source",
    onNote: (note) => notes.push(note),
  });
  const { fields, commits } = manifestOf(path);
  assert.deepEqual((fields.label as { classes: string[] }).classes, ["run", "walk", "climb", "zoom"]);
  assert.deepEqual(
    commits.map((commit) => commit.classes),
    [{ label: 2 }, undefined],
  );
  assert.deepEqual(await namedOf(path), [
    ["run", 0],
    ["walk", 1],
    ["walk", 2],
    ["climb", 0],
    ["walk", 1],
    ["zoom", 2],
  ]);
  assert.ok(notes.includes('2 new classes of field "label": climb, zoom.'));
  await append(folderOf("run/7.npy", "swim/8.npy"), path, {
    layout: "source",
    onNote: (note) => notes.push(note),
  });
  assert.ok(notes.includes('A new class of field "label": swim.'));
  assert.deepEqual(
    manifestOf(path).commits.map((commit) => commit.classes),
    [{ label: 2 }, { label: 4 }, undefined],
  );
  assert.deepEqual((await namedOf(path)).slice(6), [
    ["run", 0],
    ["swim", 1],
  ]);
  await isWhole(path);
});

test("labels become as wide as the dataset's, and are refused where it has no room for their classes", async () => {
  const fieldsOf = (count: number): Fields => ({
    data: tensor("float64", [1]),
    label: classes(upTo(count).map((k) => `class ${k}`)),
  });
  const path = newPath();
  await pack([{ data: [1], label: "class 299" }], path, { fields: fieldsOf(300) });
  await append([{ data: [2], label: "class 3" }], path, { fields: fieldsOf(5) });
  assert.deepEqual(await namedOf(path), [
    ["class 299", 1],
    ["class 3", 2],
  ]);
  const narrow = newPath();
  await pack([{ data: [1], label: "class 1" }], narrow, { fields: fieldsOf(200) });
  const others = { ...fieldsOf(1), label: classes(upTo(57).map((k) => `other ${k}`)) };
  const before = contentOf(narrow);
  await refuses(
    () => append([{ data: [1], label: 0 }], narrow, { fields: others }),
    "mismatch",
    `field "label" would have 257 classes, more than uint8 in ${narrow} can number. Pack all samples anew: labels then get a wider dtype.`,
  );
  assert.deepEqual(contentOf(narrow), before);
});

test("fields in another order are put into the dataset's, in one pass and in two", async () => {
  const turned: Fields = { label: streamFields.label!, data: streamFields.data! };
  for (const layout of ["source", "shuffled"] as const) {
    const path = await base(20);
    const samples = upTo(30).map((i) => ({
      label: "abc"[i % 3]!,
      data: new Int32Array(40).fill(i),
      path: `row ${i}`,
    }));
    await append(samples, path, { ...small, fields: turned, layout });
    assert.deepEqual(Object.keys(manifestOf(path).fields), ["data", "label"]);
    assert.deepEqual(
      (await numbersOf(path)).slice(20).sort((a, b) => a - b),
      upTo(30),
    );
    await isWhole(path);
  }
});

test("samples of a program have the dataset's fields where they are not declared", async () => {
  const path = await base(10);
  await append([{ data: Array.from({ length: 40 }, () => 7), label: "c" }], path);
  const [last] = (await samplesOf(path)).slice(-1);
  assert.deepEqual([Buffer.from(last!.data!, "latin1").readInt32LE(0), last!.label!.charCodeAt(0)], [7, 2]);
  await refuses(
    () => append([{ data: new Int32Array(40), label: "d" }], path),
    "source",
    /^sample 0 \(from 0\): field "label" is the text "d", expected one of the 3 classes \(a, b, c\)/,
  );
  assert.equal(manifestOf(path).rows, 11);
  await refuses(() => append([], path), "source", /gave no samples/);
  const empty = (async function* () {})();
  await refuses(() => append(empty, path, { discard: true }), "source", /gave no samples/);
  assert.ok(!manifestOf(path).packing && !fs.existsSync(join(path, ".packing")));
});

test("other fields, shapes and dtypes are refused with both sides, and nothing is changed", async () => {
  const path = await base(10);
  const before = contentOf(path);
  const row = { data: new Int32Array(40), label: "a" };
  const cases: [Fields, string][] = [
    [
      { data: tensor("int32", [41]), label: streamFields.label! },
      `field "data" of the samples is int32 [41]; in ${path} it is int32 [40]. Append samples of the same shape and dtype, or pack them into a dataset of their own.`,
    ],
    [
      { data: tensor("float32", [40]), label: streamFields.label! },
      `field "data" of the samples is float32 [40]; in ${path} it is int32 [40]. Append samples of the same shape and dtype, or pack them into a dataset of their own.`,
    ],
    [
      { data: classes(["x"]), label: streamFields.label! },
      `field "data" of the samples is 1 class (uint8): x; in ${path} it is int32 [40]. Append samples of the same shape and dtype, or pack them into a dataset of their own.`,
    ],
    [
      { data: streamFields.data!, label: tensor("uint8", []) },
      `field "label" of the samples is uint8 []; in ${path} it is 3 classes (uint8): a, b, c. Append samples of the same shape and dtype, or pack them into a dataset of their own.`,
    ],
    [
      { data: streamFields.data! },
      `the samples have the fields data; those of ${path} have data, label. Append samples of the same kind, or pack them into a dataset of their own.`,
    ],
    [
      { ...streamFields, more: tensor("uint8", []) },
      `the samples have the fields data, label, more; those of ${path} have data, label. Append samples of the same kind, or pack them into a dataset of their own.`,
    ],
  ];
  for (const [fields, message] of cases) {
    await refuses(() => append([row], path, { fields }), "mismatch", message);
    assert.deepEqual(contentOf(path), before);
  }
});

test("the same source is refused a second time, unless that is asked for", async () => {
  const [source, other] = [npyFolder(newPath(), 30, 64), npyFolder(newPath(), 20, 64)];
  const path = newPath();
  await pack(source, path, small);
  await append(other, path, small);
  const before = contentOf(path);
  for (const [again, commit] of [
    [source, 1],
    [other, 2],
    [path, 2],
  ] as const) {
    await refuses(
      () => append(again, path, small),
      "exists",
      `these samples are in ${path} already, since commit ${commit}. There is nothing to do; to have them twice, add --again.`,
    );
    assert.deepEqual(contentOf(path), before);
  }
  assert.equal((await append(source, path, { ...small, again: true })).rows, 80);
  // A dataset that this one was made of is a part of it, too.
  const compact = newPath();
  await pack(path, compact);
  await append(npyFolder(newPath(), 5, 64), compact, small);
  await refuses(() => append(path, compact, small), "exists", /since commit 3/);
  const doubled = await append(compact, compact, { ...small, again: true });
  assert.deepEqual([doubled.rows, doubled.added], [170, 85]);
  const all = await samplesOf(compact);
  assert.deepEqual(all.slice(85), all.slice(0, 85));
  await isWhole(compact);
});

test("sources that go from front to back only are shuffled by themselves", async () => {
  const path = newPath();
  await pack(idxPair(newPath(), 300, 10), path, { ...small, seed: 4 });
  const more = idxPair(newPath(), 200, 10);
  await append(more, path, { ...small, seed: 4 });
  const numbers = (await samplesOf(path)).map(({ image }) => Buffer.from(image!, "latin1").readUInt16LE(0));
  assert.deepEqual(
    [...numbers.slice(300)].sort((a, b) => a - b),
    upTo(200),
  );
  assert.notDeepEqual(numbers.slice(300), upTo(200));
  await isWhole(path);
});

test("datasets are merged by appending one to the other, with the origins of their samples", async () => {
  const path = await base(30);
  const other = newPath();
  const labels = classes(["c", "d", "a"]);
  const samples = upTo(50).map((i) => ({
    data: new Int32Array(40).fill(1000 + i),
    label: "cda"[i % 3]!,
    path: `other ${i}`,
  }));
  await pack(samples, other, { ...small, fields: { ...streamFields, label: labels }, seed: 5 });
  const compacted = newPath();
  await pack(other, compacted, { seed: 6 });
  const opened = openFileCount();
  const result = await append(compacted, path, small);
  assert.equal(openFileCount(), opened);
  assert.deepEqual([result.rows, result.added], [80, 50]);
  // In the order of their ids, so that their catalog is read from front to back.
  assert.deepEqual((await numbersOf(path)).slice(30), await numbersOf(other));
  assert.deepEqual((manifestOf(path).fields.label as { classes: string[] }).classes, ["a", "b", "c", "d"]);
  for (const id of [30, 55, 79]) {
    const row = await readCatalogRow({ folder: path, manifest: manifestOf(path) }, id);
    const from = await readCatalogRow({ folder: other, manifest: manifestOf(other) }, id - 30);
    assert.deepEqual({ ...row, id: 0 }, { ...from, id: 0 });
  }
  await isWhole(path);
});

test("an index grows by a folder's new files, by folders within it, and by further files of many rows", async () => {
  const source = folderOf("a/0.npy", "b/1.npy");
  const path = newPath();
  await index(source, path);
  await refuses(
    () => append(source, path),
    "exists",
    `all 2 samples are in ${path} already. There is nothing to do; to have them twice, add --again.`,
  );
  writeFile(join(source, "a/00.npy"), npyBytes("<f8", [2], float64(7, 7)));
  writeFile(join(source, "c/2.npy"), npyBytes("<f8", [2], float64(8, 8)));
  const notes: string[] = [];
  const result = await append(source, path, { onNote: (note) => notes.push(note) });
  assert.deepEqual([result.rows, result.added, result.isIndexed], [4, 2, true]);
  assert.ok(notes.includes("2 of the samples are in the index already, 2 are new."));
  assert.deepEqual(await namedOf(path), [
    ["a", 0],
    ["b", 1],
    ["a", 7],
    ["c", 8],
  ]);
  await refuses(() => append(source, path), "exists", /all 4 samples are in/);
  writeFile(join(source, "later/c/9.npy"), npyBytes("<f8", [2], float64(9, 9)));
  await append(join(source, "later"), path);
  const { catalog, files } = manifestOf(path);
  assert.deepEqual(files, { field: "data", root: source });
  assert.equal(catalog.length, 3);
  const row = await readCatalogRow({ folder: path, manifest: manifestOf(path) }, 4);
  assert.deepEqual([row.path, row.labels], ["later/c/9.npy", ["c"]]);
  assert.deepEqual((await namedOf(path)).at(-1), ["c", 9]);
  assert.equal((await append(join(source, "later"), path, { again: true })).rows, 6);
  await isWhole(path);

  const table = newPath("tables");
  const rows = (name: string, from: number) =>
    writeFile(join(table, name), npyBytes("<f8", [3, 2], float64(from, 0, from + 1, 0, from + 2, 0)));
  const many = newPath();
  await index(rows("x.npy", 0), many);
  await append(rows("y.npy", 3), many);
  const numbers = (await samplesOf(many)).map(({ data }) => Buffer.from(data!, "latin1").readDoubleLE());
  assert.deepEqual(numbers, upTo(6));
  await isWhole(many);
});

test("an index takes neither another folder's files nor what cannot stay where it is", async () => {
  const source = folderOf("a/0.npy", "b/1.npy");
  const path = newPath();
  await index(source, path);
  const before = contentOf(path);
  const other = folderOf("a/3.npy", "b/4.npy");
  await refuses(
    () => append(other, path),
    "mismatch",
    `the samples lie in ${other} (field "data"); those of the dataset in ${source} (field "data"). An index is of one folder: put them there, or pack both datasets and append.`,
  );
  await refuses(
    () => append([{ data: [1, 2], label: "a" }], path),
    "source",
    "samples of this source (samples) cannot stay in their files: they have to be decoded or turned first. Pack the dataset first, then append them. Indexes are of plain .npy and IDX files, little-endian and in C order.",
  );
  assert.deepEqual(contentOf(path), before);
});

test("a dataset with an unfinished append is read as it was before, and the append goes on when it is run again", async () => {
  const reference = await base();
  await append(stream(200), reference, { ...streamed, layout: "source" });
  const path = await base();
  const whole = await takeBatches(path);
  await begun(path, stream(200), { ...streamed, layout: "source" }, 30);
  const { packing, rows } = manifestOf(path);
  assert.deepEqual(packing, { rows: null, before: 60 });
  assert.ok(rows > 60);
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on("warning", listen);
  assert.deepEqual(await takeBatches(path), whole);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  assert.ok(
    warnings.includes(
      `${path} is being added to, or that was interrupted: ${rows - 60} of an unknown number new samples are in place, and left out until it is finished. Run the append command again to finish it.`,
    ),
    String(warnings),
  );
  await isWhole(path);
  const notes: string[] = [];
  const done = await append(stream(200), path, {
    ...streamed,
    layout: "source",
    onNote: (note) => notes.push(note),
  });
  assert.deepEqual([done.rows, done.added, done.resumedAt], [260, 200, rows - 60]);
  assert.ok(notes.includes(`Going on with an unfinished pack: ${rows - 60} samples are in place.`));
  assert.deepEqual(contentOf(path), contentOf(reference));
});

test("an append to a compacted dataset, whose catalog has other parts than it has shards, goes on rightly", async () => {
  const many = await base(200);
  const [path, reference] = [newPath(), newPath()];
  for (const copy of [path, reference]) await pack(many, copy, { seed: 5 });
  assert.ok(manifestOf(path).catalog.length > manifestOf(path).shards.length);
  const options: PackOptions = { ...streamed, layout: "source" };
  await append(stream(200), reference, options);
  await begun(path, stream(200), options, 40);
  await isWhole(path);
  await append(stream(200), path, options);
  assert.deepEqual(contentOf(path), contentOf(reference));
  await isWhole(path);
});

test("an unfinished append is given up with discard: the dataset is what it was, byte for byte", async () => {
  const fields = { ...streamFields, label: classes(["a", "x", "b", "c"]) };
  const cases: [source: () => Parameters<typeof append>[0], options: PackOptions][] = [
    [() => stream(200), { ...small, fields, layout: "source" }],
    [() => stream(200), { ...small, fields }],
    [
      () => Array.from({ length: 200 }, (_, i) => ({ data: new Int32Array(40).fill(i), label: "x" })),
      { ...small, fields },
    ],
  ];
  for (const [source, options] of cases) {
    const path = await base();
    await append(stream(10), path, streamed);
    const before = contentOf(path);
    await begun(path, source(), options, 60);
    const left = Object.keys(contentOf(path));
    assert.ok(left.length > Object.keys(before).length);
    const notes: string[] = [];
    await refuses(
      () => append([], path, { ...options, discard: true, onNote: (note) => notes.push(note) }),
      "source",
      /gave no samples/,
    );
    await append([{ data: new Int32Array(40), label: "b" }], path, {
      ...small,
      fields,
      discard: true,
      onNote: (note) => notes.push(note),
    });
    assert.deepEqual(
      notes.filter((note) => note.startsWith("Gave")),
      ["Gave up what an interrupted run had left."],
    );
    const { rows, shards, commits } = manifestOf(path);
    assert.deepEqual([rows, commits.length], [71, 3]);
    for (const [file, bytes] of Object.entries(before)) {
      if (file !== "dataset.json" && !file.startsWith("splits"))
        assert.ok(contentOf(path)[file] === bytes, file);
    }
    const numbered = Object.keys(contentOf(path)).filter((file) => /^(shards|catalog)/.test(file));
    assert.equal(numbered.length, shards.length * 2 + manifestOf(path).catalog.length);
    await isWhole(path);
  }
});

test("what was given up stays given up where the samples that come instead are refused", async () => {
  const path = await base();
  const before = contentOf(path);
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  await refuses(
    () => append(npyFolder(newPath(), 3, 40), path, { discard: true }),
    "mismatch",
    /^field "data" of the samples is float32 \[40\]; in .* it is int32 \[40\]/,
  );
  assert.deepEqual(contentOf(path), before);
});

test("an unfinished first pack is not lost to discard", async () => {
  for (const layout of ["source", "shuffled"] as const) {
    const path = newPath();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const onProgress = (progress: { samples: number }) => progress.samples >= 640 && stop.abort(reason);
    await assert.rejects(
      pack(stream(1000), path, { ...streamed, layout, signal: stop.signal, onProgress }),
      reason,
    );
    const before = contentOf(path);
    assert.ok(".packing/state.json" in before);
    for (const discard of [false, true]) {
      await refuses(
        () => append(stream(5), path, { ...streamed, discard }),
        "mismatch",
        `${path} is not whole yet, so nothing can be added to it. Run the pack command again to finish it, then append.`,
      );
      assert.deepEqual(contentOf(path), before);
    }
    assert.equal((await pack(stream(1000), path, { ...streamed, layout })).rows, 1000);
  }
});

test("another source than the one that was interrupted is refused, and nobody is told to remove the dataset", async () => {
  const path = newPath();
  await pack(npyFolder(newPath(), 30, 64), path, small);
  const [one, other] = [npyFolder(newPath(), 60, 64), npyFolder(newPath(), 61, 64)];
  await begun(path, one, small);
  const before = contentOf(path);
  const remedy =
    "Pack with the same source and options to go on, or give the unfinished part up with --discard.";
  const cases: [string, PackOptions, RegExp][] = [
    [other, small, /another source \(names, sizes or times of files\): [0-9a-f]{16} then, [0-9a-f]{16} now/],
    [one, { ...small, seed: 9 }, /another seed: 0 then, 9 now/],
    [one, { ...small, shardSize: 9000 }, /another shard size: 4096 then, 9000 now/],
    [one, { ...small, layout: "source" }, /another layout: shuffled then, source now/],
  ];
  for (const [source, options, message] of cases) {
    const error = await errorOf(() => append(source, path, options));
    assert.equal(error.code, "mismatch");
    assert.match(error.what, message);
    assert.equal(error.remedy, remedy);
    assert.deepEqual(contentOf(path), before);
  }
  // To pack is not to append: it is another layout, or another number of samples before it.
  assert.equal((await errorOf(() => pack(one, path, small))).remedy, remedy);
  fs.writeFileSync(join(path, ".packing/state.json"), "{");
  await refuses(
    () => append(one, path, small),
    "corrupt",
    `${join(path, ".packing/state.json")}, part of an unfinished pack, is damaged. Give the unfinished part up with --discard.`,
  );
  fs.rmSync(join(path, ".packing"), { recursive: true });
  await refuses(
    () => append(one, path, small),
    "mismatch",
    `${path} holds an unfinished append, and what it was of is lost with its folder .packing. Give the unfinished part up with --discard.`,
  );
  assert.equal((await append(one, path, { ...small, discard: true })).rows, 90);
  await isWhole(path);
});

test("a damaged state is given up with discard", async () => {
  const path = await base();
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  fs.writeFileSync(join(path, ".packing/state.json"), "{");
  assert.equal((await append(stream(5), path, { ...streamed, discard: true })).rows, 65);
  await isWhole(path);
});

test("a state that a kill left at the very end is no hindrance to the next append", async () => {
  const path = newPath();
  await pack(npyFolder(newPath(), 30, 64), path, small);
  const [one, other] = [npyFolder(newPath(), 60, 64), npyFolder(newPath(), 25, 64)];
  await begun(path, one, { ...small, layout: "source" });
  const state = fs.readFileSync(join(path, ".packing/state.json"));
  await append(one, path, { ...small, layout: "source" });
  const leave = () => writeFile(join(path, ".packing/state.json"), state);
  leave();
  const same = await append(one, path, { ...small, layout: "source" });
  assert.deepEqual([same.rows, same.added, same.resumedAt], [90, 60, 60]);
  leave();
  assert.equal((await append(other, path, small)).rows, 115);
  await isWhole(path);
});

test("a dataset that is opened while an append is unfinished does not need the append's files", async () => {
  const path = await base();
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  const dataset = await open(path, { memory: "16 MiB" });
  await append(stream(5), path, { ...streamed, discard: true, again: true });
  let count = 0;
  for await (const batch of dataset.view().batches({ batchSize: 16 })) count += batch.size;
  assert.equal(count, 60);
  await dataset.close();
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

test("an append to an index that is stopped goes on with the samples that were new when it began", async () => {
  const make = (path: string) => {
    const source = npyFolder(join(path, "source"), 30, 64);
    return { source, target: join(path, "index") };
  };
  const { source, target } = make(newPath());
  await index(source, target);
  npyFolder(source, 120, 64);
  // The first 30 were written anew: they are known by their names, and verify tells that they changed.
  const task = { isIndex: false, isAppend: true, indexRows: 20 };
  const stop = new AbortController();
  const reason = new Error("stopped");
  const onProgress = () => manifestOf(target).rows >= 70 && stop.abort(reason);
  await assert.rejects(
    packSource(source, target, { ...small, signal: stop.signal, onProgress }, task),
    reason,
  );
  await refuses(
    () => packSource(source, target, { ...small, again: true }, task),
    "mismatch",
    /another source/,
  );
  const done = await packSource(source, target, small, task);
  assert.deepEqual([done.rows, done.added], [120, 90]);
  assert.ok(done.resumedAt >= 40);
  const taken = await samplesOf(target, { view: { rows: [30, 120] } });
  const numbers = taken.map(({ data }) => Buffer.from(data!, "latin1").readFloatLE());
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    upTo(120).slice(30),
  );
});

// A table beside a source gives labels in place of the source's own, and further columns that go along with each sample
// into the dataset.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ClassField, open, pack } from "spillway";
import { openSource } from "#spillway/source/registry";
import type { SourceOptions } from "#spillway/source/source";
import { known, labelledDataset, labelledFolder, numbersById } from "../fixtures/annotated.js";
import { temporaryFolder } from "../fixtures/packed.js";
import { contentOf } from "../pack/sources.js";
import { idxBytes, refuses, take, writeFile } from "./fixtures.js";
import { makeFolder, tableOf, withSource } from "./labelled-files.js";

test("labels of a table replace those of folders, and its other columns go along with each sample", async () => {
  const { data, labels } = labelledFolder(60);
  await withSource(data, { labels }, async (source) => {
    assert.deepEqual(source.fields.label, {
      kind: "class",
      dtype: "uint8",
      classes: ["it's", "run", "sit", "walk"],
    });
    assert.deepEqual(source.columns, {
      subject: "int64",
      session: "string",
      quality: "double",
      isGood: "boolean",
    });
    assert.ok(source.notes.includes(`The label comes from ${labels}, in place of that of the source.`));
    const samples = await take(source);
    assert.equal(samples.length, 60);
    for (const [index, { path, bytes, ...rest }] of samples.entries()) {
      const i = Number(/(\d+)\.npy$/.exec(path)![1]);
      const { label, subject, session, quality, isGood } = known(i);
      assert.equal(["it's", "run", "sit", "walk"][bytes[1]![0]!], label);
      const extra = [subject === null ? null : BigInt(subject), session, quality, isGood];
      assert.deepEqual(rest, { extra });
      assert.deepEqual(source.originOf!(index), { path, extra });
    }
  });
});

test("a packed dataset keeps the columns, in every shard and with the labels that the table gives", async () => {
  const path = await labelledDataset(200);
  const dataset = await open(path, { memory: "16 MiB" });
  assert.ok(dataset.manifest.catalog.length > 1);
  assert.deepEqual(dataset.manifest.columns, {
    subject: "int64",
    session: "string",
    quality: "double",
    isGood: "boolean",
  });
  const ids = Array.from({ length: 200 }, (_, id) => id);
  for (const { id, row, hash, path: from, ...rest } of await dataset.catalog.rows(ids)) {
    const { path: wanted, ...values } = known(Number(/(\d+)\.npy$/.exec(from)![1]));
    assert.deepEqual({ path: from, ...rest }, { path: wanted, ...values });
    assert.deepEqual([row, /^[0-9a-f]{16}$/.test(hash), id < 200], [null, true, true]);
  }
  await dataset.close();
});

test("an interrupted pack goes on with the same columns, and ends with the same bytes", async () => {
  const { data, labels } = labelledFolder(200);
  const [whole, parts] = [join(temporaryFolder(), "whole"), join(temporaryFolder(), "parts")];
  const options = { labels, memory: "1 MiB", shardSize: "4 KiB", jobs: 2 };
  await pack(data, whole, options);
  let runs = 0;
  for (let isDone = false; !isDone; runs += 1) {
    const stop = new AbortController();
    let seen = 0;
    const onProgress = () => {
      seen += 1;
      if (seen === 2) stop.abort();
    };
    try {
      await pack(data, parts, { ...options, signal: stop.signal, onProgress });
      isDone = true;
    } catch (error) {
      assert.equal(error, stop.signal.reason);
    }
  }
  assert.ok(runs > 1);
  const [found, wanted] = [contentOf(parts), contentOf(whole)];
  assert.deepEqual(Object.keys(found), Object.keys(wanted));
  for (const [name, bytes] of Object.entries(found)) assert.ok(bytes === wanted[name], name);
});

test("another table is another source: an unfinished pack does not go on with it", async () => {
  const table = tableOf(12, "path,species,age", (i) => `${"ab"[i % 2]}/${i}.npy,s${i % 3},${i}`);
  const { data, labels } = makeFolder(table);
  const fingerprint = (options: SourceOptions) =>
    withSource(data, options, async (source) => source.fingerprint);
  const species = { labels, labelColumn: "species" };
  const before = await fingerprint(species);
  assert.equal(await fingerprint(species), before);
  const others: SourceOptions[] = [
    {},
    { labels },
    { labels, labelColumn: "age" },
    { labels, labelColumn: "age", labelKind: "value" },
    { ...species, classes: ["s2", "s1", "s0"] },
    { ...species, key: "path" },
  ];
  const found = new Set([before]);
  for (const options of others) found.add(await fingerprint(options));
  fs.appendFileSync(labels, "\n");
  found.add(await fingerprint(species));
  assert.equal(found.size, others.length + 2);
});

test("without a label column, labels by folder stay and samples without a row have missing values", async () => {
  const { data, labels } = makeFolder("path,subject\na/0.npy,7\n");
  await withSource(data, { labels, classes: ["b", "a"] }, async (source) => {
    assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["b", "a"] });
    const taken = await take(source);
    assert.deepEqual(
      taken.map((sample) => (sample as unknown as { extra: unknown[] }).extra),
      [[7n], ...new Array(11).fill([null])],
    );
  });
});

test("a label column of numbers can be a value to be predicted", async () => {
  const { data, labels } = makeFolder(tableOf(12, "path,age", (i) => `${"ab"[i % 2]}/${i}.npy,${i / 2}`));
  await withSource(data, { labels, labelColumn: "age", labelKind: "value" }, async (source) => {
    assert.deepEqual(source.fields.target, { kind: "tensor", dtype: "float64", shape: [] });
    assert.deepEqual(Object.keys(source.fields), ["data", "target"]);
    for (const { path, bytes } of await take(source))
      assert.equal(new Float64Array(bytes[1]!.slice().buffer)[0], Number(/\d+/.exec(path)![0]) / 2);
  });
});

test("a table goes with IDX images that have no file of labels, and with those that have one", async () => {
  const folder = temporaryFolder();
  const images = writeFile(
    join(folder, "scans-idx3-ubyte"),
    idxBytes(8, [3, 1, 2], Uint8Array.of(1, 2, 3, 4, 5, 6)),
  );
  const labels = writeFile(join(folder, "labels.csv"), "row,label,age\n0,a,5\n1,b,6\n2,a,7\n");
  await withSource(images, { labels }, async (source) => {
    assert.deepEqual(Object.keys(source.fields), ["image", "label"]);
    assert.deepEqual(
      (await take(source)).map(({ bytes }) => [...bytes[0]!, ...bytes[1]!]),
      [
        [1, 2, 0],
        [3, 4, 1],
        [5, 6, 0],
      ],
    );
  });
  await refuses(() => openSource(images), "missing", /has no file of labels/);
});

test("every sample of a labelled dataset is read back with the label of its file", async () => {
  const path = await labelledDataset(90);
  const numbers = await numbersById(path);
  const dataset = await open(path, { memory: "16 MiB" });
  const label = dataset.fields.label as ClassField;
  for await (const { ids, fields } of dataset.view().batches({ batchSize: 16 })) {
    ids.forEach((id, k) => {
      assert.equal(fields.data!.data[k * 32], numbers[id]);
      assert.equal(label.classes[Number(fields.label!.data[k])], known(numbers[id]!).label);
    });
  }
  await dataset.close();
});

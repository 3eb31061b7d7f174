// Appended samples are held to the dataset's fields: classes may be new and are numbered behind those that are there,
// anything else that differs is refused.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, type Fields, pack, tensor } from "spillway";
import { append } from "#spillway/pack/pack";
import { samplesOf } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { base, folderOf, isWhole, namedOf, numbersOf, small } from "./growing.js";
import { contentOf, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

test("new classes are numbered behind those that are there, and labels of the source renumbered by name", async () => {
  const path = newPath();
  await pack(folderOf("run/0.npy", "walk/1.npy", "walk/2.npy"), path, { layout: "source" });
  const notes: string[] = [];
  await append(folderOf("climb/0.npy", "walk/7.npy", "zoom/2.npy"), path, {
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

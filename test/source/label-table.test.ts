// What a table of labels holds: the types of its columns, and each thing that makes it no such table.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pack } from "spillway";
import { openSource } from "#spillway/source/registry";
import type { SourceOptions } from "#spillway/source/source";
import { temporaryFolder } from "../fixtures/packed.js";
import { npyFolder } from "../pack/sources.js";
import { refuses, writeFile } from "./fixtures.js";
import { makeFolder, tableOf, withSource } from "./labelled-files.js";

test("columns keep text as it is, and find their type in all rows", async () => {
  const rows = 5000;
  const cells = (i: number) => [
    `${"ab"[i % 2]}/${i}.npy`,
    i,
    i === rows - 1 ? "x" : i,
    String(i % 1000).padStart(3, "0"),
    i === rows - 1 ? 0.5 : i,
    ["true", "FALSE"][i % 2],
    "",
    " 7 ",
    `"a, ""b"""`,
    i === 7 ? "" : "1e3",
    "12345678901234567890",
  ];
  const { data, labels } = makeFolder(tableOf(rows, "path,a,b,c,d,e,f,g,h,i,j", (i) => cells(i).join(",")));
  await withSource(data, { labels }, async (source) => {
    assert.deepEqual(source.columns, {
      a: "int64",
      b: "string",
      c: "string",
      d: "double",
      e: "boolean",
      f: "string",
      g: "int64",
      h: "string",
      i: "double",
      j: "string",
    });
    const third = source.originOf!(1);
    assert.equal(third.path, "a/10.npy");
    assert.deepEqual(third.extra, [
      10n,
      "10",
      "010",
      10,
      true,
      null,
      7n,
      'a, "b"',
      1000,
      "12345678901234567890",
    ]);
  });
});

const refusals: {
  name: string;
  table: string;
  options?: SourceOptions;
  code: "usage" | "source";
  message: (labels: string) => string;
}[] = [
  {
    name: "a sample named twice",
    table: "path,label\na/0.npy,x\nb/1.npy,x\na/0.npy,y\n",
    code: "source",
    message: (labels) =>
      `${labels} has a row that names a sample again: a/0.npy. Keep one row for each sample.`,
  },
  {
    name: "a row that names no sample",
    table: "path,label\na/0.npy,x\n,y\n",
    code: "source",
    message: (labels) =>
      `row 1 (from 0, header not counted) of ${labels} has no path. Remove the row, or say which sample it is of.`,
  },
  {
    name: "no column that says what rows are of",
    table: "a,b\n1,2\n",
    code: "usage",
    message: (labels) =>
      `${labels} has no column called path, file, filename, file_name, filepath, image, id, row that would say which sample a row is of: its columns are a, b. Name the column of paths or ids with --key.`,
  },
  {
    name: "a key that is not there",
    table: "path,label\na/0.npy,x\n",
    options: { key: "name" },
    code: "usage",
    message: (labels) =>
      `${labels} has no column "name": its columns are path, label. Name the column of paths or ids with --key.`,
  },
  {
    name: "a key of decimals",
    table: "path,label\n0.5,x\n",
    code: "usage",
    message: (labels) =>
      `column "path" of ${labels} holds double values, which say nothing about which sample a row is of. Name a column of paths or ids with --key.`,
  },
  {
    name: "a label column that is not there",
    table: "path,label\na/0.npy,x\n",
    options: { labelColumn: "species" },
    code: "usage",
    message: (labels) =>
      `${labels} has no column "species": its columns are path, label. Give --label-column one of these names.`,
  },
  {
    name: "values that are no numbers",
    table: "path,label\na/0.npy,x\n",
    options: { labelKind: "value" },
    code: "usage",
    message: (labels) =>
      `column "label" of ${labels} holds no numbers, so they cannot be values to be predicted. Leave out --label-kind value, or correct the cells that are no numbers.`,
  },
  {
    name: "a name that the catalog uses",
    table: "path,label,Split\na/0.npy,x,train\n",
    code: "usage",
    message: (labels) =>
      `${labels}: column "Split" has a name that the catalog uses itself (id, path, row, hash, split, excluded). Rename the column in the table, or leave it out.`,
  },
  {
    name: "names that differ in capitals alone",
    table: "path,label,a,A\na/0.npy,x,1,2\n",
    code: "source",
    message: (labels) => `${labels} has two columns called "A". Rename one of them.`,
  },
  {
    name: "the name of a class field",
    table: "path,species,label\na/0.npy,x,1\n",
    options: { labelColumn: "species" },
    code: "usage",
    message: (labels) =>
      `${labels}: column "label" has the name of the class field "label", which the catalog holds already. Rename the column in the table, or leave it out.`,
  },
  {
    name: "no header",
    table: "1,2\n3,4\n",
    code: "source",
    message: (labels) =>
      `${labels} has no header: its first line holds numbers (column0, column1). Put a line with the names of the columns in front.`,
  },
  {
    name: "a label that is none of the classes given",
    table: "path,label\na/0.npy,x\n",
    options: { classes: ["y"] },
    code: "source",
    message: (labels) =>
      `${labels} holds class "x", which is not among the 1 given: y. Add it to --classes, or leave --classes out to use all 1 that are there.`,
  },
];

for (const { name, table, options = {}, code, message } of refusals) {
  test(`a table of labels with ${name} is refused`, async () => {
    const { data, labels } = makeFolder(table);
    await refuses(() => openSource(data, { ...options, labels }), code, message(labels));
  });
}

test("sources that go from front to back refuse a table, and so do the samples of a program", async () => {
  const folder = temporaryFolder();
  const table = writeFile(join(folder, "x.csv"), "a,b\n1,2\n3,4\n");
  const labels = writeFile(join(folder, "labels.csv"), "id,label\n0,a\n1,b\n");
  await refuses(
    () => openSource(table, { labels }),
    "usage",
    `a source of kind "csv" is read from front to back, so ${labels} cannot be matched with its samples beforehand. Tables of labels go with folders, plain IDX and .npy files. Unpack a .gz; to a dataset, columns can be added later: spillway annotate <dataset> <table>.`,
  );
  await refuses(
    () => pack([{ x: 1 }], join(folder, "set"), { labels }),
    "usage",
    'a source of kind "samples" has no use for labels (--labels). Leave it out; the options of this kind are: none.',
  );
  await refuses(
    () => openSource(npyFolder(join(folder, "npy"), 2, 2), { key: "path" }),
    "usage",
    'a source of kind "npy-folder" has no use for key (--key). Leave it out; the options of this kind are: --classes.',
  );
});

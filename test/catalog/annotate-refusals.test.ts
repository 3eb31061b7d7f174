// Rows that cannot become columns, and datasets that cannot take any, are refused, and nothing of them stays.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { AnnotateOptions, GivenRow } from "spillway";
import { annotate } from "#spillway/dataset/annotate";
import { takeLock } from "#spillway/pack/lock";
import { placeOf, valuesOf } from "../fixtures/annotated.js";
import { copyOf, packed, temporaryFolder } from "../fixtures/packed.js";
import { contentOf, errorOf } from "../pack/sources.js";
import { refuses, writeFile } from "../source/fixtures.js";

const count = 230;
const folder = await packed({ count, layout: "source", shardSize: 4096 });

test("nothing stays of columns that were refused", async () => {
  const at = copyOf(folder);
  const before = contentOf(at);
  await errorOf(() =>
    annotate(
      placeOf(at),
      [
        { id: 0, a: 1 },
        { id: 0, a: 2 },
      ],
      {},
    ),
  );
  await errorOf(() =>
    annotate(
      placeOf(at),
      [
        { id: 0, a: 1 },
        { id: -1, a: 2 },
      ],
      {},
    ),
  );
  assert.deepEqual(contentOf(at), before);
  assert.ok(!fs.existsSync(join(at, "columns")));
});

const refusals: {
  name: string;
  rows: unknown;
  options?: AnnotateOptions;
  code: "usage" | "source";
  message: string;
}[] = [
  {
    name: "rows of no sample, the first ten by name",
    rows: Array.from({ length: 12 }, (_, k) => ({ id: count - 1 + k, a: 1 })),
    code: "source",
    message: `the rows given: 11 rows are of no sample of ${folder}, which has 230: 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, and 1 more. Correct them, or leave them out with --partial (partial: true).`,
  },
  {
    name: "rows of which none is of a sample",
    rows: [{ id: -1, a: 1 }],
    options: { partial: true },
    code: "source",
    message: `the rows given: 1 row is of no sample of ${folder}, which has 230: -1. Not a single row fits: check which column says what sample a row is of (--key), and how the catalog writes paths (spillway query).`,
  },
  {
    name: "a sample named again",
    rows: [7, 3, 7, 3, 7].map((id) => ({ id, a: 1 })),
    code: "source",
    message: "the rows given: 3 rows name a sample again: 3, 7, 7. Keep one row for each sample.",
  },
  {
    name: "no rows",
    rows: [],
    code: "source",
    message: "the rows given: there are no rows. Give a row for each sample that has a value.",
  },
  {
    name: "no columns",
    rows: [{ id: 1 }],
    code: "usage",
    message:
      "the rows given: there is no column besides what says which sample a row is of. Add a column with what you want to keep.",
  },
  {
    name: "a name that the catalog uses",
    rows: [{ id: 1, Hash: 1 }],
    code: "usage",
    message:
      'the rows given: column "Hash" has a name that the catalog uses itself (id, path, row, hash, split, excluded). Rename the column in the table, or leave it out.',
  },
  {
    name: "the name of a class field",
    rows: [{ id: 1, label: "x" }],
    code: "usage",
    message:
      'the rows given: column "label" has the name of the class field "label", which the catalog holds already. Rename the column in the table, or leave it out.',
  },
  {
    name: "a row without an id",
    rows: [{ id: 1, a: 1 }, { a: 1 }],
    code: "source",
    message:
      "row 1 (from 0) has nothing for an id, expected the number of a sample. Give objects such as { id: 7, score: 0.3 }; batch.ids tells which samples a batch holds.",
  },
  {
    name: "a row that is no object",
    rows: [7],
    code: "source",
    message:
      "row 0 (from 0) is 7, expected the number of a sample. Give objects such as { id: 7, score: 0.3 }; batch.ids tells which samples a batch holds.",
  },
  {
    name: "values of two kinds",
    rows: [
      { id: 1, a: 1 },
      { id: 2, a: "x" },
    ],
    code: "source",
    message:
      'column "a" of sample 2 is "x", expected a number of at most 64 bits, as in the rows before. Give each column values of one kind.',
  },
  {
    name: "a value of no kind",
    rows: [{ id: 1, a: new Date(0) }],
    code: "source",
    message:
      'column "a" of sample 1 is a Date, expected a string, a boolean, or a number of at most 64 bits. Give each column values of one kind.',
  },
  {
    name: "a value that is not as declared",
    rows: [{ id: 1, a: 0.5 }],
    options: { columns: { a: "int64" } },
    code: "source",
    message:
      'column "a" of sample 1 is 0.5, expected int64, as declared. Give each column values of one kind.',
  },
  {
    name: "a column that comes late",
    rows: [
      { id: 1, a: 1 },
      { id: 2, b: 1 },
    ],
    code: "source",
    message:
      'the row of sample 2 has a column "b", the columns are a. Give the first row all columns (null where there is no value), or declare them: columns: { score: "double" }.',
  },
];

for (const { name, rows, options = {}, code, message } of refusals) {
  test(`annotating with ${name} is refused`, async () => {
    const place = placeOf(folder, temporaryFolder());
    await refuses(() => annotate(place, rows as GivenRow[], options), code, message);
  });
}

test("rows of a table that are of no sample are named by what the table calls them, and may be left out", async () => {
  const place = placeOf(folder, temporaryFolder());
  const lines = Array.from({ length: 300 }, (_, k) => `${k === 1 ? "" : `recording-${299 - k}`},${k}`);
  const table = writeFile(join(temporaryFolder(), "t.csv"), `path,score\n${lines.join("\n")}\n`);
  await refuses(
    () => annotate(place, table, {}),
    "source",
    `${table}: 70 rows are of no sample of ${folder}, which has 230: recording-299, (empty), recording-297, recording-296, recording-295, recording-294, recording-293, recording-292, recording-291, recording-290, and 60 more. Correct them, or leave them out with --partial (partial: true).`,
  );
  assert.deepEqual(await annotate(place, table, { partial: true }), {
    version: 1,
    columns: { score: "int64" },
    rows: 230,
    without: 0,
    leftOut: 70,
  });
  const again = writeFile(
    join(temporaryFolder(), "t.csv"),
    "path,score\nrecording-1,1\nrecording-2,1\nrecording-1,2\n",
  );
  await refuses(
    () => annotate(place, again, {}),
    "source",
    `${again}: 1 row names a sample again: recording-1. Keep one row for each sample.`,
  );
});

test("columns belong to their content: another dataset in the same folder refuses them", async () => {
  const at = await packed({ count: 20 });
  await annotate(placeOf(at), [{ id: 0, a: 1 }], {});
  const other = await packed({ count: 30 });
  fs.cpSync(join(at, "columns"), join(other, "columns"), { recursive: true });
  const error = await errorOf(() => valuesOf(other, ["id"]));
  assert.equal(error.code, "mismatch");
  assert.match(
    error.message,
    /parquet was made for 20 samples with fingerprint [0-9a-f]{16}, .* has 30 with [0-9a-f]{16}\. The columns belong to other content: remove the folder that the file lies in, and annotate again\.$/,
  );
  await refuses(() => annotate(placeOf(other), [{ id: 0, a: 1 }], {}), "mismatch", /was made for 20 samples/);
});

test("a dataset that is being written is left alone, and so is one that is not whole", async () => {
  const at = copyOf(folder);
  const lock = takeLock(at);
  try {
    assert.equal((await errorOf(() => annotate(placeOf(at), [{ id: 0, a: 1 }], {}))).code, "locked");
    // A folder beside it has a lock of its own.
    await annotate(placeOf(at, temporaryFolder()), [{ id: 0, a: 1 }], {});
  } finally {
    lock.release();
  }
  const place = placeOf(at);
  place.manifest = { ...place.manifest, packing: { rows: 500 } };
  await refuses(
    () => annotate(place, [{ id: 0, a: 1 }], {}),
    "mismatch",
    `${at} is not whole yet, and columns belong to all of its samples. Run the pack command again to finish it, then annotate.`,
  );
});

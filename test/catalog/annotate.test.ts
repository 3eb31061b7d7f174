import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type AnnotateOptions, type ColumnValue, type GivenRow, open, pack } from "spillway";
import { readVersions } from "#spillway/catalog/annotations";
import { scanColumns } from "#spillway/catalog/column-scan";
import { listVersions } from "#spillway/catalog/column-versions";
import { queryCatalog } from "#spillway/catalog/query";
import { decodeRow, RowEncoder } from "#spillway/catalog/row-codec";
import { readRows } from "#spillway/catalog/rows";
import { Spool } from "#spillway/catalog/spool";
import { annotate, dropColumns, pruneColumns } from "#spillway/dataset/annotate";
import { takeLock } from "#spillway/pack/lock";
import { verifyDataset } from "#spillway/pack/verify";
import { damage, labelledDataset, placeOf } from "../fixtures/annotated.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { contentOf, errorOf } from "../pack/sources.js";
import { stopAt } from "../pack/stopped-disk.js";
import { refuses, writeFile } from "../source/fixtures.js";

const count = 230;
const folder = await packed({ count, layout: "source", shardSize: 4096 });

/** A copy of the dataset, to be written to. */
function copied(from = folder): string {
  const to = join(temporaryFolder(), "copy");
  fs.cpSync(from, to, { recursive: true });
  return to;
}

/** Values of some columns in the order of the samples, int64 as bigint. */
async function valuesOf(at: string, names: readonly string[], side?: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const { records } of scanColumns(placeOf(at, side), names))
    for (const record of records) rows.push(names.map((name) => record[name] ?? null));
  return rows;
}

test("a row comes back from its bytes, and rows from a pile, whatever their length", () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.toWellFormed()),
  );
  const rows = fc.array(fc.tuple(fc.nat(), fc.array(value)), { maxLength: 40 });
  const scratch = temporaryFolder();
  fc.assert(
    fc.property(rows, fc.nat(200_000), (given, long) => {
      const encoder = new RowEncoder();
      const all: [number, ColumnValue[]][] = [...given, [7, ["x".repeat(long), long]]];
      const spool = new Spool(scratch, "test", 3);
      for (const [number, values] of all) {
        assert.deepEqual(decodeRow(Buffer.from(encoder.encode(number, values))), { number, values });
        spool.add(number % 3, number, values);
      }
      for (const pile of [0, 1, 2]) {
        const wanted = all.filter(([number]) => number % 3 === pile);
        assert.deepEqual(
          [...spool.take(pile)].map(({ number, values }) => [number, values]),
          wanted,
        );
      }
    }),
    { numRuns: 50 },
  );
  assert.deepEqual(fs.readdirSync(scratch), []);
});

test("rows in any order become columns in the order of the samples, missing where there is no row", async () => {
  const value = fc.record({
    id: fc.nat(count - 1),
    a: fc.option(fc.double()),
    b: fc.option(fc.string({ unit: "grapheme" })),
    c: fc.option(fc.boolean()),
    d: fc.option(fc.maxSafeInteger()),
  });
  const given = fc.uniqueArray(value, { selector: ({ id }) => id, minLength: 1, maxLength: count });
  await fc.assert(
    fc.asyncProperty(given, async (rows) => {
      const side = temporaryFolder();
      const columns = { a: "double", b: "string", c: "boolean", d: "int64" } as const;
      const added = await annotate(placeOf(folder, side), rows, { columns });
      assert.deepEqual(added, {
        version: 1,
        columns,
        rows: rows.length,
        without: count - rows.length,
        leftOut: 0,
      });
      const wanted = Array.from({ length: count }, (_, id) => {
        const row = rows.find((one) => one.id === id);
        return row ? [row.a, row.b, row.c, row.d === null ? null : BigInt(row.d)] : [null, null, null, null];
      });
      assert.deepEqual(await valuesOf(folder, ["a", "b", "c", "d"], side), wanted);
    }),
    { numRuns: 25 },
  );
});

test("the type of a column is that of all its values", async () => {
  const cases: [unknown[], string, unknown[]][] = [
    [[1, 2, 3], "int64", [1n, 2n, 3n]],
    [[1, 2n, null], "int64", [1n, 2n, null]],
    [[1, 2, 0.5], "double", [1, 2, 0.5]],
    [[2n, Number.NaN, -0.5], "double", [2, Number.NaN, -0.5]],
    [[null, undefined, "x"], "string", [null, null, "x"]],
    [[null, null, null], "string", [null, null, null]],
    [[true, null, false], "boolean", [true, null, false]],
    [[2n ** 62n, -1, 0], "int64", [2n ** 62n, -1n, 0n]],
  ];
  for (const [values, type, wanted] of cases) {
    const side = temporaryFolder();
    const rows = values.map((value, id) => ({ id, value }));
    const { columns } = await annotate(placeOf(folder, side), rows, {});
    assert.deepEqual(columns, { value: type });
    assert.deepEqual((await valuesOf(folder, ["value"], side)).slice(0, 3).flat(), wanted);
  }
});

test("a table is matched by id or by path, its types found in all rows", async () => {
  const at = copied();
  const byId = writeFile(
    join(temporaryFolder(), "t.csv"),
    `ID,score,note\n${[3, 1, 2].map((id) => `${id},${id}.5,n${id}`).join("\n")}\n`,
  );
  const notes: string[] = [];
  const added = await annotate(placeOf(at), byId, { onNote: (note) => notes.push(note) });
  assert.deepEqual(added, {
    version: 1,
    columns: { score: "double", note: "string" },
    rows: 3,
    without: 227,
    leftOut: 0,
  });
  assert.deepEqual(notes, [`Rows of ${byId} are matched by id (column "ID").`]);
  const byPath = writeFile(
    join(temporaryFolder(), "t.tsv"),
    "file\tscore\tid\nrecording-9\t9\t1\nrecording-8\t8\t1\n",
  );
  const later = await annotate(placeOf(at), byPath, { key: "file", onNote: (note) => notes.push(note) });
  assert.deepEqual([later.version, later.columns], [2, { score: "int64" }]);
  assert.equal(notes.at(-1), "Columns that are left out, since they name samples too: id.");
  const rows = await valuesOf(at, ["score", "note"]);
  assert.deepEqual(
    [rows[1], rows[8], rows[9], rows[10]],
    [
      [null, "n1"],
      [8n, null],
      [9n, null],
      [null, null],
    ],
  );
});

test("a path is of all samples that came from that file, and with a row of one", async () => {
  const at = join(temporaryFolder(), "windows");
  const samples = Array.from({ length: 20 }, (_, k) => ({ x: k, path: `rec-${Math.floor(k / 5)}` }));
  await pack(samples, at, { layout: "source" });
  const table = writeFile(join(temporaryFolder(), "subjects.csv"), "path,subject\nrec-1,7\nrec-3,8\n");
  const { rows } = await annotate(placeOf(at), table, {});
  assert.equal(rows, 10);
  assert.deepEqual((await valuesOf(at, ["subject"])).flat(), [
    ...new Array(5).fill(null),
    ...new Array(5).fill(7n),
    ...new Array(5).fill(null),
    ...new Array(5).fill(8n),
  ]);
});

test("a Parquet table gives its columns with their types", async () => {
  const side = temporaryFolder();
  const from = placeOf(folder, side);
  await annotate(from, [{ id: 1, score: 0.25, name: "x", ok: true, n: 5 }], {});
  // A part of added columns is itself a Parquet table with ids.
  const table = join(temporaryFolder(), "table.parquet");
  fs.copyFileSync(
    join(side, "columns", fs.readdirSync(join(side, "columns")).find((name) => name.endsWith(".parquet"))!),
    table,
  );
  const other = temporaryFolder();
  const { columns } = await annotate(placeOf(folder, other), table, {});
  assert.deepEqual(columns, { score: "double", name: "string", ok: "boolean", n: "int64" });
  const names = Object.keys(columns);
  assert.deepEqual(await valuesOf(folder, names, other), await valuesOf(folder, names, side));
});

test("the newest version of a column counts, older ones are listed until they are pruned", async () => {
  const at = copied();
  const place = placeOf(at);
  await annotate(place, [{ id: 0, a: 1, b: 1 }], {});
  await annotate(place, [{ id: 0, A: 2 }], {});
  await annotate(place, [{ id: 0, c: 3 }], {});
  assert.equal(await dropColumns(place, ["c"]), 4);
  assert.deepEqual(
    listVersions(place).map(({ version, columns, counting, dropped }) => [
      version,
      Object.keys(columns),
      counting,
      dropped,
    ]),
    [
      [1, ["a", "b"], ["b"], []],
      [2, ["A"], ["A"], []],
      [3, ["c"], [], []],
      [4, [], [], ["c"]],
    ],
  );
  assert.deepEqual((await valuesOf(at, ["a", "b"]))[0], [null, 1n]);
  await assert.rejects(valuesOf(at, ["c"]));
  const { parts } = await pruneColumns(place);
  assert.equal(parts, 1);
  assert.deepEqual(
    listVersions(place).map(({ version }) => version),
    [1, 2, 4],
  );
  assert.equal(fs.readdirSync(join(at, "columns")).filter((name) => name.endsWith(".parquet")).length, 2);
  await annotate(place, [{ id: 0, c: 5 }], {});
  assert.equal(listVersions(place).at(-1)!.version, 5);
  assert.deepEqual((await valuesOf(at, ["c"]))[0], [5n]);
});

test("an added column stands in place of a packed one, which is back when it is taken away", async () => {
  const at = await labelledDataset(30);
  const place = placeOf(at);
  const before = await valuesOf(at, ["subject"]);
  await annotate(place, [{ id: 3, subject: "x" }], {});
  assert.deepEqual((await valuesOf(at, ["subject"])).slice(2, 5), [[null], ["x"], [null]]);
  await dropColumns(place, ["subject"]);
  assert.deepEqual(await valuesOf(at, ["subject"]), before);
  await refuses(
    () => dropColumns(place, ["subject"]),
    "missing",
    `${at} has no added column "subject": it came with the samples when they were packed. No columns were added.`,
  );
});

test("a folder beside a dataset that is read-only holds the columns; the dataset stays as it is", async () => {
  const side = join(temporaryFolder(), "mine");
  const before = contentOf(folder);
  const dataset = await open(folder, { memory: "16 MiB", side });
  await dataset.annotate([{ id: 5, guess: "wave" }]);
  assert.deepEqual(contentOf(folder), before);
  assert.deepEqual(
    (await dataset.catalog.rows([5, 6])).map(({ guess }) => guess),
    ["wave", null],
  );
  assert.deepEqual(
    (await dataset.catalog.columns()).find(({ name }) => name === "guess"),
    {
      name: "guess",
      type: "string",
      source: "added",
      isNullable: true,
    },
  );
  assert.deepEqual((await dataset.query("select id from catalog where guess = 'wave'")).rows, [{ id: 5 }]);
  await dataset.close();
  const plain = await open(folder, { memory: "16 MiB" });
  assert.ok(!(await plain.catalog.columns()).some(({ name }) => name === "guess"));
  await plain.close();
});

test("a column of the folder beside hides that of the dataset, and taking it away there hides both", async () => {
  const at = copied();
  const side = temporaryFolder();
  await annotate(placeOf(at), [{ id: 0, score: 1 }], {});
  await annotate(placeOf(at, side), [{ id: 0, score: 2 }], {});
  assert.deepEqual((await valuesOf(at, ["score"], side))[0], [2n]);
  assert.deepEqual((await valuesOf(at, ["score"]))[0], [1n]);
  await dropColumns(placeOf(at, side), ["score"]);
  await assert.rejects(valuesOf(at, ["score"], side));
  assert.deepEqual((await valuesOf(at, ["score"]))[0], [1n]);
});

test("what a kill leaves behind is not seen, and goes with the next columns", async () => {
  const at = copied();
  await annotate(placeOf(at), [{ id: 0, a: 1 }], {});
  const columns = join(at, "columns");
  fs.writeFileSync(join(columns, "part.tmp"), "half");
  fs.writeFileSync(join(columns, "00002-0123456789abcdef.parquet"), "not named");
  fs.mkdirSync(join(columns, ".scratch"));
  fs.writeFileSync(join(columns, ".scratch", "rows-0.pile"), "x");
  assert.deepEqual((await valuesOf(at, ["a"]))[0], [1n]);
  await annotate(placeOf(at), [{ id: 0, b: 1 }], {});
  const named = readVersions(at).flatMap((part) => ("path" in part ? [part.path] : []));
  assert.deepEqual(fs.readdirSync(columns).sort(), [...named, "columns.json"].sort());
});

test("a stop at any single change of the disk leaves the columns as they were or as they are to be", async () => {
  const given = (a: number) => Array.from({ length: count }, (_, id) => ({ id, a }));
  const reference = copied();
  await annotate(placeOf(reference), given(1), {});
  const total = await stopAt(Number.POSITIVE_INFINITY, false, () => {
    const at = copied(reference);
    return annotate(placeOf(at), given(2), {});
  });
  assert.ok(total > 10, `${total} changes`);
  const seen = new Set<unknown>();
  for (let stop = 0; stop <= total; stop += 1) {
    const at = copied(reference);
    await stopAt(stop, stop % 2 === 0, () => annotate(placeOf(at), given(2), {}));
    const found = new Set((await valuesOf(at, ["a"])).flat());
    assert.equal(found.size, 1, `stopped at change ${stop}: ${[...found].join(", ")}`);
    for (const value of found) seen.add(value);
    assert.deepEqual((await verifyDataset(at)).problems, []);
    await annotate(placeOf(at), given(3), {});
    assert.deepEqual([...new Set((await valuesOf(at, ["a"])).flat())], [3n]);
    const named = readVersions(at).flatMap((part) => ("path" in part ? [part.path] : []));
    assert.deepEqual(fs.readdirSync(join(at, "columns")).sort(), [...named, "columns.json"].sort());
    fs.rmSync(at, { recursive: true });
  }
  assert.deepEqual([...seen].sort(), [1n, 2n]);
});

test("nothing stays of columns that were refused", async () => {
  const at = copied();
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
  const at = copied();
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

test("samples that came after the columns have no value", async () => {
  const at = copied();
  const side = temporaryFolder();
  const place = placeOf(at);
  const { manifest } = place;
  // As if the first shards had been all there was when the first columns were added.
  const [rows, part] = [manifest.catalog[0]!.rows, manifest.catalog[0]!];
  const first = { rows, fingerprint: "0000000000000001" };
  const early = { ...manifest, rows, catalog: [part], commits: [first] };
  const upTo = (end: number) =>
    Array.from({ length: end }, (_, id) => ({ id, [end === rows ? "b" : "a"]: id }));
  await annotate({ folder: at, manifest: early, side }, upTo(rows), {});
  const later = { folder: at, manifest: { ...manifest, commits: [first, ...manifest.commits] }, side };
  await annotate(later, upTo(count), {});
  const found: unknown[][] = [];
  for await (const { records } of scanColumns(later, ["a", "b"]))
    for (const record of records) found.push([record.a, record.b]);
  const wanted = Array.from({ length: count }, (_, id) => [BigInt(id), id < rows ? BigInt(id) : null]);
  assert.deepEqual(found, wanted);
  const sql = "select count(a) a, count(b) b, count(*) n, max(id) filter (b is not null) m from catalog";
  assert.deepEqual((await queryCatalog(later, sql, {})).rows, [{ a: count, b: rows, n: count, m: rows - 1 }]);
  assert.deepEqual(
    (await readRows(later, [rows, rows - 1])).map(({ a, b }) => [a, b]),
    [
      [rows, null],
      [rows - 1, rows - 1],
    ],
  );
});

test("a damaged list or part of added columns is an error, whatever reads it", async () => {
  const at = copied();
  await annotate(placeOf(at), [{ id: 0, a: 1 }], {});
  const columns = join(at, "columns");
  const part = fs.readdirSync(columns).find((name) => name.endsWith(".parquet"))!;
  damage(join(columns, part));
  const message = `${join(columns, part)} is damaged: its hash is not the one in dataset.json. Restore it from a copy, or pack again.`;
  const dataset = await open(at, { memory: "16 MiB" });
  await refuses(() => valuesOf(at, ["a"]), "corrupt", message);
  await refuses(() => dataset.catalog.rows([0]), "corrupt", message);
  await refuses(() => dataset.query("select a from catalog"), "corrupt", message);
  await dataset.close();
  const list = join(columns, "columns.json");
  const text = fs.readFileSync(list, "utf8");
  for (const [broken, code, wanted] of [
    ["{", "corrupt", /columns\.json is damaged: it is no JSON/],
    [
      text.replace('"version": 1', '"version": 2'),
      "version",
      /columns\.json has version 2, this Spillway reads up to 1/,
    ],
    [text.replace('"int64"', '"int32"'), "corrupt", /columns\.json is damaged: parts\.0/],
    [text.replace(part, `../${part}`), "corrupt", /columns\.json is damaged: parts\.0/],
  ] as const) {
    fs.writeFileSync(list, broken);
    await refuses(() => valuesOf(at, ["id"]), code, wanted);
  }
});

// Columns added to a catalog: rows in any order, from a program or a table, become values in the order of the samples.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { pack } from "spillway";
import { scanColumns } from "#spillway/catalog/column-scan";
import { queryCatalog } from "#spillway/catalog/query";
import { readRows } from "#spillway/catalog/rows";
import { annotate } from "#spillway/dataset/annotate";
import { placeOf, valuesOf } from "../fixtures/annotated.js";
import { copyOf, packed, temporaryFolder } from "../fixtures/packed.js";
import { writeFile } from "../source/fixtures.js";

const count = 230;
const folder = await packed({ count, layout: "source", shardSize: 4096 });

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
  const at = copyOf(folder);
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

test("samples that came after the columns have no value", async () => {
  const at = copyOf(folder);
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

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { open } from "spillway";
import { scanColumns } from "#spillway/catalog/column-scan";
import { catalogColumns } from "#spillway/catalog/columns";
import { readRows } from "#spillway/catalog/rows";
import { annotate } from "#spillway/dataset/annotate";
import { damage, known, labelledDataset, placeOf } from "../fixtures/annotated.js";
import { packed } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";

const count = 120;
const folder = await labelledDataset(count);
const place = placeOf(folder);
await annotate(
  place,
  Array.from({ length: count }, (_, id) => ({ id, score: id / 2, guess: `g${id}` })),
  {},
);

test("the columns are listed with types and where they come from", async () => {
  assert.deepEqual(
    catalogColumns(place).map(({ name, type, source, isNullable }) => [name, type, source, isNullable]),
    [
      ["id", "int64", "own", false],
      ["path", "string", "own", false],
      ["row", "int64", "own", true],
      ["label", "string", "class", false],
      ["hash", "uint64", "own", false],
      ["subject", "int64", "user", true],
      ["session", "string", "user", true],
      ["quality", "double", "user", true],
      ["isGood", "boolean", "user", true],
      ["score", "double", "added", true],
      ["guess", "string", "added", true],
      ["split", "string", "split", true],
      ["excluded", "boolean", "excluded", false],
    ],
  );
});

test("rows come in the order of the ids, with all columns, also where an id is there twice", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(count - 1), { maxLength: 20 }), async (ids) => {
      const rows = await readRows(place, ids);
      assert.deepEqual(
        rows.map(({ id }) => id),
        ids,
      );
      for (const { id, row, hash, score, guess, ...rest } of rows) {
        const i = Number(/(\d+)\.npy$/.exec(rest.path)![1]);
        assert.deepEqual(rest, known(i));
        assert.deepEqual([row, score, guess], [null, id / 2, `g${id}`]);
        assert.match(hash, /^[0-9a-f]{16}$/);
      }
    }),
    { numRuns: 30 },
  );
});

test("a batch's ids tell what it held", async () => {
  const dataset = await open(folder, { memory: "16 MiB" });
  for await (const { ids, fields } of dataset.view().batches({ batchSize: 32, seed: 3 })) {
    const rows = await dataset.catalog.rows(ids);
    rows.forEach(({ path }, k) => {
      assert.equal(Number(/(\d+)\.npy$/.exec(path)![1]), fields.data!.data[k * 32]);
    });
  }
  await dataset.close();
});

test("whole numbers come as numbers, and as bigint where a number would lose digits", async () => {
  const at = await packed({ count: 4 });
  await annotate(
    placeOf(at),
    [0n, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 63n)].map((n, id) => ({ id, n })),
    {},
  );
  const rows = await readRows(placeOf(at), [0, 1, 2, 3]);
  assert.deepEqual(
    rows.map(({ n }) => n),
    [0, 2 ** 53 - 1, 2n ** 53n, -(2n ** 63n)],
  );
});

test("ids that are not there are refused", async () => {
  for (const id of [-1, count, 0.5, Number.NaN]) {
    await refuses(
      () => readRows(place, [0, id]),
      "usage",
      `${folder} has no sample ${id}: it has ${count}. Use ids from 0 to ${count - 1}.`,
    );
  }
});

test("a scan gives packed and added columns side by side, in order and without leaving files open", async () => {
  const before = openFileCount();
  let next = 0;
  for await (const { firstId, records } of scanColumns(place, ["score", "path", "isGood", "id"])) {
    assert.equal(firstId, next);
    for (const { id, score, path, isGood } of records) {
      const wanted = known(Number(/(\d+)\.npy$/.exec(String(path))![1]));
      assert.deepEqual(
        [id, score, path, isGood ?? null],
        [BigInt(next), next / 2, wanted.path, wanted.isGood],
      );
      next += 1;
    }
  }
  assert.equal(next, count);
  for await (const { records } of scanColumns(place, ["guess"])) {
    assert.deepEqual(records[0], { guess: "g0" });
    break;
  }
  assert.equal(openFileCount(), before);
});

test("a column that is not there is refused with the nearest names", async () => {
  await refuses(
    async () => {
      for await (const _ of scanColumns(place, ["sesion"]));
    },
    "missing",
    `the catalog of ${folder} has no column "sesion". Nearest: session. The columns are id, path, row, label, hash, subject, session, quality, isGood, score, guess.`,
  );
});

test("a damaged part of the catalog is an error for rows and scans", async () => {
  const at = await packed({ count: 300, shardSize: 4096 });
  const part = placeOf(at).manifest.catalog[1]!;
  damage(join(at, part.path));
  const message = `${join(at, part.path)} is damaged: its hash is not the one in dataset.json. Restore it from a copy, or pack again.`;
  await refuses(() => readRows(placeOf(at), [299, 170]), "corrupt", message);
  await refuses(
    async () => {
      for await (const _ of scanColumns(placeOf(at), ["path"]));
    },
    "corrupt",
    message,
  );
  fs.rmSync(join(at, part.path));
  await refuses(
    () => readRows(placeOf(at), [170]),
    "missing",
    `${join(at, part.path)} does not exist. Check the path.`,
  );
});

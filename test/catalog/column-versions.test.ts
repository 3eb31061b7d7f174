// Which column counts: the newest version, before the packed one, and that of a folder beside the dataset before both.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { listVersions } from "#spillway/catalog/column-versions";
import { annotate, dropColumns, pruneColumns } from "#spillway/dataset/annotate";
import { labelledDataset, placeOf, valuesOf } from "../fixtures/annotated.js";
import { copyOf, packed, temporaryFolder } from "../fixtures/packed.js";
import { contentOf } from "../pack/sources.js";
import { refuses } from "../source/fixtures.js";

const folder = await packed({ count: 230, layout: "source", shardSize: 4096 });

test("the newest version of a column counts, older ones are listed until they are pruned", async () => {
  const at = copyOf(folder);
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
  const at = copyOf(folder);
  const side = temporaryFolder();
  await annotate(placeOf(at), [{ id: 0, score: 1 }], {});
  await annotate(placeOf(at, side), [{ id: 0, score: 2 }], {});
  assert.deepEqual((await valuesOf(at, ["score"], side))[0], [2n]);
  assert.deepEqual((await valuesOf(at, ["score"]))[0], [1n]);
  await dropColumns(placeOf(at, side), ["score"]);
  await assert.rejects(valuesOf(at, ["score"], side));
  assert.deepEqual((await valuesOf(at, ["score"]))[0], [1n]);
});

// What a query of the catalog answers: every column, splits and exclusions, in plain values, from whole datasets in any
// folder.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { queryCatalog } from "#spillway/catalog/query";
import { annotate } from "#spillway/dataset/annotate";
import { damage, known, numbersById, placeOf } from "../fixtures/annotated.js";
import { labelNames, packed, temporaryFolder } from "../fixtures/packed.js";
import { errorOf } from "../pack/sources.js";
import { refuses } from "../source/fixtures.js";
import { ask, count, folder, place } from "./queried.js";

test("every column can be asked for, packed ones, added ones, and the split", async () => {
  const { columns, rows } = await queryCatalog(place, "from catalog order by id", {});
  assert.deepEqual(columns, [
    { name: "id", type: "BIGINT" },
    { name: "path", type: "VARCHAR" },
    { name: "row", type: "BIGINT" },
    { name: "label", type: "VARCHAR" },
    { name: "hash", type: "UBIGINT" },
    { name: "subject", type: "BIGINT" },
    { name: "session", type: "VARCHAR" },
    { name: "quality", type: "DOUBLE" },
    { name: "isGood", type: "BOOLEAN" },
    { name: "score", type: "DOUBLE" },
    { name: "split", type: "VARCHAR" },
    { name: "excluded", type: "BOOLEAN" },
  ]);
  assert.equal(rows.length, count);
  const dataset = await open(folder, { memory: "16 MiB" });
  const numbers = await numbersById(folder);
  for (const split of ["train", "val-1"]) {
    const wanted = new Set<number>();
    for await (const { ids } of dataset.view({ split }).batches({ batchSize: 64 }))
      for (const id of ids) wanted.add(id);
    for (const row of rows) assert.equal(row.split === split, wanted.has(Number(row.id)), `sample ${row.id}`);
  }
  const stored = await dataset.catalog.rows(rows.map(({ id }) => Number(id)));
  rows.forEach(({ id, row, hash, score, split: _split, excluded, ...rest }, k) => {
    assert.deepEqual(rest, known(numbers[k]!));
    assert.deepEqual([id, row, excluded, score], [k, null, false, k < count - 50 ? k / 10 : null]);
    assert.equal(
      BigInt(hash as bigint)
        .toString(16)
        .padStart(16, "0"),
      stored[k]!.hash,
    );
  });
  await dataset.close();
});

test("the split is that of the scheme that is named", async () => {
  assert.deepEqual(await ask("select split, count(*) n from catalog group by all order by n desc, split"), [
    { split: "train", n: 160 },
    { split: "val-1", n: 20 },
    { split: null, n: 20 },
  ]);
  assert.deepEqual(await ask("select count(*) n from catalog where split = 'half'", { scheme: "other" }), [
    { n: 100 },
  ]);
  await refuses(
    () => ask("select 1", { scheme: "none" }),
    "missing",
    /has no scheme "none" of splits: it has main, other/,
  );
});

test("excluded samples are those of the bitmap", async () => {
  const excluded = new Uint8Array(count / 8);
  for (const id of [0, 9, 63, 199]) excluded[id >> 3]! |= 1 << (id & 7);
  assert.deepEqual(await ask("select id from catalog where excluded order by id", { excluded }), [
    { id: 0 },
    { id: 9 },
    { id: 63 },
    { id: 199 },
  ]);
});

test("a dataset without splits has none, and one whose splits are of other content says so when they are asked for", async () => {
  const path = await packed({ count: 20 });
  const plain = placeOf(path);
  assert.deepEqual(
    (await queryCatalog(plain, "select distinct split, label from catalog order by label", {})).rows,
    labelNames.map((label) => ({ split: null, label })),
  );
  fs.cpSync(join(folder, "splits"), join(path, "splits"), { recursive: true });
  assert.equal((await queryCatalog(plain, "select label from catalog", {})).rows.length, 20);
  const error = await errorOf(() => queryCatalog(plain, "select split from catalog", {}));
  assert.deepEqual(
    [error.code, /^scheme "main" was made for 200 samples with fingerprint/.test(error.message)],
    ["mismatch", true],
  );
  assert.equal((await errorOf(() => queryCatalog(plain, "select 1", { scheme: "main" }))).code, "mismatch");
});

test("values are plain: whole numbers as numbers or bigint, dates as text, lists and structs as such", async () => {
  const sql = `select 9007199254740991 a, 9007199254740992 b, 1.5 c, sum(id) d, date '2020-02-03' e, [1, 2] f, {'x': 1, 'y': [null]} g,
    map {'k': 7} h, 'a' i, true j, null k, '\\x01'::blob l, 2::utinyint m, 1 a, 'NaN'::double n from catalog`;
  const { columns, rows } = await queryCatalog(place, sql, {});
  assert.deepEqual(rows, [
    {
      a: 2 ** 53 - 1,
      b: 2n ** 53n,
      c: 1.5,
      d: (count * (count - 1)) / 2,
      e: "2020-02-03",
      f: [1, 2],
      g: { x: 1, y: [null] },
      h: [{ key: "k", value: 7 }],
      i: "a",
      j: true,
      k: null,
      l: "\\x01",
      m: 2,
      "a:1": 1,
      n: Number.NaN,
    },
  ]);
  assert.deepEqual(columns.slice(0, 3), [
    { name: "a", type: "BIGINT" },
    { name: "b", type: "BIGINT" },
    { name: "c", type: "DECIMAL(2,1)" },
  ]);
});

test("subqueries and joins see the same rows as plain reading", async () => {
  const sql = `select count(*) n, count(distinct a.id) ids from catalog a join catalog b on a.subject = b.subject and a.id < b.id
    where a.score is not null and b.id in (select id from catalog where score > 3 and split = 'train')`;
  const all = await ask("from catalog order by id");
  const wanted = new Set<unknown>();
  let pairs = 0;
  for (const a of all)
    for (const b of all)
      if (
        a.subject !== null &&
        a.subject === b.subject &&
        Number(a.id) < Number(b.id) &&
        a.score !== null &&
        Number(b.score) > 3 &&
        b.split === "train"
      ) {
        pairs += 1;
        wanted.add(a.id);
      }
  assert.deepEqual(await ask(sql), [{ n: pairs, ids: wanted.size }]);
});

test("limits, offsets and orders go over whole rows", async () => {
  const all = await ask("from catalog order by id");
  const known = all.filter(({ score }) => score !== null);
  const byScore = [...known].sort((a, b) => Number(b.score) - Number(a.score));
  assert.deepEqual(
    await ask("from catalog where score is not null order by score desc limit 7 offset 2"),
    byScore.slice(2, 9),
  );
  assert.deepEqual(await ask("from catalog order by id limit 5 offset 148"), all.slice(148, 153));
  assert.deepEqual(
    await ask("select id, score from catalog where id between 147 and 152 order by id"),
    all.slice(147, 153).map(({ id, score }) => ({ id, score })),
  );
  assert.deepEqual(await ask("select count(*) n, count(score) s from catalog where label = 'run'"), [
    {
      n: all.filter(({ label }) => label === "run").length,
      s: known.filter(({ label }) => label === "run").length,
    },
  ]);
});

test("a query ends when its signal says so", async () => {
  const stop = new AbortController();
  const asked = ask("select sum(a.x * b.x) from range(1000000) a(x), range(1000000) b(x)", {
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(), 50);
  await assert.rejects(asked, (error) => error === stop.signal.reason);
  await assert.rejects(ask("select 1", { signal: stop.signal }), (error) => error === stop.signal.reason);
});

test("a damaged part of the catalog is an error before SQL sees it", async () => {
  const at = await packed({ count: 300, shardSize: 4096 });
  const part = placeOf(at).manifest.catalog[1]!;
  damage(join(at, part.path));
  await refuses(
    () => queryCatalog(placeOf(at), "select 1", {}),
    "corrupt",
    `${join(at, part.path)} is damaged: its hash is not the one in dataset.json. Restore it from a copy, or pack again.`,
  );
  fs.truncateSync(join(at, part.path), 100);
  await refuses(
    () => queryCatalog(placeOf(at), "select 1", {}),
    "corrupt",
    /it has 100 bytes, dataset\.json says/,
  );
});

test("a folder whose name means something to SQL or to patterns is read as it is", async () => {
  const at = join(temporaryFolder(), "it's [a] *st?ar", "label=x");
  fs.cpSync(folder, at, { recursive: true });
  const weird = placeOf(at);
  await annotate(weird, [{ id: 0, note: "x" }], {});
  assert.deepEqual(
    (
      await queryCatalog(
        weird,
        "select count(*) n, count(note) notes, count(distinct label) labels from catalog",
        {},
      )
    ).rows,
    [{ n: count, notes: 1, labels: 4 }],
  );
});

test("a dataset without a row yet has an empty table", async () => {
  const empty = {
    ...place,
    manifest: { ...place.manifest, rows: 0, catalog: [], commits: place.manifest.commits },
  };
  const side = { folder: temporaryFolder(), manifest: { ...empty.manifest } };
  assert.deepEqual(
    (await queryCatalog(side, "select count(*) n, count(label) l, count(split) s from catalog", {})).rows,
    [{ n: 0, l: 0, s: 0 }],
  );
});

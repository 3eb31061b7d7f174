import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fitWidths, formatAnswer } from "#spillway/cli/sql-output";
import { labelledFolder } from "../fixtures/annotated.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { writeFile } from "../source/fixtures.js";
import { spillway, spillwayJson } from "./run.js";

test("pack --labels joins a table, and query, info and show tell its columns", async () => {
  const { data, labels } = labelledFolder(60);
  const path = join(temporaryFolder(), "set");
  const ran = await spillway(["pack", data, path, "--labels", labels, "--layout", "source"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.ok(
    ran.stderr.includes(
      "Columns kept in the catalog: subject (int64), session (string), quality (double), isGood (boolean).\n",
    ),
    ran.stderr,
  );
  const asked = await spillway([
    "query",
    path,
    "select label, count(*) n from catalog group by all order by all",
  ]);
  assert.equal(asked.stdout, "label   n\n─────  ──\nit's   15\nrun    15\nsit    15\nwalk   15\n");
  assert.match(asked.stderr, /^4 rows in [\d.]+ s\.\n$/);
  const listed = await spillway(["query", path]);
  assert.deepEqual(
    listed.stdout.split("\n").map((line) => line.trimEnd()),
    [
      `Table catalog of ${path}, 60 rows:`,
      "  id        int64",
      "  path      string",
      "  row       int64",
      "  label     string   class field",
      "  hash      uint64",
      "  subject   int64    packed with the samples",
      "  session   string   packed with the samples",
      "  quality   double   packed with the samples",
      "  isGood    boolean  packed with the samples",
      "  split     string   name of the split in the current scheme",
      "  excluded  boolean  whether the sample is left out",
      "",
      `Try: spillway query ${path} "select label, count(*) from catalog group by all"`,
      "",
    ],
  );
  const { stdout: info } = await spillway(["info", path]);
  assert.match(info, /\ncolumns:\n {2}subject {2}int64 {4}packed\n/);
  const { stdout: shown } = await spillway(["show", path, "3"]);
  assert.match(shown, /\nsubject: 2\nsession: s-1\nquality: 0\.08\d*\nisGood: false\n/);
  const { value } = await spillwayJson(["show", path, "0"]);
  assert.deepEqual(value.columns, { subject: null, session: null, quality: null, isGood: null });
});

test("query prints JSON, an object a row, and no more rows than asked for", async () => {
  const path = await packed({ count: 5000 });
  const { value } = await spillwayJson(["query", path, "select id, label from catalog order by id"]);
  assert.equal(value.length, 5000);
  assert.deepEqual(Object.keys(value[4999]), ["id", "label"]);
  const two = await spillwayJson([
    "query",
    path,
    "select id, hash > 0 as h, 9007199254740993 as big from catalog order by id",
    "--limit",
    "2",
  ]);
  assert.deepEqual(two.value, [
    { id: 0, h: true, big: "9007199254740993" },
    { id: 1, h: true, big: "9007199254740993" },
  ]);
  assert.deepEqual((await spillwayJson(["query", path, "select 1 where false"])).value, []);
  const table = await spillway(["query", path, "select id from catalog order by id"]);
  assert.equal(table.stdout.split("\n").length, 1003);
  assert.match(table.stderr, /^1,000 rows in [\d.]+ s; there are more \(--limit\)\.\n$/);
  const exact = await spillway(["query", path, "select id from catalog limit 3", "--limit", "3"]);
  assert.match(exact.stderr, /^3 rows in [\d.]+ s\.\n$/);
});

test("wrong SQL and SQL that writes end with exit code 2, a column that is not there with 1", async () => {
  const path = await packed({ count: 5 });
  const wrong = await spillway(["query", path, "select count( from catalog"]);
  assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
  assert.match(
    wrong.stderr,
    /^error: the query is wrong: syntax error at or near "from"\. The one table is catalog;/,
  );
  const writes = await spillway(["query", path, "copy catalog to 'x.csv'"], { cwd: path });
  assert.deepEqual([writes.code, fs.existsSync(join(path, "x.csv"))], [2, false]);
  const column = await spillwayJson(["query", path, "select lable from catalog"]);
  assert.deepEqual([column.code, column.value.error.code], [1, "missing"]);
});

test("annotate adds columns, lists versions, takes columns away and prunes", async () => {
  const path = await packed({ count: 20, layout: "source" });
  const table = writeFile(
    join(temporaryFolder(), "t.csv"),
    "path,score,note\nrecording-3,0.5,x\nrecording-4,1,y\n",
  );
  const added = await spillway(["annotate", path, table]);
  assert.deepEqual(added, {
    code: 0,
    stdout: `Added score (double), note (string) to ${path}, version 1: 2 samples with values.\n`,
    stderr: `Rows of ${table} are matched by path (column "path").\n18 samples without a row: their values are missing.\n`,
  });
  const asked = await spillwayJson([
    "query",
    path,
    "select id, score, note from catalog where score is not null order by id",
  ]);
  assert.deepEqual(asked.value, [
    { id: 3, score: 0.5, note: "x" },
    { id: 4, score: 1, note: "y" },
  ]);
  const side = join(temporaryFolder(), "mine");
  const ids = writeFile(join(temporaryFolder(), "ids.tsv"), "id\tscore\n0\t7\n99\t7\n");
  const refused = await spillway(["annotate", path, ids, "--in", side]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /: 1 row is of no sample of .*, which has 20: 99\. Correct them, or leave them out with --partial/,
  );
  const partial = await spillwayJson(["annotate", path, ids, "--in", side, "--partial"]);
  assert.deepEqual(
    [partial.value.version, partial.value.rows, partial.value.without, partial.value.leftOut],
    [1, 1, 19, 1],
  );
  assert.deepEqual(
    (await spillwayJson(["query", path, "select score from catalog where id = 0", "--in", side])).value,
    [{ score: 7 }],
  );
  assert.deepEqual((await spillwayJson(["query", path, "select score from catalog where id = 0"])).value, [
    { score: null },
  ]);
  const listed = await spillway(["annotate", path, "--list", "--in", side]);
  assert.match(listed.stdout, /^version +columns +rows +size +folder\n +1 +\(score\), note +20 /);
  const dropped = await spillway(["annotate", path, "--drop", "note"]);
  assert.equal(dropped.stdout, `From version 2 on, ${path} is without note.\n`);
  await spillway(["annotate", path, "--drop", "score"]);
  const pruned = await spillwayJson(["annotate", path, "--prune"]);
  assert.equal(pruned.value.parts, 1);
  assert.deepEqual(fs.readdirSync(join(path, "columns")), ["columns.json"]);
  const nothing = await spillway(["annotate", path]);
  assert.deepEqual(
    [nothing.code, nothing.stderr],
    [
      2,
      `error: annotate takes a table, or one of --list, --drop and --prune. To add columns: spillway annotate ${path} table.csv.\n`,
    ],
  );
});

test("verify checks added columns", async () => {
  const path = await packed({ count: 20 });
  await spillway(["annotate", path, writeFile(join(temporaryFolder(), "t.csv"), "id,score\n3,1\n")]);
  const whole = await spillway(["verify", path]);
  assert.match(whole.stdout, /is whole\. Checked 20 samples, 1 part of added columns: /);
  const columns = join(path, "columns");
  const part = fs.readdirSync(columns).find((name) => name.endsWith(".parquet"))!;
  const bytes = fs.readFileSync(join(columns, part));
  bytes[50]! ^= 1;
  fs.writeFileSync(join(columns, part), bytes);
  const damaged = await spillwayJson(["verify", path]);
  assert.equal(damaged.code, 1);
  assert.deepEqual(
    damaged.value.problems.map(({ path: at, what }: { path: string; what: string }) => [at, what]),
    [[`columns/${part}`, `${join(columns, part)} is damaged: its hash is not the one in dataset.json`]],
  );
  fs.writeFileSync(join(columns, "columns.json"), "{}");
  const list = await spillwayJson(["verify", path]);
  assert.equal(list.value.problems[0].path, "columns/columns.json");
});

test("a table is cut to the width of the terminal, its widest columns first", () => {
  assert.deepEqual(fitWidths([5, 40, 10], 100), [5, 40, 10]);
  assert.deepEqual(fitWidths([5, 40, 10], 39), [5, 20, 10]);
  assert.deepEqual(fitWidths([5, 40, 30], 39), [5, 15, 15]);
  assert.deepEqual(fitWidths([40, 40, 40], 10), [8, 8, 8]);
  const columns = [
    { name: "name", type: "VARCHAR" },
    { name: "n", type: "BIGINT" },
  ];
  const rows = [
    ["a very long\nname of a file", 7],
    [null, 12n],
  ];
  assert.deepEqual(formatAnswer(columns, rows, 20), [
    "name               n",
    "────────────────  ──",
    "a very long nam…   7",
    "NULL              12",
  ]);
});

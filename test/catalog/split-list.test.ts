import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readSplitList } from "#spillway/catalog/split-list";
import { temporaryFolder } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { columnsOf, placeOf } from "./fake-columns.js";

const paths = ["walk/1.npy", "walk/2.npy", "run/1.npy", "run/2.npy", "table.csv", "table.csv"];
const reader = columnsOf({ path: paths, row: [null, null, null, null, 0n, 1n] }, 4);
const place = placeOf([6]);

function write(content: string): string {
  const path = join(temporaryFolder(), "mine.csv");
  fs.writeFileSync(path, content);
  return path;
}

async function read(content: string) {
  const { splits, parts, unmatched, named } = await readSplitList(place, write(content), { rows: 6, reader });
  return { splits, parts: [...parts], unmatched, named };
}

test("ids are looked up by their numbers, and samples that are not named are in none", async () => {
  assert.deepEqual(await read("id,split\n4,train\n0,val\n1,train\n"), {
    splits: ["train", "val"],
    parts: [1, 0, 2, 2, 0, 2],
    unmatched: { count: 0, first: [] },
    named: 3,
  });
});

test("columns may come in any order, with others, quotes, tabs, semicolons, and from Windows", async () => {
  const expected = [2, 2, 0, 2, 1, 2];
  for (const content of [
    "\ufeffSplit;Note;ID\r\ntrain;x;2\r\nval;;4\r\n",
    "split\tid\ntrain\t2\nval\t4",
    'split,note,id\n"train","a, ""b""",2\n\n val , , 4 \n',
  ]) {
    assert.deepEqual((await read(content)).parts, expected, content);
  }
});

test("paths are those of the catalog, or below a folder that all of them share", async () => {
  const expected = [0, 2, 2, 1, 2, 2];
  for (const prefix of ["", "./", "data/", "/somewhere/data/", "..\\data\\"]) {
    const content = `path,split\n${prefix}walk/1.npy,train\n${prefix}run/2.npy,val\n`;
    const found = await read(content);
    assert.deepEqual([found.parts, found.unmatched.count], [expected, 0], prefix);
  }
});

test("a path stands for all samples of its file, a path and a row for one", async () => {
  assert.deepEqual((await read("path,split\ntable.csv,train\n")).parts, [1, 1, 1, 1, 0, 0]);
  assert.deepEqual(
    (await read("path,row,split\ntable.csv,1,train\nwalk/1.npy,,val\n")).parts,
    [1, 2, 2, 2, 2, 0],
  );
});

test("names that are no samples are counted, and the first ten told", async () => {
  const wrong = Array.from({ length: 12 }, (_, k) => `nothing/${k}.npy,train`);
  const { unmatched, named } = await read(`path,split\nwalk/1.npy,train\n${wrong.join("\n")}`);
  assert.equal(named, 13);
  assert.equal(unmatched.count, 12);
  assert.deepEqual(
    unmatched.first,
    Array.from({ length: 10 }, (_, k) => `nothing/${k}.npy`),
  );
  assert.deepEqual((await read("id,split\n5,a\n6,a\n")).unmatched, { count: 1, first: ["6"] });
});

test("a sample without a split is in none, and one that is named twice may be so alike", async () => {
  assert.deepEqual((await read("id,split\n0,\n1,a\n1,a\n")).parts, [1, 0, 1, 1, 1, 1]);
});

test("files that are no such table are refused, each with what to write", async () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "",
      "FILE has nothing, but not split and one of id and path. Begin it with a header such as id,split or path,split.",
    ],
    [
      "1,train\n2,val\n",
      "FILE has the columns 1, train, but not split and one of id and path. Begin it with a header such as id,split or path,split.",
    ],
    ["id,split\nx,train\n", 'line 2 of FILE has the id "x". Ids are whole numbers from 0.'],
    [
      "id,split\n1,train\n\n1,val\n",
      'FILE puts sample 1 into split "train" and, on line 4, into "val". Name each sample once.',
    ],
    [
      "path,split\na,train\na,val\n",
      'FILE puts "a" into split "train" and, on line 3, into "val". Name each sample once.',
    ],
    [
      "id,split\n1,../x\n",
      'line 2 of FILE has "../x" for a split. Use names of at most 64 letters, a letter or digit first, without slashes.',
    ],
    [
      "id,split\n1,train,3\n",
      "line 2 of FILE has 3 cells, the header 2. Write a table with a header: id,split and then a line like 17,train.",
    ],
    [
      'id,split\n1,"train\n',
      "line 2 of FILE has a quote that is not closed. Write a table with a header: id,split and then a line like 17,train.",
    ],
  ];
  for (const [content, message] of cases) {
    const path = write(content);
    await refuses(
      () => readSplitList(place, path, { rows: 6, reader }),
      "source",
      message.replaceAll("FILE", path),
    );
  }
  await refuses(
    () => readSplitList(place, "/no/such/file.csv", { rows: 6, reader }),
    "missing",
    "/no/such/file.csv does not exist. Check the path.",
  );
});

test("a file of many lines is read in pieces", async () => {
  const rows = 300_000;
  const lines = Array.from({ length: rows }, (_, id) => `${rows - 1 - id},${id % 2 === 0 ? "even" : "odd"}`);
  const list = await readSplitList(placeOf([rows]), write(`id,split\n${lines.join("\n")}\n`), {
    rows,
    reader,
  });
  assert.equal(list.parts[rows - 1], 0);
  assert.equal(list.parts[0], 1);
  assert.equal(list.parts.filter((part) => part === 0).length, rows / 2);
});

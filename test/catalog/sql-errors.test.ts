// Wrong SQL, columns that are not there and too little memory are told in words, with what to do.

import { test } from "node:test";
import { refuses } from "../source/fixtures.js";
import { ask, folder } from "./queried.js";

test("wrong SQL is worded with its line", async () => {
  const rest = `The one table is catalog; its columns are listed by: spillway query ${folder}.`;
  for (const [sql, what] of [
    ["selct 1", 'the query is wrong: syntax error at or near "selct"'],
    [
      "select id,\n\n  fro catalog where",
      'line 3 of the query (fro catalog where) is wrong: syntax error at or near "catalog"',
    ],
    ["select * from nope", "the query names a table nope, which is not there"],
    ["select nofunc(1)", "the query is wrong: Scalar Function with name nofunc does not exist"],
    [
      "select ?",
      "the query is wrong: Values were not provided for the following prepared statement parameters: 1",
    ],
    ["select\n'x'::int", "line 2 of the query ('x'::int) is wrong: Could not convert string 'x' to INT32"],
    ["select error('boo')", "the query is wrong: boo"],
  ] as const)
    await refuses(() => ask(sql), "usage", `${what}. ${rest}`);
});

test("a column that is not there is told with the nearest names", async () => {
  const all =
    "The columns are id, path, row, label, hash, subject, session, quality, isGood, score, split, excluded.";
  for (const [sql, name, near] of [
    ["select lable from catalog", "lable", "Nearest: label. "],
    ["select c.subjekt from catalog c", "subjekt", "Nearest: subject. "],
    ["select max(id) from catalog where ISGOD", "ISGOD", "Nearest: isGood. "],
    ["select catalog.zzzzzzzz from catalog", "zzzzzzzz", ""],
  ] as const)
    await refuses(
      () => ask(sql),
      "missing",
      `the catalog of ${folder} has no column "${name}". ${near}${all}`,
    );
});

test("too little memory is an error that says so, and there is a least", async () => {
  await refuses(
    () =>
      ask("select count(*) from range(100000000) t(x) group by hash(x) order by random()", {
        memory: "32 MiB",
      }),
    "memory",
    'the query cannot be answered in 32 MiB of memory. Give it more, such as memory: "64 MiB".',
  );
  await refuses(
    () => ask("select 1", { memory: "1 MiB" }),
    "memory",
    'a query needs more than 1048576 bytes of memory. Give it at least memory: "32 MiB".',
  );
});

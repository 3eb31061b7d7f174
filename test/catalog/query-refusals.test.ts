// What a query cannot do: anything but one SELECT, and reading or writing anything but the catalog.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";
import { contentOf } from "../pack/sources.js";
import { refuses } from "../source/fixtures.js";
import { ask, folder } from "./queried.js";

const other = [
  ["copy catalog to 'x.csv'", "COPY"],
  ["COPY (select 1) TO '/tmp/x.csv'", "COPY"],
  ["attach 'x.db'", "ATTACH"],
  ["detach memory", "DETACH"],
  ["create table t as select 1", "CREATE"],
  ["create or replace view catalog as select 1", "CREATE"],
  ["insert into catalog values (1)", "INSERT"],
  ["update catalog set label = 'x'", "UPDATE"],
  ["delete from catalog", "DELETE"],
  ["drop view catalog", "DROP"],
  ["alter view catalog rename to c", "ALTER"],
  ["install httpfs", "INSTALL"],
  ["load httpfs", "LOAD"],
  ["pragma database_list", "PRAGMA"],
  ["pragma memory_limit = '10GB'", "PRAGMA"],
  ["set memory_limit = '10GB'", "SET"],
  ["set variable split0 = 1", "SET"],
  ["reset memory_limit", "RESET"],
  ["use memory", "USE"],
  ["call pragma_version()", "CALL"],
  ["export database '/tmp/x'", "EXPORT"],
  ["import database '/tmp/x'", "IMPORT"],
  ["begin", "BEGIN"],
  ["commit", "COMMIT"],
  ["checkpoint", "CHECKPOINT"],
  ["vacuum", "VACUUM"],
  ["explain select 1", "EXPLAIN"],
  ["prepare p as select 1", "PREPARE"],
  ["execute p", "EXECUTE"],
  [" -- a remark\n /* and\n another */ Set threads = 1", "SET"],
] as const;

for (const [sql, word] of other) {
  test(`"${sql.replace(/\s+/g, " ").trim()}" is refused`, async () => {
    await refuses(
      () => ask(sql),
      "usage",
      `a query has to be one SELECT, and is ${word} instead. Nothing but the table catalog can be read, and nothing can be written.`,
    );
  });
}

test("statements after the first, and none at all, are refused", async () => {
  const rest = "Nothing but the table catalog can be read, and nothing can be written.";
  for (const sql of [
    "select 1; select 2",
    "select 1; drop view catalog",
    "pivot catalog on label using count(*)",
  ])
    await refuses(() => ask(sql), "usage", `a query has to be one SELECT, and is 2 statements. ${rest}`);
  for (const sql of ["", "  ", "-- nothing", ";", "/* */ ;"])
    await refuses(() => ask(sql), "usage", `a query has to be one SELECT, and is empty. ${rest}`);
  assert.deepEqual(await ask("select 1 as one;"), [{ one: 1 }]);
});

test("files cannot be read, in whatever way, and nothing is written", async () => {
  const secret = join(temporaryFolder(), "secret.csv");
  fs.writeFileSync(secret, "a,b\n1,2\n");
  const before = contentOf(folder);
  for (const from of [
    `read_csv('${secret}')`,
    `read_csv_auto('${secret}')`,
    `read_text('${secret}')`,
    `read_blob('${secret}')`,
    `read_json('${secret}')`,
    `read_parquet('${secret}')`,
    `parquet_metadata('${secret}')`,
    `'${secret}'`,
    `glob('${secret}')`,
  ]) {
    await refuses(
      () => ask(`select * from ${from}`),
      "usage",
      `the query reaches for ${secret}, which is no part of the catalog. Nothing but the table catalog can be read.`,
    );
  }
  await refuses(
    () => ask(`select * from query('select * from read_text(''${secret}'')')`),
    "usage",
    /^the query reaches for/,
  );
  await refuses(
    () => ask(`select (select content from read_text('${join(folder, "dataset.json")}'))`),
    "usage",
    /^the query reaches for/,
  );
  await refuses(
    () => ask("select * from '/etc/passwd'"),
    "usage",
    /^the query names a table \/etc\/passwd, which is not there\./,
  );
  await refuses(
    () => ask("select getenv('HOME')"),
    "usage",
    /Scalar Function with name getenv does not exist/,
  );
  await refuses(() => ask("select * from read_csv('https://example.com/x.csv')"), "usage", /^the query /);
  await refuses(
    () => ask("with x as (select 1) insert into catalog select * from x"),
    "usage",
    /^(the|a) query /,
  );
  assert.deepEqual(contentOf(folder), before);
});

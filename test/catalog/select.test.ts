import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { open } from "spillway";
import { scanColumns } from "#spillway/catalog/column-scan";
import { selectRows } from "#spillway/catalog/select";
import { copyBits, toBitBytes } from "#spillway/catalog/split-marks";
import { labelledDataset, placeOf } from "../fixtures/annotated.js";
import { packed } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const count = 203;
const folder = await labelledDataset(count);
{
  const dataset = await open(folder, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.2 });
  const rows = Array.from({ length: 150 }, (_, id) => ({
    id,
    score: id % 9 === 0 ? null : (id % 20) / 10,
    guess: `g${id % 3}`,
  }));
  await dataset.annotate(rows);
  await dataset.close();
}
const place = placeOf(folder);

interface Row {
  id: number;
  [column: string]: unknown;
}

/** The rows as plain objects: what a condition is held against. */
const rows: Row[] = [];
{
  const names = ["path", "row", "label", "subject", "session", "quality", "isGood", "score", "guess"];
  for await (const { records } of scanColumns(place, names))
    for (const record of records)
      rows.push({
        id: rows.length,
        split: null,
        ...Object.fromEntries(
          names.map((name) => [
            name,
            typeof record[name] === "bigint" ? Number(record[name]) : (record[name] ?? null),
          ]),
        ),
      });
  const dataset = await open(folder, { memory: "16 MiB" });
  for (const split of ["train", "val"])
    for await (const { ids } of dataset.view({ split }).batches({ batchSize: 64 }))
      for (const id of ids) rows[id]!.split = split;
  await dataset.close();
}

function idsOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, id) => id).filter(
    (id) => (bits[id >> 3]! >> (id & 7)) & 1,
  );
}

/** A condition as SQL and as a function with SQL's three values. */
interface Condition {
  sql: string;
  holds(row: Row): boolean | null;
}

const quote = (value: string | number) =>
  typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
const numbers = fc.constantFrom("id", "subject", "quality", "score");
const texts = fc.constantFrom("label", "session", "split", "guess", "path");
const someTexts = fc.constantFrom("walk", "run", "it's", "s-1", "s-3", "train", "val", "g0", "nothing");

const compared: fc.Arbitrary<Condition> = fc
  .tuple(
    numbers,
    fc.constantFrom("<", "<=", "=", "<>", ">", ">="),
    fc.constantFrom(-0.25, 0, 0.5, 1, 3, 50, 150),
  )
  .map(([column, operator, value]) => ({
    sql: `${column} ${operator} ${value}`,
    holds(row) {
      const found = row[column] as number | null;
      if (found === null) return null;
      return {
        "<": found < value,
        "<=": found <= value,
        "=": found === value,
        "<>": found !== value,
        ">": found > value,
        ">=": found >= value,
      }[operator]!;
    },
  }));
const listed: fc.Arbitrary<Condition> = fc
  .tuple(texts, fc.array(someTexts, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([column, values, isNot]) => ({
    sql: `${column} ${isNot ? "not in" : "in"} (${values.map(quote).join(", ")})`,
    holds: (row) =>
      row[column] === null ? null : (values as readonly unknown[]).includes(row[column]) !== isNot,
  }));
const missing: fc.Arbitrary<Condition> = fc
  .tuple(fc.oneof(numbers, texts, fc.constant("row")), fc.boolean())
  .map(([column, isNot]) => ({
    sql: `${column} is ${isNot ? "not " : ""}null`,
    holds: (row) => (row[column] === null) !== isNot,
  }));
const plain: fc.Arbitrary<Condition> = fc.constantFrom("isGood", "excluded").map((column) => ({
  sql: column,
  holds: (row) => (column === "excluded" ? false : (row[column] as boolean | null)),
}));
const starting: fc.Arbitrary<Condition> = fc.constantFrom("a/", "b/0", "c/0001").map((start) => ({
  sql: `path like '${start}%'`,
  holds: (row) => (row.path as string).startsWith(start),
}));
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(compared, listed, missing, plain, starting),
    tie("condition").map(({ sql, holds }) => ({
      sql: `not (${sql})`,
      holds: (row: Row) => {
        const value = holds(row);
        return value === null ? null : !value;
      },
    })),
    fc.tuple(tie("condition"), tie("condition"), fc.boolean()).map(([a, b, isAnd]) => ({
      sql: `(${a.sql}) ${isAnd ? "and" : "or"} (${b.sql})`,
      holds: (row: Row) => {
        const [x, y] = [a.holds(row), b.holds(row)];
        if (x === !isAnd || y === !isAnd) return !isAnd;
        return x === null || y === null ? null : isAnd;
      },
    })),
  ),
}));

test("the samples that satisfy a condition are those that a plain filter of the rows gives", async () => {
  await fc.assert(
    fc.asyncProperty(condition, async ({ sql, holds }) => {
      const bits = await selectRows(place, sql);
      assert.equal(bits.length, Math.ceil(count / 8));
      assert.deepEqual(
        idsOf(bits),
        rows.filter((row) => holds(row) === true).map(({ id }) => id),
      );
    }),
    { numRuns: 60 },
  );
});

test("bits are the same whether they are put together at once or in parts", async () => {
  const where = "(id % 7 < 3 or label = 'run') and score is not null";
  const whole = await selectRows(place, where);
  assert.ok(idsOf(whole).length > 20);
  for (const rowsAtOnce of [8, 64, 200, 208])
    assert.deepEqual(await selectRows(place, where, {}, rowsAtOnce), whole);
});

test("bits go to SQL and back unchanged", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(3), (bits, before) => {
      const back = new Uint8Array(before + bits.length);
      copyBits(toBitBytes(bits), back, before);
      assert.deepEqual([...back], [...new Uint8Array(before), ...bits]);
    }),
  );
});

test("subqueries, comments and excluded samples work in a condition", async () => {
  const ids = async (where: string, options = {}) => idsOf(await selectRows(place, where, options));
  assert.deepEqual(await ids("id = (select max(id) from catalog) -- the last"), [count - 1]);
  assert.deepEqual(await ids("id in (1, 2)\n/* and */ or id = 3"), [1, 2, 3]);
  const excluded = new Uint8Array(Math.ceil(count / 8)).fill(0x03);
  assert.deepEqual(await ids("excluded and id < 20", { excluded }), [0, 1, 8, 9, 16, 17]);
  assert.deepEqual(await ids("false"), []);
  assert.equal((await ids("true")).length, count);
});

test("a text that closes its bracket and goes on is no condition", async () => {
  for (const where of [
    "1=1) union select (1",
    "1=1) union select bitstring_agg(id, 0, 207) from catalog where (true",
    "select true) union all (select true",
    "true) or (true",
    "1=1) -- ",
    "true, true",
    "select true",
  ])
    await refuses(
      () => selectRows(place, where),
      "usage",
      /is no condition\. Write what stands after WHERE|is wrong: /,
    );
  await refuses(
    () => selectRows(place, "true) or (true"),
    "usage",
    "\"true) or (true\" is no condition. Write what stands after WHERE, such as label in ('walk', 'run') and row < 100.",
  );
  await refuses(
    () => selectRows(place, "true; select 1"),
    "usage",
    /^the condition is wrong: syntax error at or near ";"/,
  );
  await refuses(
    () => selectRows(place, "  "),
    "usage",
    "the condition is empty. Write what stands after WHERE, such as label in ('walk', 'run') and row < 100.",
  );
});

test("a wrong condition is worded with its line, and the nearest names of a column that is not there", async () => {
  await refuses(
    () => selectRows(place, "lable = 'walk'"),
    "missing",
    `the catalog of ${folder} has no column "lable". Nearest: label. The columns are id, path, row, label, hash, subject, session, quality, isGood, score, guess, split, excluded.`,
  );
  await refuses(
    () => selectRows(place, "id > 3\nand and"),
    "usage",
    `line 2 of the condition (and and) is wrong: syntax error at or near "and". The one table is catalog; its columns are listed by: spillway query ${folder}.`,
  );
  await refuses(
    () => selectRows(place, "count(*) > 3"),
    "usage",
    /^the condition is wrong: WHERE clause cannot contain aggregates/,
  );
  await refuses(
    () => selectRows(place, "path in (select content from read_text('/etc/passwd'))"),
    "usage",
    "the condition reaches for /etc/passwd, which is no part of the catalog. Nothing but the table catalog can be read.",
  );
});

test("any number of samples has its bits", async () => {
  for (const size of [1, 7, 8, 9, 64, 65]) {
    const at = placeOf(await packed({ count: size }));
    const bits = await selectRows(at, "id % 3 = 0");
    assert.equal(bits.length, Math.ceil(size / 8));
    assert.deepEqual(
      idsOf(bits),
      Array.from({ length: size }, (_, id) => id).filter((id) => id % 3 === 0),
    );
  }
});

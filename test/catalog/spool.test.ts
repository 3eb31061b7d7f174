// Rows as bytes, and piles of them on disk, come back as they were given.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { ColumnValue } from "spillway";
import { decodeRow, RowEncoder } from "#spillway/catalog/row-codec";
import { Spool } from "#spillway/catalog/spool";
import { temporaryFolder } from "../fixtures/packed.js";

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

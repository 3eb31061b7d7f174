// Values of a column in memory come back as they were given.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ValueStore } from "#spillway/source/value-store";

test("what a ValueStore is given comes back", () => {
  const column = fc.oneof(
    fc.record({ type: fc.constant("string" as const), values: fc.array(fc.option(fc.string())) }),
    fc.record({ type: fc.constant("double" as const), values: fc.array(fc.option(fc.double())) }),
    fc.record({ type: fc.constant("boolean" as const), values: fc.array(fc.option(fc.boolean())) }),
    fc.record({
      type: fc.constant("int64" as const),
      values: fc.array(fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), { maxLength: 300 }),
    }),
  );
  fc.assert(
    fc.property(column, ({ type, values }) => {
      const store = new ValueStore(type);
      for (const value of values) store.add(value);
      assert.deepEqual(
        values.map((_, row) => store.get(row)),
        values,
      );
    }),
  );
});

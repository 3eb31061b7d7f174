// What leaving out and letting in tell of what they did, for datasets whose number of samples is no multiple of 8.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { open } from "spillway";
import { packed } from "../fixtures/packed.js";

for (const count of [1, 7, 8, 9, 21]) {
  test(`letting all of ${count} samples in again names each once`, async () => {
    const dataset = await open(await packed({ count }), { memory: "16 MiB" });
    try {
      assert.deepEqual(await dataset.include("all"), { named: count, changed: 0, excluded: 0 });
      if (count === 1) return;
      await dataset.exclude({ ids: [count - 1] });
      assert.deepEqual(await dataset.include("all"), { named: count, changed: 1, excluded: 0 });
      assert.equal(dataset.view().size, count);
    } finally {
      await dataset.close();
    }
  });
}

test("any ids left out and let in again change what a plain set would, and are counted like it", async () => {
  const count = 21;
  const dataset = await open(await packed({ count }), { memory: "16 MiB" });
  const excluded = new Set<number>();
  const ids = fc.uniqueArray(fc.nat(count - 1), { maxLength: 6 });
  const step = fc.record({ way: fc.constantFrom("exclude" as const, "include" as const), ids });
  try {
    await fc.assert(
      fc.asyncProperty(step, async ({ way, ids: named }) => {
        if (excluded.size > 10) {
          const changed = excluded.size;
          excluded.clear();
          assert.deepEqual(await dataset.include("all"), { named: count, changed, excluded: 0 });
        }
        const before = excluded.size;
        for (const id of named) way === "exclude" ? excluded.add(id) : excluded.delete(id);
        const changed = Math.abs(excluded.size - before);
        assert.deepEqual(await dataset[way]({ ids: named }), {
          named: named.length,
          changed,
          excluded: excluded.size,
        });
        assert.equal(dataset.view().size, count - excluded.size);
      }),
      { numRuns: 60 },
    );
  } finally {
    await dataset.close();
  }
});

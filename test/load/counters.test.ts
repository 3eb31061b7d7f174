import assert from "node:assert/strict";
import { test } from "node:test";
import { open, type TensorField } from "spillway";
import { Engine } from "#spillway/load/engine";
import { runLoop } from "#spillway/load/loop";
import { createTable } from "#spillway/load/table";
import { createSchedule } from "#spillway/order/schedule";
import { packed } from "../fixtures/packed.js";

const rows = 10_007;
const path = await packed({ count: rows, length: 2, dtype: "uint8" });
const million = 1_000_000;

/** Ids of a loop whose count starts at `firstCount`, as one array. */
async function idsFrom(firstCount: number, samples: number): Promise<Uint32Array> {
  const dataset = await open(path, { memory: "16 MiB" });
  const engine = new Engine(createTable(path, dataset.manifest), 64 * 2 ** 20);
  const epochs = Math.ceil(samples / rows);
  const schedule = createSchedule({
    n: rows,
    batchSize: 1000,
    rank: 0,
    worldSize: 1,
    last: "keep",
    position: 0,
    epochs,
  });
  const selection = {
    count: rows,
    fingerprint: "0123456789abcdef",
    rows: { kind: "range" as const, start: 0 },
  };
  const ids = new Uint32Array(epochs * rows);
  let at = 0;
  try {
    for await (const batch of runLoop(engine, {
      schedule,
      seed: 1,
      selection,
      commit: 1,
      deliver: "stored",
      readers: 2,
      signal: undefined,
      firstCount,
    })) {
      const { data, shape } = batch.fields.data!;
      assert.deepEqual(shape, [batch.size, ...(dataset.fields.data as TensorField).shape]);
      for (let k = 0; k < batch.size; k += 1) {
        assert.equal(
          Number(batch.fields.label!.data[k]),
          (Number(data[2 * k]) * 100 + Number(data[2 * k + 1])) % 3,
        );
      }
      ids.set(batch.ids, at);
      at += batch.size;
    }
  } finally {
    await engine.close();
    await dataset.close();
  }
  assert.equal(at, ids.length);
  return ids;
}

test("counters pass 2^31 and 2^32 without a sample lost, doubled or out of order", async () => {
  const expected = await idsFrom(0, 2 * million);
  for (const border of [2 ** 31, 2 ** 32]) {
    const ids = await idsFrom(border - million, 2 * million);
    assert.ok(Buffer.from(ids.buffer).equals(Buffer.from(expected.buffer)), `around ${border}`);
  }
  for (let start = 0; start < expected.length; start += rows) {
    assert.equal(new Set(expected.subarray(start, start + rows)).size, rows);
  }
});

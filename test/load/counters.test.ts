import assert from "node:assert/strict";
import { test } from "node:test";
import { runLoop } from "#spillway/load/loop";
import { openEngine, scheduleOf } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";

const rows = 10_007;
const path = await packed({ count: rows, length: 2, dtype: "uint8" });
const million = 1_000_000;
const beyond = 10_000;

/**
 * Ids of the first `samples` samples of a loop that numbers its first batch `firstBatch`. With batches of one sample,
 * runs, batches and samples are the same number, so that every counter passes the border.
 */
async function idsFrom(firstBatch: number, batchSize: number, samples: number): Promise<Uint32Array> {
  const engine = openEngine(path, 64 * 2 ** 20);
  const schedule = scheduleOf(rows, batchSize, Number.POSITIVE_INFINITY);
  const loop = runLoop(engine, {
    schedule,
    seed: 1,
    selection: { count: rows, fingerprint: "0123456789abcdef", rows: { kind: "range", start: 0 } },
    commit: 1,
    deliver: "stored",
    readers: 2,
    signal: undefined,
    firstBatch,
  });
  const ids = new Uint32Array(samples);
  let [at, wrong] = [0, 0];
  try {
    for await (const { size, ids: own, fields } of loop) {
      const [data, labels] = [fields.data!.data, fields.label!.data];
      for (let k = 0; k < size && at < samples; k += 1, at += 1) {
        const number = Number(data[2 * k]) * 100 + Number(data[2 * k + 1]);
        if (Number(labels[k]) !== number % 3) wrong += 1;
        ids[at] = own[k]!;
      }
      if (at === samples) break;
    }
  } finally {
    await engine.close();
  }
  assert.equal(wrong, 0, "values and labels belong together");
  return ids;
}

test("counters pass 2^31 and 2^32 without a sample lost, doubled or out of order", async () => {
  const expected = await idsFrom(0, 1000, million + beyond);
  for (let start = 0; start + rows <= expected.length; start += rows) {
    assert.equal(new Set(expected.subarray(start, start + rows)).size, rows);
  }
  for (const border of [2 ** 31, 2 ** 32]) {
    const ids = await idsFrom(border - million, 1, million + beyond);
    assert.ok(Buffer.from(ids.buffer).equals(Buffer.from(expected.buffer)), `around ${border}`);
  }
});

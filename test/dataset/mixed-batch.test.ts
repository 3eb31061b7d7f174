// The batch of a mix: arrays that are written again and again, and the view that each sample came from.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Batch, type MixedBatch, mix, tensor } from "spillway";
import { MixedArrays, mixedBatchBytes } from "#spillway/dataset/mixed-batch";
import { upTo } from "../fixtures/packed.js";
import { checkMixed, withViews } from "./two-datasets.js";

test("a batch is written again for the next one, a copy stays", async () => {
  await withViews(async (views) => {
    const kept: MixedBatch[] = [];
    const held: Batch[] = [];
    for await (const batch of mix(views, [1, 1]).batches({ batchSize: 16, epochs: 1 })) {
      held.push(batch);
      kept.push(batch.copy());
    }
    kept.forEach(checkMixed);
    assert.equal(new Set(held.map(({ ids }) => ids)).size, 1);
    assert.notDeepEqual(kept[0]!.ids, kept[1]!.ids);
    assert.deepEqual(kept[0]!.copy(), kept[0]);
  });
});

test("origins tell more than 256 views apart", () => {
  const fields = [["x", tensor("uint8", [1])]] as const;
  const quotas = upTo(300).map((k) => 1 + (k % 2));
  const buffer = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const byteLength = mixedBatchBytes(fields, 450, "stored");
  const { origins } = new MixedArrays(fields, quotas, "stored", {
    segment: 0,
    memory: buffer,
    address: 0,
    byteLength,
    release() {},
    undo() {},
  });
  assert.ok(origins instanceof Uint16Array);
  assert.deepEqual(
    [...origins],
    quotas.flatMap((quota, view) => Array<number>(quota).fill(view)),
  );
  assert.equal(byteLength, 3648 + 512);
});

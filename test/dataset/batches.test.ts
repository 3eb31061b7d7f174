// Batches of a dataset: every sample once an epoch, in an order that depends on nothing but the seed, whole and unmixed.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { type Batch, type BatchOptions, open } from "spillway";
import { dtypes } from "#spillway/tensor/dtype";
import { collect, numbersOf, packed, upTo, using } from "../fixtures/packed.js";

const count = 1000;
const path = await packed({ count, shardSize: "7 KiB" });

/** Numbers of all samples that a loop over all of the dataset gives. */
function orderOf(options: BatchOptions, memory = "32 MiB"): Promise<number[]> {
  return using(path, memory, (dataset) => collect(dataset.view().batches(options)));
}

test("an epoch gives every sample exactly once, each with its own values, label and id", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const ids: number[] = [];
    const numbers: number[] = [];
    for await (const batch of dataset.view().batches({ batchSize: 64, seed: 3 })) {
      assert.deepEqual(batch.fields.data!.shape, [batch.size, 6]);
      assert.deepEqual(batch.fields.label!.shape, [batch.size]);
      assert.ok(batch.fields.label!.data instanceof Uint8Array);
      numbers.push(...numbersOf(batch));
      ids.push(...batch.ids);
    }
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      upTo(count),
    );
    assert.deepEqual(
      [...ids].sort((a, b) => a - b),
      upTo(count),
    );
    assert.notDeepEqual(ids, upTo(count));
  });
});

test("epochs differ, seeds differ, and the same seed gives the same order", async () => {
  const order = await orderOf({ batchSize: 50, seed: 5, epochs: 2 });
  assert.equal(order.length, 2 * count);
  assert.notDeepEqual(order.slice(0, count), order.slice(count));
  assert.deepEqual(await orderOf({ batchSize: 50, seed: 5, epochs: 2 }), order);
  assert.notDeepEqual(await orderOf({ batchSize: 50, seed: 6 }), order.slice(0, count));
});

test("the order does not depend on readers, memory or batch size", async () => {
  const order = await orderOf({ batchSize: 64, seed: 9, epochs: 2, readers: 1 });
  for (const [readers, memory, batchSize] of [
    [2, "24 MiB", 64],
    [8, "96 MiB", 64],
    [1, "9 MiB", 7],
    [3, "300 MiB", 333],
  ] as const) {
    assert.deepEqual(
      await orderOf({ batchSize, seed: 9, epochs: 2, readers }, memory),
      order,
      `${readers} readers, ${memory}`,
    );
  }
});

test("the order does not depend on how samples lie on disk in shards", async () => {
  const oneShard = await packed({ count });
  const order = await using(oneShard, "32 MiB", (dataset) =>
    collect(dataset.view({ rows: [100, 900] }).batches({ shuffle: false })),
  );
  assert.deepEqual(
    await using(path, "32 MiB", (dataset) =>
      collect(dataset.view({ rows: [100, 900] }).batches({ shuffle: false })),
    ),
    order,
  );
});

test("shuffle: false is the catalog's order, in each epoch", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const ids: number[] = [];
    for await (const batch of dataset.view().batches({ batchSize: 64, shuffle: false, epochs: 2 }))
      ids.push(...batch.ids);
    assert.deepEqual(ids, [...upTo(count), ...upTo(count)]);
  });
});

test("one, two and three ranks put together give the order of one", async () => {
  const batchSize = 10;
  const single = await orderOf({ batchSize, seed: 4 });
  for (const worldSize of [1, 2, 3]) {
    const ranks = await Promise.all(
      upTo(worldSize).map((rank) => orderOf({ batchSize, seed: 4, rank, worldSize, last: "drop" })),
    );
    const batches = Math.floor(count / (batchSize * worldSize));
    const together = upTo(batches).flatMap((b) =>
      ranks.flatMap((order) => order.slice(b * batchSize, (b + 1) * batchSize)),
    );
    assert.deepEqual(together, single.slice(0, batches * batchSize * worldSize));
  }
});

test("resuming after any batch equals going on", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const view = dataset.view();
    const all: number[][] = [];
    const tokens: string[] = [];
    for await (const batch of view.batches({ batchSize: 90, seed: 2, epochs: 3 })) {
      all.push(numbersOf(batch));
      tokens.push(batch.resume);
    }
    for (let k = 0; k < tokens.length; k += 1) {
      const rest = await collect(view.batches({ batchSize: 90, epochs: 3, resume: tokens[k]! }));
      assert.deepEqual(rest, all.slice(k + 1).flat(), `after batch ${k}`);
    }
  });
});

test("resuming at every k equals skipping k, with another batch size too", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const view = dataset.view({ rows: [0, 60] });
    const all = await collect(view.batches({ batchSize: 60, seed: 2, epochs: 2 }));
    for (let k = 1; k <= 120; k += 1) {
      let token = "";
      for await (const batch of view.batches({ batchSize: k, seed: 2, epochs: 2 })) {
        token = batch.resume;
        break;
      }
      const rest = await collect(view.batches({ batchSize: 7, resume: token, epochs: 2 }));
      assert.deepEqual(rest, all.slice(Math.min(k, 60)), `k = ${k}`);
    }
  });
});

test("a token of another view or dataset is refused, with both sides named", async () => {
  const other = await packed({ count: 600 });
  await using(path, "32 MiB", (dataset) =>
    using(other, "32 MiB", async (second) => {
      const given = dataset.view({ rows: [0, 500] });
      const [first] = await takeBatches(given.batches({ seed: 2 }), 1);
      for (const view of [dataset.view(), dataset.view({ rows: [1, 501] }), second.view({ rows: [0, 500] })])
        assert.throws(() => view.batches({ resume: first!.resume }), {
          code: "mismatch",
          message: `the resume token is of view ${given.fingerprint} at commit 1, this is view ${view.fingerprint} at commit 1. Resume with the same dataset and the same choice of samples, or start anew without the token.`,
        });
    }),
  );
});

async function takeBatches(batches: AsyncIterable<Batch>, most: number) {
  const taken: Batch[] = [];
  for await (const batch of batches) {
    taken.push(batch.copy());
    if (taken.length === most) break;
  }
  return taken;
}

test("splits are disjoint, together all samples, and each loop over one gives just its samples", async () => {
  const dataset = await open(path, { memory: "32 MiB" });
  const { scheme } = await dataset.split({ train: 0.7, val: 0.2, test: 0.1 }, { seed: 1 });
  assert.deepEqual(
    Object.values(scheme.splits).map((split) => split.count),
    [700, 200, 100],
  );
  const parts = [];
  for (const split of ["train", "val", "test"]) {
    const view = dataset.view({ split });
    const numbers = await collect(view.batches({ batchSize: 33, epochs: 2 }));
    assert.equal(numbers.length, 2 * view.size);
    assert.deepEqual(
      numbers.slice(0, view.size).sort((a, b) => a - b),
      numbers.slice(view.size).sort((a, b) => a - b),
    );
    parts.push(...numbers.slice(0, view.size));
  }
  assert.deepEqual(
    parts.sort((a, b) => a - b),
    upTo(count),
  );
  await dataset.close();
});

test("every dtype is delivered as float32, or as stored", async () => {
  for (const dtype of dtypes.filter((name) => name !== "bool" && name !== "float16")) {
    const folder = await packed({ count: 300, dtype });
    await using(folder, "24 MiB", async (dataset) => {
      const asFloat = await collect(dataset.view().batches({ batchSize: 100 }));
      assert.deepEqual(
        asFloat.sort((a, b) => a - b),
        upTo(300),
        dtype,
      );
      for await (const batch of dataset.view().batches({ batchSize: 100, deliver: "stored" })) {
        assert.equal(batch.fields.data!.dtype, dtype);
        numbersOf(batch);
      }
    });
  }
});

test("samples of any size and batches of any size wrap around the ring whole", async () => {
  const sizes = fc.record({
    length: fc.integer({ min: 2, max: 3000 }),
    batchSize: fc.integer({ min: 1, max: 130 }),
    readers: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ length, batchSize, readers }) => {
      const folder = await packed({ count: 257, length, dtype: "uint8" });
      const numbers = await using(folder, "64 MiB", (dataset) =>
        collect(dataset.view().batches({ batchSize, readers, epochs: 3 })),
      );
      for (let epoch = 0; epoch < 3; epoch += 1) {
        assert.deepEqual(
          numbers.slice(epoch * 257, (epoch + 1) * 257).sort((a, b) => a - b),
          upTo(257),
        );
      }
      fs.rmSync(folder, { recursive: true });
    }),
    { numRuns: 15 },
  );
});

test("a copy stays as it was while the ring goes on", async () => {
  await using(path, "24 MiB", async (dataset) => {
    const kept: Batch[] = [];
    const numbers: number[][] = [];
    for await (const batch of dataset.view().batches({ batchSize: 16, seed: 1, epochs: 5 })) {
      numbers.push(numbersOf(batch));
      kept.push(batch.copy());
    }
    assert.deepEqual(kept.map(numbersOf), numbers);
  });
});

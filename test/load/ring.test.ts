import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { type Batch, open, SpillwayError, type View } from "spillway";
import { numbersOf, packed } from "../fixtures/packed.js";

const count = 600;
const path = await packed({ count, shardSize: "4 KiB" });

/** Checks that each epoch of a view gives each of its samples once; `pause` runs after each batch. */
async function requireEachOnce(
  view: View,
  options: { batchSize: number; seed: number; readers: number; epochs: number },
  pause: (batch: Batch) => Promise<void> = async () => {},
): Promise<void> {
  const seen = Array.from({ length: options.epochs }, () => new Set<number>());
  let samples = 0;
  for await (const batch of view.batches(options)) {
    const before = numbersOf(batch);
    samples += batch.size;
    for (const id of batch.ids) seen[batch.epoch]!.add(id);
    await pause(batch);
    assert.deepEqual(numbersOf(batch), before, "a batch stays as it is until the next is asked for");
  }
  assert.equal(samples, view.size * options.epochs);
  for (const ids of seen) assert.equal(ids.size, view.size);
}

test("any batch size, any number of readers, a consumer that dawdles at random: each sample once, batches whole", async () => {
  const dataset = await open(path, { memory: "96 MiB" });
  const run = fc.record({
    batchSize: fc.integer({ min: 1, max: 70 }),
    readers: fc.integer({ min: 1, max: 8 }),
    seed: fc.nat(),
    pauses: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ batchSize, readers, seed, pauses }) => {
      await requireEachOnce(dataset.view(), { batchSize, readers, seed, epochs: 2 }, async (batch) => {
        for (let k = 0; k < pauses[batch.index % pauses.length]!; k += 1) await setImmediate();
      });
    }),
    { numRuns: 40 },
  );
  await dataset.close();
});

// A reader that touches a loop's memory after saying that it has ended would damage the loop that has it next.
test("200 short loops over splits, one after another, leave each other's memory alone", async () => {
  const dataset = await open(path, { memory: "32 MiB" });
  await dataset.split({ train: 0.7, val: 0.2, test: 0.1 });
  for (let round = 0; round < 67; round += 1) {
    for (const split of ["train", "val", "test"]) {
      await requireEachOnce(dataset.view({ split }), { batchSize: 33, seed: round, readers: 2, epochs: 2 });
    }
  }
  await dataset.close();
});

test("loops that run at the same time, begin and break off in turn, get each its own samples", async () => {
  const dataset = await open(path, { memory: "128 MiB" });
  const views = [dataset.view({ rows: [0, 300] }), dataset.view({ rows: [300, 600] }), dataset.view()];
  const breakOff = async (view: View) => {
    for (let k = 0; k < 40; k += 1) {
      for await (const batch of view.batches({ batchSize: 16, readers: 1, seed: k })) {
        numbersOf(batch);
        if (batch.index === k % 5) break;
      }
    }
  };
  await Promise.all([
    requireEachOnce(views[0]!, { batchSize: 7, readers: 2, seed: 1, epochs: 20 }),
    requireEachOnce(views[1]!, { batchSize: 64, readers: 2, seed: 2, epochs: 20 }),
    breakOff(views[2]!),
    breakOff(views[0]!),
  ]);
  const { loops, threads, heldBytes, residentBytes } = await dataset.stats();
  assert.equal(loops, 0);
  assert.equal(heldBytes, residentBytes + threads * 8 * 2 ** 20);
  await dataset.close();
});

test("loops of two open datasets do not meet", async () => {
  const [a, b] = await Promise.all([open(path, { memory: "24 MiB" }), open(path, { memory: "24 MiB" })]);
  await Promise.all(
    [a, b].map((dataset) =>
      requireEachOnce(dataset.view(), { batchSize: 10, readers: 1, seed: 3, epochs: 10 }),
    ),
  );
  await Promise.all([a.close(), b.close()]);
});

test("the smallest memory that works, a ring of two batches, gives each sample once as well", async () => {
  const large = await packed({ count: 300, length: 2000, dtype: "uint8" });
  for (const [readers, batchSize] of [
    [1, 100],
    [3, 150],
    [4, 299],
  ] as const) {
    const options = { batchSize, readers, seed: readers, epochs: 3 };
    const tooLittle = await open(large, { memory: readers * 8 * 2 ** 20 });
    const error = await requireEachOnce(tooLittle.view(), options).catch((thrown: unknown) => thrown);
    await tooLittle.close();
    assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
    const dataset = await open(large, { memory: error.where.neededBytes! });
    await requireEachOnce(dataset.view(), options, () => setImmediate());
    await dataset.close();
  }
});

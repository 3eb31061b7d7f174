// The order of a mix: each batch has its quota of each view, each view its own order, whatever reads it and wherever it
// goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchOptions, type MixedBatchOptions, mix, type View } from "spillway";
import { upTo } from "../fixtures/packed.js";
import { takenFrom, withViews } from "./two-datasets.js";

/** The first samples of a view in its own order, over as many epochs as it takes. */
async function ownOrder(view: View, options: BatchOptions, count: number): Promise<number[]> {
  const endless = view.batches({ ...options, epochs: Number.POSITIVE_INFINITY, batchSize: 50 });
  const ids: number[] = [];
  for await (const batch of endless) {
    ids.push(...batch.ids);
    if (ids.length >= count) break;
  }
  return ids.slice(0, count);
}

test("every batch has its quota of each view, in the view's own order over all of its epochs", async () => {
  await withViews(async (views) => {
    for (const options of [{ seed: 3 }, { shuffle: false }, { seed: 1, balance: "label" }]) {
      const batches = mix(views, [0.7, 0.3]).batches({ ...options, batchSize: 64, epochs: 3 });
      assert.deepEqual(batches.quotas, [45, 19]);
      assert.equal(batches.count, 3 * Math.floor(620 / 64));
      const taken = await takenFrom(batches);
      assert.equal(taken.length, 27);
      for (const [k, view] of views.entries()) {
        const own = taken.flatMap((ids) => ids[k]!);
        assert.deepEqual(own, await ownOrder(view, options, own.length));
      }
    }
  });
});

test("batches of an epoch are numbered, and an epoch is what all samples would fill", async () => {
  await withViews(async (views) => {
    const seen: number[][] = [];
    for await (const { epoch, index, size, wrapped } of mix(views, [1, 1]).batches({
      batchSize: 100,
      epochs: 2,
    })) {
      seen.push([epoch, index, size, wrapped]);
    }
    assert.deepEqual(
      seen,
      upTo(12).map((k) => [Math.floor(k / 6), k % 6, 100, 0]),
    );
    assert.equal(mix(views, [1, 1]).size, 620);
  });
});

test("resuming after any batch equals going on; with another batch size, each view goes on where it was", async () => {
  await withViews(async (views) => {
    const both = mix(views, [2, 1]);
    const all: number[][][] = [];
    const tokens: string[] = [];
    const places: number[][] = [];
    for await (const batch of both.batches({ batchSize: 60, seed: 2, epochs: 3 })) {
      all.push([[...batch.ids.slice(0, 40)], [...batch.ids.slice(40)]]);
      tokens.push(batch.resume);
      places.push([batch.epoch, batch.index]);
    }
    assert.equal(all.length, 30);
    for (let k = 0; k < tokens.length; k += 1) {
      const rest = both.batches({ batchSize: 60, epochs: 3, resume: tokens[k]! });
      assert.equal(rest.count, 29 - k);
      assert.deepEqual(await takenFrom(rest), all.slice(k + 1), `after batch ${k}`);
      for await (const { epoch, index } of both.batches({ batchSize: 60, epochs: 3, resume: tokens[k]! })) {
        assert.deepEqual([epoch, index], places[k + 1]);
        break;
      }
    }
    const finer = await takenFrom(both.batches({ batchSize: 6, epochs: 3, resume: tokens[4]! }), 30);
    for (const view of [0, 1]) {
      const expected = all.slice(5).flatMap((ids) => ids[view]!);
      const given = finer.flatMap((ids) => ids[view]!);
      assert.deepEqual(given, expected.slice(0, given.length));
    }
  });
});

test("one, two and three ranks put together take what one takes", async () => {
  const take = (options: MixedBatchOptions) =>
    withViews((views) =>
      takenFrom(mix(views, [2, 1]).batches({ batchSize: 30, seed: 4, epochs: 2, ...options })),
    );
  const single = await take({});
  for (const worldSize of [2, 3]) {
    const ranks = await Promise.all(upTo(worldSize).map((rank) => take({ rank, worldSize })));
    const perEpoch = Math.floor(620 / (30 * worldSize));
    for (const taken of ranks) assert.equal(taken.length, 2 * perEpoch);
    const together = upTo(2 * perEpoch).flatMap((b) => ranks.map((taken) => taken[b]!));
    assert.deepEqual(together, single.slice(0, together.length));
  }
});

test("the samples do not depend on readers or memory", async () => {
  const take = (readers: number | undefined, given: string) =>
    withViews(
      (views) =>
        takenFrom(mix(views, [2, 1]).batches({ batchSize: 30, seed: 4, ...(readers && { readers }) })),
      given,
    );
  const taken = await take(1, "10 MiB");
  assert.deepEqual(await take(2, "24 MiB"), taken);
  assert.deepEqual(await take(8, "96 MiB"), taken);
  assert.deepEqual(await take(undefined, "33 MiB"), taken);
});

test("any weights and batch sizes give each view's own order", async () => {
  await withViews(async (views) => {
    const part = fc.double({ min: 0.1, max: 1, noNaN: true });
    const options = fc.record({
      batchSize: fc.integer({ min: 12, max: 150 }),
      seed: fc.nat(),
      weights: fc.tuple(part, part),
    });
    await fc.assert(
      fc.asyncProperty(options, async ({ batchSize, seed, weights }) => {
        const taken = await takenFrom(mix(views, weights).batches({ batchSize, seed, readers: 1 }), 8);
        for (const [k, view] of views.entries()) {
          const own = taken.flatMap((ids) => ids[k]!);
          const expected: number[] = [];
          for await (const batch of view.batches({
            seed,
            epochs: 40,
            last: "join",
            batchSize: 64,
            readers: 1,
          })) {
            expected.push(...batch.ids);
            if (expected.length >= own.length) break;
          }
          assert.deepEqual(own, expected.slice(0, own.length));
        }
      }),
      { numRuns: 15 },
    );
  });
});

// Laws of feeds that hold beside their schedules: far counts, large positions, skipping.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { open, type TrainerBatch } from "spillway";
import type { Feed } from "#spillway/feed/feed";
import { numbersOf, packed } from "../fixtures/packed.js";
import { requireAllGivenBack, withFeed } from "./bench-feed.js";

const count = 1009;
const path = await packed({ count, length: 2, dtype: "uint8" });

/** Ids that trainers of several batch sizes get over three epochs. */
async function idsOf(feed: Feed, epochs: number, most = Number.POSITIVE_INFINITY): Promise<number[][]> {
  return Promise.all(
    [1, 7, 64, 1000].map(async (batchSize) => {
      const ids: number[] = [];
      for await (const batch of feed.trainer({ batchSize, epochs })) {
        numbersOf(batch);
        ids.push(...batch.ids);
        if (ids.length >= most) break;
      }
      return ids;
    }),
  );
}

test("counts past 2^31 and 2^32 lose, double and move no sample", async () => {
  let expected: number[][] = [];
  await withFeed(path, {}, async (feed) => {
    expected = await idsOf(feed, 3);
  });
  for (const ids of expected) {
    for (let epoch = 0; epoch < 3; epoch += 1)
      assert.equal(new Set(ids.slice(epoch * count, (epoch + 1) * count)).size, count);
    assert.equal(ids.length, 3 * count);
  }
  for (const border of [2 ** 31, 2 ** 32, 2 ** 37]) {
    // The same epochs: the stream merely counts from elsewhere.
    await withFeed(path, { firstCount: border - 1500 }, async (feed) => {
      assert.deepEqual(await idsOf(feed, 3), expected, `around ${border}`);
    });
  }
});

test("a feed goes on from positions around 2^48 as from any other", async () => {
  const epoch = Math.floor(2 ** 48 / count);
  await withFeed(path, { position: epoch * count + 500 }, async (feed) => {
    const all = await idsOf(feed, epoch + 3);
    for (const ids of all) {
      assert.deepEqual(ids, all[0]);
      assert.equal(ids.length, 3 * count - 500);
      assert.equal(new Set(ids.slice(count - 500, 2 * count - 500)).size, count);
    }
  });
});

test("one that is made to skip gets whole batches of its own loop, in order, and says what it missed", async () => {
  const wide = await packed({ count: 1200, length: 6000 });
  const dataset = await open(wide, { memory: "64 MiB" });
  const view = dataset.view();
  const plans = fc.record({
    seed: fc.nat(),
    batchSize: fc.integer({ min: 1, max: 90 }),
    pauses: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 5 }),
    readers: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ seed, batchSize, pauses, readers }) => {
      const own: string[] = [];
      const shown = ({ epoch, index, ids }: Pick<TrainerBatch, "epoch" | "index" | "ids">) =>
        `${epoch} ${index}: ${ids.join(" ")}`;
      for await (const batch of view.batches({ seed, batchSize, epochs: 2, readers: 1 }))
        own.push(shown(batch));
      const feed = view.feed({ seed, readers });
      const fast = feed.trainer({ batchSize: 64, epochs: 2 });
      const skipping = feed.trainer({ batchSize, epochs: 2, slow: "skip" });
      let [fastSamples, samples, skipped, at, turn] = [0, 0, 0, 0, 0];
      await Promise.all([
        (async () => {
          for await (const batch of fast) fastSamples += numbersOf(batch).length;
        })(),
        (async () => {
          for await (const batch of skipping) {
            const before = numbersOf(batch);
            const found = own.indexOf(shown(batch), at);
            assert.ok(found >= at, "it is one of its own loop, after those before");
            at = found + 1;
            samples += batch.size;
            skipped += batch.skipped;
            turn += 1;
            for (let k = 0; k < pauses[turn % pauses.length]!; k += 1) await setImmediate();
            assert.deepEqual(numbersOf(batch), before, "it is a copy");
          }
        })(),
      ]);
      assert.equal(fastSamples, 2400);
      // Those that are skipped at the very end come before no batch.
      assert.equal(samples + skipping.stats().skipped, 2400);
      assert.ok(skipped <= skipping.stats().skipped);
      await feed.close();
    }),
    { numRuns: 12, endOnFailure: true },
  );
  await requireAllGivenBack(dataset);
  await dataset.close();
});

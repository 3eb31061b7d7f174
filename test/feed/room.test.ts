// Feeds and augmented loops within the memory given: never more is held, in segments however small, with rings of hardly
// two batches; and what does not fit is refused with the numbers that do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { jitter, open, SpillwayError } from "spillway";
import { contentOf, loopOf, openEngine } from "../fixtures/engine.js";
import { collect, packed, upTo } from "../fixtures/packed.js";
import { iterate, requireAllGivenBack, withFeed } from "./bench-feed.js";

const mebi = 2 ** 20;
const count = 600;
const path = await packed({ count, length: 500 });
/** Its batches are made, and stay what they are. */
const nothing = jitter({ sigma: 0 });

test("never is more held than the memory given, with what is pinned, while trainers come and go", async () => {
  const plans = fc.record({
    memory: fc.integer({ min: 20, max: 64 }),
    trainers: fc.array(
      fc.record({
        batchSize: fc.integer({ min: 1, max: 300 }),
        isAugmented: fc.boolean(),
        leavesAfter: fc.integer({ min: 1, max: 40 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(plans, async ({ memory, trainers }) => {
      const dataset = await open(path, { memory: memory * mebi });
      const feed = dataset.view().feed();
      const look = async () => {
        const { heldBytes, peakBytes } = await dataset.stats();
        // The peak is with what is pinned.
        assert.ok(heldBytes <= peakBytes && peakBytes <= memory * mebi, `${heldBytes}, ${peakBytes}`);
      };
      const draw = async ({ batchSize, isAugmented, leavesAfter }: (typeof trainers)[number]) => {
        const augment = isAugmented ? [nothing] : [];
        const trainer = feed.trainer({ batchSize, epochs: 3, augment });
        let taken = 0;
        try {
          for await (const _ of trainer) {
            await look();
            taken += 1;
            if (taken === leavesAfter) break;
          }
        } catch (error) {
          assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
        }
      };
      await Promise.all([
        ...trainers.map(draw),
        collect(dataset.view().batches({ batchSize: 10, readers: 1 })).catch((error) => {
          assert.equal((error as SpillwayError).code, "memory");
        }),
      ]);
      await look();
      await requireAllGivenBack(dataset);
      await dataset.close();
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

test("rings and trainers' own memory may lie in different segments", async () => {
  const parts = { segmentBytes: mebi };
  const engine = openEngine(path, 48 * mebi, parts);
  const expected = await contentOf(loopOf(engine, { readers: 1 }));
  await engine.close();
  const work: Parameters<typeof withFeed>[2] = async (feed, { pool }) => {
    const trainers = [64, 90, 100].map((batchSize) => feed.trainer({ batchSize }));
    const made = feed.trainer({ batchSize: 70, augment: [nothing] });
    const got = await Promise.all([...trainers, made].map(contentOf));
    for (const content of got) assert.deepEqual(content, expected);
    assert.ok(pool.touched > 2 * mebi, "more than one segment was in use");
  };
  await withFeed(path, {}, work, 48 * mebi, parts);
});

test("the least memory that an error names is enough, and a little less is not", async () => {
  const attempt = async (memory: number) => {
    const dataset = await open(path, { memory });
    try {
      const feed = dataset.view().feed({ readers: 1 });
      const trainers = [
        feed.trainer({ batchSize: 600 }),
        feed.trainer({ batchSize: 50, augment: [nothing] }),
      ];
      const all = await Promise.all(trainers.map((trainer) => collect(trainer)));
      for (const numbers of all)
        assert.deepEqual(
          numbers.sort((a, b) => a - b),
          upTo(count),
        );
      return undefined;
    } catch (error) {
      assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
      return error;
    } finally {
      await dataset.close();
    }
  };
  let memory = 10 * mebi;
  let refusals = 0;
  for (let error = await attempt(memory); error; error = await attempt(memory)) {
    const named = Number(error.where.neededBytes);
    assert.ok(named > memory, error.message);
    memory = named;
    refusals += 1;
    assert.ok(refusals <= 3, error.message);
  }
  assert.ok(await attempt(memory - mebi));
});

test("what does not fit is said with its numbers, and nothing is kept", async () => {
  const dataset = await open(path, { memory: "10 MiB" });
  const view = dataset.view();
  const errorOf = async (batches: AsyncIterable<unknown>) => {
    const error = await iterate(batches)
      .next()
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof SpillwayError, String(error));
    return error.message;
  };
  const texts = [
    await errorOf(view.feed({ readers: 1 }).trainer({ name: "large", batchSize: 600 })),
    await errorOf(view.batches({ readers: 1, batchSize: 600, augment: [nothing] })),
  ];
  assert.deepEqual(texts, [
    'memory of 10 MiB is too small: a feed with two batches of 1.15 MiB, 1 reader and their scratch needs 10.6 MiB, 1.17 MiB is in use. Open with memory: "12 MiB", or lower batchSize to 118.',
    'memory of 10 MiB is too small: an augmented loop with two batches of 1.15 MiB, 1 reader and their scratch needs 10.6 MiB, 3.47 MiB is in use. Open with memory: "15 MiB".',
  ]);
  assert.equal((await collect(view.feed({ readers: 1 }).trainer({ batchSize: 118 }))).length, count);
  await requireAllGivenBack(dataset);
  await dataset.close();
});

test("one whose own memory does not fit beside a feed at work is refused, and the others train on", async () => {
  await withFeed(
    path,
    { readers: 1 },
    async (feed) => {
      const first = iterate(feed.trainer({ batchSize: 50, epochs: 4 }));
      await first.next();
      const { ringSlots } = feed.stats();
      const tooMany = feed.trainer({ name: "late", batchSize: ringSlots, late: "now" });
      await assert.rejects(tooMany.joined, (error: SpillwayError) => {
        assert.equal(error.code, "memory");
        assert.equal(
          error.message,
          `late asks for batches of ${ringSlots}, which needs a ring of ${ringSlots + 64} samples, and that of the feed, which is at work, has room for ${ringSlots}. Let it join before the others ask for batches, or say feed({ largestBatch: ${ringSlots} }).`,
        );
        return true;
      });
      const made: Promise<void>[] = [];
      // Each takes three batches of its own, until there is no room for another.
      for (let k = 0; k < 40; k += 1)
        made.push(feed.trainer({ name: `made ${k}`, batchSize: 150, augment: [nothing] }).joined);
      const refused = (await Promise.allSettled(made)).filter(({ status }) => status === "rejected");
      assert.ok(refused.length > 0 && refused.length < 40);
      for (const { reason } of refused as PromiseRejectedResult[])
        assert.match(
          String(reason),
          /^SpillwayError: memory of [\d.]+ MiB is too small: made \d+ with batches of 150 needs [\d.]+ \w+, [\d.]+ MiB is in use\. Open with memory: "[\d.]+ MiB"\.$/,
        );
      await setImmediate();
      await feed.close();
      await assert.rejects(first.next(), /its feed is closed/);
    },
    24 * mebi,
  );
});

// Who is woken when: a trainer never waits for room or samples that are there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { jitter, open } from "spillway";
import { numbersOf, packed } from "../fixtures/packed.js";
import { iterate, requireAllGivenBack, withFeed } from "./bench-feed.js";

const count = 3000;
const path = await packed({ count, length: 40 });

test("room for less than a quarter of the ring is used at once by those who wait for it", async () => {
  await withFeed(path, {}, async (feed) => {
    const slow = iterate(feed.trainer({ batchSize: 8, epochs: Number.POSITIVE_INFINITY, name: "slow" }));
    const fast = iterate(feed.trainer({ batchSize: 8, epochs: Number.POSITIVE_INFINITY, name: "fast" }));
    await slow.next();
    const slots = feed.stats().ringSlots;
    let taken = 0;
    let pending = fast.next().then(() => (taken += 1));
    /** Lets `fast` take what it can get. */
    const takeAll = async () => {
      for (let before = -1; before < taken; ) {
        before = taken;
        await Promise.race([pending, setTimeout(1500)]);
        if (taken > before) pending = fast.next().then(() => (taken += 1));
      }
    };
    // To the end of the ring, which the first batch of `slow` keeps.
    await takeAll();
    assert.ok(taken * 8 > slots - 72 && taken * 8 <= slots, `${taken * 8} of ${slots}`);
    // Enough for a run, much less than a quarter; then `slow` holds its batch for ever.
    const before = taken;
    for (let k = 0; k < 8; k += 1) await slow.next();
    await takeAll();
    assert.ok(taken >= before + 7, `${taken - before} more batches`);
  });
});

test("a trainer that has its batches made is woken by batches, not by every run that is read", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ readers: 1 });
  const augment = [jitter({ sigma: 0 })];
  const made = feed.trainer({ batchSize: 1500, augment, epochs: 1 });
  const wakings = await wakingsOf(async () => {
    for await (const _ of made);
  });
  assert.ok(wakings < 10, `${wakings} wakings for 2 batches of 24 runs each`);
  await dataset.close();
});

/** How often `Atomics.waitAsync` came back while something was done. */
async function wakingsOf(work: () => Promise<void>): Promise<number> {
  const original = Atomics.waitAsync;
  let wakings = 0;
  Atomics.waitAsync = ((...given: Parameters<typeof original>) => {
    const waiting = original(...given);
    if (waiting.async) void waiting.value.then(() => (wakings += 1));
    return waiting;
  }) as typeof original;
  try {
    await work();
  } finally {
    Atomics.waitAsync = original;
  }
  return wakings;
}

test("two trainers in lockstep with different batch sizes stand still, and it is said why, once", async () => {
  await withFeed(path, { patienceMs: 100 }, async (feed) => {
    const a = iterate(feed.trainer({ batchSize: 16, name: "small", epochs: 50 }));
    const b = iterate(feed.trainer({ batchSize: 128, name: "large", epochs: 50 }));
    const warned = once(process, "warning");
    const lockstep = (async () => {
      for (;;) {
        await a.next();
        await b.next();
      }
    })();
    const ended = assert.rejects(lockstep, /its feed is closed/);
    const [warning] = (await warned) as [Error];
    assert.equal(warning.name, "SpillwayWarning");
    assert.match(
      warning.message,
      /^large has waited [\d.]+ s for small, which has held its batch for [\d.]+ s: the feed's ring is full until it goes on\. Draw from each trainer in an async function or worker thread of its own; let small leave when it is done, or make it slow: "skip"\.$/,
    );
    await feed.close();
    await ended;
  });
});

test("a trainer that has never asked is named, and one that trains for long with room left is not", async () => {
  await withFeed(path, { patienceMs: 100 }, async (feed) => {
    const warnings: Error[] = [];
    process.on("warning", (warning) => warnings.push(warning));
    const alone = iterate(feed.trainer({ batchSize: 16, name: "alone", epochs: 50 }));
    await alone.next();
    await setTimeout(400);
    assert.deepEqual(warnings, []);
    feed.trainer({ batchSize: 16, name: "silent", late: "now" });
    const warned = once(process, "warning");
    const drawing = (async () => {
      while (!(await alone.next()).done);
    })();
    const ended = assert.rejects(drawing, /its feed is closed/);
    const [warning] = (await warned) as [Error];
    assert.match(warning.message, /^alone has waited .* for silent, which has not asked for a batch in /);
    process.removeAllListeners("warning");
    await feed.close();
    await ended;
  });
});

test("skipping goes far enough that a fast feed does not overtake the next batch at once", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ readers: 2 });
  const fast = feed.trainer({ batchSize: 500, epochs: 40 });
  const slow = feed.trainer({ batchSize: 500, epochs: 40, slow: "skip", last: "join" });
  let [batches, skipped] = [0, 0];
  await Promise.all([
    (async () => {
      for await (const _ of fast);
    })(),
    (async () => {
      for await (const batch of slow) {
        numbersOf(batch);
        batches += 1;
        skipped += batch.skipped;
        await setTimeout(2);
      }
    })(),
  ]);
  assert.ok(batches > 2, `${batches} batches, ${skipped} samples skipped`);
  await requireAllGivenBack(dataset);
  await dataset.close();
});

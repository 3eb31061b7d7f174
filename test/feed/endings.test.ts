// How trainers end, and feeds: whatever happens, nobody hangs, and everything is given back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { jitter, open, type Trainer, type View } from "spillway";
import { collect, numbersOf, packed, upTo } from "../fixtures/packed.js";
import { iterate, requireAllGivenBack, withFeed } from "./bench-feed.js";

const count = 500;
const path = await packed({ count });

/** Works with a view, and looks whether everything was given back. */
async function withView(work: (view: View) => Promise<void>): Promise<void> {
  const dataset = await open(path, { memory: "64 MiB" });
  await work(dataset.view());
  await requireAllGivenBack(dataset);
  await dataset.close();
}

const allOf = async (trainer: Trainer) => (await collect(trainer)).sort((a, b) => a - b);

test("a trainer that is told to leave while it waits for its batch ends, and the others go on", async () => {
  await withView(async (view) => {
    const feed = view.feed({ readers: 1 });
    const holder = iterate(feed.trainer({ batchSize: 10, epochs: Number.POSITIVE_INFINITY }));
    const waiting = feed.trainer({ batchSize: 10, epochs: Number.POSITIVE_INFINITY });
    await holder.next();
    let got = 0;
    const drawing = (async () => {
      for await (const { size } of waiting) got += size;
    })();
    // It comes to the ring's end, which the first batch of the other one keeps.
    while (waiting.stats().nowWaitingMs < 100) await new Promise((resolve) => setTimeout(resolve, 20));
    await waiting.leave();
    await drawing;
    assert.ok(got > 0);
    assert.equal((await holder.next()).done, false);
    await holder.return?.();
  });
});

test("the stats of a trainer that has left stay, also of two with one name", async () => {
  await withView(async (view) => {
    const feed = view.feed();
    const [a, b] = [feed.trainer({ name: "x", batchSize: 50 }), feed.trainer({ name: "x", batchSize: 100 })];
    assert.deepEqual(await Promise.all([allOf(a), allOf(b)]), [upTo(count), upTo(count)]);
    assert.deepEqual([a.stats().batches, b.stats().batches], [10, 5]);
    const { past, readers, elapsedMs } = feed.stats();
    assert.equal(past.length, 2);
    assert.ok(readers && readers.samples >= count && elapsedMs > 0, "the readers' last numbers stay too");
  });
});

test("a trainer that left before it asked says so, one whose feed is closed too", async () => {
  await withView(async (view) => {
    const feed = view.feed();
    const early = feed.trainer({ name: "early" });
    await early.leave();
    await assert.rejects(
      iterate(early).next(),
      /^SpillwayError: early has left its feed\. Call feed\.trainer\(\)/,
    );
    const open = iterate(feed.trainer());
    await open.next();
    await feed.close();
    await assert.rejects(
      open.next(),
      /^SpillwayError: the trainer was ended: its feed is closed\. Close the feed/,
    );
    assert.throws(() => feed.trainer(), /its feed is closed/);
  });
});

test("a dataset that is closed while a feed is being closed waits for it", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed();
  const trainer = iterate(feed.trainer({ epochs: 100 }));
  await trainer.next();
  const order: string[] = [];
  const closing = feed.close().then(() => order.push("feed"));
  await dataset.close().then(() => order.push("dataset"));
  await closing;
  assert.deepEqual(order, ["feed", "dataset"]);
  await assert.rejects(trainer.next(), /its dataset is closed|its feed is closed/);
});

test("a signal ends a trainer, whether it waits, trains, was never asked, or is asked later", async () => {
  await withView(async (view) => {
    const feed = view.feed();
    const reason = new Error("enough");
    const controller = new AbortController();
    const { signal } = controller;
    const never = feed.trainer({ signal, batchSize: 7 });
    const later = feed.trainer({ signal, batchSize: 8 });
    const training = iterate(feed.trainer({ signal, batchSize: 9 }));
    const other = feed.trainer({ batchSize: 10, epochs: 30 });
    await training.next();
    const drawn = collect(other);
    controller.abort(reason);
    await assert.rejects(training.next(), reason);
    await assert.rejects(iterate(later).next(), reason);
    assert.equal((await drawn).length, 30 * count);
    assert.equal(never.stats().batches, 0);
    await feed.close();
  });
});

test("a trainer that is asked twice at once gets two batches, one after the other", async () => {
  await withView(async (view) => {
    const trainer = iterate(view.feed().trainer({ batchSize: 10, augment: [jitter()] }));
    const [a, b] = await Promise.all([trainer.next(), trainer.next()]);
    assert.ok(!a.done && !b.done && a.value.index === 0 && b.value.index === 1);
    await trainer.return?.();
  });
});

test("more trainers than a feed has places for are refused, and the others draw", async () => {
  await withView(async (view) => {
    const feed = view.feed({ readers: 1 });
    const trainers = Array.from({ length: 64 }, () => feed.trainer({ batchSize: 100 }));
    const more = feed.trainer({ name: "another" });
    await assert.rejects(
      more.joined,
      /another is one too many: a feed has at most 64 trainers\. Make a second feed/,
    );
    for (const all of await Promise.all(trainers.map(allOf))) assert.deepEqual(all, upTo(count));
  });
});

test("a feed whose threads do not fit says so when it is joined, and lets others join when they do", async () => {
  await withFeed(
    path,
    {},
    async (feed, engine) => {
      // Somebody else's threads, until they have ended.
      let taken = 0;
      while (engine.pool.takeThread()) taken += 1;
      const a = feed.trainer({ batchSize: 10 });
      await assert.rejects(a.joined, { code: "memory" });
      await assert.rejects(iterate(a).next(), { code: "memory" });
      for (; taken > 0; taken -= 1) engine.pool.returnThread();
      assert.deepEqual(await allOf(feed.trainer({ batchSize: 20 })), upTo(count));
    },
    40 * 2 ** 20,
  );
});

test("a resumed feed refuses to fill a batch up from an epoch's start that it does not read", async () => {
  await withView(async (view) => {
    const loop = iterate(view.batches({ batchSize: 70, last: "wrap" }));
    const first = await loop.next();
    assert.ok(!first.done);
    const { resume } = first.value;
    await loop.return?.();
    const feed = view.feed({ resume });
    assert.throws(
      () => feed.trainer({ batchSize: 70, last: "wrap" }),
      /trainer 1 fills the last batch up from the epoch's start, which this feed does not read: it goes on in the middle of an epoch, with 430 samples left of it\. Use last: "keep", "drop" or "join", or a batchSize that divides 430; not 70\./,
    );
    // One that needs no filling up in what is left gets the same as a loop.
    const trainer = feed.trainer({ batchSize: 86, last: "wrap", epochs: 2 });
    const own = view.batches({ resume, batchSize: 86, last: "wrap", epochs: 2 });
    assert.deepEqual(await collect(trainer), await collect(own));
    await feed.close();
  });
});

test("debug: true names who writes into what is shared, and fills batches with NaN when they are given back", async () => {
  await withView(async (view) => {
    const feed = view.feed({ debug: true });
    const writer = iterate(feed.trainer({ name: "writer" }));
    // Of one batch: nothing comes after it that would be written over it.
    const made = iterate(feed.trainer({ batchSize: count, augment: [jitter({ sigma: 0 })] }));
    const skipping = iterate(feed.trainer({ batchSize: count, slow: "skip" }));
    for (const each of [made, skipping]) {
      const batch = await each.next();
      assert.ok(!batch.done);
      numbersOf(batch.value);
      assert.ok((await each.next()).done);
      assert.ok((batch.value.fields.data!.data as Float32Array).every(Number.isNaN));
    }
    const batch = await writer.next();
    assert.ok(!batch.done);
    batch.value.fields.data!.data[3] = 7;
    await assert.rejects(
      writer.next(),
      /writer has written into field "data" of batch 0 of epoch 0, which it shares with the other trainers of its feed\. Work on batch\.copy\(\)/,
    );
  });
});

test("a feed that nobody asked for a batch has no threads, and keeps no room for any", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ readers: 3 });
  const early = feed.trainer({ batchSize: 10 });
  await early.joined;
  assert.equal((await dataset.stats()).threads, 3);
  await feed.trainer({ batchSize: 20 }).joined;
  assert.equal((await dataset.stats()).threads, 3);
  await feed.close();
  assert.equal((await dataset.stats()).threads, 0);
  await requireAllGivenBack(dataset);
  await dataset.close();
});

// What a feed says of itself: counted, not believed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { custom, open } from "spillway";
import { bottleneckOf } from "#spillway/load/bottleneck";
import { collect, packed } from "../fixtures/packed.js";

const count = 700;
const path = await packed({ count, length: 50 });

/** Samples that the readers have read for feeds of so many trainers, over two epochs. */
async function samplesRead(trainers: number): Promise<number> {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ readers: 2 });
  const all = Array.from({ length: trainers }, (_, k) => feed.trainer({ batchSize: 10 + 13 * k, epochs: 2 }));
  await Promise.all(all.map((trainer) => collect(trainer)));
  const { readers } = feed.stats();
  await dataset.close();
  return readers!.samples;
}

test("four trainers have as many samples read as one", async () => {
  const one = await samplesRead(1);
  // To the end of the last run, which the next epoch begins.
  assert.ok(one >= 2 * count && one < 2 * count + 64, `${one}`);
  assert.equal(await samplesRead(4), one);
});

test("a slow trainer is found to be what the others wait for", async () => {
  const dataset = await open(path, { memory: "24 MiB" });
  const feed = dataset.view().feed({ readers: 1, largestBatch: 64 });
  const slow = feed.trainer({ batchSize: 350, epochs: Number.POSITIVE_INFINITY, name: "slow" });
  const bottlenecks: string[] = [];
  let batches = 0;
  for await (const _ of slow) {
    await setTimeout(30);
    batches += 1;
    if (batches < 10) continue;
    const { bottleneck, trainers } = feed.stats();
    bottlenecks.push(bottleneck);
    assert.ok(trainers[0]!.busyMs > 8 * 29, "time with its batches is busy");
    assert.ok(trainers[0]!.nowBusyMs >= 25, "that of the batch in hand too");
    break;
  }
  assert.match(bottlenecks[0]!, /^training waits [\d.]+ % of the time/);
  await dataset.close();
});

test("time that augmentation burns is the readers' making, and the bottleneck", async () => {
  const burn = "export default () => { const end = performance.now() + 1; while (performance.now() < end); }";
  const module = `data:text/javascript,${encodeURIComponent(burn)}`;
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ readers: 1 });
  let seen = "";
  for await (const batch of feed.trainer({ batchSize: 50, augment: [custom({ module })] })) {
    if (batch.index < 8) continue;
    const { readers, bottleneck } = feed.stats();
    assert.ok(readers!.makingMs >= 350, `${readers!.makingMs} ms`);
    assert.ok(readers!.makingMs > readers!.readingMs);
    const [cost] = feed.stats().trainers[0]!.augmentation;
    assert.deepEqual([cost!.name, cost!.field], ["custom", "data"]);
    assert.ok(cost!.samples >= 350 && cost!.samples <= readers!.made + 64, `${cost!.samples} samples`);
    assert.ok(cost!.nanosecondsPerSample >= 0.99e6, `${cost!.nanosecondsPerSample} ns`);
    seen = bottleneck;
    break;
  }
  const busy = /^training waits \d+ % of the time for augmentation: 1 reader is busy \d+ % of it$/;
  assert.match(seen, busy);
  const { bottleneck, trainers, past } = feed.stats();
  assert.deepEqual([trainers.length, past.length], [0, 1]);
  assert.match(bottleneck, busy, "also when all have left");
  await dataset.close();
});

test("a read that takes long is named before everything else", () => {
  const readers = {
    readers: 2,
    started: 2,
    presentMs: 80_000,
    lanes: 1,
    readingMs: 10,
    makingMs: 0,
    waitingMs: 0,
    restingMs: 0,
    samples: 5,
    made: 0,
    hits: 0,
    diskBytes: 0,
    nowReadingMs: 31_200,
  };
  assert.equal(
    bottleneckOf({ trainers: [], readers, elapsedMs: 40_000 }),
    "the disk: a reader has been reading for 31 s",
  );
});

test("time in which readers rested is not time in which they could do more", () => {
  const readers = {
    readers: 4,
    started: 4,
    presentMs: 4000,
    lanes: 1,
    readingMs: 500,
    makingMs: 0,
    waitingMs: 1500,
    restingMs: 2000,
    samples: 5000,
    made: 0,
    hits: 5000,
    diskBytes: 0,
    nowReadingMs: 0,
  };
  const trainers = [{ name: "a", waitingShare: 0.01 }];
  assert.equal(
    bottleneckOf({ trainers, readers, elapsedMs: 1000 }),
    "training waits 1.0 % of the time; the readers could feed 4 such models",
  );
});

test("readers that have not started, and the time before one did, are not what readers could do", () => {
  const readers = {
    readers: 16,
    started: 3,
    presentMs: 2500,
    lanes: 1,
    readingMs: 2000,
    makingMs: 0,
    waitingMs: 500,
    restingMs: 0,
    samples: 5000,
    made: 0,
    hits: 0,
    diskBytes: 0,
    nowReadingMs: 0,
  };
  const sentence = (waitingShare: number) =>
    bottleneckOf({ trainers: [{ name: "a", waitingShare }], readers, elapsedMs: 1000 });
  assert.equal(sentence(0.01), "training waits 1.0 % of the time; the readers could feed 1 such model");
  assert.equal(sentence(0.3), "training waits 30 % of the time for reading: 3 readers are busy 80 % of it");
});

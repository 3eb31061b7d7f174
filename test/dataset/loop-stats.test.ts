// What a loop says of itself: counted and timed, not believed. Times are compared with what was slept or burnt at least.

import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Batches, custom, jitter, type LoopStats, mix, open, scaling } from "spillway";
import { collect, packed, using } from "../fixtures/packed.js";

const count = 700;
const path = await packed({ count, length: 50 });

/** A transform that takes at least a millisecond for each sample. */
const burning = custom({
  module: `data:text/javascript,${encodeURIComponent(
    "export default () => { const end = performance.now() + 1; while (performance.now() < end); }",
  )}`,
});

/** Takes all of them. */
async function exhaust(batches: Batches): Promise<void> {
  for await (const _ of batches);
}

/** Stats while a batch is in the hands of a consumer that takes 20 ms for each, after so many of them. */
async function whileSlow(batches: Batches, after: number): Promise<LoopStats> {
  let seen: LoopStats | undefined;
  for await (const _ of batches) {
    await setTimeout(20);
    if (batches.stats().batches === after) {
      seen = batches.stats();
      break;
    }
  }
  return seen!;
}

test("stats are there before, while and after a loop runs", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const batches = dataset.view().batches({ batchSize: 64, readers: 2, epochs: 2 });
  const before = batches.stats();
  assert.equal(before.readers, undefined);
  assert.deepEqual([before.batches, before.samples, before.ahead, before.batchSize], [0, 0, 0, 64]);
  assert.equal(before.bottleneck, "nothing was read yet");
  await collect(batches);
  const after = batches.stats();
  assert.deepEqual([after.batches, after.samples, after.ahead], [batches.count, 2 * count, 0]);
  const { readers } = after;
  assert.deepEqual([readers!.samples, readers!.readers, readers!.nowReadingMs], [2 * count, 2, 0]);
  assert.deepEqual(after.augmentation, []);
  await dataset.close();
  assert.deepEqual(batches.stats(), after);
});

test("readers that were not needed have not started, and count for nothing", async () => {
  await using(path, "128 MiB", async (dataset) => {
    const most = availableParallelism() + 4;
    const batches = dataset.view().batches({ batchSize: 50, readers: most });
    let seen: LoopStats | undefined;
    for await (const _ of batches) seen ??= batches.stats();
    const { readers } = batches.stats();
    assert.equal(readers!.readers, most);
    assert.equal(readers!.started, (await dataset.stats()).threads, "threads of those that started are kept");
    assert.ok(seen!.readers!.started <= readers!.started && readers!.started >= 1);
    assert.ok(seen!.readers!.presentMs <= readers!.presentMs);
  });
});

test("a slow consumer is busy, waits little, and has batches ahead", async () => {
  for (const augment of [[], [jitter({ sigma: 0.1 })]]) {
    await using(path, "64 MiB", async (dataset) => {
      const batches = dataset.view().batches({ batchSize: 50, readers: 1, augment });
      const seen = await whileSlow(batches, 8);
      assert.ok(seen.busyMs >= 7 * 19, `${seen.busyMs} ms with the batches before`);
      assert.ok(seen.nowBusyMs >= 19 && seen.nowWaitingMs === 0, `${seen.nowBusyMs} ms with this one`);
      assert.ok(seen.ahead >= 50, `${seen.ahead} samples ahead`);
      assert.ok(seen.ahead + seen.samples <= seen.readers!.samples);
      assert.ok(seen.elapsedMs >= seen.busyMs + seen.nowBusyMs);
      assert.match(seen.bottleneck, /^training waits [\d.]+ % of the time/);
      const after = batches.stats();
      assert.ok(after.busyMs >= 8 * 19, "the time with the last batch counts too");
      assert.deepEqual([after.batches, after.nowBusyMs], [8, 0]);
    });
  }
});

test("a loop waits for an augmentation that burns time, and says so", async () => {
  await using(path, "64 MiB", async (dataset) => {
    const augment = [scaling({ sigma: 0.1 }), burning];
    const batches = dataset.view().batches({ batchSize: 50, readers: 1, augment });
    await exhaust(batches);
    const { augmentation, bottleneck, readers, samples, waitingMs, waitingShare } = batches.stats();
    assert.equal(samples, count);
    assert.ok(readers!.makingMs >= count, `${readers!.makingMs} ms`);
    assert.ok(waitingMs >= count / 2 && waitingShare > 0.5, `${waitingMs} ms, ${waitingShare}`);
    assert.match(bottleneck, /^training waits \d+ % of the time for augmentation: 1 reader is busy/);
    const [quick, slow] = augmentation;
    assert.deepEqual(
      augmentation.map(({ name, field, samples }) => [name, field, samples]),
      [
        ["scaling", "data", count],
        ["custom", "data", count],
      ],
    );
    assert.ok(slow!.nanosecondsPerSample >= 0.99e6, `${slow!.nanosecondsPerSample} ns`);
    assert.ok(quick!.nanosecondsPerSample < slow!.nanosecondsPerSample / 4);
    assert.ok(Math.abs(slow!.nanoseconds / count - slow!.nanosecondsPerSample) < 1);
  });
});

test("costs are those of all readers, and of this loop alone", async () => {
  await using(path, "64 MiB", async (dataset) => {
    for (const readers of [3, 1, 2]) {
      const batches = dataset.view().batches({ batchSize: 7, readers, augment: [jitter({ sigma: 0.1 })] });
      await exhaust(batches);
      const [cost] = batches.stats().augmentation;
      assert.equal(cost!.samples, count, `${readers} readers`);
      assert.ok(cost!.nanosecondsPerSample > 0 && cost!.nanosecondsPerSample < 1e6);
    }
  });
});

test("hits and bytes are those of the loop", async () => {
  await using(path, "64 MiB", async (dataset) => {
    const view = dataset.view();
    const first = view.batches({ batchSize: 64, readers: 2 });
    await collect(first);
    const second = view.batches({ batchSize: 64, readers: 2 });
    await collect(second);
    const read = first.stats().readers!;
    assert.ok(read.diskBytes >= count * 50 * 4, `${read.diskBytes} bytes`);
    const { filledRows } = (await dataset.stats()).reading;
    assert.equal(filledRows, count);
    assert.deepEqual([second.stats().readers!.hits, second.stats().readers!.diskBytes], [count, 0]);
  });
});

test("a loop that ends by a closed dataset keeps what was known", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const batches = dataset.view().batches({ batchSize: 10, readers: 2 });
  await assert.rejects(async () => {
    for await (const { index } of batches) if (index === 3) await dataset.close();
  }, /the loop was ended: its dataset is closed/);
  assert.deepEqual([batches.stats().batches, batches.stats().samples], [4, 40]);
  assert.ok(batches.stats().readers!.samples >= 40);
});

test("a mix says what its views say, together", async () => {
  await using(path, "64 MiB", async (dataset) => {
    const views = [dataset.view({ rows: [0, 300] }), dataset.view({ rows: [300, 700] })];
    const both = mix(views, [1, 3]).batches({ batchSize: 40, augment: [burning], readers: 1 });
    assert.equal(both.stats().bottleneck, "nothing was read yet");
    for await (const { index } of both) if (index === 4) break;
    const { augmentation, batches, bottleneck, readers, samples, views: parts } = both.stats();
    assert.deepEqual([batches, samples, readers!.readers], [5, 200, 2]);
    assert.deepEqual(
      parts.map((part) => part.samples),
      [50, 150],
    );
    assert.equal(
      readers!.samples,
      parts.reduce((sum, part) => sum + part.readers!.samples, 0),
    );
    assert.ok(augmentation[0]!.samples >= 200 && augmentation[0]!.nanosecondsPerSample >= 0.99e6);
    assert.match(bottleneck, /^training waits \d+ % of the time for augmentation: 2 readers are busy/);
  });
});

// Loops with augmentation: batches as a feed's trainer with the same transforms gets them, for any ranks and ways to end
// an epoch, in mixes too, and whatever the readers and the memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { custom, jitter, type Last, mix, mixup, open, scaling } from "spillway";
import { withViews } from "../dataset/two-datasets.js";
import { type Taken, takenFrom } from "../fixtures/batches.js";
import { packed, using } from "../fixtures/packed.js";
import { augmentedSamples, faults } from "./augmented.js";
import { requireAllGivenBack } from "./bench-feed.js";

const count = 300;
const path = await packed({ count, shardSize: "2 KiB" });
const augment = [scaling({ sigma: 0.2 }), jitter({ sigma: 0.5 })];

const options = fc.record({
  batchSize: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 64, 100, 300)),
  epochs: fc.integer({ min: 1, max: 3 }),
  last: fc.constantFrom<Last>("keep", "drop", "wrap", "join"),
  seed: fc.nat(),
  augmentSeed: fc.nat(),
});

test("an augmented loop gives the batches of a trainer with the same transforms", async () => {
  const dataset = await open(path, { memory: "96 MiB" });
  const view = dataset.view();
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async ({ seed, ...others }, readers, isMixed) => {
        const own = { ...others, augment: isMixed ? [...augment, mixup({ alpha: 0.4 })] : augment };
        const looped = await takenFrom(view.batches({ ...own, seed, readers }));
        const feed = view.feed({ seed, readers: 2 });
        assert.deepEqual(await takenFrom(feed.trainer(own)), looped);
      },
    ),
    { numRuns: 30, endOnFailure: true },
  );
  await requireAllGivenBack(dataset);
  await dataset.close();
});

test("the batches depend neither on the readers nor on the memory", async () => {
  const loop = { batchSize: 40, epochs: 2, seed: 7, augment, last: "wrap" } as const;
  let expected: Taken[] | undefined;
  for (const memory of ["24 MiB", "48 MiB", "128 MiB"]) {
    for (const readers of [1, 2, 3, 4]) {
      if (memory === "24 MiB" && readers > 2) continue;
      const taken = await using(path, memory, (dataset) =>
        takenFrom(dataset.view().batches({ ...loop, readers })),
      );
      expected ??= taken;
      assert.deepEqual(taken, expected, `${memory}, ${readers} readers`);
    }
  }
});

test("each rank gets its part of the same epoch, augmented by (epoch, sample)", async () => {
  const dataset = await open(path, { memory: "96 MiB" });
  const view = dataset.view();
  for (const last of ["drop", "wrap"] as const) {
    for (const worldSize of [2, 3]) {
      for (let rank = 0; rank < worldSize; rank += 1) {
        const loop = { batchSize: 32, epochs: 2, seed: 5, rank, worldSize, last };
        const got: number[][] = [];
        for await (const batch of view.batches({ ...loop, augment, augmentSeed: 9, readers: 2 })) {
          const data = batch.fields.data!.data as Float32Array;
          batch.ids.forEach((id, k) => {
            got.push([batch.epoch, id, ...data.subarray(k * 6, k * 6 + 6)]);
          });
        }
        assert.ok(got.length > 0);
        assert.deepEqual(
          got,
          await augmentedSamples(view, loop, augment, 9),
          `${last}, rank ${rank} of ${worldSize}`,
        );
      }
    }
  }
  await requireAllGivenBack(dataset);
  await dataset.close();
});

test("a mix of augmented views has the samples of the plain mix, each augmented as in its own view", async () => {
  await withViews(async (views) => {
    const loop = { batchSize: 32, epochs: 2, seed: 4 };
    const plain = await takenFrom(mix(views, [0.7, 0.3]).batches(loop));
    const ways = [1, 2, 4].map((readers) => ({ ...loop, readers, augment }));
    const [first, ...others] = await Promise.all(
      ways.map(async (way) => ({
        way,
        taken: await takenFrom(mix(views, [0.7, 0.3]).batches(way)),
      })),
    );
    const bare = ({ ids, resume }: Taken) => ({ ids, resume });
    assert.deepEqual(first!.taken.map(bare), plain.map(bare));
    assert.notDeepEqual(first!.taken, plain);
    for (const { way, taken } of others) assert.deepEqual(taken, first!.taken, `${way.readers} readers`);
    const faint = await takenFrom(
      mix(views, [0.7, 0.3]).batches({ ...loop, augment: [scaling({ sigma: 0 })] }),
    );
    assert.deepEqual(faint, plain, "scaling by 1 changes nothing");
  }, "128 MiB");
});

test("an augmented loop goes on from a token, of its own or of a plain loop", async () => {
  await using(path, "64 MiB", async (dataset) => {
    const view = dataset.view();
    const loop = { batchSize: 32, epochs: 3, last: "join", augment } as const;
    const all = await takenFrom(view.batches({ ...loop, seed: 3 }));
    const { augment: _, ...bare } = loop;
    const plain = await takenFrom(view.batches({ ...bare, seed: 3 }));
    for (const after of [1, 9, 10, 20]) {
      assert.equal(plain[after - 1]!.resume, all[after - 1]!.resume);
      const { resume } = all[after - 1]!;
      assert.deepEqual(await takenFrom(view.batches({ ...loop, resume })), all.slice(after));
    }
  });
});

for (const [what, module, message] of faults) {
  test(`a function that ${what} ends its loop with an error that says so, and another loop goes on`, async () => {
    await using(path, "64 MiB", async (dataset) => {
      const view = dataset.view();
      const other = takenFrom(view.batches({ epochs: 3, augment, readers: 1 }));
      await assert.rejects(
        takenFrom(view.batches({ epochs: 3, augment: [custom({ module })], readers: 2 })),
        (error: Error) => message.test(error.message) || assert.fail(error.message),
      );
      assert.equal((await other).length, 3 * Math.ceil(count / 32));
      await requireAllGivenBack(dataset);
    });
  });
}

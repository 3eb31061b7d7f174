// Augmentation of a trainer: what comes out depends on (seed, epoch, sample) alone, and what goes wrong in it ends that
// trainer and no other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Augmentation, custom, jitter, mixup, open, scaling } from "spillway";
import { collect, packed, upTo } from "../fixtures/packed.js";
import { augmentedSamples, faults } from "./augmented.js";
import { requireAllGivenBack } from "./bench-feed.js";

const count = 300;
const length = 6;
const path = await packed({ count, length });

/** The values of each sample by epoch and id, augmented by themselves. */
async function augmentedAlone(list: readonly Augmentation[], epochs: number, seed: number) {
  const dataset = await open(path, { memory: "32 MiB" });
  const values = new Map<string, number[]>();
  for (const [epoch, id, ...sample] of await augmentedSamples(
    dataset.view(),
    { epochs, seed: 3 },
    list,
    seed,
  ))
    values.set(`${epoch} ${id}`, sample);
  await dataset.close();
  return values;
}

test("a trainer's samples are those of the plain loop, augmented, whatever the readers and batch sizes", async () => {
  const augment = [scaling({ sigma: 0.2 }), jitter({ sigma: 0.5 })];
  const expected = await augmentedAlone(augment, 3, 11);
  for (const readers of [1, 3]) {
    const dataset = await open(path, { memory: "64 MiB" });
    const feed = dataset.view().feed({ seed: 3, readers });
    const trainers = [1, 17, 300].map((batchSize) =>
      feed.trainer({ batchSize, epochs: 3, augment, augmentSeed: 11 }),
    );
    await Promise.all(
      trainers.map(async (trainer) => {
        let seen = 0;
        for await (const { ids, epoch, fields } of trainer) {
          const data = fields.data!.data as Float32Array;
          ids.forEach((id, k) => {
            assert.deepEqual(
              [...data.subarray(k * length, (k + 1) * length)],
              expected.get(`${epoch} ${id}`),
            );
          });
          seen += ids.length;
        }
        assert.equal(seen, 3 * count);
      }),
    );
    await requireAllGivenBack(dataset);
    await dataset.close();
  }
});

test("mixed batches say of each sample its weight and its partner, and hold that blend", async () => {
  const expected = await augmentedAlone([jitter({ sigma: 0.5 })], 2, 3);
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed({ seed: 3, readers: 2 });
  for await (const batch of feed.trainer({
    batchSize: 64,
    epochs: 2,
    augment: [jitter({ sigma: 0.5 }), mixup({ alpha: 1 })],
  })) {
    const { ids, epoch, fields, mixed, size } = batch;
    const data = fields.data!.data as Float32Array;
    for (let k = 0; k < size; k += 1) {
      const weight = mixed!.weights[k]!;
      assert.ok(weight >= 0 && weight <= 1);
      const own = expected.get(`${epoch} ${ids[k]!}`)!;
      const other = expected.get(`${epoch} ${ids[mixed!.partners[k]!]!}`)!;
      for (let j = 0; j < length; j += 1) {
        const blend = weight * own[j]! + (1 - weight) * other[j]!;
        assert.ok(Math.abs(data[k * length + j]! - blend) < 1e-4 * (1 + Math.abs(blend)));
      }
    }
  }
  await dataset.close();
});

for (const [what, module, message] of faults) {
  test(`a function that ${what} ends its trainer with an error that says so, and the others train on`, async () => {
    const dataset = await open(path, { memory: "64 MiB" });
    const feed = dataset.view().feed({ readers: 2 });
    const bad = feed.trainer({ batchSize: 10, epochs: 3, augment: [custom({ module })] });
    const good = feed.trainer({ batchSize: 20, epochs: 3, augment: [jitter({ sigma: 1e-9 })] });
    const plain = feed.trainer({ batchSize: 30, epochs: 3 });
    const drawn = Promise.all(
      [good, plain].map(async (trainer) => {
        const ids: number[] = [];
        for await (const batch of trainer) ids.push(...batch.ids);
        return ids;
      }),
    );
    await assert.rejects(
      collect(bad),
      (error: Error) => message.test(error.message) || assert.fail(error.message),
    );
    for (const ids of await drawn) {
      assert.equal(ids.length, 3 * count);
      for (let epoch = 0; epoch < 3; epoch += 1)
        assert.deepEqual(
          ids.slice(epoch * count, (epoch + 1) * count).sort((a, b) => a - b),
          upTo(count),
        );
    }
    await requireAllGivenBack(dataset);
    await dataset.close();
  });
}

// Trainers get what loops get, byte for byte, whatever the samples are, however they are drawn and in whatever form they
// are delivered; and their tokens go on in loops and in feeds.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { type BatchOptions, type Dataset, type Last, open, type ReadingOptions, type View } from "spillway";
import { takenFrom } from "../fixtures/batches.js";
import { packEncoded } from "../fixtures/encoded.js";
import { packLabelled } from "../fixtures/labelled.js";
import { upTo } from "../fixtures/packed.js";
import { iterate } from "./bench-feed.js";

const count = 230;
const labels = upTo(count).map((i) => (i * i) % 3);
const labelled = await packLabelled({ classNames: ["a", "b", "c"], labels, shardSize: "1 KiB" });
const encoded = await packEncoded(
  {
    small: {
      dtype: "uint8",
      shape: [3, 5],
      channelAxis: 0,
      encoding: { axis: 0, channels: [1, 2, 3].map((scale) => ({ kind: "scaled", scale, offset: -scale })) },
    },
    decimal: { dtype: "int16", shape: [4], encoding: { channels: [{ kind: "divided", divisor: 100 }] } },
    plain: { dtype: "float16", shape: [2] },
    wide: { dtype: "int64", shape: [1] },
  },
  count,
);
const pictures = resolve(import.meta.dirname, "../../../test/fixtures/pictures/dataset");
const weights = Float64Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 0 : 1 + (i % 50)));

/** What is drawn from, and the ways to ask for it. */
const datasets: { path: string; size: number; readings: readonly ReadingOptions[] }[] = [
  {
    path: labelled,
    size: count,
    readings: [
      {},
      { shuffle: false },
      { balance: "label" },
      { weights },
      { balance: "label", deliver: "stored" },
      { weights, deliver: "float16" },
      { normalize: { data: { mean: 100, std: 30 } } },
    ],
  },
  {
    path: encoded,
    size: count,
    readings: [
      {},
      { deliver: "stored" },
      { deliver: "float16", shuffle: false },
      { weights, normalize: { small: { mean: [1, 2, 3], std: [4, 5, 6] }, decimal: { mean: 3, std: 0.5 } } },
    ],
  },
  { path: pictures, size: 0, readings: [{}, { deliver: "stored", shuffle: false }] },
];
const opened: Dataset[] = [];
for (const dataset of datasets) {
  const one = await open(dataset.path, { memory: "96 MiB" });
  opened.push(one);
  dataset.size = one.size;
}
after(() => Promise.all(opened.map((dataset) => dataset.close())));

const asked = fc.integer({ min: 0, max: datasets.length - 1 }).chain((which) =>
  fc.record({
    which: fc.constant(which),
    reading: fc.constantFrom(...datasets[which]!.readings),
    seed: fc.nat(),
    readers: fc.integer({ min: 1, max: 3 }),
    trainers: fc.array(
      fc.record({
        batchSize: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(100, count)),
        last: fc.constantFrom<Last>("keep", "join"),
        epochs: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
);

test("batches of trainers are those of loops, for any drawing, delivery and kind of field", async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ which, reading, seed, readers, trainers }) => {
      const view = opened[which]!.view();
      const feed = view.feed({ ...reading, seed, readers });
      const got = await Promise.all(trainers.map((options) => takenFrom(feed.trainer(options))));
      for (const [k, options] of trainers.entries()) {
        const own = await takenFrom(view.batches({ ...reading, ...options, seed }));
        assert.ok(own.length > 0);
        assert.deepEqual(got[k], own);
      }
      await feed.close();
    }),
    { numRuns: 40, endOnFailure: true },
  );
  // What samples are drawn by is kept for the next one, and gives way.
  for (const dataset of opened) assert.equal((await dataset.stats()).loops, 0);
});

/** What is left of a loop after its first batches. */
async function restOf(view: View, options: BatchOptions, batches: number) {
  return (await takenFrom(view.batches(options))).slice(batches);
}

test("a trainer's token goes on in a loop and in another feed, as if there had been no break", async () => {
  const views = opened.map((dataset) => dataset.view());
  await fc.assert(
    fc.asyncProperty(asked, fc.nat({ max: 8 }), async ({ which, reading, seed, trainers }, after) => {
      const view = views[which]!;
      const { batchSize, last } = trainers[0]!;
      const options = { batchSize, last, epochs: 2 };
      const feed = view.feed({ ...reading, seed });
      const other = iterate(feed.trainer({ batchSize: 1 }));
      await other.next();
      const first = await takenFrom(feed.trainer(options), after + 1);
      await feed.close();
      const { resume } = first.at(-1)!;
      const rest = await restOf(view, { ...reading, ...options, seed }, first.length);
      const { shuffle: _, ...drawing } = reading;
      assert.deepEqual(await takenFrom(view.batches({ ...drawing, ...options, resume })), rest);
      const resumed = view.feed({ ...drawing, resume });
      const trainer = resumed.trainer(options);
      const small = resumed.trainer({ batchSize: 3, last: "join", epochs: 2 });
      const [again, finer] = await Promise.all([takenFrom(trainer), takenFrom(small)]);
      assert.deepEqual(again, rest);
      const idsOf = (taken: typeof rest) => taken.flatMap(({ ids }) => ids);
      assert.deepEqual(idsOf(finer), idsOf(rest));
    }),
    { numRuns: 25, endOnFailure: true },
  );
});

// A feed against a simple model: what each trainer gets is what a loop of its own would give it, whatever the others do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { type Batch, jitter, type Last, open, type TrainerBatch, type View } from "spillway";
import { numbersOf, packed } from "../fixtures/packed.js";

const count = 500;
const path = await packed({ count, shardSize: "4 KiB" });

/** What is compared of a batch. */
function shown({ epoch, index, size, wrapped, ids, resume }: Batch): string {
  return JSON.stringify({ epoch, index, size, wrapped, ids: [...ids], resume });
}

async function batchesOf(
  view: View,
  options: { batchSize: number; seed: number; epochs: number; last: Last; resume?: string },
): Promise<string[]> {
  const all: string[] = [];
  for await (const batch of view.batches(options)) all.push(shown(batch));
  return all;
}

interface Plan {
  batchSize: number;
  epochs: number;
  last: Last;
  isAugmented: boolean;
  /** Turns of the event loop that it takes for its batches, again and again. */
  pauses: number[];
  /** It leaves after so many batches; Infinity stays to the end. */
  leavesAfter: number;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  batchSize: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constantFrom(1, 64, 100, 499, 500)),
  epochs: fc.integer({ min: 1, max: 3 }),
  last: fc.constantFrom<Last>("keep", "drop", "wrap", "join"),
  isAugmented: fc.boolean(),
  pauses: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 7 }),
  leavesAfter: fc.oneof(
    { weight: 3, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 12 }) },
  ),
});

/** What augmentation may do to the numbers of `numbersOf` without their being mistaken. */
const faint = jitter({ sigma: 1e-9 });

async function draw(
  trainer: AsyncIterable<TrainerBatch>,
  { pauses, leavesAfter, isAugmented }: Plan,
): Promise<string[]> {
  const got: string[] = [];
  for await (const batch of trainer) {
    const before = isAugmented ? [] : numbersOf(batch);
    got.push(shown(batch));
    assert.equal(batch.partial, false);
    assert.equal(batch.skipped, 0);
    for (let k = 0; k < pauses[got.length % pauses.length]!; k += 1) await setImmediate();
    if (!isAugmented) assert.deepEqual(numbersOf(batch), before, "a batch stays as it is");
    if (got.length === leavesAfter) break;
  }
  return got;
}

test("each trainer gets the batches of a loop of its own, with any mix of sizes, ways to end epochs, paces and leavings", async () => {
  const dataset = await open(path, { memory: "96 MiB" });
  const view = dataset.view();
  const runs = fc.record({
    plans: fc.array(plan, { minLength: 1, maxLength: 5 }),
    seed: fc.nat(),
    readers: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(runs, async ({ plans, seed, readers }) => {
      const feed = view.feed({ seed, readers });
      const trainers = plans.map(({ isAugmented, batchSize, epochs, last }) =>
        feed.trainer({ batchSize, epochs, last, ...(isAugmented && { augment: [faint] }) }),
      );
      const got = await Promise.all(trainers.map((trainer, k) => draw(trainer, plans[k]!)));
      for (const [k, { batchSize, epochs, last, leavesAfter }] of plans.entries()) {
        const own = await batchesOf(view, { batchSize, seed, epochs, last });
        assert.deepEqual(got[k], own.slice(0, leavesAfter));
      }
      await feed.close();
    }),
    { numRuns: 40, endOnFailure: true },
  );
  const { loops, threads, heldBytes, residentBytes } = await dataset.stats();
  assert.equal(loops, 0);
  assert.equal(heldBytes, residentBytes + threads * 8 * 2 ** 20, "everything was given back");
  await dataset.close();
});

test("trainers that join and leave while others train: whole epochs from their first on, partial ones marked, none twice", async () => {
  const dataset = await open(path, { memory: "256 MiB" });
  const view = dataset.view();
  const joining = fc.record({
    seed: fc.nat(),
    first: plan,
    later: fc.array(
      fc.record({
        plan,
        late: fc.constantFrom("boundary" as const, "now" as const),
        after: fc.nat({ max: 60 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(joining, async ({ seed, first, later }) => {
      const feed = view.feed({ seed, readers: 2, largestBatch: count });
      const lead = feed.trainer({ batchSize: first.batchSize, epochs: 4, last: first.last });
      const comers: Promise<void>[] = [];
      let steps = 0;
      const come = () => {
        for (const each of later.filter(({ after }) => after === steps)) comers.push(takePart(feed, each));
        steps += 1;
      };
      for await (const batch of lead) {
        numbersOf(batch);
        come();
        await setImmediate();
      }
      while (steps <= 60) come();
      await Promise.all(comers);
      await feed.close();
    }),
    { numRuns: 30, endOnFailure: true },
  );

  async function takePart(
    feed: ReturnType<View["feed"]>,
    { plan, late }: { plan: Plan; late: "boundary" | "now" },
  ): Promise<void> {
    const { batchSize, epochs, isAugmented } = plan;
    const last = plan.last === "wrap" && late === "now" ? "keep" : plan.last;
    const trainer = feed.trainer({ batchSize, epochs, last, late, ...(isAugmented && { augment: [faint] }) });
    const batches: TrainerBatch[] = [];
    for await (const batch of trainer) {
      batches.push(batch.copy());
      for (let k = 0; k < plan.pauses[batches.length % plan.pauses.length]!; k += 1) await setImmediate();
      if (batches.length === plan.leavesAfter) break;
    }
    if (batches.length === 0) return;
    const partial = batches.filter((batch) => batch.partial);
    if (late === "boundary") assert.equal(partial.length, 0);
    const whole = batches.filter((batch) => !batch.partial);
    // What it got is the order of a loop of its own that goes on from where it began.
    const seed = Number(/^1\.s(\d+)\./.exec(batches[0]!.resume)![1]);
    const epoch = batches[0]!.epoch;
    const order = new Map<number, number[]>();
    for await (const { epoch: at, ids } of view.batches({ seed, epochs: epoch + epochs + 2, batchSize: 500 }))
      order.set(at, [...(order.get(at) ?? []), ...ids]);
    const stream = [...order.values()].flat();
    if (last === "keep" || last === "join") {
      const got = batches.flatMap(({ ids }) => [...ids]);
      const end = epoch * count + (order.get(epoch)!.length - 0);
      const from = late === "boundary" ? epoch * count : stream.indexOf(got[0]!, epoch * count);
      assert.ok(from < end);
      assert.deepEqual(got, stream.slice(from, from + got.length));
    }
    if (plan.leavesAfter === Number.POSITIVE_INFINITY && last === "keep") {
      assert.equal(new Set(whole.map((batch) => batch.epoch)).size, epochs);
      assert.equal(
        whole.reduce((sum, { size }) => sum + size, 0),
        epochs * count,
      );
    }
  }
  await dataset.close();
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import {
  batchAt,
  batchCount,
  batchRange,
  createSchedule,
  type Last,
  locate,
  type ScheduleOptions,
  stretch,
} from "#spillway/order/schedule";

function options(over: Partial<ScheduleOptions>): ScheduleOptions {
  return { n: 100, batchSize: 8, rank: 0, worldSize: 1, last: "keep", position: 0, epochs: 1, ...over };
}

/** Global positions that a rank is given, batch by batch. */
function positionsOf(over: Partial<ScheduleOptions>): number[][] {
  const schedule = createSchedule(options(over));
  const batches: number[][] = [];
  for (let count = 0; ; ) {
    const batch = batchAt(schedule, count);
    if (!batch) return batches;
    const places: number[] = [];
    for (let k = 0; k < batch.size; k += 1) {
      const { epoch, place } = locate(schedule, count + k);
      assert.equal(epoch, batch.epoch, "a batch stays within its epoch");
      places.push(epoch * schedule.n + place);
    }
    batches.push(places);
    count += batch.size;
  }
}

const shape = fc.record({
  n: fc.integer({ min: 1, max: 300 }),
  batchSize: fc.integer({ min: 1, max: 40 }),
  epochs: fc.integer({ min: 1, max: 4 }),
});

test("alone, every epoch gives every place once, in order", () => {
  fc.assert(
    fc.property(shape, (over) => {
      const flat = positionsOf(over).flat();
      assert.deepEqual(
        flat,
        Array.from({ length: over.n * over.epochs }, (_, k) => k),
      );
    }),
  );
});

test("the ranks of a world put together are the order of one, and get equally many equal batches", () => {
  fc.assert(
    fc.property(shape, fc.integer({ min: 2, max: 5 }), (over, worldSize) => {
      const { n, batchSize, epochs } = over;
      fc.pre(n >= batchSize * worldSize);
      const ranks = Array.from({ length: worldSize }, (_, rank) =>
        positionsOf({ ...over, rank, worldSize, last: "drop" }),
      );
      const perEpoch = Math.floor(n / (batchSize * worldSize));
      for (let b = 0; b < perEpoch * epochs; b += 1) {
        const together = ranks.flatMap((batches) => batches[b]!);
        const start = Math.floor(b / perEpoch) * n + (b % perEpoch) * batchSize * worldSize;
        assert.deepEqual(
          together,
          Array.from({ length: batchSize * worldSize }, (_, k) => start + k),
        );
      }
      for (const batches of ranks) assert.equal(batches.length, perEpoch * epochs);
    }),
  );
});

test('last: "wrap" fills the last batch from the epoch\'s start and counts it', () => {
  const schedule = createSchedule(options({ n: 10, batchSize: 4, last: "wrap" }));
  const last = batchAt(schedule, 8)!;
  assert.equal(last.size, 4);
  assert.equal(last.wrapped, 2);
  assert.deepEqual(positionsOf({ n: 10, batchSize: 4, last: "wrap" }).at(-1), [8, 9, 0, 1]);
});

test('last: "drop" leaves out what does not fill a batch, and the next epoch starts at place 0', () => {
  assert.deepEqual(positionsOf({ n: 5, batchSize: 2, last: "drop", epochs: 2 }), [
    [0, 1],
    [2, 3],
    [5, 6],
    [7, 8],
  ]);
});

test('last: "join" fills a batch from the next epoch: every place once, in order, and the batches all whole', () => {
  fc.assert(
    fc.property(shape, fc.nat({ max: 900 }), (over, position) => {
      const total = over.n * over.epochs;
      fc.pre(position <= total);
      const batches: number[][] = [];
      const schedule = createSchedule(options({ ...over, position, last: "join" }));
      for (let count = 0; ; ) {
        const batch = batchAt(schedule, count);
        if (!batch) break;
        const places = Array.from({ length: batch.size }, (_, k) => locate(schedule, count + k));
        batches.push(places.map(({ epoch, place }) => epoch * over.n + place));
        assert.equal(batch.epoch, places[0]!.epoch);
        assert.equal(batch.wrapped, 0);
        count += batch.size;
        assert.equal(batch.positionAfter, position + count);
      }
      assert.deepEqual(
        batches.flat(),
        Array.from({ length: total - position }, (_, k) => position + k),
      );
      for (const batch of batches.slice(0, -1)) assert.equal(batch.length, over.batchSize);
      assert.equal(batches.length, batchCount(schedule));
    }),
  );
});

test('with last: "join" the ranks of a world share whole batches, which are numbered within their epoch', () => {
  fc.assert(
    fc.property(shape, fc.integer({ min: 2, max: 4 }), fc.nat({ max: 300 }), (over, worldSize, position) => {
      const { n, batchSize } = over;
      const common = {
        ...over,
        worldSize,
        position,
        last: "join" as const,
        epochs: Number.POSITIVE_INFINITY,
      };
      const ranks = Array.from({ length: worldSize }, (_, rank) =>
        createSchedule(options({ ...common, rank })),
      );
      const indices: number[] = [];
      for (let b = 0; b < 12; b += 1) {
        const together = ranks.flatMap((schedule) =>
          Array.from({ length: batchSize }, (_, k) => {
            const { epoch, place } = locate(schedule, b * batchSize + k);
            return epoch * n + place;
          }),
        );
        const start = position + b * batchSize * worldSize;
        assert.deepEqual(
          together,
          Array.from({ length: batchSize * worldSize }, (_, k) => start + k),
        );
        for (const schedule of ranks) {
          const batch = batchAt(schedule, b * batchSize)!;
          assert.equal(batch.epoch, Math.floor(start / n));
          assert.equal(batch.positionAfter, start + batchSize * worldSize);
          assert.deepEqual(batchRange(schedule, b), { first: b * batchSize, size: batchSize });
        }
        const { epoch, index } = batchAt(ranks[0]!, b * batchSize)!;
        indices[epoch] ??= 0;
        assert.equal(index, indices[epoch]);
        indices[epoch]! += 1;
      }
    }),
  );
});

test('last: "join" with ranks leaves out only what does not fill a batch at the very end', () => {
  const schedule = createSchedule(
    options({ n: 10, batchSize: 3, rank: 1, worldSize: 2, epochs: 3, last: "join" }),
  );
  assert.equal(schedule.total, 15);
  assert.equal(batchAt(schedule, 12)!.positionAfter, 30);
  assert.equal(batchAt(schedule, 15), undefined);
  assert.equal(createSchedule({ ...schedule, position: 30 }).total, 0);
});

test("resuming at any position equals skipping to it", () => {
  fc.assert(
    fc.property(shape, fc.nat({ max: 2000 }), (over, k) => {
      const total = over.n * over.epochs;
      const position = k % (total + 1);
      const all = positionsOf(over).flat();
      assert.deepEqual(positionsOf({ ...over, position }).flat(), all.slice(position));
    }),
  );
});

test("positionAfter of a batch resumes right behind it, for any number of ranks", () => {
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom<Last>("drop", "wrap"),
      (over, worldSize, last) => {
        fc.pre(over.n >= over.batchSize * worldSize);
        const common = { ...over, worldSize, last };
        const schedule = createSchedule(options(common));
        const first = batchAt(schedule, 0)!;
        for (let rank = 0; rank < worldSize; rank += 1) {
          const all = positionsOf({ ...common, rank });
          const rest = positionsOf({ ...common, rank, position: first.positionAfter });
          assert.deepEqual(rest, all.slice(1));
        }
      },
    ),
  );
});

test("a stretch is consecutive places of one epoch", () => {
  fc.assert(
    fc.property(shape, fc.integer({ min: 1, max: 3 }), fc.nat(), (over, worldSize, k) => {
      fc.pre(over.n >= over.batchSize * worldSize);
      const schedule = createSchedule(options({ ...over, worldSize, last: "wrap" }));
      const count = k % schedule.total;
      const from = locate(schedule, count);
      for (let i = 0; i < stretch(schedule, count); i += 1) {
        assert.deepEqual(locate(schedule, count + i), {
          epoch: from.epoch,
          place: (from.place + i) % over.n,
        });
      }
    }),
  );
});

test("counts beyond 2^31 and 2^32 are located exactly", () => {
  const schedule = createSchedule(options({ n: 1_000_003, batchSize: 64, epochs: Number.POSITIVE_INFINITY }));
  for (const count of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 45]) {
    const { epoch, place } = locate(schedule, count);
    assert.equal(epoch * schedule.n + place, count);
  }
});

test("refuses ranks outside the world, unequal batches, and views that fill no batch", () => {
  const bad: [Partial<ScheduleOptions>, RegExp][] = [
    [{ rank: 2, worldSize: 2, last: "drop" }, /rank 2 is outside a world of 2. Use a rank from 0 to 1\./],
    [{ worldSize: 2, last: "keep" }, /last: "keep" gives 2 ranks unequal batches/],
    [
      { n: 3, batchSize: 4, last: "drop" },
      /3 samples do not fill one batch of 4 for 1 ranks\. Lower batchSize to 3/,
    ],
    [{ batchSize: 0 }, /batchSize 0 is not a whole number from 1/],
    [{ epochs: 1.5 }, /epochs 1.5/],
  ];
  for (const [over, message] of bad) {
    assert.throws(
      () => createSchedule(options(over)),
      (error) => error instanceof SpillwayError && error.code === "usage" && message.test(error.message),
    );
  }
});

test("the number of a batch tells where it starts and how large it is, without going through those before", () => {
  fc.assert(
    fc.property(
      shape,
      fc.nat({ max: 900 }),
      fc.constantFrom<Last>("keep", "drop", "wrap", "join"),
      (sizes, position, last) => {
        fc.pre(last !== "drop" || sizes.batchSize <= sizes.n);
        const schedule = createSchedule(options({ ...sizes, position, last }));
        let count = 0;
        for (let number = 0; number < batchCount(schedule); number += 1) {
          const { first, size } = batchAt(schedule, count)!;
          assert.deepEqual(batchRange(schedule, number), { first, size });
          count += size;
        }
        assert.equal(count, schedule.total);
        assert.equal(batchRange(schedule, batchCount(schedule)).size, 0);
      },
    ),
  );
});

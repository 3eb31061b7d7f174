import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { MemoryPool, type Reservation, threadBytes } from "#spillway/load/memory-pool";

const segmentBytes = 2 ** 20;
const block = 4096;

/** First and last byte of a reservation on the line of all segments. */
function spanOf(reservation: Reservation): [number, number] {
  const start = reservation.segment * segmentBytes + reservation.address;
  return [start, start + reservation.byteLength];
}

const step = fc.oneof(
  fc.record({ kind: fc.constant("reserve" as const), bytes: fc.integer({ min: 1, max: 600_000 }) }),
  fc.record({ kind: fc.constant("release" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("thread" as const) }),
  fc.record({ kind: fc.constant("thread ends" as const) }),
);

test("reservations never overlap, never cross a segment, and with the threads never exceed the memory", () => {
  const total = 4 * segmentBytes + 2 * threadBytes;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pool = new MemoryPool(total, segmentBytes);
      const held: Reservation[] = [];
      let highest = 0;
      let threads = 0;
      for (const action of steps) {
        if (action.kind === "reserve") {
          const fits = pool.largestFree() >= Math.ceil(action.bytes / block) * block;
          try {
            held.push(pool.reserve(action.bytes, "a test"));
            assert.ok(fits);
          } catch (error) {
            assert.ok(error instanceof SpillwayError && error.code === "memory" && !fits, String(error));
          }
        } else if (action.kind === "release" && held.length > 0) {
          held.splice(action.which % held.length, 1)[0]!.release();
        } else if (action.kind === "thread" && pool.takeThread()) {
          threads += 1;
        } else if (action.kind === "thread ends" && threads > 0) {
          pool.returnThread();
          threads -= 1;
        }
        const spans = held.map(spanOf).sort((a, b) => a[0] - b[0]);
        for (const [k, [start, end]] of spans.entries()) {
          assert.ok(k === 0 || spans[k - 1]![1] <= start, "overlap");
          assert.equal(
            Math.floor(start / segmentBytes),
            Math.floor((end - 1) / segmentBytes),
            "crosses a segment",
          );
          assert.equal(start % block, 0);
          highest = Math.max(highest, end);
        }
        assert.ok(highest + threads * threadBytes <= total, "more than the memory");
        assert.equal(
          pool.held,
          held.reduce((sum, { byteLength }) => sum + byteLength, 0) + threads * threadBytes,
        );
        assert.ok(pool.peak >= pool.held);
      }
    }),
  );
});

test("what is released can be reserved again, and releasing twice changes nothing", () => {
  const pool = new MemoryPool(segmentBytes, segmentBytes);
  const first = pool.reserve(segmentBytes, "all of it");
  assert.equal(pool.largestFree(), 0);
  first.release();
  const second = pool.reserve(segmentBytes, "all of it again");
  first.release();
  assert.equal(pool.held, segmentBytes);
  second.release();
  assert.equal(pool.held, 0);
});

test("a shortage says what was wanted, what is in use, and a memory that works", () => {
  const pool = new MemoryPool(4 * 2 ** 20);
  pool.reserve(3 * 2 ** 20, "three of four");
  const error = pool.shortage(2 * 2 ** 20, "a ring");
  assert.match(
    error.message,
    /^memory of 4 MiB is too small: a ring needs 2 MiB, 3 MiB is in use\. Open with memory: "5 MiB"\.$/,
  );
  const larger = new MemoryPool(error.where.neededBytes!);
  larger.reserve(3 * 2 ** 20, "three of five");
  larger.reserve(2 * 2 ** 20, "a ring");
});

test("datasets that are opened one after another use the same memory", () => {
  const first = new MemoryPool(3 * 2 ** 20 + 7);
  const [memory] = first.segments;
  first.close();
  assert.equal(new MemoryPool(3 * 2 ** 20 + 7).segments[0], memory);
});

test("a reservation that is undone counts as never touched, unless more was reserved since", () => {
  const pool = new MemoryPool(64 * segmentBytes, segmentBytes);
  const first = pool.reserve(4096, "a");
  const second = pool.reserve(8192, "b");
  second.undo();
  second.undo();
  assert.equal(pool.touched, 4096);
  const third = pool.reserve(8192, "c");
  const fourth = pool.reserve(4096, "d");
  third.undo();
  assert.equal(pool.touched, 16_384);
  fourth.release();
  fourth.undo();
  first.release();
  assert.deepEqual([pool.touched, pool.held], [16_384, 0]);
  // One that lies before it, where a segment's end was too small.
  pool.reserve(4096, "e");
  const large = pool.reserve(segmentBytes, "f");
  pool.reserve(32_768, "g").release();
  large.undo();
  assert.equal(pool.touched, 2 * segmentBytes);
});

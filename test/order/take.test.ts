import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpillwayError } from "spillway";
import { bitBytes, countBits, hasBit } from "#spillway/order/bitmap";
import { evenCounts, type Take, takeCount, takeEvenly, takeSome } from "#spillway/order/take";

const key = "0123456789abcdef";

/** Rows of a set of bits. */
function rowsOf(bits: Uint8Array): number[] {
  return Array.from({ length: bits.length * 8 }, (_, row) => row).filter((row) => hasBit(bits, row));
}

test("a number of samples is meant as it is, a part of them is rounded, and at least one is taken", () => {
  const cases: [Take, number, number][] = [
    [5, 100, 5],
    [500, 100, 100],
    ["1%", 1000, 10],
    ["1 %" as Take, 1000, 10],
    ["0.1%", 100, 1],
    ["100%", 7, 7],
    [".5%", 1000, 5],
  ];
  for (const [take, count, wanted] of cases) assert.equal(takeCount(take, count), wanted, String(take));
});

test("what is no number of samples is refused", () => {
  for (const take of [0, -1, 1.5, Number.NaN, "0%", "101%", "%", "many", "5"] as Take[]) {
    assert.throws(
      () => takeCount(take, 100),
      (error) =>
        error instanceof SpillwayError &&
        error.code === "usage" &&
        error.message ===
          `take ${JSON.stringify(take)} is no number of samples. Use a whole number from 1, such as 1000, or a part, such as "1%".`,
    );
  }
});

test("so many members of the set are taken, and a larger trial holds the smaller one", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(999), { minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.nat(),
      fc.nat(),
      (members, a, b, seed) => {
        const take = (wanted: number) =>
          takeSome({ rows: 1000, count: members.length, memberAt: (k) => members[k]!, wanted, seed, key });
        const [less, more] = [a % (members.length + 1), b % (members.length + 1)].sort((x, y) => x - y);
        const small = rowsOf(take(less!));
        const large = rowsOf(take(more!));
        assert.equal(small.length, less);
        assert.equal(large.length, more);
        assert.ok(large.every((row) => members.includes(row)));
        assert.ok(small.every((row) => large.includes(row)));
      },
    ),
  );
});

test("classes are taken evenly: none has two more than another that has members left", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 12 }), fc.nat(300), (members, wanted) => {
      const counts = evenCounts(members, wanted);
      const all = members.reduce((sum, count) => sum + count, 0);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        Math.min(all, wanted),
      );
      counts.forEach((count, k) => {
        assert.ok(count <= members[k]!);
        if (count < members[k]!) for (const other of counts) assert.ok(other <= count + 1);
      });
    }),
  );
});

test("members are taken evenly by their labels", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(4), { minLength: 1, maxLength: 100 }),
      fc.nat(120),
      fc.nat(),
      (labels, some, seed) => {
        const wanted = Math.min(some, labels.length);
        const request = {
          rows: 200,
          count: labels.length,
          memberAt: (k: number) => 2 * k,
          wanted,
          seed,
          key,
        };
        const bits = takeEvenly(request, (k) => labels[k]!);
        assert.equal(bits.length, bitBytes(200));
        assert.equal(countBits(bits), wanted);
        const taken = rowsOf(bits).map((row) => labels[row / 2]!);
        const members = [0, 1, 2, 3, 4].map((label) => labels.filter((other) => other === label).length);
        const counts = [0, 1, 2, 3, 4].map((label) => taken.filter((other) => other === label).length);
        assert.deepEqual(counts, evenCounts(members, wanted));
      },
    ),
  );
});

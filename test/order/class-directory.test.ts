import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bindKernels, kernelModule, sharedMemory } from "#spillway/kernels/kernels";
import {
  classDirectoryBytes,
  countLabels,
  fillClasses,
  listRows,
  type Members,
  nextOfClass,
  planDirectory,
  viewDirectory,
} from "#spillway/order/class-directory";

const holders = { 1: Uint8Array, 2: Uint16Array, 4: Int32Array } as const;

/** A directory over the rows [start, end) that `members` has, built in parts, and where each class's members are. */
function built(
  labels: ArrayLike<number>,
  classCount: number,
  members: Members,
  [start, end]: readonly [number, number],
  allowed: number,
  part: number,
) {
  const counts = new Uint32Array(classCount);
  for (let from = start; from < end; from += part) {
    countLabels(counts, labels, members, from, Math.min(end, from + part));
  }
  const plan = planDirectory(counts, allowed);
  const buffer = new ArrayBuffer(classDirectoryBytes(plan.classCount, plan.listed));
  const directory = viewDirectory(buffer, 0, plan.classCount, plan.listed);
  fillClasses(directory, counts, plan.mostPerClass);
  const numbers = new Uint32Array(classCount);
  directory.labels.forEach((label, k) => {
    numbers[label] = k;
  });
  const seen = { numbers, counts: new Uint32Array(classCount) };
  for (let from = start; from < end; from += part) {
    listRows(directory, seen, labels, members, from, Math.min(end, from + part));
  }
  return { directory, plan, counts };
}

/** Rows of each class, listed plainly. */
function listed(
  labels: ArrayLike<number>,
  members: Members,
  [start, end]: readonly [number, number],
): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = start; row < end; row += 1) {
    const isIn = members.kind === "range" || ((members.bits[row >>> 5]! >>> (row & 31)) & 1) === 1;
    if (isIn) rows.set(labels[row]!, [...(rows.get(labels[row]!) ?? []), row]);
  }
  return rows;
}

const columns = fc.record({
  rows: fc.integer({ min: 1, max: 700 }),
  classCount: fc.constantFrom(1, 2, 5, 40, 255, 256, 300, 65_536, 70_000),
  used: fc.integer({ min: 1, max: 60 }),
  width: fc.constantFrom<1 | 2 | 4>(1, 2, 4),
  offset: fc.nat({ max: 5 }),
  share: fc.constantFrom(0.02, 0.5, 1),
  random: fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  allowed: fc.integer({ min: 0, max: 300 }),
  part: fc.integer({ min: 1, max: 300 }),
  kind: fc.constantFrom("range" as const, "bits" as const),
});

test("directory and kernel find the j-th member of every class, as a list of members does", () => {
  fc.assert(
    fc.property(columns, ({ rows, used, width, offset, share, random, allowed, part, kind, ...rest }) => {
      const classCount = Math.min(rest.classCount, width === 4 ? 2 ** 31 : 256 ** width);
      const next = () => random.next().value as number;
      const memory = sharedMemory(2 ** 16);
      const kernels = bindKernels(kernelModule(), memory);
      // At the very end of the memory, so that a read beyond the column would be a fault.
      const labelsAt =
        memory.buffer.byteLength - rows * width - ((rows * width) % 4 === 0 ? 0 : 4 - ((rows * width) % 4));
      const labels = new holders[width](memory.buffer, labelsAt, rows);
      const chosen = Array.from({ length: used }, () => Math.floor(next() * classCount));
      for (let row = 0; row < rows; row += 1) labels[row] = chosen[Math.floor(next() ** 2 * used)]!;
      const words = Math.ceil(rows / 32);
      const bits = new Uint32Array(memory.buffer, offset * 4, words);
      bits.fill(0);
      for (let row = 0; row < rows; row += 1) if (next() < share) bits[row >>> 5]! |= 1 << (row & 31);
      const members: Members = kind === "range" ? { kind } : { kind, bits };
      const start = kind === "range" ? Math.floor(next() * rows) : 0;
      const range = [start, kind === "range" ? start + Math.ceil(next() * (rows - start)) : rows] as const;
      const bitsAt = kind === "range" ? 0 : offset * 4;
      if (kind === "bits" && bitsAt === 0) return;

      const { directory, plan } = built(labels, classCount, members, range, allowed, part);
      const expected = listed(labels, members, range);
      assert.deepEqual(
        [...directory.labels],
        [...expected.keys()].sort((a, b) => a - b),
      );
      assert.ok(plan.listed <= Math.max(allowed, plan.classCount));
      directory.labels.forEach((label, k) => {
        const places = expected.get(label)!;
        const step = directory.steps[k]!;
        assert.equal(directory.counts[k], places.length);
        places.forEach((place, member) => {
          const skip = member % step;
          const row = directory.rows[directory.firsts[k]! + (member - skip) / step]!;
          assert.equal(row, places[member - skip]);
          if (skip === 0) return;
          assert.equal(nextOfClass(labels, members, label, row, skip - 1), place);
          assert.equal(kernels.nextOfClass(labelsAt, width, rows, bitsAt, label, row, skip - 1) >>> 0, place);
        });
      });
    }),
    { numRuns: 300 },
  );
});

test("what may be listed is shared out evenly, and rare classes leave theirs to others", () => {
  const counts = Uint32Array.of(1_000_000, 0, 3, 500_000, 10);
  const plan = planDirectory(counts, 10_000);
  assert.equal(plan.classCount, 4);
  assert.ok(plan.listed <= 10_000 && plan.listed > 9_900, String(plan.listed));
  const directory = viewDirectory(new ArrayBuffer(classDirectoryBytes(4, plan.listed)), 0, 4, plan.listed);
  fillClasses(directory, counts, plan.mostPerClass);
  assert.deepEqual([...directory.labels], [0, 2, 3, 4]);
  assert.deepEqual([...directory.steps], [201, 1, 101, 1]);
});

test("where all may be listed, all is; where next to nothing may, one row of each class is", () => {
  const counts = Uint32Array.of(100, 5, 0, 60);
  assert.deepEqual(planDirectory(counts, 1000), { classCount: 3, mostPerClass: 100, listed: 165 });
  assert.deepEqual(planDirectory(counts, 0), { classCount: 3, mostPerClass: 1, listed: 3 });
});

test("the directory of 10 classes over 100 million rows is about one bit per row", () => {
  const rows = 100_000_000;
  const { classCount, listed } = planDirectory(new Uint32Array(10).fill(rows / 10), rows / 32);
  const bits = (classDirectoryBytes(classCount, listed) * 8) / rows;
  assert.ok(bits < 1.001 && bits > 0.9, String(bits));
});

test("a member that is not there is a fault, not a row", () => {
  assert.throws(() => nextOfClass([1, 2, 1], { kind: "range" }, 1, 0, 1), RangeError);
});

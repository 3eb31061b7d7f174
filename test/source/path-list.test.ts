import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lastAtMost, NameList, PathList } from "#spillway/source/path-list";

const names = fc.array(
  fc.string({ unit: "grapheme", maxLength: 12 }).filter((name) => name.isWellFormed()),
  { maxLength: 60 },
);

test("a list gives back the names that were added", () => {
  fc.assert(
    fc.property(names, (added) => {
      const list = new NameList();
      for (const name of added) list.add(name);
      list.trim();
      assert.equal(list.length, added.length);
      assert.deepEqual(
        added.map((_, index) => list.get(index)),
        added,
      );
    }),
  );
});

test("sorting is by the bytes of UTF-8", () => {
  fc.assert(
    fc.property(names, (added) => {
      const list = new NameList();
      for (const name of added) list.add(name);
      const sorted = Array.from(list.sortedOrder(), (index) => list.get(index));
      assert.deepEqual(
        sorted,
        added.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      );
    }),
  );
});

test("paths are put together from folders and names", () => {
  const inFolder = fc.record({
    folder: fc.constantFrom("", "a/", "a/b/", "c/"),
    name: fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name.isWellFormed()),
  });
  fc.assert(
    fc.property(fc.array(inFolder, { minLength: 1, maxLength: 40 }), (files) => {
      const paths = new PathList();
      for (const { folder, name } of files) {
        const list = new NameList();
        list.add(name);
        paths.add(folder, list, 0);
      }
      paths.trim();
      assert.deepEqual(
        files.map((_, index) => paths.get(index)),
        files.map(({ folder, name }) => folder + name),
      );
    }),
  );
});

test("a million names take little more than their bytes", () => {
  const list = new NameList();
  const before = process.memoryUsage();
  for (let index = 0; index < 1_000_000; index++) list.add(`subject_${index}.npy`);
  list.trim();
  const after = process.memoryUsage();
  assert.equal(list.get(765_432), "subject_765432.npy");
  // 18.9 MB of names and 4 MB of ends, with all that was outgrown on the way and not yet collected.
  assert.ok(after.arrayBuffers - before.arrayBuffers < 110e6);
});

test("lastAtMost finds the run of an index", () => {
  const starts = [0, 3, 4, 10];
  const runs = [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3, 3];
  assert.deepEqual(
    runs.map((_, index) => lastAtMost(starts, index)),
    runs,
  );
});

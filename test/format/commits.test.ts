import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, tensor } from "spillway";
import { classCounts, fieldsOfCommit, firstParts, tellOlder } from "#spillway/format/commits";

const fields = { data: tensor("float32", [2]), label: classes(["a", "b", "c"]), kind: classes(["x", "y"]) };
const commits = [
  { rows: 5, classes: { label: 1, kind: 2 } },
  { rows: 5, classes: { label: 3, kind: 2 } },
  { rows: 9 },
];

test("a commit knows the first of the classes, and all of those that it does not count", () => {
  const namesOf = (commit: number) =>
    Object.values(fieldsOfCommit({ fields, commits }, commit)).map((field) =>
      field.kind === "class" ? field.classes.join("") : field.dtype,
    );
  assert.deepEqual([0, 1, 2].map(namesOf), [
    ["float32", "a", "xy"],
    ["float32", "abc", "xy"],
    ["float32", "abc", "xy"],
  ]);
  assert.deepEqual(classCounts(fields), { label: 3, kind: 2 });
});

test("only commits that know fewer classes than there are say how many", () => {
  assert.deepEqual(tellOlder(commits, fields), [commits[0], { rows: 5 }, { rows: 9 }]);
});

test("the first parts of a dataset are those that hold its first rows", () => {
  const parts = [3, 2, 4].map((rows) => ({ rows }));
  assert.deepEqual(
    [0, 3, 4, 5, 9, 10].map((rows) => firstParts(parts, rows).length),
    [0, 1, 1, 2, 3, 3],
  );
});

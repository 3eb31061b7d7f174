import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DrawOptions,
  type DrawRule,
  describeRule,
  parseRule,
  type Rule,
  type SplitBy,
} from "#spillway/catalog/split-rule";
import { targetsOf } from "#spillway/catalog/split-targets";
import { refuses } from "../source/fixtures.js";

test("parts of 1 are shares, whole numbers above 1 are counts", () => {
  assert.deepEqual(parseRule({ a: 0.5, b: 0.5 }, {}), { kind: "shares", shares: { a: 0.5, b: 0.5 } });
  assert.deepEqual(parseRule({ a: 1 }, {}), { kind: "shares", shares: { a: 1 } });
  assert.deepEqual(parseRule({ a: 100, b: 1 }, {}), { kind: "counts", counts: { a: 100, b: 1 } });
});

test("a rule holds what was asked for, and nothing else", () => {
  assert.deepEqual(parseRule({ test: 0.2 }, { stratify: "label", group: "subject", folds: 5 }), {
    kind: "shares",
    shares: { test: 0.2 },
    stratify: ["label"],
    group: "subject",
    folds: 5,
  });
  assert.deepEqual(parseRule({ by: "part" }, {}), { kind: "by", column: "part" });
  assert.deepEqual(parseRule({ from: "a/b.csv" }, {}), {
    kind: "from",
    file: "a/b.csv",
    allowUnmatched: false,
  });
  // Splits may have these names too.
  assert.deepEqual(parseRule({ by: 0.5, from: 0.5 }, {}), { kind: "shares", shares: { by: 0.5, from: 0.5 } });
});

const senseless: readonly (readonly [SplitBy, DrawOptions, string])[] = [
  [{}, {}, "no split is named. Name them with their shares: train=0.8 val=0.2."],
  [
    { train: 0.8, val: 0.3 },
    {},
    "the shares add up to 1.1, more than 1. Lower them: train=0.8 val=0.1 test=0.1.",
  ],
  [
    { train: 0 },
    {},
    'the share 0 of "train" is not above 0 and at most 1. Write shares as parts of 1: train=0.8 val=0.1 test=0.1.',
  ],
  [
    { train: -0.5 },
    {},
    'the share -0.5 of "train" is not above 0 and at most 1. Write shares as parts of 1: train=0.8 val=0.1 test=0.1.',
  ],
  [
    { train: 1.5 },
    {},
    'the share 1.5 of "train" is not above 0 and at most 1. Write shares as parts of 1: train=0.8 val=0.1 test=0.1.',
  ],
  [
    { train: "0.5" as unknown as number },
    {},
    'the share 0.5 of "train" is not above 0 and at most 1. Write shares as parts of 1: train=0.8 val=0.1 test=0.1.',
  ],
  [
    { train: Number.NaN },
    {},
    'the share NaN of "train" is not above 0 and at most 1. Write shares as parts of 1: train=0.8 val=0.1 test=0.1.',
  ],
  [
    { train: 0.8, val: 200 },
    {},
    '"train" is given as a share (0.8) and "val" as a count (200). Give shares for all splits, or counts for all.',
  ],
  [
    { train: 100, val: -3 },
    {},
    'the count -3 of "val" is not a whole number from 1. Write counts as whole numbers: train=1000 val=200.',
  ],
  [
    { train: 100, val: 2.5 },
    {},
    'the count 2.5 of "val" is not a whole number from 1. Write counts as whole numbers: train=1000 val=200.',
  ],
  [
    { "../train": 0.5 },
    {},
    '"../train" is no name for a split. Use letters, digits, - and _, at most 64, a letter or digit first.',
  ],
  [
    { "": 0.5 },
    {},
    '"" is no name for a split. Use letters, digits, - and _, at most 64, a letter or digit first.',
  ],
  [
    { val: 0.2 },
    { folds: 5 },
    'with folds "val" is not a split of its own. Each fold is val once, and the other folds are train: name held-out splits only, such as test=0.2.',
  ],
  [
    { test: 1 },
    { folds: 5 },
    "the shares add up to 1, and leave nothing for the folds. Lower them: test=0.2 leaves 0.8 for the folds.",
  ],
  [{}, { folds: 1 }, "folds 1 is not a whole number from 2 to 1000. Use 5 or 10."],
  [{}, { folds: 2.5 }, "folds 2.5 is not a whole number from 2 to 1000. Use 5 or 10."],
  [{ a: 0.5 }, { stratify: [] }, "stratify names 0 columns: . Name 1 to 16 different ones."],
  [{ a: 0.5 }, { stratify: ["x", "x"] }, "stratify names 2 columns: x, x. Name 1 to 16 different ones."],
  [{ a: 0.5 }, { group: "" }, '"" is no name of a column. Name a column of the catalog, such as label.'],
  [
    { by: "part" },
    { group: "subject" },
    "group does not go together with a column that says the split. Leave one of them out.",
  ],
  [
    { from: "x.csv" },
    { folds: 5 },
    "folds does not go together with a file that says it. Leave one of them out.",
  ],
];

test("what makes no sense is refused, and said how to write it", async () => {
  for (const [what, options, message] of senseless)
    await refuses(() => parseRule(what, options), "usage", message);
});

test("targets add up to all samples: splits, folds, none", () => {
  const rule: DrawRule = { kind: "shares", shares: { test: 0.2 }, folds: 5 };
  assert.deepEqual(targetsOf(rule, 101, false).totals, [20, 17, 16, 16, 16, 16, 0]);
  const counts = targetsOf({ kind: "counts", counts: { a: 60, b: 30 } }, 100, false);
  assert.deepEqual(
    counts.shares.map((share) => share.toFixed(9)),
    ["0.600000000", "0.300000000", "0.100000000"],
  );
  assert.deepEqual(
    [counts.totals, counts.isFull],
    [
      [60, 30, 10],
      [false, false, false],
    ],
  );
});

test("counts beyond the samples and folds without samples are refused", async () => {
  await refuses(
    () => targetsOf({ kind: "counts", counts: { a: 60, b: 50 } }, 100, false),
    "usage",
    "the counts add up to 110, there are 100 samples. Lower them, or give shares: train=0.8 val=0.2.",
  );
  await refuses(
    () => targetsOf({ kind: "counts", counts: { a: 96 }, folds: 5 }, 100, false),
    "usage",
    "5 folds of 4 samples would leave some empty. Use at most 4 folds.",
  );
  await refuses(
    () => targetsOf({ kind: "counts", counts: { a: 100 }, folds: 5 }, 100, false),
    "usage",
    "5 folds of 0 samples would leave some empty. Lower what is held out.",
  );
});

test("a rule is told in words", () => {
  const cases: readonly (readonly [Rule, string])[] = [
    [{ kind: "shares", shares: { a: 0.5 } }, "random, seed 7"],
    [
      { kind: "counts", counts: { a: 5 }, stratify: ["label", "sex"], group: "subject", folds: 5 },
      "stratified by label and sex, no subject in two splits, 5 folds, seed 7",
    ],
    [{ kind: "by", column: "part" }, 'by column "part"'],
    [
      {
        kind: "from",
        file: "mine.csv",
        path: "main.from-0.csv",
        hash: "0".repeat(16),
        allowUnmatched: false,
      },
      "from file mine.csv",
    ],
  ];
  for (const [rule, words] of cases) assert.equal(describeRule(rule, 7), words);
});

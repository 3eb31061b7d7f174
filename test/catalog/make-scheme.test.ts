import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { CatalogPlace } from "#spillway/catalog/catalog-reader";
import { drawAgain, drawScheme, extendScheme, keepScheme } from "#spillway/catalog/make-scheme";
import { partsOf, readScheme, type Scheme } from "#spillway/catalog/scheme";
import { findSplitBits, readAssignment } from "#spillway/catalog/split-bits";
import type { ColumnReader } from "#spillway/catalog/split-columns";
import { type DrawOptions, parseRule, type SplitBy } from "#spillway/catalog/split-rule";
import { cutBits, hasBit } from "#spillway/order/bitmap";
import { temporaryFolder } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { columnsOf, fingerprintAt, placeOf, randomNumbers } from "./fake-columns.js";

const count = 3000;
const random = randomNumbers(1);
const columns = {
  path: Array.from({ length: count }, (_, id) => `rec/${id}.npy`),
  row: Array.from({ length: count }, () => null),
  label: Array.from({ length: count }, () => ["walk", "run", "jump"][random(random(3) + 1)]),
  sex: Array.from({ length: count }, () => BigInt(random(2))),
  // Subjects come one after another, as they are recorded.
  subject: Array.from({ length: count }, (_, id) => `s${Math.floor(id / 30) + random(5)}`),
  part: Array.from({ length: count }, (_, id) =>
    id % 17 === 0
      ? null
      : id % 19 === 0
        ? ""
        : ["train", "val", ...(id > 1500 ? ["late"] : [])][random(id > 1500 ? 3 : 2)],
  ),
};

interface Made {
  folder: string;
  scheme: Scheme;
}

/** Makes and stores a scheme at a commit of so many rows, and perhaps extends it to later ones. */
async function make(
  what: SplitBy,
  draw: DrawOptions = {},
  more: { commits?: readonly number[]; reader?: ColumnReader; seed?: number; scheme?: string } = {},
): Promise<Made> {
  const { commits = [count], reader = columnsOf(columns), seed = 3, scheme = "main" } = more;
  const [first, ...later] = commits;
  const place = placeOf([first!]);
  const rule = parseRule(what, draw);
  const drawn = await drawScheme(place, { scheme, seed, rule }, { reader });
  let made = await keepScheme(place.folder, drawn.draft, rule);
  for (const [k] of later.entries())
    made = await extendScheme(placeOf(commits.slice(0, k + 2), place.folder), scheme, { reader });
  return { folder: place.folder, scheme: made };
}

const list = join(temporaryFolder(), "mine.csv");
fs.writeFileSync(
  list,
  `path,split\n${columns.path.flatMap((path, id) => (id % 3 === 0 ? [] : [`${path},part ${id % 4}`])).join("\n")}\n`,
);

const kinds: readonly (readonly [string, SplitBy, DrawOptions])[] = [
  ["shares", { train: 0.7, val: 0.2 }, {}],
  ["counts", { train: 500, val: 100 }, {}],
  ["classes", { train: 0.7, val: 0.3 }, { stratify: ["label", "sex"] }],
  ["groups", { train: 0.7, val: 0.3 }, { group: "subject" }],
  ["classes and groups", { train: 0.8, val: 0.1, test: 0.1 }, { stratify: "label", group: "subject" }],
  ["folds", { test: 0.2 }, { folds: 5 }],
  ["folds of classes and groups", {}, { folds: 4, stratify: "label", group: "subject" }],
  ["a column", { by: "part" }, {}],
  ["a file", { from: list, allowUnmatched: true }, {}],
];

for (const [name, what, draw] of kinds) {
  test(`a scheme by ${name} is made again from its definition, also where it was extended`, async () => {
    for (const commits of [[count], [1000, count], [700, 701, 1600, count]]) {
      const { folder, scheme } = await make(what, draw, { commits });
      const place = placeOf(commits, folder);
      assert.equal(scheme.history.length, commits.length - 1);
      const stored = readAssignment(place, scheme);
      const again = await drawAgain(place, readScheme(place, "main"), { reader: columnsOf(columns, 77) });
      assert.deepEqual(again.draft.splits, Object.keys(scheme.splits));
      assert.equal(Buffer.compare(Buffer.from(again.draft.parts.buffer), Buffer.from(stored.buffer)), 0);
    }
  });

  test(`extending a scheme by ${name} leaves earlier samples where they are, and their fingerprint`, async () => {
    const commits = [900, 1703, count];
    const { folder, scheme: first } = await make(what, draw, { commits: [900] });
    const before = readAssignment(placeOf([900], folder), first);
    const { scheme } = await make(what, draw, { commits });
    const second = { folder: (await make(what, draw, { commits })).folder };
    const place = placeOf(commits, second.folder);
    const after = readAssignment(place, scheme);
    const oldNames = [...Object.keys(first.splits), ...first.folds.map((_, k) => `fold ${k}`)];
    const names = partsOf(scheme).map(({ name: each }) => each);
    for (let row = 0; row < 900; row += 1) assert.equal(names[after[row]!], oldNames[before[row]!]);
    for (const { name: each, part } of partsOf(scheme)) {
      const old = partsOf(first).find((other) => other.name === each)?.part;
      if (old) assert.deepEqual(part.history[0], { count: old.count, hash: old.hash });
      else assert.equal(part.history[0]!.count, 0);
    }
  });
}

test("parts of the catalog may be cut anywhere", async () => {
  const all = await Promise.all(
    [1, 64, 999, 5000].map((groupRows) =>
      make(
        { train: 0.7, val: 0.3 },
        { stratify: ["label", "sex"], group: "subject" },
        { reader: columnsOf(columns, groupRows) },
      ),
    ),
  );
  for (const { scheme } of all) assert.deepEqual(scheme, all[0]!.scheme);
});

test("a view of a split at an earlier commit is what it was, however often the scheme was extended", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 700, max: count }), { minLength: 2, maxLength: 5 }),
      fc.constantFrom(...kinds),
      async (rows, [, what, draw]) => {
        const commits = rows.sort((a, b) => a - b);
        const { folder, scheme } = await make(what, draw, { commits });
        const last = placeOf(commits, folder);
        for (const [k, at] of commits.entries()) {
          const then = await make(what, draw, { commits: commits.slice(0, k + 1) });
          const thenPlace = placeOf(commits.slice(0, k + 1), then.folder);
          for (const split of Object.keys(then.scheme.splits)) {
            const [old, now] = [
              findSplitBits(thenPlace, { scheme: "main", split }),
              findSplitBits(last, { scheme: "main", split }, at),
            ];
            assert.deepEqual([now.rows, now.count, now.hash], [old.rows, old.count, old.hash]);
            assert.deepEqual(now.read(), old.read());
          }
          for (let fold = 0; fold < scheme.folds.length; fold += 1) {
            const choice = { scheme: "main", split: "train", fold };
            assert.equal(findSplitBits(last, choice, at).hash, findSplitBits(thenPlace, choice).hash);
          }
        }
      },
    ),
    { numRuns: 20 },
  );
});

test("a column says the split of new samples too, and may name new splits", async () => {
  const { folder, scheme } = await make({ by: "part" }, {}, { commits: [1000, count] });
  assert.deepEqual(Object.keys(scheme.splits), ["train", "val", "late"]);
  const place = placeOf([1000, count], folder);
  for (const split of ["train", "val", "late"]) {
    const bits = findSplitBits(place, { scheme: "main", split }).read();
    columns.part.forEach((value, row) => {
      assert.equal(hasBit(bits, row), value === split, `${row}`);
    });
  }
});

test("splits may be called by numbers", async () => {
  const numbers = Array.from({ length: 300 }, (_, id) =>
    BigInt([10, 2, 1, 33][(id + Math.floor(id / 150)) % 4]!),
  );
  const reader = columnsOf({ fold: numbers.map((number, id) => (id < 150 || number !== 33n ? number : 5n)) });
  const { folder, scheme } = await make({ by: "fold" }, {}, { commits: [100, 150, 300], reader });
  assert.deepEqual(Object.keys(scheme.splits).sort(), ["1", "10", "2", "33", "5"]);
  for (const split of Object.keys(scheme.splits)) {
    const bits = findSplitBits(placeOf([100, 150, 300], folder), { scheme: "main", split }).read();
    for (let row = 0; row < 300; row += 1) {
      const number = row >= 150 && numbers[row] === 33n ? 5n : numbers[row];
      assert.equal(hasBit(bits, row), String(number) === split, `${row} ${split}`);
    }
  }
});

test("samples that a file does not name are in no split, whenever they come", async () => {
  const { folder, scheme } = await make({ from: list, allowUnmatched: true }, {}, { commits: [1000, count] });
  assert.deepEqual(Object.keys(scheme.splits), ["part 1", "part 2", "part 0", "part 3"]);
  const total = Object.values(scheme.splits).reduce((sum, part) => sum + part.count, 0);
  assert.equal(total, 666);
  assert.equal(scheme.rule.kind === "from" && scheme.rule.file, "mine.csv");
  const files = fs.readdirSync(join(folder, "splits")).sort();
  assert.equal(files.length, 1 + 1 + 4, `${files}`);
});

test("names in a file that are no samples are refused, unless they are allowed", async () => {
  const path = join(temporaryFolder(), "ids.csv");
  fs.writeFileSync(
    path,
    `id,split\n1,train\n${Array.from({ length: 12 }, (_, k) => `${count + k},val`).join("\n")}\n`,
  );
  const folder = temporaryFolder();
  const attempt = (allowUnmatched: boolean) =>
    drawScheme(
      placeOf([count], folder),
      { scheme: "main", seed: 0, rule: { kind: "from", file: path, allowUnmatched } },
      { reader: columnsOf(columns) },
    );
  await refuses(
    () => attempt(false),
    "mismatch",
    `12 of the 13 names in ${path} are no samples of ${folder}: 3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008, 3009 and 2 more. Correct them, or allow it: --allow-unmatched.`,
  );
  const { draft } = await attempt(true);
  assert.deepEqual(draft.splits, ["train", "val"]);
  fs.writeFileSync(path, "id,split\n1,\n");
  await refuses(
    () => attempt(true),
    "source",
    `${path} puts no sample into a split. Write a line such as 17,train for each sample.`,
  );
});

test("columns that say nothing of some samples are refused, with how many and which", async () => {
  const gaps = (missing: readonly unknown[]) =>
    columnsOf({
      subject: Array.from({ length: 60 }, (_, id) => (id < missing.length ? missing[id] : `s${id % 9}`)),
    });
  const attempt = (draw: DrawOptions, missing: readonly unknown[]) =>
    drawScheme(
      placeOf([60]),
      { scheme: "main", seed: 0, rule: parseRule({ train: 0.5, val: 0.5 }, draw) },
      { reader: gaps(missing) },
    );
  await refuses(
    () => attempt({ group: "subject" }, ["x", null, undefined, Number.NaN, ""]),
    "usage",
    'column "subject" says no group for 4 of 60 samples: 1, 2, 3, 4. Fill it in for all samples, or leave group out.',
  );
  await refuses(
    () => attempt({ stratify: "subject" }, new Array<null>(12).fill(null)),
    "usage",
    'column "subject" says no class for 12 of 60 samples: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more. Fill it in for all samples, or leave stratify out.',
  );
  // An empty text is a class like any other.
  await attempt({ stratify: "subject" }, ["", "", ""]);
});

test("columns that cannot be gone by are refused", async () => {
  const names = Array.from({ length: 2000 }, (_, id) => id);
  const reader = columnsOf({
    many: names,
    few: names.map((id) => id % 3),
    slash: names.map(() => "a/b"),
    none: names.map(() => null),
  });
  const attempt = (what: SplitBy, draw: DrawOptions = {}) =>
    drawScheme(placeOf([2000]), { scheme: "main", seed: 0, rule: parseRule(what, draw) }, { reader });
  const remedy = "Use a column whose values name splits, such as train and test.";
  await refuses(
    () => attempt({ by: "many" }),
    "usage",
    `column "many" names more than 1000 splits. ${remedy}`,
  );
  await refuses(
    () => attempt({ by: "none" }),
    "usage",
    `column "none" says a split for no sample. ${remedy}`,
  );
  await refuses(
    () => attempt({ by: "slash" }),
    "usage",
    `column "slash" has the value "a/b", which cannot name a split. ${remedy}`,
  );
  await refuses(
    () => attempt({ test: 0.2 }, { group: "few", folds: 5 }),
    "usage",
    'column "few" has 3 groups, fewer than the 6 splits and folds. Use fewer splits or folds, or another column.',
  );
});

test("names and seeds that make no sense are refused, and nothing is written", async () => {
  const folder = temporaryFolder();
  const rule = parseRule({ train: 0.5 }, {});
  const place = placeOf([100], folder);
  await refuses(
    () => drawScheme(place, { scheme: "../main", seed: 0, rule }),
    "usage",
    '"../main" is no name for a scheme. Use letters, digits, - and _, at most 64, a letter or digit first.',
  );
  await refuses(
    () => drawScheme(place, { scheme: "main", seed: -1, rule }),
    "usage",
    /^seed -1 is not a whole number/,
  );
  assert.deepEqual(fs.readdirSync(folder), []);
});

test("a scheme is not extended beyond a commit that the dataset has not, and not twice", async () => {
  const { folder, scheme } = await make({ train: 0.5 }, {}, { commits: [1000, 2000] });
  const again = await extendScheme(placeOf([1000, 2000], folder), "main");
  assert.deepEqual(again, scheme);
  const earlier = placeOf([1000], folder);
  await refuses(
    () => extendScheme(earlier, "main"),
    "mismatch",
    `scheme "main" covers 2000 samples, ${folder} has 1000 at this commit. Open the dataset at its last commit.`,
  );
  const other: CatalogPlace = placeOf([3000], folder);
  await refuses(
    () => extendScheme(other, "main"),
    "mismatch",
    `scheme "main" was made for 2000 samples with fingerprint ${fingerprintAt(2000)}, ${folder} has 3000 with ${fingerprintAt(3000)}. Make it again: spillway split ${folder} ...`,
  );
});

test("extending removes the bits that nothing names any more, and views made before still read theirs", async () => {
  const { folder } = await make({ train: 0.5, val: 0.5 }, {}, { commits: [1000] });
  const view = findSplitBits(placeOf([1000], folder), { scheme: "main", split: "train" });
  const bits = view.read();
  await extendScheme(placeOf([1000, 2000], folder), "main");
  assert.equal(fs.readdirSync(join(folder, "splits")).length, 3);
  assert.deepEqual(view.read(), bits);
  assert.deepEqual(
    cutBits(findSplitBits(placeOf([1000, 2000], folder), { scheme: "main", split: "train" }).read(), 1000),
    bits,
  );
});

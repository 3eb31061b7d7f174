import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assign } from "#spillway/catalog/assign";
import { type Assignment, type Numbering, tally } from "#spillway/catalog/assignment";
import type { DrawRule } from "#spillway/catalog/split-rule";
import { targetsOf } from "#spillway/catalog/split-targets";
import { randomNumbers } from "./fake-columns.js";

interface GroupTable {
  rows: number;
  groups: Numbering;
  strata: Numbering;
}

/** Groups of mixed sizes, rows in any order; each group has mostly one class, more or less. */
function randomTable(seed: number, groupCount: number, largest: number, isMixed = true): GroupTable {
  const random = randomNumbers(seed);
  const classCount = 2 + random(7);
  const all: { group: number; stratum: number }[] = [];
  for (let group = 0; group < groupCount; group += 1) {
    const main = random(classCount);
    const purity = random(101);
    // Small groups more often than large ones.
    const size = 1 + Math.floor(Math.exp((random(1000) / 1000) * Math.log(largest)));
    for (let k = 0; k < size; k += 1)
      all.push({ group, stratum: random(100) < purity ? main : random(random(classCount) + 1) });
  }
  for (let row = isMixed ? all.length - 1 : 0; row > 0; row -= 1) {
    const other = random(row + 1);
    [all[row], all[other]] = [all[other]!, all[row]!];
  }
  const numberOf = new Map<number, number>();
  for (const { stratum } of all) if (!numberOf.has(stratum)) numberOf.set(stratum, numberOf.size);
  return {
    rows: all.length,
    groups: { numbers: Int32Array.from(all, ({ group }) => group), count: groupCount },
    strata: { numbers: Int32Array.from(all, ({ stratum }) => numberOf.get(stratum)!), count: numberOf.size },
  };
}

/** The first rows of a table, as if there were no others. */
function firstRows({ groups, strata }: GroupTable, rows: number): GroupTable {
  const cut = ({ numbers }: Numbering) => ({
    numbers: numbers.subarray(0, rows),
    count: Math.max(...numbers.subarray(0, rows)) + 1,
  });
  return { rows, groups: cut(groups), strata: cut(strata) };
}

function draw(
  rule: DrawRule,
  { rows, groups, strata }: GroupTable,
  more: { seed?: number; isStratified?: boolean; before?: { rows: number; parts: Assignment } } = {},
): Assignment {
  const { seed = 0, isStratified = true, before } = more;
  const targets = targetsOf(rule, rows, before !== undefined);
  return assign({
    rows,
    targets,
    groups,
    ...(isStratified && { strata }),
    seed,
    scheme: "main",
    ...(before && { before }),
  });
}

function requireWholeGroups(parts: Assignment, { numbers, count }: Numbering): void {
  const partOf = new Int32Array(count).fill(-1);
  parts.forEach((part, row) => {
    const group = numbers[row]!;
    if (partOf[group] === -1) partOf[group] = part;
    assert.equal(part, partOf[group], `group ${group}`);
  });
}

const rules: readonly DrawRule[] = [
  { kind: "shares", shares: { train: 0.8, val: 0.1, test: 0.1 } },
  { kind: "shares", shares: { train: 0.7, val: 0.3 } },
  { kind: "shares", shares: { train: 0.6, val: 0.2, test: 0.2 } },
  { kind: "shares", shares: { train: 0.5, val: 0.25, test: 0.1 } },
  { kind: "shares", shares: { test: 0.2 }, folds: 4 },
];

test("on 1,000 random tables shares are within 2 %, and those of classes as far as their groups allow", () => {
  for (let seed = 0; seed < 1000; seed += 1) {
    const table = randomTable(seed, 200 + (seed % 200), 50);
    const { rows, groups, strata } = table;
    const rule = rules[seed % rules.length]!;
    const { shares } = targetsOf(rule, rows, false);
    const parts = draw(rule, table, { seed });
    requireWholeGroups(parts, groups);
    const width = shares.length;
    tally(parts, width - 1, undefined, 0, rows).forEach((count, part) => {
      assert.ok(
        Math.abs(count / rows - shares[part]!) < 0.02,
        `table ${seed}: part ${part} has ${count} of ${rows}`,
      );
    });
    // Where one group holds much of a class, no way of sharing out is nearer than half of that.
    const inGroups = new Map<number, number>();
    groups.numbers.forEach((group, row) => {
      const key = group * strata.count + strata.numbers[row]!;
      inGroups.set(key, (inGroups.get(key) ?? 0) + 1);
    });
    const largest = new Array<number>(strata.count).fill(0);
    for (const [key, count] of inGroups)
      largest[key % strata.count] = Math.max(largest[key % strata.count]!, count);
    const sizes = tally(new Uint8Array(rows), 0, strata, 0, rows);
    tally(parts, width - 1, strata, 0, rows).forEach((count, at) => {
      const stratum = Math.floor(at / width);
      const deviation = Math.abs(count / sizes[stratum]! - shares[at % width]!);
      const allowed = Math.max(0.02, largest[stratum]! / 2 / sizes[stratum]!);
      assert.ok(
        deviation <= allowed,
        `table ${seed}: class ${stratum} is ${deviation} off, ${allowed} is allowed`,
      );
    });
  }
});

const anyTable = fc
  .record({
    seed: fc.nat(),
    groupCount: fc.integer({ min: 8, max: 60 }),
    largest: fc.integer({ min: 1, max: 400 }),
  })
  .map(({ seed, groupCount, largest }) => randomTable(seed, groupCount, largest));

test("no group is ever in two splits, whatever the groups, and no split is empty", () => {
  fc.assert(
    fc.property(
      anyTable,
      fc.constantFrom(...rules),
      fc.nat(),
      fc.boolean(),
      (table, rule, seed, isStratified) => {
        const parts = draw(rule, table, { seed, isStratified });
        requireWholeGroups(parts, table.groups);
        const { shares } = targetsOf(rule, table.rows, false);
        const counts = tally(parts, shares.length - 1, undefined, 0, table.rows);
        shares.forEach((share, part) => {
          if (share === 0) assert.equal(counts[part], 0);
          else if (part < shares.length - 1) assert.ok(counts[part]! > 0, `part ${part} of ${counts}`);
        });
      },
    ),
    { numRuns: 300 },
  );
});

test("as many groups as splits give each split one", () => {
  const numbers = Int32Array.from({ length: 100 }, (_, row) => Math.min(2, Math.floor(row / 45)));
  const table = { rows: 100, groups: { numbers, count: 3 }, strata: { numbers, count: 3 } };
  const parts = draw({ kind: "shares", shares: { train: 0.9, val: 0.05, test: 0.05 } }, table, {
    isStratified: false,
  });
  assert.deepEqual(
    [...tally(parts, 3, undefined, 0, 100)].sort((a, b) => a - b),
    [0, 10, 45, 45],
  );
});

test("the same seed draws the same groups, another seed others", () => {
  const table = randomTable(3, 300, 40);
  const rule = rules[0]!;
  assert.deepEqual(draw(rule, table, { seed: 5 }), draw(rule, table, { seed: 5 }));
  assert.notDeepEqual(draw(rule, table, { seed: 5 }), draw(rule, table, { seed: 6 }));
  // Also where all groups are of different sizes, so that no tie is left to a lot.
  const sizes = Array.from({ length: 60 }, (_, k) => k + 10);
  const numbers = Int32Array.from(sizes.flatMap((size, group) => new Array<number>(size).fill(group)));
  const plain = { rows: numbers.length, groups: { numbers, count: 60 }, strata: { numbers, count: 60 } };
  const drawn = [0, 1].map((seed) => draw(rule, plain, { seed, isStratified: false }));
  assert.notDeepEqual(drawn[0], drawn[1]);
});

test("groups that are known stay together when rows join, and new ones keep the shares", () => {
  for (let seed = 0; seed < 60; seed += 1) {
    // Group after group, so that many are new each time.
    const table = randomTable(seed, 300, 40, false);
    const rule = rules[seed % rules.length]!;
    let rows = Math.floor(table.rows / 3);
    let parts = draw(rule, firstRows(table, rows), { seed });
    for (const next of [Math.floor(table.rows / 2), table.rows]) {
      const grown = draw(rule, firstRows(table, next), { seed, before: { rows, parts } });
      assert.deepEqual(grown.subarray(0, rows), parts);
      requireWholeGroups(grown, table.groups);
      [rows, parts] = [next, grown];
    }
    const { shares } = targetsOf(rule, rows, false);
    tally(parts, shares.length - 1, undefined, 0, rows).forEach((count, part) => {
      assert.ok(
        Math.abs(count / rows - shares[part]!) < 0.02,
        `table ${seed}: part ${part} has ${count} of ${rows}`,
      );
    });
  }
});

test("counts that were reached get no new group", () => {
  const table = randomTable(11, 400, 30);
  const rule: DrawRule = { kind: "counts", counts: { train: 500, val: 100 } };
  const first = firstRows(table, 1500);
  const parts = draw(rule, first);
  const grown = draw(rule, table, { before: { rows: 1500, parts } });
  const known = new Set(first.groups.numbers);
  grown.forEach((part, row) => {
    if (!known.has(table.groups.numbers[row]!)) assert.equal(part, 2);
  });
  requireWholeGroups(grown, table.groups);
});

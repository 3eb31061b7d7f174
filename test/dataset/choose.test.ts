// Views compose: whatever is asked for together, the samples are those that SQL finds, and what is taken of them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { append, type Dataset, open, type View, type ViewOptions } from "spillway";
import { takeCount } from "#spillway/order/take";
import { fieldsFor, packed, samplesFor, temporaryFolder, upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const count = 400;
const path = await packed({ count });
const dataset = await open(path, { memory: "64 MiB" });
await dataset.split({ test: 0.2 }, { folds: 4, stratify: "label", seed: 1 });
await dataset.split({ train: 0.7, val: 0.3 }, { scheme: "plain", seed: 2 });
await dataset.annotate(
  Array.from({ length: count }, (_, id) => ({
    id,
    score: (id * 7919) % 101,
    hand: id % 3 ? "left" : "right",
  })),
);

/** Ids of a view in order. */
async function idsOf(view: View): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of view.batches({ batchSize: 64, shuffle: false, readers: 1 }))
    ids.push(...batch.ids);
  return ids;
}

/** Ids that SQL finds. */
async function idsBySql(of: Dataset, condition: string, scheme?: string): Promise<number[]> {
  const { rows } = await of.query(
    `select id from catalog where ${condition} order by id`,
    scheme === undefined ? {} : { scheme },
  );
  return rows.map(({ id }) => Number(id));
}

test.after(() => dataset.close());

test("what split, fold, where, rows and excluded choose together is what SQL finds", async () => {
  await dataset.exclude({ where: "score between 40 and 45" });
  const conditions = ["label <> 'wave'", "hand = 'left'", "score < 50 or label = 'circle'", "id % 7 = 3"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("none", "main", "plain", "rows"),
      fc.nat(3),
      fc.constantFrom("train", "val", "test"),
      fc.option(fc.constantFrom(...conditions), { nil: undefined }),
      fc.boolean(),
      async (of, fold, name, where, withExcluded) => {
        const options: ViewOptions = { withExcluded, ...(where !== undefined && { where }) };
        const parts = [withExcluded ? "true" : "not excluded", where === undefined ? "true" : `(${where})`];
        if (of === "rows") {
          options.rows = [fold * 10, 300];
          parts.push(`id >= ${fold * 10} and id < 300`);
        } else if (of === "plain") {
          options.scheme = "plain";
          options.split = name === "test" ? "val" : name;
          parts.push(`split = '${options.split}'`);
        } else if (of === "main") {
          options.split = name;
          if (name !== "test") options.fold = fold;
          if (name === "test") parts.push("split = 'test'");
          else if (name === "val") parts.push(`split = 'fold ${fold}'`);
          else parts.push(`split like 'fold %' and split <> 'fold ${fold}'`);
        }
        const view = await dataset.view(options);
        const wanted = await idsBySql(dataset, parts.join(" and "), options.scheme);
        assert.deepEqual(await idsOf(view), wanted);
        assert.equal(view.size, wanted.length);
      },
    ),
    { numRuns: 40 },
  );
  await dataset.include("all");
});

test("as many as are asked for are taken of what was chosen, the same ones for a seed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<ViewOptions>({}, { split: "test" }, { where: "score < 50" }, { rows: [7, 123] }),
      fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom("1%" as const, "33%" as const)),
      fc.nat(5),
      async (from, take, seed) => {
        const all = await dataset.view(from);
        const some = await dataset.view({ ...from, take, seed });
        const ids = await idsOf(some);
        assert.equal(ids.length, takeCount(take, all.size));
        const known = new Set(await idsOf(all));
        assert.ok(ids.every((id) => known.has(id)));
        assert.equal((await dataset.view({ ...from, take, seed })).fingerprint, some.fingerprint);
      },
    ),
    { numRuns: 30 },
  );
});

test("a balanced trial has as many of each class", async () => {
  const view = await dataset.view({ take: 30, balance: "label", split: "test" });
  const { rows } = await dataset.query(
    `select label, count(*) as samples from catalog where id in (${(await idsOf(view)).join(",")}) group by all`,
  );
  assert.deepEqual(
    rows.map(({ samples }) => Number(samples)),
    [10, 10, 10],
  );
});

test("choices that lead to the same samples have the same fingerprint, others have others", async () => {
  const val = dataset.view({ split: "val", scheme: "plain" });
  const byWhere = await dataset.view({ where: "split = 'val'", scheme: "plain" });
  assert.equal(byWhere.fingerprint, val.fingerprint);
  const all = dataset.view();
  assert.equal(dataset.view({ withExcluded: true }).fingerprint, all.fingerprint);
  assert.notEqual(dataset.view({ rows: [0, count - 1] }).fingerprint, all.fingerprint);
});

test("excluded samples are in no view until they are let in again, and nothing else changes", async () => {
  const before = dataset.view();
  assert.deepEqual(await dataset.exclude({ ids: [3, 5, 399] }), { named: 3, changed: 3, excluded: 3 });
  assert.deepEqual(await dataset.exclude({ ids: [5, 6] }), { named: 2, changed: 1, excluded: 4 });
  const left = [3, 5, 6, 399];
  assert.deepEqual(
    await idsOf(dataset.view()),
    upTo(count).filter((id) => !left.includes(id)),
  );
  assert.deepEqual(await idsBySql(dataset, "excluded"), left);
  assert.deepEqual(await dataset.include({ ids: [3] }), { named: 1, changed: 1, excluded: 3 });
  assert.deepEqual(await dataset.include("all"), { named: count, changed: 3, excluded: 0 });
  assert.equal(dataset.view().fingerprint, before.fingerprint);
  await refuses(
    () => dataset.exclude({ ids: [count] }),
    "usage",
    `${path} has no sample 400: it has 400. Use ids from 0 to 399.`,
  );
  await refuses(
    () => dataset.exclude({ where: "true" }),
    "usage",
    `all 400 samples of ${path} would be left out. Name fewer of them.`,
  );
});

test("a folder of one's own has its own excluded samples", async () => {
  const side = join(temporaryFolder(), "mine");
  const own = await open(path, { memory: "32 MiB", side });
  await own.exclude({ ids: [1] });
  assert.equal(own.view().size, count - 1);
  assert.equal(dataset.view().size, count);
  await own.close();
});

test("a view of an earlier commit has the samples of then, and its tokens go on fitting", async () => {
  const grown = await packed({ count: 200 });
  const first = await open(grown, { memory: "32 MiB" });
  await first.split({ train: 0.75, val: 0.25 }, { stratify: "label" });
  const wanted = await idsOf(first.view({ split: "train" }));
  let resume = "";
  for await (const batch of first.view({ split: "train" }).batches({ batchSize: 50, seed: 3 })) {
    ({ resume } = batch);
    break;
  }
  await first.close();
  await append(samplesFor({ count: 100 }), grown, { fields: fieldsFor({}), memory: "16 MiB" });
  const later = await open(grown, { memory: "32 MiB" });
  assert.deepEqual([later.size, later.commit], [300, 2]);
  assert.deepEqual(await idsOf(later.view({ split: "train", commit: 1 })), wanted);
  const now = await idsOf(later.view({ split: "train" }));
  assert.deepEqual(
    now.filter((id) => id < 200),
    wanted,
  );
  assert.equal(now.length, 225);
  const old = later.view({ split: "train", commit: 1 });
  let rest = 0;
  for await (const batch of old.batches({ batchSize: 50, resume })) rest += batch.size;
  assert.equal(rest, 100);
  const message = `the resume token is of view ${old.fingerprint} at commit 1, this is view ${later.view({ split: "train" }).fingerprint} at commit 2. Make the view at the token's commit, view({ commit: 1 }), or start anew without the token.`;
  await refuses(async () => later.view({ split: "train" }).batches({ resume }), "mismatch", message);
  await refuses(async () => later.view({ commit: 3 }), "usage", `${grown} has no commit 3. Use 1 to 2.`);
  await later.close();
});

test("choices without samples, and options that make no sense, are refused", async () => {
  await refuses(
    () => dataset.view({ where: "score > 1000" }),
    "missing",
    `${path} has no sample where score > 1000. Choose others, or look at the catalog: spillway query.`,
  );
  await refuses(
    () => dataset.view({ balance: "label" }),
    "usage",
    'balance chooses how many of each class to take, and take is not given. Say how many: take: "1%"; or give balance to batches().',
  );
  await refuses(
    () => dataset.view({ balance: "hand", take: 5 }),
    "usage",
    `"hand" is no class field of ${path}. Use one of label.`,
  );
  await refuses(
    async () => dataset.view({ split: "train", rows: [0, 5] }),
    "usage",
    "a view has either a split or rows, not both. Leave one of them out.",
  );
});

test("rows of views that no loop uses give way where memory is short", async () => {
  const large = await packed({ count: 20_000, length: 2, dtype: "uint8" });
  const own = await open(large, { memory: "9 MiB" });
  // Each view's rows take 4 KiB in the pool, many times over what is free beside the readers.
  for (let seed = 0; seed < 400; seed += 1) {
    const view = own.view({ take: 50, seed });
    let size = 0;
    for await (const batch of view.batches({ batchSize: 50, readers: 1 })) size += batch.size;
    assert.equal(size, 50);
  }
  const { heldBytes, memoryBytes } = await own.stats();
  assert.ok(heldBytes <= memoryBytes);
  await own.close();
});

// Balanced batches: each class equally often, in an order that depends on nothing but the seed, within the memory.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchOptions, type Dataset, open, pack, SpillwayError, tensor, type View } from "spillway";
import { BalancedOrder } from "#spillway/order/balanced";
import { idsOf, packLabelled } from "../fixtures/labelled.js";
import { temporaryFolder, upTo, using } from "../fixtures/packed.js";
import { makeSparse } from "../fixtures/sparse.js";

const classNames = ["ash", "birch", "cedar", "doum", "elm", "fir"];
const memory = "32 MiB";
/** 900 samples in runs: ash 500, birch 250, cedar 100, doum 46, elm 4, no fir. */
const labels = [500, 250, 100, 46, 4].flatMap((count, label) => Array<number>(count).fill(label));
/** The same mixed up, in a way that has nothing to do with Spillway's own orders. */
const mixed = labels.map((_, i) => labels[(i * 601) % labels.length]!);
const path = await packLabelled({ classNames, labels: mixed, shardSize: "4 KiB" });

/** Ids that a view's epochs must give, from lists of the members of each class. */
function expectedIds(
  rows: readonly number[],
  of: readonly number[],
  view: View,
  seed: number,
  epochs: number,
): number[] {
  const members = new Map<number, number[]>();
  for (const row of rows) members.set(of[row]!, [...(members.get(of[row]!) ?? []), row]);
  const present = [...members.keys()].sort((a, b) => a - b);
  const order = new BalancedOrder(
    {
      n: rows.length,
      labels: Uint32Array.from(present),
      counts: Uint32Array.from(present, (label) => members.get(label)!.length),
    },
    seed,
    view.fingerprint,
  );
  return upTo(epochs).flatMap((epoch) =>
    rows.map((_, place) => {
      order.draw(epoch, place);
      return members.get(present[order.classIndex]!)![order.member]!;
    }),
  );
}

function balanced(options: BatchOptions = {}): BatchOptions {
  return { balance: "label", ...options };
}

function idsWith(options: BatchOptions, given = memory): Promise<number[]> {
  return using(path, given, (dataset) => idsOf(dataset.view().batches(balanced(options)), mixed));
}

test("every batch has each class equally often, to within one, for any batch size", async () => {
  await using(path, memory, async (dataset) => {
    for (const batchSize of [1, 3, 5, 7, 32, 64, 100, 900]) {
      let samples = 0;
      for await (const batch of dataset.view().batches(balanced({ batchSize, seed: 4, epochs: 3 }))) {
        const counts = new Uint32Array(5);
        for (const id of batch.ids) counts[mixed[id]!]! += 1;
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${batchSize}: ${counts}`);
        samples += batch.size;
      }
      assert.equal(samples, 3 * 900);
    }
  });
});

test("every member of a class comes before any comes again", async () => {
  const ids = await idsWith({ batchSize: 50, seed: 2, epochs: 4 });
  for (let label = 0; label < 5; label += 1) {
    const members = mixed.filter((own) => own === label).length;
    const drawn = ids.filter((id) => mixed[id] === label);
    assert.ok(Math.abs(drawn.length - (4 * 900) / 5) <= 1);
    for (let at = 0; at < drawn.length; at += members) {
      const pass = drawn.slice(at, at + members);
      assert.equal(new Set(pass).size, pass.length);
    }
  }
});

test("epochs differ, seeds differ, views differ, and the same seed gives the same samples", async () => {
  const ids = await idsWith({ seed: 5, epochs: 2 });
  assert.deepEqual(await idsWith({ seed: 5, epochs: 2 }), ids);
  assert.notDeepEqual(ids.slice(0, 900), ids.slice(900));
  assert.notDeepEqual(await idsWith({ seed: 6 }), ids.slice(0, 900));
});

test("the samples do not depend on readers, memory or batch size", async () => {
  const ids = await idsWith({ batchSize: 64, seed: 9, epochs: 2, readers: 1 });
  for (const [readers, given, batchSize] of [
    [2, "24 MiB", 64],
    [8, "96 MiB", 64],
    [1, "10 MiB", 7],
    [3, "600 MiB", 333],
  ] as const) {
    assert.deepEqual(
      await idsWith({ batchSize, seed: 9, epochs: 2, readers }, given),
      ids,
      `${readers}, ${given}`,
    );
  }
});

test("one, two and three ranks put together draw what one draws, each rank balanced by itself", async () => {
  const batchSize = 10;
  const single = await idsWith({ batchSize, seed: 4 });
  for (const worldSize of [1, 2, 3]) {
    const ranks = await Promise.all(
      upTo(worldSize).map((rank) => idsWith({ batchSize, seed: 4, rank, worldSize, last: "drop" })),
    );
    const together = upTo(900 / batchSize / worldSize).flatMap((b) =>
      ranks.flatMap((ids) => ids.slice(b * batchSize, (b + 1) * batchSize)),
    );
    assert.deepEqual(together, single);
    for (const ids of ranks) {
      for (let at = 0; at < ids.length; at += batchSize) {
        const seen = upTo(5).map(
          (label) => ids.slice(at, at + batchSize).filter((id) => mixed[id] === label).length,
        );
        assert.deepEqual(seen, [2, 2, 2, 2, 2]);
      }
    }
  }
});

test("resuming at every k equals skipping k, with another batch size too", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view({ rows: [100, 160] });
    const all = await idsOf(view.batches(balanced({ batchSize: 60, seed: 2, epochs: 2 })), mixed);
    for (let k = 1; k <= 60; k += 1) {
      let token = "";
      for await (const batch of view.batches(balanced({ batchSize: k, seed: 2, epochs: 2 }))) {
        token = batch.resume;
        break;
      }
      const rest = await idsOf(view.batches(balanced({ batchSize: 7, resume: token, epochs: 2 })), mixed);
      assert.deepEqual(rest, all.slice(k), `k = ${k}`);
    }
  });
});

test("ranges and splits of any labels draw what lists of their members give", async () => {
  const cases = fc.record({
    count: fc.integer({ min: 10, max: 300 }),
    classCount: fc.constantFrom(1, 2, 6, 255, 300, 70_000),
    skew: fc.constantFrom(1, 3),
    share: fc.constantFrom(0.1, 0.5, 0.9),
    seed: fc.nat(),
    random: fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ count, classCount, skew, share, seed, random }) => {
      const next = () => random.next().value as number;
      const own = upTo(count).map(() => Math.floor(next() ** skew * classCount));
      const folder = await packLabelled({ classNames: upTo(classCount).map((k) => `c${k}`), labels: own });
      await using(folder, "24 MiB", async (dataset) => {
        const start = Math.floor(next() * (count - 1));
        const end = start + 1 + Math.floor(next() * (count - start - 1));
        await dataset.split({ train: share, rest: 1 - share }, { seed });
        for (const view of [dataset.view({ rows: [start, end] }), dataset.view({ split: "train" })]) {
          const rows = await idsOf(view.batches({ shuffle: false, batchSize: 50, readers: 1 }), own);
          const ids = await idsOf(
            view.batches(balanced({ seed, batchSize: 33, epochs: 3, readers: 1 })),
            own,
          );
          assert.deepEqual(ids, expectedIds(rows, own, view, seed, 3));
        }
      });
    }),
    { numRuns: 12 },
  );
});

test("classes without a sample in the view are left out, which stats says", async () => {
  await using(path, memory, async (dataset) => {
    await idsOf(dataset.view().batches(balanced()), mixed);
    assert.deepEqual((await dataset.stats()).notes, [
      'balance: "label" leaves out 1 of 6 classes, which have no sample in the view: fir.',
    ]);
    const only = mixed.indexOf(4);
    const ids = await idsOf(dataset.view({ rows: [only, only + 1] }).batches(balanced({ epochs: 3 })), mixed);
    assert.deepEqual(ids, [only, only, only]);
  });
});

test("a balanced validation loop fits beside a balanced training loop, from little memory on", async () => {
  for (const given of ["18 MiB", "20 MiB", "32 MiB"]) {
    await using(path, given, async (dataset) => {
      const train = dataset.view({ rows: [0, 800] });
      let samples = 0;
      for await (const batch of train.batches(balanced({ batchSize: 10, epochs: 2 }))) {
        if (batch.index % 40 !== 0) continue;
        const val = dataset.view({ rows: [800 - batch.index, 900] });
        samples += (await idsOf(val.batches(balanced({ batchSize: 10 })), mixed)).length;
      }
      assert.equal(samples, 2 * (100 + 140), given);
    });
  }
});

test("where the classes are is worked out once per view, and held in the memory", async () => {
  await using(path, "24 MiB", async (dataset) => {
    const view = dataset.view();
    const held = async () => {
      const { heldBytes, residentBytes, threads } = await dataset.stats();
      return heldBytes - residentBytes - threads * 8 * 2 ** 20;
    };
    await idsOf(view.batches({ readers: 1 }), mixed);
    assert.equal(await held(), 0);
    await idsOf(view.batches(balanced({ readers: 1 })), mixed);
    const directory = await held();
    assert.ok(directory > 0 && directory <= 4096, `${directory} bytes`);
    await Promise.all([1, 2].map((seed) => idsOf(view.batches(balanced({ seed, readers: 1 })), mixed)));
    assert.equal(await held(), directory);
  });
});

test("a loop that is broken out of, aborted, or whose dataset is closed while it starts, leaves nothing behind", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view();
    await idsOf(view.batches(balanced()), mixed, 32);
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(idsOf(view.batches(balanced({ signal })), mixed), /enough/);
    assert.equal((await dataset.stats()).loops, 0);
  });
  const dataset = await open(path, { memory });
  const starting = idsOf(dataset.view().batches(balanced({ epochs: Number.POSITIVE_INFINITY })), mixed);
  const closing = dataset.close();
  await assert.rejects(starting, { code: "usage", message: /^the loop was ended: its dataset is closed\./ });
  await closing;
});

test("a token of a balanced run is refused by others, and theirs by it, both sides named", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view();
    const tokenOf = async (options: BatchOptions) => {
      for await (const batch of view.batches(options)) return batch.resume;
      throw new Error("no batch");
    };
    const own = await tokenOf(balanced());
    const mark = own.split(".").at(-1)!;
    const advice = "Resume with the same balance or weights, or start anew without the token.";
    const refusals: [BatchOptions, string][] = [
      [
        { resume: own },
        `the resume token is of a run that is balanced (${mark}), this one is neither balanced nor weighted. ${advice}`,
      ],
      [
        balanced({ resume: await tokenOf({}) }),
        `the resume token is of a run that is neither balanced nor weighted, this one is balanced (${mark}). ${advice}`,
      ],
      [
        { resume: own, weights: new Float64Array(900).fill(1) },
        `the resume token is of a run that is balanced (${mark}), this one is weighted. ${advice}`,
      ],
      [
        balanced({ resume: own.replace(mark, `b${"0".repeat(16)}`) }),
        `the resume token is of a run that is balanced (b0000000000000000), this one is balanced (${mark}). ${advice}`,
      ],
    ];
    for (const [options, message] of refusals) {
      assert.throws(() => view.batches(options), { code: "mismatch", message });
    }
  });
});

test("options that make no sense are refused when the loop is made", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view();
    const refusals: [BatchOptions, string][] = [
      [{ balance: "kind" }, `balance: "kind" is no class field of ${dataset.path}. Use label.`],
      [{ balance: "data" }, `balance: "data" is no class field of ${dataset.path}. Use label.`],
      [
        balanced({ shuffle: false }),
        "shuffle: false is the catalog's order, and balance draws at random. Leave out shuffle, or balance.",
      ],
      [
        balanced({ weights: new Float32Array(900) }),
        "a loop has either balance or weights, not both. Leave one of them out.",
      ],
    ];
    for (const [options, message] of refusals)
      assert.throws(() => view.batches(options), { code: "usage", message });
  });
});

test("labels that do not fit into an eighth of the memory are refused, with the memory that would do", async () => {
  const folder = makeSparse(join(temporaryFolder(), "sparse"), 3_000_000, 2);
  const first = async (given: string, readers = 1) => {
    const dataset: Dataset = await open(folder, { memory: given });
    try {
      for await (const batch of dataset.view().batches(balanced({ readers }))) return batch.size;
    } finally {
      await dataset.close();
    }
  };
  const error = await first("20 MiB").catch((thrown) => thrown);
  assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
  assert.equal(
    error.message,
    'balance: "label" needs its labels in memory: they take 2.86 MiB, more than an eighth of the memory (20 MiB). Open with memory: "23 MiB".',
  );
  assert.equal(await first("23 MiB"), 32);
});

test("a dataset without a class field has nothing to balance by", async () => {
  const folder = join(temporaryFolder(), "dataset");
  await pack([{ data: Float32Array.of(1, 2) }], folder, { fields: { data: tensor("float32", [2]) } });
  await using(folder, memory, async (dataset) => {
    assert.throws(() => dataset.view().batches(balanced()), {
      code: "usage",
      message: `balance: "label" is no class field of ${folder}. It has none: draw by weights instead.`,
    });
  });
});

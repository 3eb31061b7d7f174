import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Batch,
  type BatchOptions,
  classes,
  type Fields,
  type MixedBatch,
  type MixedBatchOptions,
  mix,
  open,
  pack,
  SpillwayError,
  tensor,
  type View,
} from "spillway";
import { MixedArrays, mixedBatchBytes } from "#spillway/dataset/mixed-batch";
import { checkSamples, packLabelled, using } from "../fixtures/labelled.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";

const memory = "40 MiB";
const classNames = ["a", "b", "c"];
const sizes = [500, 120];
const labels = sizes.map((size) => upTo(size).map((i) => (i * i) % 3));
const bases = [0, 10_000];
const paths = await Promise.all(
  sizes.map((_, k) => packLabelled({ classNames, labels: labels[k]!, base: bases[k]!, shardSize: "4 KiB" })),
);

/** Runs some work with all of both datasets as views. */
async function withViews<T>(work: (views: View[]) => Promise<T>, given = memory): Promise<T> {
  return using(paths[0]!, given, (a) => using(paths[1]!, given, (b) => work([a.view(), b.view()])));
}

/** Ids of each view, batch by batch; throws where a batch is not what its quotas and ids say. */
async function takenFrom(
  batches: AsyncIterable<MixedBatch> & { quotas: readonly number[] },
  most = Number.POSITIVE_INFINITY,
): Promise<number[][][]> {
  const taken: number[][][] = [];
  for await (const batch of batches) {
    const ids = batches.quotas.map((_, view) => [...batch.ids].filter((_, k) => batch.origins[k] === view));
    assert.deepEqual(
      ids.map(({ length }) => length),
      batches.quotas,
    );
    checkMixed(batch);
    taken.push(ids);
    if (taken.length === most) break;
  }
  return taken;
}

function checkMixed(batch: MixedBatch): void {
  const [data, label] = [batch.fields.data!.data, batch.fields.label!.data];
  assert.deepEqual(batch.fields.data!.shape, [batch.size, 2]);
  batch.ids.forEach((id, k) => {
    const view = batch.origins[k]!;
    assert.deepEqual([data[2 * k], data[2 * k + 1], label[k]], [bases[view]! + id, -id, labels[view]![id]]);
  });
}

/** The first samples of a view in its own order, over as many epochs as it takes. */
async function ownOrder(view: View, options: BatchOptions, count: number): Promise<number[]> {
  const endless = view.batches({ ...options, epochs: Number.POSITIVE_INFINITY, batchSize: 50 });
  const ids: number[] = [];
  for await (const batch of endless) {
    ids.push(...batch.ids);
    if (ids.length >= count) break;
  }
  return ids.slice(0, count);
}

test("every batch has its quota of each view, in the view's own order over all of its epochs", async () => {
  await withViews(async (views) => {
    for (const options of [{ seed: 3 }, { shuffle: false }, { seed: 1, balance: "label" }]) {
      const batches = mix(views, [0.7, 0.3]).batches({ ...options, batchSize: 64, epochs: 3 });
      assert.deepEqual(batches.quotas, [45, 19]);
      assert.equal(batches.count, 3 * Math.floor(620 / 64));
      const taken = await takenFrom(batches);
      assert.equal(taken.length, 27);
      for (const [k, view] of views.entries()) {
        const own = taken.flatMap((ids) => ids[k]!);
        assert.deepEqual(own, await ownOrder(view, options, own.length));
      }
    }
  });
});

test("batches of an epoch are numbered, and an epoch is what all samples would fill", async () => {
  await withViews(async (views) => {
    const seen: number[][] = [];
    for await (const { epoch, index, size, wrapped } of mix(views, [1, 1]).batches({
      batchSize: 100,
      epochs: 2,
    })) {
      seen.push([epoch, index, size, wrapped]);
    }
    assert.deepEqual(
      seen,
      upTo(12).map((k) => [Math.floor(k / 6), k % 6, 100, 0]),
    );
    assert.equal(mix(views, [1, 1]).size, 620);
  });
});

test("resuming after any batch equals going on; with another batch size, each view goes on where it was", async () => {
  await withViews(async (views) => {
    const both = mix(views, [2, 1]);
    const all: number[][][] = [];
    const tokens: string[] = [];
    const places: number[][] = [];
    for await (const batch of both.batches({ batchSize: 60, seed: 2, epochs: 3 })) {
      all.push([[...batch.ids.slice(0, 40)], [...batch.ids.slice(40)]]);
      tokens.push(batch.resume);
      places.push([batch.epoch, batch.index]);
    }
    assert.equal(all.length, 30);
    for (let k = 0; k < tokens.length; k += 1) {
      const rest = both.batches({ batchSize: 60, epochs: 3, resume: tokens[k]! });
      assert.equal(rest.count, 29 - k);
      assert.deepEqual(await takenFrom(rest), all.slice(k + 1), `after batch ${k}`);
      for await (const { epoch, index } of both.batches({ batchSize: 60, epochs: 3, resume: tokens[k]! })) {
        assert.deepEqual([epoch, index], places[k + 1]);
        break;
      }
    }
    const finer = await takenFrom(both.batches({ batchSize: 6, epochs: 3, resume: tokens[4]! }), 30);
    for (const view of [0, 1]) {
      const expected = all.slice(5).flatMap((ids) => ids[view]!);
      const given = finer.flatMap((ids) => ids[view]!);
      assert.deepEqual(given, expected.slice(0, given.length));
    }
  });
});

test("one, two and three ranks put together take what one takes", async () => {
  const take = (options: MixedBatchOptions) =>
    withViews((views) =>
      takenFrom(mix(views, [2, 1]).batches({ batchSize: 30, seed: 4, epochs: 2, ...options })),
    );
  const single = await take({});
  for (const worldSize of [2, 3]) {
    const ranks = await Promise.all(upTo(worldSize).map((rank) => take({ rank, worldSize })));
    const perEpoch = Math.floor(620 / (30 * worldSize));
    for (const taken of ranks) assert.equal(taken.length, 2 * perEpoch);
    const together = upTo(2 * perEpoch).flatMap((b) => ranks.map((taken) => taken[b]!));
    assert.deepEqual(together, single.slice(0, together.length));
  }
});

test("the samples do not depend on readers or memory", async () => {
  const take = (readers: number | undefined, given: string) =>
    withViews(
      (views) =>
        takenFrom(mix(views, [2, 1]).batches({ batchSize: 30, seed: 4, ...(readers && { readers }) })),
      given,
    );
  const taken = await take(1, "10 MiB");
  assert.deepEqual(await take(2, "24 MiB"), taken);
  assert.deepEqual(await take(8, "96 MiB"), taken);
  assert.deepEqual(await take(undefined, "33 MiB"), taken);
});

test("views of one dataset share its memory, from what each needs alone on", async () => {
  await using(paths[0]!, "34 MiB", async (dataset) => {
    const parts = upTo(4).map((k) => dataset.view({ rows: [k * 125, (k + 1) * 125] }));
    const batches = mix(parts, [4, 3, 2, 1]).batches({ batchSize: 20, epochs: 5 });
    const seen = new Set<number>();
    for await (const batch of batches) {
      checkSamples(batch, labels[0]!);
      batch.ids.forEach((id, k) => {
        assert.equal(batch.origins[k], Math.floor(id / 125));
        seen.add(id);
      });
      assert.equal((await dataset.stats()).loops, 4);
    }
    assert.equal(seen.size, 500);
    assert.equal((await dataset.stats()).loops, 0);
  });
});

test("too little memory for all parts names the smallest that works, and that works", async () => {
  const run = (given: string | number) =>
    using(paths[0]!, String(given), async (dataset) => {
      const parts = upTo(3).map((k) => dataset.view({ rows: [k * 100, (k + 1) * 100] }));
      for await (const _ of mix(parts, [1, 1, 1]).batches({ batchSize: 30 })) return;
    });
  const error = await run("20 MiB").catch((thrown) => thrown);
  assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
  assert.match(
    error.message,
    /^views\[0\] of the mix, of .*: memory of 20 MiB is too small: a loop with two batches of .*, 1 reader and their scratch and room for the other parts of the mix needs .* Open with memory: "2\d MiB"\.$/,
  );
  await run(error.where.neededBytes!);
});

test("leaving a mix in any way frees all of its loops, threads' work and memory", async () => {
  await withViews(async (views) => {
    const datasets = await Promise.all(views.map(({ path }) => open(path, { memory })));
    const own = datasets.map((dataset) => dataset.view());
    const rest = async () => {
      for (const dataset of datasets) {
        const { loops, heldBytes, residentBytes, threads } = await dataset.stats();
        assert.deepEqual([loops, heldBytes - residentBytes - threads * 8 * 2 ** 20], [0, 0]);
      }
    };
    const endless = { batchSize: 20, epochs: Number.POSITIVE_INFINITY };
    for await (const _ of mix(own, [1, 1]).batches(endless)) break;
    await rest();
    await assert.rejects(async () => {
      for await (const _ of mix(own, [1, 1]).batches(endless)) throw new Error("the model diverged");
    }, /the model diverged/);
    await rest();
    const controller = new AbortController();
    await assert.rejects(async () => {
      for await (const batch of mix(own, [1, 1]).batches({ ...endless, signal: controller.signal })) {
        if (batch.index === 3) controller.abort(new Error("enough"));
      }
    }, /^Error: enough$/);
    await rest();
    await assert.rejects(
      takenFrom(mix(own, [1, 1]).batches({ ...endless, signal: controller.signal })),
      /enough/,
    );
    await rest();
    await assert.rejects(
      async () => {
        for await (const batch of mix(own, [1, 1]).batches(endless)) {
          if (batch.index === 3) await datasets[1]!.close();
        }
      },
      {
        code: "usage",
        message: `views[1] of the mix, of ${own[1]!.path}: the loop was ended: its dataset is closed. Close the dataset after its loops, not before.`,
      },
    );
    assert.equal((await datasets[0]!.stats()).loops, 0);
    for (const dataset of datasets) await dataset.close();
  });
});

test("the batch of a mix is held in the memory of the first view's dataset", async () => {
  await withViews(async (views) => {
    const dataset = await open(views[0]!.path, { memory });
    const other = views[1]!;
    const held = async (batchSize: number) => {
      const own = mix([dataset.view(), other], [1, 1]);
      for await (const _ of own.batches({ batchSize, readers: 1 })) {
        const { heldBytes, residentBytes, threads } = await dataset.stats();
        return heldBytes - residentBytes - threads * 8 * 2 ** 20;
      }
      throw new Error("no batch");
    };
    const alone = async (batchSize: number) => {
      for await (const _ of dataset.view().batches({ batchSize, readers: 1 })) {
        const { heldBytes, residentBytes, threads } = await dataset.stats();
        return heldBytes - residentBytes - threads * 8 * 2 ** 20;
      }
      throw new Error("no batch");
    };
    // 600 samples of 8 + 8 + 1 bytes, in whole pages.
    assert.equal((await held(600)) - (await alone(300)), 12_288);
    await dataset.close();
  });
});

test("a batch is written again for the next one, a copy stays", async () => {
  await withViews(async (views) => {
    const kept: MixedBatch[] = [];
    const held: Batch[] = [];
    for await (const batch of mix(views, [1, 1]).batches({ batchSize: 16, epochs: 1 })) {
      held.push(batch);
      kept.push(batch.copy());
    }
    kept.forEach(checkMixed);
    assert.equal(new Set(held.map(({ ids }) => ids)).size, 1);
    assert.notDeepEqual(kept[0]!.ids, kept[1]!.ids);
    assert.deepEqual(kept[0]!.copy(), kept[0]);
  });
});

test("what a view's loop throws says which view it was, and ends the others", async () => {
  const folder = await packLabelled({ classNames, labels: labels[1]!, shardSize: "4 KiB" });
  const shard = fs
    .readdirSync(join(folder, "shards"))
    .filter((name) => name.endsWith(".arrow"))
    .at(-1)!;
  const file = join(folder, "shards", shard);
  fs.truncateSync(file, fs.statSync(file).size - 1);
  await using(paths[0]!, memory, (a) =>
    using(folder, memory, async (b) => {
      await assert.rejects(
        takenFrom(mix([a.view(), b.view()], [1, 1]).batches({ batchSize: 10 })),
        (error) => {
          assert.ok(error instanceof SpillwayError, String(error));
          assert.equal(error.code, "corrupt");
          assert.ok(error.message.startsWith(`views[1] of the mix, of ${folder}: `), error.message);
          return error.cause instanceof SpillwayError;
        },
      );
      assert.equal((await a.stats()).loops, 0);
    }),
  );
});

test("weights, batch sizes and tokens that make no sense are refused", async () => {
  await withViews(async (views) => {
    assert.throws(() => mix(views, [1]), {
      code: "usage",
      message: "a mix of 2 views has 1 weights. Give each view a weight: mix([a, b], [0.7, 0.3]).",
    });
    assert.throws(() => mix([], []), { code: "usage" });
    assert.throws(() => mix(views, [1, -1]), {
      code: "usage",
      message: "the weight -1 of views[1] is no number above 0. Give each view its part, such as [0.7, 0.3].",
    });
    const both = mix(views, [0.95, 0.05]);
    assert.throws(() => both.batches({ batchSize: 8 }), {
      code: "usage",
      message:
        "a batch of 8 has no room for views[1], whose weight is 0.05 of 1. Raise batchSize to 11, or the weight.",
    });
    assert.deepEqual(both.quotas(11), [10, 1]);
    assert.throws(() => both.batches({ batchSize: 1000 }), {
      code: "usage",
      message: "620 samples do not fill one batch of 1000 for 1 ranks. Lower batchSize to 620.",
    });
    assert.throws(() => both.batches({ batchSize: 0 }), /batchSize 0 is not a whole number from 1/);
    assert.throws(() => both.batches({ epochs: -1 }), /epochs -1 is not a whole number from 0/);
    assert.throws(
      () => both.batches({ rank: 2, worldSize: 2 }),
      /^SpillwayError: rank 2 is outside a world of 2/,
    );
    assert.equal(both.batches({ epochs: 0 }).count, 0);
    assert.deepEqual(await takenFrom(both.batches({ epochs: 0 })), []);

    let token = "";
    for await (const batch of both.batches({ batchSize: 20 })) {
      token = batch.resume;
      break;
    }
    assert.throws(() => mix([...views, views[0]!], [1, 1, 1]).batches({ resume: token }), {
      code: "mismatch",
      message:
        "the resume token is of 2 views, this is a mix of 3. Resume with the same views in the same order, or start anew without the token.",
    });
    assert.throws(
      () => mix([views[1]!, views[0]!], [1, 1]).batches({ resume: token }),
      (error) => {
        assert.ok(error instanceof SpillwayError && error.code === "mismatch");
        const [first, second] = views.map(({ fingerprint }) => fingerprint);
        return error.message.startsWith(
          `views[0] of the mix, of ${views[1]!.path}: the resume token is of view ${first} at commit 1, this is view ${second} at commit 1`,
        );
      },
    );
    assert.throws(() => both.batches({ resume: token, balance: "label", batchSize: 20 }), {
      code: "mismatch",
    });
    assert.throws(() => both.batches({ resume: "x+y" }), /"x" is no resume token/);
    const once = both.batches({ batchSize: 20 });
    await takenFrom(once, 1);
    await assert.rejects(takenFrom(once), /taken already/);
  });
});

test("datasets whose fields differ are refused, both sides named", async () => {
  const data = tensor("float32", [2]);
  const label = classes(["a", "b"]);
  const value = { data: Float32Array.of(1, 2), label: 0 };
  const packedAs = async (
    fields: Fields,
    sample: typeof value | Record<string, Float32Array | Float64Array | Uint8Array | number> = value,
  ) => {
    const folder = join(temporaryFolder(), "dataset");
    await pack([sample], folder, { fields });
    return folder;
  };
  const first = await packedAs({ data, label });
  const advice = "Mix datasets whose fields are the same, or pack them so.";
  const others: [string, string][] = [
    [await packedAs({ data }, { data: value.data }), "one has fields data, label, the other data"],
    [
      await packedAs({ wave: data, label }, { wave: value.data, label: 0 }),
      "one has fields data, label, the other wave, label",
    ],
    [
      await packedAs({ data: tensor("float32", [2, 1]), label }),
      'field "data" is float32 [2] in one, float32 [2, 1] in the other',
    ],
    [
      await packedAs({ data: tensor("float64", [2]), label }, { data: Float64Array.of(1, 2), label: 0 }),
      'field "data" is float32 [2] in one, float64 [2] in the other',
    ],
    [
      await packedAs({ data, label: classes(["a", "c"]) }),
      'field "label" has class 1 "b" in one, "c" in the other',
    ],
    [
      await packedAs({ data, label: classes(["a", "b", "c"]) }),
      'field "label" has 2 classes in one, 3 in the other',
    ],
    [
      await packedAs({ data, label: classes(["a"]) }),
      'field "label" has class 1 "b" in one, nothing in the other',
    ],
    [
      await packedAs({ data, label: tensor("uint8", []) }, { data: value.data, label: Uint8Array.of(0) }),
      'field "label" is 2 classes (uint8): a, b in one, uint8 [] in the other',
    ],
  ];
  for (const [other, what] of others) {
    await using(first, "16 MiB", (a) =>
      using(other, "16 MiB", async (b) => {
        assert.throws(() => mix([a.view(), b.view()], [1, 1]), {
          code: "mismatch",
          message: `views[0] and views[1] cannot be mixed: ${what}. ${advice}`,
        });
      }),
    );
  }
  const turned = await packedAs({ label, data });
  await using(first, "16 MiB", (a) =>
    using(turned, "16 MiB", async (b) => {
      for await (const batch of mix([a.view(), b.view()], [1, 1]).batches({ batchSize: 2 })) {
        assert.deepEqual([...batch.fields.data!.data], [1, 2, 1, 2]);
      }
    }),
  );
});

test("origins tell more than 256 views apart", () => {
  const fields = [["x", tensor("uint8", [1])]] as const;
  const quotas = upTo(300).map((k) => 1 + (k % 2));
  const buffer = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const byteLength = mixedBatchBytes(fields, 450, "stored");
  const { origins } = new MixedArrays(fields, quotas, "stored", {
    segment: 0,
    memory: buffer,
    address: 0,
    byteLength,
    release() {},
  });
  assert.ok(origins instanceof Uint16Array);
  assert.deepEqual(
    [...origins],
    quotas.flatMap((quota, view) => Array<number>(quota).fill(view)),
  );
  assert.equal(byteLength, 3648 + 512);
});

test("any weights and batch sizes give each view's own order", async () => {
  await withViews(async (views) => {
    const part = fc.double({ min: 0.1, max: 1, noNaN: true });
    const options = fc.record({
      batchSize: fc.integer({ min: 12, max: 150 }),
      seed: fc.nat(),
      weights: fc.tuple(part, part),
    });
    await fc.assert(
      fc.asyncProperty(options, async ({ batchSize, seed, weights }) => {
        const taken = await takenFrom(mix(views, weights).batches({ batchSize, seed, readers: 1 }), 8);
        for (const [k, view] of views.entries()) {
          const own = taken.flatMap((ids) => ids[k]!);
          const expected: number[] = [];
          for await (const batch of view.batches({
            seed,
            epochs: 40,
            last: "join",
            batchSize: 64,
            readers: 1,
          })) {
            expected.push(...batch.ids);
            if (expected.length >= own.length) break;
          }
          assert.deepEqual(own, expected.slice(0, own.length));
        }
      }),
      { numRuns: 15 },
    );
  });
});

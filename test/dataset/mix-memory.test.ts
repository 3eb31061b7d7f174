// Memory of a mix: its loops share what each dataset has, too little names what is enough, and leaving frees all of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { mix, open, SpillwayError } from "spillway";
import { checkSamples } from "../fixtures/labelled.js";
import { upTo, using } from "../fixtures/packed.js";
import { labels, memory, paths, takenFrom, withViews } from "./two-datasets.js";

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

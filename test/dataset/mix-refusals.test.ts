// What goes wrong in a mix names the view it was, and mixes that make no sense are refused.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mix, SpillwayError } from "spillway";
import { packLabelled } from "../fixtures/labelled.js";
import { using } from "../fixtures/packed.js";
import { classNames, labels, memory, paths, takenFrom, withViews } from "./two-datasets.js";

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

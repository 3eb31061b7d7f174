// Weighted batches: samples in proportion to their weights, which come from an array or a column of the catalog.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchOptions, pack, SpillwayError } from "spillway";
import { columnWeights, type ScanColumns } from "#spillway/dataset/drawing";
import { addSums, viewWeights, WeightedOrder, weightBytes } from "#spillway/order/weighted";
import { idsOf, packLabelled } from "../fixtures/labelled.js";
import { temporaryFolder, upTo, using } from "../fixtures/packed.js";
import { chiSquareBound } from "../order/chi-square.js";

const count = 700;
const memory = "32 MiB";
const labels = upTo(count).map((i) => i % 2);
const path = await packLabelled({ classNames: ["a", "b"], labels, shardSize: "4 KiB" });
const weights = Float64Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 0 : 1 + (i % 50)));

/** Numbers within the view that are drawn, from the plain list of weights. */
function expectedNumbers(
  values: ArrayLike<number>,
  fingerprint: string,
  seed: number,
  epochs: number,
): number[] {
  const { length } = values;
  const views = viewWeights(new ArrayBuffer(weightBytes(length)), 0, length);
  views.weights.set(values);
  addSums(views.weights, views.sums, 0, length, 0);
  const order = new WeightedOrder(views.weights, views.sums, seed, fingerprint);
  return upTo(epochs).flatMap((epoch) => upTo(length).map((place) => order.draw(epoch, place)));
}

function idsWith(options: BatchOptions, given = memory): Promise<number[]> {
  return using(path, given, (dataset) => idsOf(dataset.view().batches({ weights, ...options }), labels));
}

test("samples come in proportion to their weights, those of weight 0 never", async () => {
  const epochs = 300;
  const ids = await idsWith({ batchSize: 700, epochs });
  const counts = new Float64Array(count);
  for (const id of ids) counts[id]! += 1;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let chi = 0;
  let degrees = -1;
  weights.forEach((weight, id) => {
    const expected = (epochs * count * weight) / total;
    assert.ok(weight > 0 || counts[id] === 0);
    if (weight > 0) chi += (counts[id]! - expected) ** 2 / expected;
    if (weight > 0) degrees += 1;
  });
  assert.ok(chi < chiSquareBound(degrees), `chi-square ${chi.toFixed(0)} of ${degrees}`);
});

test("the samples do not depend on readers, memory or batch size", async () => {
  const ids = await idsWith({ batchSize: 64, seed: 9, epochs: 2, readers: 1 });
  assert.notDeepEqual(ids.slice(0, count), ids.slice(count));
  assert.notDeepEqual(await idsWith({ seed: 8, epochs: 2 }), ids);
  for (const [readers, given, batchSize] of [
    [2, "24 MiB", 64],
    [8, "96 MiB", 64],
    [1, "10 MiB", 7],
  ] as const) {
    assert.deepEqual(await idsWith({ batchSize, seed: 9, epochs: 2, readers }, given), ids);
  }
  const narrow = Float32Array.from(weights);
  assert.deepEqual(await idsWith({ weights: narrow, seed: 9, epochs: 2 }), ids);
});

test("one, two and three ranks put together draw what one draws", async () => {
  const batchSize = 10;
  const single = await idsWith({ batchSize, seed: 4 });
  for (const worldSize of [1, 2, 3]) {
    const ranks = await Promise.all(
      upTo(worldSize).map((rank) => idsWith({ batchSize, seed: 4, rank, worldSize, last: "drop" })),
    );
    const whole = Math.floor(count / batchSize / worldSize);
    const together = upTo(whole).flatMap((b) =>
      ranks.flatMap((ids) => ids.slice(b * batchSize, (b + 1) * batchSize)),
    );
    assert.deepEqual(together, single.slice(0, together.length));
  }
});

test("resuming at every k equals skipping k, with another batch size too", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view({ rows: [100, 160] });
    const own = { weights: weights.subarray(100, 160), epochs: 2 };
    const all = await idsOf(view.batches({ ...own, batchSize: 60, seed: 2 }), labels);
    for (let k = 1; k <= 60; k += 1) {
      let token = "";
      for await (const batch of view.batches({ ...own, batchSize: k, seed: 2 })) {
        token = batch.resume;
        break;
      }
      const rest = await idsOf(view.batches({ ...own, batchSize: 7, resume: token }), labels);
      assert.deepEqual(rest, all.slice(k), `k = ${k}`);
    }
  });
});

test("ranges and splits draw from their own samples, by array and by column alike", async () => {
  const folder = temporaryFolder();
  const rows = 500;
  const text = upTo(rows).map((i) => `${i},${-i},${i % 2 ? "a" : "b"}`);
  fs.writeFileSync(join(folder, "table.csv"), `x,y,label\n${text.join("\n")}\n`);
  await pack(join(folder, "table.csv"), join(folder, "dataset"));
  await using(join(folder, "dataset"), memory, async (dataset) => {
    await dataset.split({ train: 0.3, rest: 0.7 });
    const views = [dataset.view(), dataset.view({ rows: [17, 203] }), dataset.view({ split: "train" })];
    for (const view of views) {
      const ids: number[] = [];
      const own: number[] = [];
      for await (const batch of view.batches({ shuffle: false, deliver: "stored" })) {
        ids.push(...batch.ids);
        const { data, shape } = batch.fields.data!;
        for (let k = 0; k < batch.size; k += 1) own.push(Number(data[k * shape[1]!]));
      }
      const numbers = expectedNumbers(own, view.fingerprint, 5, 2);
      for (const given of [Float64Array.from(own), "row"]) {
        const drawn: number[] = [];
        for await (const batch of view.batches({ weights: given, seed: 5, epochs: 2 }))
          drawn.push(...batch.ids);
        assert.deepEqual(
          drawn,
          numbers.map((number) => ids[number]!),
        );
      }
    }
  });
});

test("a token of other weights is refused, both sides named", async () => {
  await using(path, memory, async (dataset) => {
    const view = dataset.view();
    let token = "";
    for await (const batch of view.batches({ weights })) token = batch.resume;
    const mark = token.split(".").at(-1)!;
    const advice = "Resume with the same balance or weights, or start anew without the token.";
    assert.throws(() => view.batches({ resume: token }), {
      code: "mismatch",
      message: `the resume token is of a run that is weighted (${mark}), this one is neither balanced nor weighted. ${advice}`,
    });
    const others = Float64Array.from(weights);
    others[3] = 99;
    await assert.rejects(
      idsOf(view.batches({ weights: others, resume: token, epochs: 2 }), labels),
      (error) => {
        assert.ok(error instanceof SpillwayError && error.code === "mismatch");
        assert.match(
          error.message,
          /^the resume token is of a run that is weighted \(w[0-9a-f]{16}\), this one is weighted \(w[0-9a-f]{16}\)\. Resume/,
        );
        return error.message.includes(mark);
      },
    );
    const same = Float64Array.from(weights);
    assert.equal(
      (await idsOf(view.batches({ weights: same, resume: token, epochs: 2 }), labels)).length,
      count,
    );
    assert.equal((await dataset.stats()).loops, 0);
  });
});

test("weights that are none are refused, with their number and the first of them", async () => {
  const with_ = (change: (values: Float64Array) => void) => {
    const values = Float64Array.from(weights);
    change(values);
    return values;
  };
  const advice = "Weights are numbers from 0 to 3e38: correct them, or view other samples.";
  const loops: [Float64Array, string][] = [
    [
      with_((values) => {
        values[8] = -1;
      }),
      `weights has 1 value that is missing, negative or not finite: sample 8. ${advice}`,
    ],
    [
      with_((values) => {
        values[5] = Number.NaN;
        values[699] = Number.POSITIVE_INFINITY;
        values[6] = 1e39;
      }),
      `weights has 3 values that are missing, negative or not finite: samples 5, 6, 699. ${advice}`,
    ],
    [
      with_((values) => values.fill(-2, 100)),
      `weights has 600 values that are missing, negative or not finite: samples 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, .... ${advice}`,
    ],
    [
      with_((values) => values.fill(0)),
      "weights is 0 for all of the 700 samples of the view. At least one sample needs a weight above 0.",
    ],
  ];
  await using(path, memory, async (dataset) => {
    for (const [values, message] of loops) {
      await assert.rejects(idsOf(dataset.view().batches({ weights: values }), labels), {
        code: "usage",
        message,
      });
    }
    await dataset.split({ train: 0.5, rest: 0.5 });
    const split = dataset.view({ split: "train" });
    const [, second] = await idsOf(split.batches({ shuffle: false }), labels);
    const values = new Float64Array(350).fill(1);
    values[1] = -1;
    await assert.rejects(idsOf(split.batches({ weights: values }), labels), {
      message: `weights has 1 value that is missing, negative or not finite: sample ${second}. ${advice}`,
    });
    assert.throws(() => dataset.view().batches({ weights: new Float64Array(5) }), {
      code: "usage",
      message:
        "weights has 5 values for the 700 samples of the view. Give one weight per sample of the view, in order of id.",
    });
    assert.throws(() => dataset.view().batches({ weights: [1, 2] as never }), {
      code: "usage",
      message:
        'weights are neither the name of a column nor a typed array. Use weights: "column", or a Float64Array or Float32Array.',
    });
    assert.throws(() => dataset.view().batches({ weights, shuffle: false }), {
      message:
        "shuffle: false is the catalog's order, and weights draws at random. Leave out shuffle, or weights.",
    });
    assert.equal((await dataset.stats()).loops, 0);
  });
});

test("columns that hold no numbers are refused", async () => {
  await using(path, memory, async (dataset) => {
    const run = (column: string) => idsOf(dataset.view().batches({ weights: column }), labels);
    await assert.rejects(run("label"), {
      code: "usage",
      message:
        'column "label" is no column of numbers: sample 0 has "a". Weigh by a column of numbers from 0 up.',
    });
    await assert.rejects(run("row"), (error) => {
      return (
        error instanceof SpillwayError &&
        error.message.startsWith(
          'column "row" has 700 values that are missing, negative or not finite: samples 0, 1,',
        )
      );
    });
    await assert.rejects(run("score"), {
      code: "missing",
      message: `the catalog of ${path} has no column "score". The columns are id, path, row, label, hash.`,
    });
  });
});

test("a column is read part by part, whole numbers as bigint included, and files are closed when it is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 40n }), fc.constant(null)), {
        minLength: 1,
      }),
      fc.integer({ min: 1, max: 20 }),
      async (values, part) => {
        let closed = 0;
        const scan: ScanColumns = async function* (_, columns) {
          try {
            for (let firstId = 0; firstId < values.length; firstId += part) {
              yield {
                firstId,
                records: values.slice(firstId, firstId + part).map((value) => ({ [columns[0]!]: value })),
              };
            }
          } finally {
            closed += 1;
          }
        };
        const source = columnWeights("score", { folder: "nowhere", manifest: {} as never }, scan);
        const read: number[] = [];
        for await (const numbers of source.parts()) read.push(...numbers);
        assert.deepEqual(
          read,
          values.map((value) => (value === null ? Number.NaN : Number(value))),
        );
        for await (const _ of source.parts()) break;
        assert.equal(closed, 2);
      },
    ),
    { numRuns: 30 },
  );
});

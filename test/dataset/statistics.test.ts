// Statistics of training splits: right for every channel, kept with the scheme, and missing where they no longer fit.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  append,
  classes,
  type Dataset,
  type Fields,
  pack,
  type SetStatistics,
  type StatisticsOptions,
  tensor,
} from "spillway";
import { newPath } from "../fixtures/new-path.js";
import { upTo, using } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const fields: Fields = {
  wave: tensor("float32", [32, 3]),
  image: tensor("uint8", [4, 4]),
  label: classes(["a", "b"]),
};

function samples(count: number, first = 0) {
  return upTo(count).map((k) => {
    const i = first + k;
    return {
      wave: Float32Array.from({ length: 96 }, (_, j) => [i, 1000 + i / 8, j === 5 ? Number.NaN : -j][j % 3]!),
      image: Uint8Array.from({ length: 16 }, (_, j) => (i * 7 + j) % 256),
      label: i % 2,
    };
  });
}

async function packSplit(count: number): Promise<string> {
  const path = newPath();
  await pack(samples(count), path, { fields });
  await using(path, "16 MiB", (dataset: Dataset) => dataset.split({ train: 0.7, val: 0.3 }, { seed: 1 }));
  return path;
}

const measure = (path: string, options: StatisticsOptions = {}) =>
  using(path, "16 MiB", (dataset: Dataset) => dataset.measureStatistics(options));

/** Mean, deviation, least and most of some numbers, in two plain passes. */
function plain(numbers: readonly number[]) {
  const finite = numbers.filter(Number.isFinite);
  const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count: finite.length,
    nonFinite: numbers.length - finite.length,
    min: Math.min(...finite),
    max: Math.max(...finite),
    mean,
    std: Math.sqrt(squares / finite.length),
  };
}

function near(found: number, expected: number, what: string, most = 1e-9): void {
  assert.ok(
    Math.abs(found - expected) <= most * Math.max(1, Math.abs(expected)),
    `${what}: ${found}, ${expected}`,
  );
}

test("every channel of the training split is measured, and nothing of the others", async () => {
  const path = await packSplit(101);
  const found = await measure(path);
  const numbers: number[][] = [[], [], []];
  await using(path, "16 MiB", async (dataset: Dataset) => {
    const train = dataset.view({ split: "train" });
    assert.equal(found.samples, train.size);
    assert.equal(found.view, train.fingerprint);
    for await (const { fields: batch } of train.batches())
      for (const [k, value] of [...batch.wave!.data].entries()) numbers[k % 3]!.push(Number(value));
    assert.deepEqual(await dataset.statistics(), found);
  });
  const { axis, channels } = found.fields.wave!;
  assert.equal(axis, 1);
  channels.forEach((channel, k) => {
    const expected = plain(numbers[k]!);
    assert.deepEqual([channel.count, channel.nonFinite], [expected.count, expected.nonFinite]);
    assert.deepEqual([channel.min, channel.max], [expected.min, expected.max]);
    near(channel.mean, expected.mean, "mean");
    near(channel.std, expected.std, "std");
  });
  assert.deepEqual(
    found.fields.image!.channels.map(({ count }) => count),
    [found.samples * 16],
  );
});

test("figures of values far from zero are as exact as of others", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 64 }),
      fc.constantFrom(0, 4096, -65_536),
      async (noise, offset) => {
        const path = newPath();
        const values = noise.map((value) => Math.fround(offset + Math.fround(value)));
        await pack(
          values.map((value) => ({ x: Float32Array.of(value) })),
          path,
          { fields: { x: tensor("float32", [1]) } },
        );
        await using(path, "16 MiB", (dataset: Dataset) => dataset.split({ train: 1 }));
        const [channel] = (await measure(path)).fields.x!.channels;
        const expected = plain(values);
        near(channel!.mean, expected.mean, "mean");
        assert.ok(
          Math.abs(channel!.std - expected.std) <= 1e-9 * Math.max(1e-3, expected.std),
          `${channel!.std}`,
        );
      },
    ),
    { numRuns: 10 },
  );
});

test("statistics are of one view: they are missing once samples are added, excluded or shared out anew", async () => {
  const path = await packSplit(60);
  const none = `split "train" of scheme "main" of ${path} has no statistics yet. Measure them: spillway statistics ${path}.`;
  const stale = `split "train" of scheme "main" of ${path} holds other samples than when its statistics were measured. Measure them: spillway statistics ${path}.`;
  const find = (options = {}) => using(path, "16 MiB", (dataset: Dataset) => dataset.statistics(options));
  await refuses(() => find(), "missing", none);
  const first = await measure(path);
  await using(path, "16 MiB", async (dataset: Dataset) => {
    const [id] = [...((await takeIds(dataset)) as number[])];
    await dataset.exclude({ ids: [id!] });
  });
  await refuses(() => find(), "missing", stale);
  await using(path, "16 MiB", (dataset: Dataset) => dataset.include("all"));
  assert.deepEqual(await find(), first);
  await append(samples(20, 60), path, { fields });
  await refuses(() => find(), "missing", stale);
  assert.deepEqual(await find({ commit: 1 }), first);
  const second = await measure(path);
  assert.deepEqual(await find(), second);
  assert.deepEqual(await find({ commit: 1 }), first);
  await using(path, "16 MiB", (dataset: Dataset) => dataset.split({ train: 0.5, val: 0.5 }, { seed: 9 }));
  await refuses(() => find(), "missing", stale);
});

async function takeIds(dataset: Dataset): Promise<number[]> {
  for await (const { ids } of dataset.view({ split: "train" }).batches({ shuffle: false })) return [...ids];
  return [];
}

test("folds have statistics of their own, and copies of a dataset keep them", async () => {
  const path = newPath();
  await pack(samples(40), path, { fields });
  await using(path, "16 MiB", (dataset: Dataset) => dataset.split({ test: 0.25 }, { folds: 3 }));
  const folds: SetStatistics[] = [];
  for (const fold of [0, 1, 2]) folds.push(await measure(path, { fold }));
  assert.equal(new Set(folds.map(({ view }) => view)).size, 3);
  const compact = newPath();
  await pack(path, compact, { seed: 4 });
  await using(compact, "16 MiB", async (dataset: Dataset) => {
    for (const fold of [0, 1, 2]) assert.deepEqual(await dataset.statistics({ fold }), folds[fold]);
  });
});

test("a channel axis can be said, or none; what is no axis is refused", async () => {
  const path = await packSplit(10);
  const { wave, image } = (await measure(path, { channelAxis: { wave: null, image: 0 } })).fields;
  assert.deepEqual(
    [wave!.axis, wave!.channels.length, image!.axis, image!.channels.length],
    [undefined, 1, 0, 4],
  );
  const cases: [StatisticsOptions, string][] = [
    [{ channelAxis: { wave: 2 } }, 'field "wave" of shape [32, 3] has no axis 2. Use 0 to 1, or none.'],
    [
      { channelAxis: { label: 0 } },
      `channelAxis: ${path} has no tensor field "label". Its tensor fields are wave, image.`,
    ],
  ];
  for (const [options, message] of cases) await refuses(() => measure(path, options), "usage", message);
  await refuses(() => measure(path, { split: "none" }), "missing", /has no split "none"/);
});

test("a damaged file of statistics is named, with what to do", async () => {
  const path = await packSplit(10);
  await measure(path);
  const file = join(path, "splits/main.statistics.json");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(file, '{"format":"spillway-statistics","version":1,"scheme":"main","entries":[{}]}');
  await refuses(
    () => using(path, "16 MiB", (dataset: Dataset) => dataset.statistics()),
    "corrupt",
    /main\.statistics\.json is damaged: entries\.0\.view: .*Remove it, and measure again: spillway statistics/,
  );
});

test("statistics of other channels than a field has are refused", async () => {
  const path = await packSplit(20);
  await measure(path);
  const file = join(path, "splits/main.statistics.json");
  const { readFileSync, writeFileSync } = await import("node:fs");
  const whole = JSON.parse(readFileSync(file, "utf8"));
  for (const change of [{ axis: 7 }, { axis: 0 }, { axis: undefined }]) {
    const [entry] = whole.entries;
    const entries = [{ ...entry, fields: { ...entry.fields, wave: { ...entry.fields.wave, ...change } } }];
    writeFileSync(file, JSON.stringify({ ...whole, entries }));
    await refuses(
      () => using(path, "16 MiB", (dataset: Dataset) => dataset.statistics()),
      "corrupt",
      `the statistics of scheme "main" of ${path} are damaged: field "wave" has other channels. Measure them again: spillway statistics ${path}.`,
    );
  }
});

test("standard and range go by the training split, in every split of the scheme", async () => {
  const path = await packSplit(80);
  const { wave } = (await measure(path)).fields;
  await using(path, "16 MiB", async (dataset: Dataset) => {
    for (const split of ["train", "val"]) {
      const view = dataset.view({ split });
      const numbers = async (normalize?: "standard" | "range") => {
        const found: number[][] = [[], [], []];
        for await (const { fields: batch } of view.batches({
          shuffle: false,
          ...(normalize && { normalize }),
        }))
          for (const [k, value] of [...batch.wave!.data].entries()) found[k % 3]!.push(Number(value));
        return found;
      };
      const [raw, standard, range] = [await numbers(), await numbers("standard"), await numbers("range")];
      wave!.channels.forEach(({ mean, std, min, max }, channel) => {
        for (const [k, value] of raw[channel]!.entries()) {
          const [byStd, byRange] = [standard[channel]![k]!, range[channel]![k]!];
          if (Number.isNaN(value)) {
            assert.ok(Number.isNaN(byStd) && Number.isNaN(byRange));
            continue;
          }
          // The second is the same but for rounding to float32.
          near(byStd, (value - mean) / std, "standard", 1e-6);
          near(byRange, (value - min) / (max - min), "range", 1e-6);
          if (split === "train") assert.ok(byRange >= 0 && byRange <= 1);
        }
      });
    }
    assert.throws(
      () => dataset.view().batches({ normalize: "standard" }),
      /goes by the statistics of a training split, and this view is of no split\. View a split/,
    );
    assert.throws(
      () => dataset.view({ split: "train" }).batches({ normalize: "none" as "standard" }),
      /normalize: "none" is not known\. Use "standard", "range", or mean and std by field\./,
    );
  });
});

test("statistics by another axis than a field is stored by are refused, those for all values are not", async () => {
  const path = newPath();
  const value = (i: number, k: number) => [1 / 30, 1 / 4096, 1 / 7][k % 3]! * ((i * 37 + k * 11) % 401);
  const drawn = upTo(20).map((i) => ({ wave: Float64Array.from({ length: 15 }, (_, k) => value(i, k)) }));
  const wave = tensor("float64", [5, 3]);
  await pack(drawn, path, { fields: { wave }, dtype: "auto", channelAxis: { wave: 1 } });
  await using(path, "16 MiB", async (dataset: Dataset) => {
    await dataset.split({ train: 1 });
    const view = dataset.view({ split: "train" });
    await dataset.measureStatistics({ channelAxis: { wave: 0 } });
    await refuses(
      async () => view.batches({ normalize: "standard" }),
      "mismatch",
      'field "wave" has statistics by axis 0, and is stored with a formula for each place of axis 1. Measure them by that axis: spillway statistics, without --channel-axis.',
    );
    await dataset.measureStatistics({ channelAxis: { wave: null } });
    for await (const { fields: batch } of view.batches({ normalize: "range" }))
      for (const number of batch.wave!.data) assert.ok(Number(number) >= 0 && Number(number) <= 1);
  });
});

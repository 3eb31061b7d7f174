// Datasets whose values are stored in fewer bits: the same samples, ids, order and splits, whatever the way in which
// they are packed; values that do not fit are refused, nothing is written of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { append, classes, type Dataset, type Fields, type PackOptions, pack, tensor } from "spillway";
import { packSource } from "#spillway/pack/packer";
import { verifyDataset } from "#spillway/pack/verify";
import { Coder } from "#spillway/precision/coder";
import type { Encoding } from "#spillway/tensor/encoding";
import type { TensorField } from "#spillway/tensor/field";
import { newPath } from "../fixtures/new-path.js";
import { upTo, using } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";
import { manifestOf } from "./unpacked.js";

const gains = [0.25, 0.0048828125, 0.1];
const given: Fields = { wave: tensor("float64", [8, 3]), label: classes(["a", "b", "c"]) };
const encoding: Encoding = {
  original: "float64",
  claim: "lossless",
  axis: 1,
  channels: [
    { kind: "scaled", scale: 0.25 },
    { kind: "scaled", zero: 300, scale: 0.0048828125, offset: -2.5 },
    { kind: "divided", divisor: 10 },
  ],
};
const stored: Fields = { ...given, wave: { ...(given.wave as TensorField), dtype: "int16", encoding } };

/** Whole numbers by channel, as the recorders of the three channels would put them out. */
function valuesOf(i: number): Float64Array {
  return Float64Array.from({ length: 24 }, (_, k) => {
    const q = ((i * 37 + k * 11) % 4001) - 2000;
    return [q * gains[0]!, (q + 300) * gains[1]! - 2.5, q / 10][k % 3]!;
  });
}

function samples(count: number, first = 0) {
  return upTo(count).map((k) => ({
    wave: valuesOf(first + k),
    label: "abc"[(first + k) % 3]!,
    path: `row ${first + k}`,
  }));
}

async function* streamed(count: number) {
  yield* samples(count);
}

const options: PackOptions = { memory: "1 MiB", shardSize: 4096, fields: given };

/** Values by id, decoded by the reference. */
async function decoded(path: string): Promise<number[][]> {
  const { fields } = manifestOf(path);
  const field = fields.wave as TensorField;
  const coder = new Coder(field);
  const found: number[][] = [];
  await using(path, "16 MiB", async (dataset: Dataset) => {
    for await (const { fields: batch, ids } of dataset
      .view()
      .batches({ deliver: "stored", shuffle: false })) {
      const { data } = batch.wave!;
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const stride = bytes.length / ids.length;
      ids.forEach((id, k) => {
        const record = bytes.slice(k * stride, (k + 1) * stride);
        found[id] = field.encoding ? [...coder.decode(record)] : [...new Float64Array(record.buffer, 0, 24)];
      });
    }
  });
  return found;
}

test("samples that are coded have the ids, hashes, fingerprint and order of those that are not, in every way of packing", async () => {
  for (const layout of ["source", "shuffled"] as const) {
    for (const source of [() => samples(200), () => streamed(200)]) {
      const [plain, coded] = [newPath(), newPath()];
      await pack(source(), plain, { ...options, layout });
      const task = { isIndex: false, isAppend: false, stored };
      await packSource(source(), coded, { ...options, layout }, task);
      assert.deepEqual((await verifyDataset(coded)).problems, []);
      const [before, after] = [manifestOf(plain), manifestOf(coded)];
      assert.deepEqual(after.commits, before.commits);
      assert.deepEqual(after.fields, JSON.parse(JSON.stringify(stored)));
      assert.equal(after.shards[0]!.columns.wave!.stride * 4, before.shards[0]!.columns.wave!.stride);
      assert.deepEqual(await decoded(coded), await decoded(plain));
      const rows = (path: string) =>
        using(path, "16 MiB", (dataset: Dataset) => dataset.catalog.rows(upTo(200)));
      assert.deepEqual(await rows(coded), await rows(plain));
    }
  }
});

test("bits are cut and given back by packing a dataset again: ids, splits and tokens stay", async () => {
  const [plain, coded, back] = [newPath(), newPath(), newPath()];
  await pack(samples(300), plain, options);
  await using(plain, "16 MiB", (dataset: Dataset) =>
    dataset.split({ train: 0.8, val: 0.2 }, { stratify: "label" }),
  );
  await packSource(plain, coded, { memory: "1 MiB" }, { isIndex: false, isAppend: false, stored });
  await pack(coded, back, { memory: "1 MiB", dtype: "original" });
  assert.deepEqual(manifestOf(back).fields, manifestOf(plain).fields);
  assert.deepEqual(await decoded(back), await decoded(plain));
  const first = async (path: string) =>
    using(path, "16 MiB", async (dataset: Dataset) => {
      for await (const { ids, resume } of dataset.view({ split: "train" }).batches({ seed: 3 }))
        return [...ids, resume];
      return [];
    });
  const batch = await first(plain);
  assert.deepEqual(await first(coded), batch);
  assert.deepEqual(await first(back), batch);
  // Compacting keeps what is stored.
  const compact = newPath();
  await pack(coded, compact, { memory: "1 MiB", seed: 9 });
  assert.deepEqual(manifestOf(compact).fields, manifestOf(coded).fields);
  assert.deepEqual(await decoded(compact), await decoded(plain));
  for (const path of [coded, back, compact]) assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("what is appended is coded as the dataset is, and refused where it cannot be", async () => {
  const [path, plain] = [newPath(), newPath()];
  await packSource(samples(100), path, options, { isIndex: false, isAppend: false, stored });
  await pack(samples(100), plain, options);
  await append(samples(50, 100), path, options);
  await append(samples(50, 100), plain, options);
  assert.deepEqual(manifestOf(path).commits, manifestOf(plain).commits);
  assert.deepEqual(await decoded(path), await decoded(plain));
  const wrong = (k: number, value: number) => {
    const wave = valuesOf(1);
    wave[k] = value;
    return [{ wave, label: "a", path: "monday/7.npy" }];
  };
  const remedy = "Convert the dataset to a wider type first (spillway convert --dtype), or";
  const cases: [number, number, string][] = [
    [
      3,
      1e6,
      `sample monday/7.npy has the value 1000000 in field "wave", channel 0, which cannot be stored as int16 here. ${remedy} leave such samples out; --clip cuts values to the range.`,
    ],
    [
      5,
      0.123,
      `a value of sample monday/7.npy in field "wave", channel 2 (float64) does not come back from int16 as it was, and the field is lossless. ${remedy} pack these samples into a dataset of their own.`,
    ],
    [
      0,
      Number.NaN,
      `sample monday/7.npy has the value NaN in field "wave", channel 0, which cannot be stored as int16 here. ${remedy} leave such samples out; --clip cuts values to the range.`,
    ],
  ];
  for (const [k, value, message] of cases) {
    const before = manifestOf(path).rows;
    await refuses(() => append(wrong(k, value), path, { ...options, discard: true }), "source", message);
    await using(path, "16 MiB", async (dataset: Dataset) => assert.equal(dataset.size, before));
  }
  await append(samples(1, 777), path, { ...options, discard: true });
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("datasets are merged whatever each is stored as", async () => {
  const [coded, plain] = [newPath(), newPath()];
  await packSource(samples(60), coded, options, { isIndex: false, isAppend: false, stored });
  await pack(samples(40, 60), plain, options);
  const [one, other] = [newPath(), newPath()];
  await pack(coded, one, {});
  await append(plain, one, {});
  await pack(plain, other, {});
  await append(coded, other, {});
  const sorted = async (path: string) => (await decoded(path)).map(String).sort();
  assert.deepEqual(await sorted(one), await sorted(other));
  assert.equal((manifestOf(one).fields.wave as TensorField).dtype, "int16");
  assert.equal((manifestOf(other).fields.wave as TensorField).dtype, "float64");
  const hashes = (path: string) =>
    using(path, "16 MiB", async (dataset: Dataset) =>
      (await dataset.catalog.rows(upTo(100))).map(({ path: from, hash }) => `${from} ${hash}`).sort(),
    );
  assert.deepEqual(await hashes(one), await hashes(other));
  for (const path of [one, other]) assert.deepEqual((await verifyDataset(path)).problems, []);
  // The same samples are recognised, whatever they are stored as.
  await refuses(() => append(coded, other, {}), "exists", /already/);
});

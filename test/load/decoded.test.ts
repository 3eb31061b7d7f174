// Fields with an encoding as loops deliver them: every value by its formula, from every way that records are read, as
// float32 or float16; normalised where that is asked for; and as stored.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type BatchOptions, open } from "spillway";
import { index } from "#spillway/pack/pack";
import { dtypes, type TypedArray } from "#spillway/tensor/dtype";
import type { ChannelCode } from "#spillway/tensor/encoding";
import { elementCount } from "#spillway/tensor/field";
import { toFloat16 } from "#spillway/tensor/float16";
import {
  type EncodedField,
  encodeManifestOf,
  packEncoded,
  storedNumbers,
  valuesOf,
} from "../fixtures/encoded.js";
import { newPath } from "../fixtures/new-path.js";
import { npyFolder } from "../pack/sources.js";

const recorder: ChannelCode = { kind: "scaled", scale: 0.1 / 3, offset: -1.7 };
const decimals: ChannelCode = { kind: "divided", divisor: 1000 };
const moved: ChannelCode = { kind: "scaled", zero: -5, scale: 1e-3 };
const count = 60;

/** Fields for each way of reading: held in memory, several records to a sum, one record to a sum, many blocks long. */
const fields: Record<string, EncodedField> = {
  tiny: {
    dtype: "int16",
    shape: [4],
    encoding: { axis: 0, channels: [recorder, decimals, moved, { kind: "scaled" }] },
  },
  scalar: { dtype: "uint8", shape: [], encoding: { channels: [{ kind: "divided", divisor: 255 }] } },
  small: {
    dtype: "int16",
    shape: [9, 3],
    channelAxis: 1,
    encoding: { axis: 1, channels: [recorder, decimals, moved] },
  },
  first: {
    dtype: "uint16",
    shape: [3, 40],
    channelAxis: 0,
    encoding: { axis: 0, channels: [recorder, decimals, moved] },
  },
  large: {
    dtype: "int16",
    shape: [1207, 3],
    channelAxis: 1,
    encoding: { axis: 1, channels: [recorder, moved, recorder] },
  },
  plain: { dtype: "float64", shape: [5, 5] },
  same: { dtype: "uint8", shape: [30], encoding: { channels: [] } },
};
const path = await packEncoded(fields, count);

/** The data of every sample of an epoch by field, in order of id, and the last token. */
async function delivered(
  folder: string,
  options: BatchOptions,
  source?: string,
): Promise<{ samples: Record<string, TypedArray>[]; resume: string; ids: number[] }> {
  const dataset = await open(folder, { memory: "32 MiB", ...(source !== undefined && { source }) });
  const samples: Record<string, TypedArray>[] = [];
  const ids: number[] = [];
  let resume = "";
  try {
    for await (const batch of dataset.view().batches({ batchSize: 7, seed: 4, readers: 2, ...options })) {
      resume = batch.resume;
      batch.ids.forEach((id, k) => {
        ids.push(id);
        samples[id] = Object.fromEntries(
          Object.entries(dataset.fields).map(([name, field]) => {
            const elements = elementCount(field);
            return [name, batch.fields[name]!.data.slice(k * elements, (k + 1) * elements)];
          }),
        );
      });
    }
  } finally {
    await dataset.close();
  }
  return { samples, resume, ids };
}

function same(found: TypedArray, expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length);
  expected.forEach((value, k) => {
    if (!Object.is(found[k], value)) assert.fail(`${what}, element ${k}: ${found[k]}, not ${value}`);
  });
}

test("values come as float32 by the formula of their channel, whichever way they are read", async () => {
  const { samples } = await delivered(path, {});
  assert.equal(samples.length, count);
  samples.forEach((sample, id) => {
    for (const [name, field] of Object.entries(fields)) {
      assert.ok(sample[name] instanceof Float32Array);
      same(sample[name], valuesOf(field, id).map(Math.fround), `sample ${id}, ${name}`);
    }
  });
});

test("values come as float16, which is the float32 rounded once more", async () => {
  const { samples } = await delivered(path, { deliver: "float16" });
  samples.forEach((sample, id) => {
    for (const [name, field] of Object.entries(fields)) {
      assert.ok(sample[name] instanceof Uint16Array);
      const expected = valuesOf(field, id).map((value) => toFloat16(Math.fround(value)));
      same(sample[name], expected, `sample ${id}, ${name}`);
    }
  });
});

test("stored numbers come as they are, with their encoding beside them", async () => {
  const { samples } = await delivered(path, { deliver: "stored" });
  samples.forEach((sample, id) => {
    for (const [name, field] of Object.entries(fields))
      assert.deepEqual(sample[name], storedNumbers(field, id), `sample ${id}, ${name}`);
  });
  const dataset = await open(path, { memory: "16 MiB" });
  const { small } = dataset.fields;
  assert.deepEqual(small!.kind === "tensor" && small!.encoding?.channels, [recorder, decimals, moved]);
  await dataset.close();
});

test("every stored dtype is decoded, and becomes float16", async () => {
  const all: Record<string, EncodedField> = {};
  for (const dtype of dtypes) {
    all[`${dtype}-last`] = { dtype, shape: [70, 2], encoding: { axis: 1, channels: [recorder, decimals] } };
    all[`${dtype}-one`] = { dtype, shape: [3], encoding: { channels: [moved] } };
    all[`${dtype}-none`] = { dtype, shape: [3] };
  }
  const everything = await packEncoded(all, 12);
  const { samples } = await delivered(everything, {});
  const halves = (await delivered(everything, { deliver: "float16" })).samples;
  samples.forEach((sample, id) => {
    for (const [name, field] of Object.entries(all)) {
      const expected = valuesOf(field, id).map(Math.fround);
      if (field.dtype === "float16" && !field.encoding) {
        assert.deepEqual(halves[id]![name], storedNumbers(field, id));
      }
      // Wide integers that have no formula are rounded once, and not by way of float64.
      const isWide = /64-none$/.test(name) && field.dtype !== "float64";
      same(sample[name]!, isWide ? [...sample[name]!].map(Number) : expected, `sample ${id}, ${name}`);
      same(
        halves[id]![name]!,
        [...sample[name]!].map((value) => toFloat16(Number(value))),
        `half of ${name}`,
      );
    }
  });
});

test("records that stay in files of their own are decoded too", async () => {
  const source = npyFolder(newPath("source"), 9, 5);
  const folder = newPath("index");
  await index(source, folder);
  encodeManifestOf(folder, { data: { dtype: "float32", shape: [5], encoding: { channels: [recorder] } } });
  for (const deliver of ["float32", "float16"] as const) {
    const { samples } = await delivered(folder, { deliver });
    const numbers = samples.map(({ data }) => Number(data![0])).sort((a, b) => a - b);
    const expected = Array.from({ length: 9 }, (_, q) => Math.fround(q * (0.1 / 3) + -1.7));
    const halves = expected.map(toFloat16).sort((a, b) => a - b);
    assert.deepEqual(numbers, deliver === "float32" ? expected : halves);
  }
});

test("normalised values are (value - mean) / std of their channel", async () => {
  const normalize = {
    tiny: { mean: [10, 2, 3, 4], std: [2, 0.5, 7, 100] },
    scalar: { mean: 0.3, std: 0.25 },
    small: { mean: [400, 12, -3], std: 5 },
    first: { mean: 7, std: [50, 3, 8] },
    plain: { mean: 15_000, std: 8000 },
    same: { mean: [128], std: [64] },
  };
  const { samples } = await delivered(path, { normalize });
  const halves = (await delivered(path, { normalize, deliver: "float16" })).samples;
  samples.forEach((sample, id) => {
    for (const [name, field] of Object.entries(fields)) {
      const { mean, std } = (
        normalize as Record<string, { mean: number | number[]; std: number | number[] }>
      )[name] ?? {
        mean: 0,
        std: 1,
      };
      const axis = field.encoding?.axis;
      const inner =
        axis === undefined ? 1 : field.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
      const of = (numbers: number | number[], k: number) => {
        const list = [numbers].flat();
        return list.length === 1 ? list[0]! : list[Math.floor(k / inner) % list.length]!;
      };
      valuesOf(field, id).forEach((value, k) => {
        const should = (value - of(mean, k)) / of(std, k);
        const off = Math.abs(Number(sample[name]![k]) - should);
        assert.ok(
          off <= Math.abs(should) * 2 ** -23 + 1e-9,
          `${name} ${k}: ${sample[name]![k]}, not ${should}`,
        );
        assert.equal(halves[id]![name]![k], toFloat16(Number(sample[name]![k])));
      });
    }
  });
});

test("fields that are not encoded are normalised by their channel axis", async () => {
  const wave: EncodedField = { dtype: "float32", shape: [2, 50], channelAxis: 0 };
  const folder = await packEncoded({ wave }, 10);
  const { samples } = await delivered(folder, {
    normalize: { wave: { mean: [100, 20_000], std: [3, 9000] } },
  });
  samples.forEach(({ wave: found }, id) => {
    same(
      found!,
      valuesOf(wave, id).map((value, k) =>
        Math.fround(k < 50 ? (value - 100) * (1 / 3) : (value - 20_000) * (1 / 9000)),
      ),
      `sample ${id}`,
    );
  });
});

test("order and tokens depend neither on what is delivered nor on normalisation", async () => {
  const { ids, resume } = await delivered(path, {});
  const ways: BatchOptions[] = [
    { deliver: "float16" },
    { deliver: "stored" },
    { normalize: { small: { mean: 3, std: 4 } } },
  ];
  for (const options of ways) {
    const other = await delivered(path, options);
    assert.deepEqual([other.ids, other.resume], [ids, resume]);
  }
});

test("a formula for each of many channels is kept in the loop's memory", async () => {
  const channels: ChannelCode[] = Array.from({ length: 60_000 }, (_, k) => ({
    kind: "scaled",
    scale: (k + 1) / 3,
  }));
  const wide: EncodedField = { dtype: "uint8", shape: [60_000], encoding: { axis: 0, channels } };
  const folder = await packEncoded({ wide }, 3);
  const { samples } = await delivered(folder, { batchSize: 2 });
  samples.forEach((sample, id) => {
    same(sample.wide!, valuesOf(wide, id).map(Math.fround), `sample ${id}`);
  });
  // A reader with its scratch and two batches of 60,000 float32 have room in 9 MiB, 60,000 formulas have not.
  await assert.rejects(
    async () => {
      const dataset = await open(folder, { memory: "9 MiB" });
      for await (const _ of dataset.view().batches({ batchSize: 1, readers: 1 }));
    },
    { code: "memory", message: /1 reader and their scratch needs 10\.4 MiB, 8 KiB is in use/ },
  );
});

const refusals: [BatchOptions, string, string][] = [
  [
    { deliver: "float64" as "float32" },
    "usage",
    'deliver: "float64" is not known. Use "float32", "float16" or "stored".',
  ],
  [
    { deliver: "stored", normalize: { small: { mean: 0, std: 1 } } },
    "usage",
    'what is delivered as stored cannot be normalised. Leave out normalize, or deliver "float32" or "float16".',
  ],
  [
    { normalize: { waves: { mean: 0, std: 1 } } },
    "missing",
    'there is no field "waves" to normalise. Tensor fields are: tiny, scalar, small, first, large, plain, same.',
  ],
  [
    { normalize: { small: { mean: [1, 2], std: 1 } } },
    "usage",
    'field "small" cannot be normalised: mean has 2 numbers, axis 1 has 3 channels. Give 3 numbers, or one for all.',
  ],
  [
    { normalize: { plain: { mean: 1, std: [1, 2] } } },
    "usage",
    'field "plain" cannot be normalised: std has 2 numbers, no channel axis is known. Give one number.',
  ],
  [
    { normalize: { small: { mean: [1, Number.NaN, 2], std: 1 } } },
    "usage",
    'field "small" cannot be normalised: mean of channel 1 is NaN. Give finite numbers.',
  ],
  [
    { normalize: { small: { mean: 0, std: Number.POSITIVE_INFINITY } } },
    "usage",
    'field "small" cannot be normalised: std of channel 0 is Infinity. Give finite numbers.',
  ],
  [
    { normalize: { small: { mean: 0, std: [1, 2, 0] } } },
    "usage",
    'field "small" cannot be normalised: std of channel 2 is 0. Give 1 for a channel that never changes.',
  ],
  [
    { normalize: { small: { mean: 0, std: -1 } } },
    "usage",
    'field "small" cannot be normalised: std of channel 0 is -1. Give 1 for a channel that never changes.',
  ],
];

test("deliveries and normalisations that make no sense are refused", async () => {
  const dataset = await open(path, { memory: "16 MiB" });
  for (const [options, code, message] of refusals)
    assert.throws(() => dataset.view().batches(options), { code, message });
  await dataset.close();
});

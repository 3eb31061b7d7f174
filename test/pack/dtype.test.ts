// Types that are chosen by the values: the same ones in every way of packing, and refusals with counts and places.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  append,
  type Dataset,
  type Fields,
  index,
  type PackOptions,
  pack,
  type TensorField,
  tensor,
} from "spillway";
import { verifyDataset } from "#spillway/pack/verify";
import { newPath } from "../fixtures/new-path.js";
import { upTo, using } from "../fixtures/packed.js";
import { npyBytes, refuses, writeFile } from "../source/fixtures.js";
import { contentOf } from "./sources.js";
import { manifestOf } from "./unpacked.js";

const shape = [64, 3];
const fields: Fields = { wave: tensor("float64", shape) };
const small: PackOptions = { memory: "1 MiB", shardSize: 16_384 };

/** A recorder of 12 bits with three channels, each with a gain and an offset of its own. */
function recorded(i: number): Float64Array {
  return Float64Array.from({ length: 192 }, (_, k) => {
    const q = ((i * 7919 + k * 104_729) % 4096) - 2048;
    return q * [0.0025, 0.5, 0.01][k % 3]! + [0, 20, -3.25][k % 3]!;
  });
}

function folderOf(count: number, valuesOf: (i: number) => Float64Array, first = 0): string {
  const path = newPath();
  for (let i = first; i < first + count; i += 1)
    writeFile(
      join(path, `${String(i).padStart(5, "0")}.npy`),
      npyBytes("<f8", shape, new Uint8Array(valuesOf(i).buffer)),
    );
  return path;
}

const waveOf = (path: string) => Object.values(manifestOf(path).fields)[0] as TensorField;

/** Values as float32, by id. */
async function delivered(path: string): Promise<number[][]> {
  const found: number[][] = [];
  await using(path, "16 MiB", async (dataset: Dataset) => {
    for await (const { fields: batch, ids, size } of dataset.view().batches({ shuffle: false })) {
      const { data } = Object.values(batch)[0]!;
      const each = data.length / size;
      ids.forEach((id, k) => {
        found[id] = [...(data.subarray(k * each, (k + 1) * each) as Float32Array)];
      });
    }
  });
  return found;
}

test("a recorder's values take a quarter of the bytes, and training gets the same numbers", async () => {
  const source = folderOf(150, recorded);
  const [plain, coded] = [newPath(), newPath()];
  await pack(source, plain, small);
  const notes: string[] = [];
  await pack(source, coded, { ...small, dtype: "auto", onNote: (note) => notes.push(note) });
  const { dtype, encoding } = waveOf(coded);
  assert.deepEqual(
    [dtype, encoding!.claim, encoding!.original, encoding!.axis],
    ["int16", "lossless", "float64", 1],
  );
  assert.ok(notes.some((note) => note.startsWith("data: stored as int16 [64, 3], lossless from float64. ")));
  assert.deepEqual(await delivered(coded), await delivered(plain));
  assert.deepEqual(manifestOf(coded).commits, manifestOf(plain).commits);
  assert.deepEqual((await verifyDataset(coded)).problems, []);
});

test("the choice is the same for a folder, a stream and a dataset, whatever the memory", async () => {
  async function* stream() {
    for (let i = 0; i < 150; i += 1) yield { data: recorded(i) };
  }
  const own = { data: tensor("float64", shape) };
  const source = folderOf(150, recorded);
  const paths = upTo(4).map(() => newPath());
  await pack(source, paths[0]!, { ...small, dtype: "auto" });
  await pack(stream(), paths[1]!, { ...small, fields: own, dtype: "auto" });
  await pack(stream(), paths[2]!, { memory: "32 MiB", fields: own, dtype: "auto" });
  const plain = newPath();
  await pack(source, plain, small);
  await pack(plain, paths[3]!, { dtype: "auto" });
  const chosen = paths.map(waveOf);
  for (const field of chosen) assert.deepEqual(field, chosen[0]);
});

test("a choice for a stream is made once: a pack that is stopped goes on with it, to the same bytes", async () => {
  async function* stream() {
    for (let i = 0; i < 200; i += 1) yield { wave: recorded(i) };
  }
  const options: PackOptions = { ...small, fields, dtype: "auto" };
  const reference = newPath();
  await pack(stream(), reference, options);
  for (const phase of ["measuring", "writing"] as const) {
    const path = newPath();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const onProgress: PackOptions["onProgress"] = (state) => {
      if (state.phase === phase && state.samples > 60) stop.abort(reason);
    };
    await assert.rejects(pack(stream(), path, { ...options, onProgress, signal: stop.signal }), reason);
    await pack(stream(), path, options);
    assert.deepEqual(contentOf(path), contentOf(reference));
  }
});

test("pixels that were divided by 255, labels in 64 bits and booleans as numbers shrink to a byte", async () => {
  const given: Fields = {
    image: tensor("float64", [8, 8]),
    place: tensor("int64", []),
    id: tensor("int64", [2]),
    seen: tensor("float32", [4]),
  };
  const path = newPath();
  const samples = upTo(300).map((i) => ({
    image: Float64Array.from({ length: 64 }, (_, k) => ((i * 31 + k * 7) % 256) / 255),
    place: i % 17,
    id: [1_000_000 + (i % 250), 1_000_000],
    seen: Float32Array.from({ length: 4 }, (_, k) => (i >> k) & 1),
  }));
  await pack(samples, path, { ...small, fields: { ...given }, dtype: "auto" });
  for (const [name, field] of Object.entries(manifestOf(path).fields)) {
    const { dtype, encoding } = field as TensorField;
    assert.deepEqual([name, dtype, encoding!.claim], [name, "uint8", "lossless"]);
  }
  const plain = newPath();
  await pack(samples, plain, { ...small, fields: given });
  assert.deepEqual(await delivered(path), await delivered(plain));
  // As float32, which the first field tells of, and each of the others.
  await using(path, "16 MiB", async (dataset: Dataset) => {
    for await (const { fields: batch } of dataset.view().batches({ batchSize: 300 })) {
      const ids = upTo(300).map((k) => [...batch.id!.data.subarray(2 * k, 2 * k + 2)].map(Number));
      const expected = samples.map(({ id }) => id);
      assert.deepEqual(ids.map(String).sort(), expected.map(String).sort());
    }
  });
});

test("types are asked for by field, and what is no choice is refused", async () => {
  const given: Fields = {
    wave: fields.wave!,
    other: tensor("float64", [4]),
    label: { kind: "class", dtype: "uint8", classes: ["a"] },
  };
  const samples = upTo(50).map((i) => ({
    wave: recorded(i),
    other: Float64Array.of(i, Math.sin(i), 0, 1),
    label: 0,
  }));
  const path = newPath();
  await pack(samples, path, { ...small, fields: given, dtype: { wave: "auto", other: "float32" } });
  const types = Object.values(manifestOf(path).fields).map((field) => field.dtype);
  assert.deepEqual(types, ["int16", "float32", "uint8"]);
  assert.equal((manifestOf(path).fields.other as TensorField).encoding!.claim, "exact");
  const tensors = "Its tensor fields are wave, other.";
  const cases: [PackOptions["dtype"], string][] = [
    [{ label: "uint8" }, `dtype: "label" is a class field. ${tensors}`],
    [{ none: "auto" }, `dtype: there is no field "none". ${tensors}`],
    [
      "float64" as "auto",
      'dtype "float64" is no choice. Use one of keep, auto, float32, float16, int16, uint8, original; values are never stored in a wider type than they have.',
    ],
    [
      { wave: "small" as "auto" },
      /^dtype "small" of field "wave" is no choice\. Use one of/ as unknown as string,
    ],
  ];
  for (const [dtype, message] of cases)
    await refuses(
      () => pack(samples, newPath(), { fields: given, ...(dtype && { dtype }) }),
      "usage",
      message,
    );
  const more = 'Add dtype: "auto" (--dtype auto), or leave it out.';
  await refuses(
    () => pack(samples, newPath(), { fields: given, lossy: true }),
    "usage",
    `lossy is of a choice of types, and dtype chooses none. ${more}`,
  );
  await refuses(
    () => append(samples, path, { dtype: "auto" }),
    "usage",
    "samples that are appended are stored as the dataset's are. Leave dtype out; spillway convert changes the whole dataset.",
  );
  await refuses(
    () => index(folderOf(2, recorded), newPath(), { dtype: "auto" }),
    "usage",
    "samples that stay in their own files keep their dtype. Leave dtype out, or pack.",
  );
  await refuses(
    () => pack(samples, newPath(), { fields: given, dtype: "auto", layout: "source" }),
    "usage",
    /^samples of a program come once/,
  );
  await refuses(
    () => pack(folderOf(3, recorded), newPath(), { dtype: "auto", channelAxis: { data: 2 } }),
    "usage",
    /channel axis 2 is not an axis of samples of shape \[64, 3\]/,
  );
});

test("values that a wanted type cannot hold are refused with their number and the first, or cut and counted", async () => {
  const wide = newPath();
  for (let i = 0; i < 40; i += 1) {
    const values = BigInt64Array.from([i, i === 23 || i === 31 ? 101_325 : 7].map(BigInt));
    writeFile(
      join(wide, `${String(i).padStart(5, "0")}.npy`),
      npyBytes("<i8", [2], new Uint8Array(values.buffer)),
    );
  }
  await refuses(
    () => pack(wide, newPath(), { ...small, dtype: "uint8" }),
    "source",
    'field "data" has 2 values that uint8 cannot hold: the first is 101325 in sample 23 (00023.npy), channel 0, place 1. Use "auto" or a wider type; --clip (clip: true) cuts them to its range, and counts them.',
  );
  const nan = folderOf(5, (i) => recorded(i).map((value, k) => (i === 3 && k === 7 ? Number.NaN : value)));
  await refuses(
    () => pack(nan, newPath(), { ...small, dtype: "int16" }),
    "source",
    /^field "data" has 1 value that int16 cannot hold: the first is NaN in sample 3 \(00003\.npy\), channel 1, place 7\./,
  );
  const path = newPath();
  await pack(nan, path, { ...small, dtype: "int16", clip: true });
  const { encoding } = waveOf(path);
  assert.equal(encoding!.claim, "lossy");
  assert.deepEqual(
    encoding!.errors!.map(({ clipped }) => clipped),
    [0, 1, 0],
  );
});

test("what a lossy type costs is told for every channel, measured on every value", async () => {
  const source = folderOf(60, (i) =>
    Float64Array.from(
      { length: 192 },
      (_, k) => Math.sin(i * 1.7 + k * 0.31) * [1, 10, 100][k % 3]! + Math.cos(i * k),
    ),
  );
  const [plain, path] = [newPath(), newPath()];
  await pack(source, plain, small);
  await pack(source, path, { ...small, dtype: "uint8" });
  const { encoding } = waveOf(path);
  assert.deepEqual([encoding!.claim, encoding!.channels.length, encoding!.errors!.length], ["lossy", 3, 3]);
  const [before, after] = [await delivered(plain), await delivered(path)];
  encoding!.errors!.forEach(({ max, rms, sqnrDb, clipped }, channel) => {
    const pairs = before.flatMap((sample, id) =>
      sample.flatMap((value, k) => (k % 3 === channel ? [[value, after[id]![k]!] as const] : [])),
    );
    const errors = pairs.map(([a, b]) => Math.abs(a - b));
    const mean = pairs.reduce((sum, [a]) => sum + a, 0) / pairs.length;
    const variance = pairs.reduce((sum, [a]) => sum + (a - mean) ** 2, 0) / pairs.length;
    const mse = errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length;
    assert.equal(clipped, 0);
    assert.ok(Math.abs(Math.max(...errors) - max) < 1e-4 * max, `${max}`);
    assert.ok(Math.abs(Math.sqrt(mse) - rms) < 1e-4 * rms, `${rms}`);
    assert.ok(Math.abs(10 * Math.log10(variance / mse) - sqnrDb!) < 0.01, `${sqnrDb}`);
  });
});

test("data without anything to measure is kept, and said to be so", async () => {
  const all = (value: number) => folderOf(4, () => new Float64Array(192).fill(value));
  const notes: string[] = [];
  const path = newPath();
  await pack(all(Number.NaN), path, { ...small, dtype: "auto", onNote: (note) => notes.push(note) });
  const values = await delivered(path);
  assert.ok(values.every((sample) => sample.every(Number.isNaN)));
  const constant = newPath();
  await pack(all(-7.25), constant, { ...small, dtype: "auto" });
  assert.equal(waveOf(constant).dtype, "uint8");
  assert.ok((await delivered(constant)).every((sample) => sample.every((value) => value === -7.25)));
  const large = newPath();
  const huge = upTo(3).map((k) => ({ n: [2n ** 60n + BigInt(k), 1n] }));
  await pack(huge, large, {
    fields: { n: tensor("int64", [2]) },
    dtype: "auto",
    onNote: (note) => notes.push(note),
  });
  assert.equal(waveOf(large).dtype, "int64");
  assert.ok(
    notes.some((note) => /^n: 3 values are beyond 2\^53/.test(note)),
    notes.join("\n"),
  );
});

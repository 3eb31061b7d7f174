// What is packed is what is found in the dataset: samples of any number, kind and size of fields, with their labels,
// paths and hashes.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { classes, type Fields, type PackOptions, tensor } from "spillway";
import { hashHex, hexDigits } from "#spillway/kernels/hasher";
import { fieldStride } from "#spillway/tensor/field";
import { upTo } from "../fixtures/packed.js";
import { packNew } from "./layouts.js";
import { contentOf, seeded } from "./sources.js";
import { manifestOf, unpack } from "./unpacked.js";

/** Labels that keep appearing: sample i has the name of its hundred. */
async function* growing(count: number) {
  for (let i = 0; i < count; i += 1)
    yield { data: new Int32Array(10).fill(i), label: `hundred ${Math.floor(i / 100)}` };
}

test("class names of a stream are those met so far, in the order of their appearance, whatever was read ahead", async () => {
  const options: PackOptions = { layout: "source", shardSize: 44 * 150 };
  const path = await packNew(growing(1000), { ...options, memory: "1 MiB" });
  const { fields, shards } = manifestOf(path);
  const names = upTo(10).map((k) => `hundred ${k}`);
  assert.deepEqual(fields.label, { kind: "class", dtype: "int32", classes: names });
  const rows = await unpack(path);
  assert.deepEqual(
    rows.map(({ catalog }) => catalog.label),
    upTo(1000).map((i) => `hundred ${Math.floor(i / 100)}`),
  );
  assert.deepEqual(
    rows.map(({ bytes }) => bytes.label!.readInt32LE(0)),
    upTo(1000).map((i) => Math.floor(i / 100)),
  );
  const header = fs
    .readFileSync(join(path, shards[2]!.path))
    .toString("latin1", 0, shards[2]!.columns.data!.start);
  assert.ok(header.includes("hundred 4") && !header.includes("hundred 5"));
  assert.deepEqual(
    contentOf(await packNew(growing(1000), { ...options, memory: "64 MiB" })),
    contentOf(path),
  );
  const shuffledPath = await packNew(growing(1000), { memory: "1 MiB" });
  assert.deepEqual(manifestOf(shuffledPath).fields.label, fields.label);
});

test("samples larger than a block, of one byte, and without axes are packed as they are", async () => {
  const long = { big: tensor("uint8", [9 * 2 ** 20]), mark: tensor("int32", []) };
  const bigOnes = upTo(4).map((i) => ({ big: new Uint8Array(9 * 2 ** 20).fill(i + 1), mark: i }));
  for (const samples of [
    bigOnes,
    (async function* () {
      yield* bigOnes;
    })(),
  ]) {
    const path = await packNew(samples, { fields: long, memory: "160 MiB" });
    const rows = await unpack(path);
    for (const { bytes } of rows)
      assert.ok(bytes.big!.every((value) => value === bytes.mark!.readInt32LE(0) + 1));
    assert.deepEqual(rows.map(({ bytes }) => bytes.mark!.readInt32LE(0)).sort(), upTo(4));
  }
  const tiny = await packNew(
    (async function* () {
      for (let i = 0; i < 40_000; i += 1) yield { x: Uint8Array.of(i % 256) };
    })(),
    { memory: "1 MiB", layout: "source" },
  );
  assert.deepEqual(
    (await unpack(tiny)).map(({ bytes }) => bytes.x![0]),
    upTo(40_000).map((i) => i % 256),
  );
});

test("samples with labels alone have the content hash of no bytes", async () => {
  const path = await packNew(
    ["a", "b", "a"].map((label) => ({ label })),
    { fields: { label: classes(["a", "b"]) }, layout: "source" },
  );
  assert.deepEqual(
    (await unpack(path)).map(({ catalog }) => [catalog.label, catalog.hash]),
    [
      ["a", 0xef46db3751d8e999n],
      ["b", 0xef46db3751d8e999n],
      ["a", 0xef46db3751d8e999n],
    ],
  );
});

test("a hundred fields in one sample are packed", async () => {
  const fields: Fields = Object.fromEntries(
    upTo(100).map((k) => [`f${k}`, k % 7 === 0 ? classes(["a", "b"]) : tensor("int16", [k])]),
  );
  const samples = upTo(50).map((i) =>
    Object.fromEntries(
      upTo(100).map((k) => [`f${k}`, k % 7 === 0 ? "ab"[i % 2]! : new Int16Array(k).fill(i * 100 + k)]),
    ),
  );
  const path = await packNew(samples, { fields, memory: "8 MiB", layout: "source" });
  for (const [i, { bytes }] of (await unpack(path)).entries()) {
    for (let k = 1; k < 100; k += 1) {
      if (k % 7 !== 0) assert.equal(bytes[`f${k}`]!.readInt16LE(0), i * 100 + k);
      else assert.equal(bytes[`f${k}`]![0], i % 2);
    }
  }
});

test("whatever is packed, in whichever way, comes back with its sums, labels, paths and content hashes", async () => {
  const shape = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 });
  const dtype = fc.constantFrom("uint8", "int16", "float32", "float64", "bool");
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        tensors: fc.array(fc.record({ shape, dtype }), { minLength: 1, maxLength: 3 }),
        count: fc.integer({ min: 1, max: 700 }),
        shardSize: fc.integer({ min: 4096, max: 60_000 }),
        memory: fc.constantFrom("1 MiB", "3 MiB", "20 MiB"),
        layout: fc.constantFrom("shuffled", "source"),
        isStream: fc.boolean(),
        seed: fc.integer({ min: 0, max: 2 ** 31 }),
      }),
      async ({ tensors, count, shardSize, memory, layout, isStream, seed }) => {
        const fields: Fields = Object.fromEntries(
          tensors.map((t, k) => [`t${k}`, tensor(t.dtype as "uint8", t.shape)]),
        );
        fields.label = classes(["a", "b", "c"]);
        const random = seeded(seed);
        const samples = upTo(count).map((i) => {
          // Every fourth sample has the content of another.
          const values = seeded(i % 4 === 3 ? 1 : Math.floor(random() * 2 ** 31));
          const parts = Object.entries(fields).flatMap(([name, field]) => {
            if (field.kind === "class") return [];
            const bytes = Buffer.from(
              Uint8Array.from({ length: fieldStride(field) }, () =>
                Math.floor(values() * (field.dtype === "bool" ? 2 : 100)),
              ),
            );
            return [[name, bytes] as const];
          });
          return {
            parts: Object.fromEntries(parts),
            label: "abc"[i % 3]!,
            path: i % 5 === 0 ? "" : `file ${i}`,
          };
        });
        const given = samples.map(({ parts, label, path }) => ({
          ...Object.fromEntries(
            Object.entries(parts).map(([name, bytes]) => [name, valuesOf(fields, name, bytes)]),
          ),
          label,
          path,
        }));
        const dataset = await packNew(
          isStream
            ? (async function* () {
                yield* given;
              })()
            : given,
          { fields, layout: layout as "source", seed, memory, shardSize },
        );
        const rows = await unpack(dataset);
        const tell = (parts: Record<string, Buffer>, label: unknown, path: unknown) =>
          `${label} ${path} ${Object.keys(fields)
            .map((name) => parts[name]?.toString("hex"))
            .join(" ")}`;
        const found = rows.map(({ bytes: { label: _, ...parts }, catalog }) =>
          tell(parts, catalog.label, catalog.path),
        );
        const expected = samples.map(({ parts, label, path }) => tell(parts, label, path));
        if (layout === "source") assert.deepEqual(found, expected);
        else assert.deepEqual([...found].sort(), [...expected].sort());
        for (const [row, { bytes, catalog }] of rows.entries()) {
          assert.equal(catalog.id, BigInt(row));
          assert.equal(hexDigits(catalog.hash as bigint), hashHex(...tensors.map((_, k) => bytes[`t${k}`]!)));
          assert.equal("abc"[bytes.label![0]!], catalog.label);
        }
        fs.rmSync(dataset, { recursive: true });
      },
    ),
    { numRuns: 40, seed: 11 },
  );
});

/** Bytes of a tensor field as the values that a program gives. */
function valuesOf(fields: Fields, name: string, bytes: Buffer) {
  const field = fields[name]!;
  if (field.kind === "class") throw new Error("no tensor");
  const { buffer } = Uint8Array.from(bytes);
  const arrays = {
    uint8: Uint8Array,
    bool: Uint8Array,
    int16: Int16Array,
    float32: Float32Array,
    float64: Float64Array,
  };
  return { data: new arrays[field.dtype as "uint8"](buffer), shape: field.shape };
}

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { classes, type Fields, type PackOptions, pack, tensor } from "spillway";
import { encodeShard } from "#spillway/format/arrow";
import { planShard } from "#spillway/format/shard";
import { hashHex, hexDigits } from "#spillway/kernels/hasher";
import { shuffleKeys } from "#spillway/pack/piles";
import { readState } from "#spillway/pack/state";
import { type TwoPassJob, takeFromPiles, throwOnPiles } from "#spillway/pack/two-pass";
import { verifyDataset } from "#spillway/pack/verify";
import { sourceOf } from "#spillway/source/iterable";
import { fieldStride } from "#spillway/tensor/field";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { npyBytes, writeFile } from "../source/fixtures.js";
import { contentOf, seeded, stream, streamFields } from "./sources.js";
import { manifestOf, numbersIn, unpack } from "./unpacked.js";

const folder = temporaryFolder();
let folders = 0;

/** Packs into a folder of its own and checks that `verify` finds nothing. */
async function packNew(samples: Parameters<typeof pack>[0], options: PackOptions): Promise<string> {
  folders += 1;
  const path = join(folder, `dataset ${folders}`);
  await pack(samples, path, options);
  assert.deepEqual((await verifyDataset(path)).problems, []);
  return path;
}

async function collected<T>(samples: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const sample of samples) all.push(sample);
  return all;
}

/** One .npy table of int32 [count, 40], row i full of i. */
function table(count: number): string {
  const data = Int32Array.from({ length: count * 40 }, (_, k) => Math.floor(k / 40));
  return writeFile(
    join(folder, `table ${count}.npy`),
    npyBytes("<i4", [count, 40], new Uint8Array(data.buffer)),
  );
}

/** The order of the shuffled layout in two passes, from its definition. */
function shuffled(count: number, seed: number): number[] {
  const keyOf = shuffleKeys(seed);
  const keys = upTo(count).map((index) => [...keyOf(index), index] as const);
  return keys.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).map(([, , index]) => index);
}

test("the order of two passes is that of the hashes, whatever the memory and the size of shards", async () => {
  const count = 12_000;
  const expected = shuffled(count, 5);
  for (const [memory, shardSize] of [
    ["1 MiB", "1 GiB"],
    ["8 MiB", "300 KiB"],
    ["64 MiB", "1 GiB"],
  ] as const) {
    const path = await packNew(stream(count), { fields: streamFields, seed: 5, memory, shardSize });
    assert.deepEqual(await numbersIn(path), expected, `${memory}, shards of ${shardSize}`);
  }
  const other = await packNew(stream(count), { fields: streamFields, seed: 6, memory: "8 MiB" });
  assert.notDeepEqual(await numbersIn(other), expected);
});

test("the whole dataset is the same for 8 and 64 MiB of memory", async () => {
  const [small, large] = await Promise.all(
    ["8 MiB", "64 MiB"].map((memory) =>
      packNew(stream(3000), { fields: streamFields, memory, shardSize: "64 KiB" }),
    ),
  );
  assert.deepEqual(contentOf(small!), contentOf(large!));
});

/** Order of the samples that piles in an arena of so many bytes give, from row `skip` on. */
async function throughPiles(count: number, arenaBytes: number, skip = 0): Promise<number[]> {
  folders += 1;
  const source = await sourceOf(stream(count), { fields: streamFields });
  const job: TwoPassJob = {
    folder: join(folder, `piles ${folders}`),
    source,
    seed: 1,
    arena: new Uint8Array(arenaBytes),
    state: {
      version: 1,
      begun: { kind: "", fingerprint: "", layout: "", seed: 1, shardBytes: 0, fields: "", before: 0 },
      pass: 1,
      samples: 0,
    },
    steps: { advance: () => {}, check: () => {} },
  };
  const state = await throwOnPiles(job);
  const numbers: number[] = [];
  for await (const { bytes, path } of takeFromPiles({ ...job, state }, skip, () => {})) {
    const [data] = bytes;
    const number = new DataView(data!.buffer, data!.byteOffset).getInt32(0, true);
    assert.equal(path, `row ${number}`);
    numbers.push(number);
  }
  await source.close();
  return numbers;
}

test("piles that are too large are parted again and again, down to a few samples, to the same order", async () => {
  const count = 3000;
  const expected = shuffled(count, 1);
  for (const arenaBytes of [1024, 4096, 20_000, 2 ** 17, 2 ** 24]) {
    assert.deepEqual(await throughPiles(count, arenaBytes), expected, `arena of ${arenaBytes} bytes`);
  }
  assert.deepEqual(await throughPiles(count, 4096, 1234), expected.slice(1234));
});

test("pass 1 goes on from its last checkpoint where the source can be asked to skip", async () => {
  const count = 1000;
  const all = await collected(stream(count));
  const job = async (): Promise<TwoPassJob> => ({
    folder: join(folder, "checkpoints"),
    source: await sourceOf(all, { fields: streamFields }),
    seed: 1,
    arena: new Uint8Array(2 ** 18),
    state: {
      version: 1,
      begun: { kind: "", fingerprint: "", layout: "", seed: 1, shardBytes: 0, fields: "", before: 0 },
      pass: 1,
      samples: 0,
    },
    steps: { advance: () => {}, check: () => {} },
    checkpointBytes: 161 * 100,
  });
  const first = await job();
  const reason = new Error("stopped");
  let seen = 0;
  first.steps.check = () => {
    seen += 64;
    if (seen > 700) throw reason;
  };
  await assert.rejects(throwOnPiles(first), reason);
  const state = readState(first.folder)!;
  assert.deepEqual([state.pass, state.samples], [1, 700]);
  const second = { ...(await job()), state };
  const numbers: number[] = [];
  for await (const { bytes } of takeFromPiles(
    { ...second, state: await throwOnPiles(second) },
    0,
    () => {},
  )) {
    numbers.push(new DataView(bytes[0]!.buffer, bytes[0]!.byteOffset).getInt32(0, true));
  }
  assert.deepEqual(numbers, shuffled(count, 1));
});

test("one pass gives a permutation, the same for any memory, jobs and size of shards", async () => {
  const path = table(3000);
  const order = await numbersIn(await packNew(path, { seed: 2, memory: "64 MiB" }));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    upTo(3000),
  );
  assert.notDeepEqual(order, upTo(3000));
  for (const options of [
    { memory: "1 MiB", jobs: 1 },
    { memory: "2 MiB", jobs: 100, shardSize: 16_001 },
  ]) {
    assert.deepEqual(await numbersIn(await packNew(path, { seed: 2, ...options })), order);
  }
  assert.notDeepEqual(await numbersIn(await packNew(path, { seed: 3 })), order);
});

test("the layout source keeps the order of the source, read at random or as it comes", async () => {
  const options: PackOptions = { layout: "source", shardSize: 50_000, memory: "1 MiB" };
  assert.deepEqual(await numbersIn(await packNew(table(1000), options)), upTo(1000));
  assert.deepEqual(
    await numbersIn(await packNew(stream(1000), { ...options, fields: streamFields })),
    upTo(1000),
  );
});

test("a last shard that did not fill is closed up: its size and places are those of its rows, zeros between", async () => {
  const options: PackOptions = {
    fields: streamFields,
    layout: "source",
    shardSize: "100 KiB",
    memory: "1 MiB",
  };
  const path = await packNew(stream(1000), options);
  const known = await packNew(await collected(stream(1000)), options);
  const { shards } = manifestOf(path);
  assert.deepEqual(
    shards.map(({ rows }) => rows),
    [636, 364],
  );
  for (const [number, shard] of shards.entries()) {
    const headerBytes = shard.columns.data!.start;
    const plan = planShard(streamFields, shard.rows, headerBytes);
    assert.deepEqual(shard.columns, plan.columns);
    assert.equal(shard.bytes, plan.bodyEnd + encodeShard(streamFields, plan).footer.length);
    // The same shard, written with its rows known: the bytes of its body are the same, those between columns too.
    const other = manifestOf(known).shards[number]!;
    const body = (folderOf: string, { columns }: typeof shard) =>
      fs
        .readFileSync(join(folderOf, shard.path))
        .subarray(columns.data!.start, columns.data!.start + plan.bodyEnd - headerBytes);
    assert.ok(body(path, shard).equals(body(known, other)));
  }
});

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

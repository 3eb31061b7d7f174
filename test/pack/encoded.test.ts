// Encoded images are stored as the bytes that came, whatever the way of packing, the memory and the size of shards.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { append, encodedImage, type ImageField, type PackOptions, pack, tensor } from "spillway";
import { Hasher } from "#spillway/kernels/hasher";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";
import { writeFile } from "../source/fixtures.js";
import { picture, pictureFields, pictures } from "./pictures.js";
import { contentOf, errorOf } from "./sources.js";
import { manifestOf, unpack } from "./unpacked.js";

const folder = temporaryFolder();
let made = 0;
const newPath = () => join(folder, String(made++));
const options: PackOptions = { fields: pictureFields, layout: "source", shardSize: 5000 };

/** Numbers of the images, by row, after looking whether each is whole. */
async function numbersIn(path: string): Promise<number[]> {
  return (await unpack(path)).map(({ bytes, catalog }) => {
    const number = bytes.picture!.readUInt32LE(8);
    assert.deepEqual(new Uint8Array(bytes.picture!), picture(number, manyOf(catalog.path)));
    assert.equal(bytes.label![0], number % 3);
    assert.equal(catalog.hash, new Hasher().update(bytes.picture!).finish());
    return number;
  });
}

/** What images were made with: longer ones have a path that says so. */
function manyOf(path: unknown): number | undefined {
  return String(path).startsWith("long") ? 1500 : undefined;
}

const counted = (count: number, first = 0) => Array.from({ length: count }, (_, k) => first + k);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test("images come back byte for byte, in order, with their labels and content hashes", async () => {
  const path = newPath();
  await pack(pictures(90), path, options);
  assert.deepEqual(await numbersIn(path), counted(90));
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

const longFields = { ...pictureFields, picture: encodedImage({ width: 8, height: 6 }, { maxBytes: 12_000 }) };

test("a shard ends before the image that would bring it above its bytes, and never without one", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.integer({ min: 12, max: 900 }), fc.integer({ min: 4000, max: 12_000 })), {
        minLength: 1,
        maxLength: 40,
      }),
      fc.integer({ min: 4096, max: 6000 }),
      async (lengths, shardSize) => {
        const path = newPath();
        const samples = lengths.map((length, i) => ({ label: "a", picture: picture(i, length) }));
        await pack(samples, path, { ...options, fields: longFields, shardSize });
        const { shards } = manifestOf(path);
        const sizes = samples.map((sample) => sample.picture.length);
        let row = 0;
        for (const { rows, encoded } of shards) {
          const { bytes, longest } = encoded!.picture!;
          const own = sizes.slice(row, row + rows);
          assert.equal(
            bytes,
            own.reduce((sum, size) => sum + size, 0),
          );
          assert.equal(longest, Math.max(...own));
          assert.ok(rows === 1 || bytes <= shardSize);
          row += rows;
          if (row < sizes.length) assert.ok(bytes + sizes[row]! > shardSize);
        }
        assert.equal(row, sizes.length);
        assert.equal((manifestOf(path).fields.picture as ImageField).maxBytes, Math.max(...sizes));
        fs.rmSync(path, { recursive: true });
      },
    ),
    { numRuns: 25 },
  );
});

test("the result depends neither on memory nor on how long images are declared to be", async () => {
  const [large, small] = [newPath(), newPath()];
  const longer = { ...pictureFields, picture: encodedImage({ width: 8, height: 6 }, { maxBytes: 60_000 }) };
  for (const layout of ["source", "shuffled"] as const) {
    await pack(pictures(200), large, { ...options, layout, memory: "64 MiB" });
    await pack(pictures(200), small, { ...options, layout, memory: "2 MiB", fields: longer });
    const [one, other] = [large, small].map((path) => {
      const { source: _, ...manifest } = manifestOf(path);
      return { manifest, content: { ...contentOf(path), "dataset.json": "" } };
    });
    assert.deepEqual(one, other);
    assert.deepEqual(sorted(await numbersIn(small)), counted(200));
    for (const path of [large, small]) fs.rmSync(path, { recursive: true });
  }
});

test("piles hold images of all lengths, and are parted where they are too large for the memory", async () => {
  const path = newPath();
  const fields = { ...pictureFields, picture: encodedImage({ width: 8, height: 6 }, { maxBytes: 40_000 }) };
  const samples = Array.from({ length: 120 }, (_, i) => ({ label: "b", picture: picture(i, 30_000) }));
  // Told as a stream: nobody knows how many there are.
  await pack(samples.values(), path, { fields, memory: "1 MiB", shardSize: "200 KiB" });
  const numbers = (await unpack(path)).map(({ bytes }) => {
    const number = bytes.picture!.readUInt32LE(8);
    assert.deepEqual(new Uint8Array(bytes.picture!), samples[number]!.picture);
    return number;
  });
  assert.notDeepEqual(numbers, counted(120));
  assert.deepEqual(sorted(numbers), counted(120));
});

test("tensors and images may lie side by side, and both are the content of a sample", async () => {
  const path = newPath();
  const fields = { before: tensor("int16", [5]), ...pictureFields, wave: tensor("float64", [600]) };
  const samples = counted(30).map((i) => ({
    before: new Int16Array(5).fill(i),
    label: "c",
    picture: picture(i),
    wave: new Float64Array(600).fill(i),
  }));
  await pack(samples, path, { fields, layout: "source", shardSize: 30_000 });
  const rows = await unpack(path);
  assert.ok(manifestOf(path).shards.length > 2);
  for (const [i, { bytes, catalog }] of rows.entries()) {
    const { before, picture: image, wave } = samples[i]!;
    const contents = [before, image, wave].map((part) => Buffer.from(part.buffer));
    assert.deepEqual([bytes.before, bytes.picture, bytes.wave], contents);
    assert.equal(catalog.hash, new Hasher().update(Buffer.concat(contents)).finish());
  }
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("a dataset made of one has the same ids, fingerprint and images, and so has one that is merged", async () => {
  const [first, again, merged] = [newPath(), newPath(), newPath()];
  await pack(pictures(80), first, options);
  await pack(first, again, { seed: 5, shardSize: 5000 });
  assert.equal(manifestOf(again).commits[0]!.fingerprint, manifestOf(first).commits[0]!.fingerprint);
  assert.deepEqual(manifestOf(again).placed, [{ rows: 80, seed: 5 }]);
  assert.deepEqual((await verifyDataset(again)).problems, []);
  await pack(pictures(20, 100), merged, options);
  await append(again, merged);
  assert.deepEqual(await numbersIn(merged), [...counted(20, 100), ...counted(80)]);
});

test("longer images may be added, and giving them up leaves what was there byte for byte", async () => {
  const path = newPath();
  await pack(pictures(40), path, options);
  const before = contentOf(path);
  const longest = () => (manifestOf(path).fields.picture as ImageField).maxBytes;
  const first = longest();
  const stopping = new AbortController();
  async function* stopped() {
    for (let i = 0; i < 200; i += 1) {
      if (i === 100) stopping.abort();
      yield { label: "a", picture: picture(i, 1500), path: `long ${i}` };
    }
  }
  const shards = { layout: "source", shardSize: 5000 } as const;
  await assert.rejects(append(stopped(), path, { ...shards, signal: stopping.signal }));
  assert.ok(longest() > first && manifestOf(path).packing);
  await append(pictures(10, 40), path, { ...shards, discard: true });
  assert.equal((manifestOf(path).fields.picture as ImageField).maxBytes, first);
  assert.deepEqual(await numbersIn(path), counted(50));
  for (const name of Object.keys(before).filter((file) => file.startsWith("shards/")))
    assert.equal(contentOf(path)[name], before[name]);
  const long = counted(30, 50).map((i) => ({ label: "a", picture: picture(i, 1500), path: `long ${i}` }));
  await append(
    long.map((sample, k) => ({ ...sample, label: "abc"[(50 + k) % 3]! })),
    path,
    shards,
  );
  assert.deepEqual(await numbersIn(path), counted(80));
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("what is no image, or longer than declared, is refused by its sample", async () => {
  const of = (value: unknown) =>
    errorOf(() => pack([{ label: "a", picture: value as Uint8Array }], newPath(), options));
  const refused = async (value: unknown, what: string) => {
    const error = await of(value);
    assert.equal(error.code, "source");
    assert.equal(error.what, `sample 0 (from 0): field "picture" ${what}`);
  };
  await refused("a.jpg", 'is the text "a.jpg", expected the bytes of an image\'s file (a Uint8Array)');
  await refused(Uint8Array.of(0x42, 0x4d, 0), "begins neither as a JPEG nor as a PNG file");
  await refused(new Uint8Array(), "begins neither as a JPEG nor as a PNG file");
  const long = new Uint8Array(2001);
  long.set([0xff, 0xd8, 0xff]);
  await refused(long, "has 2001 bytes, at most 2000 are declared (maxBytes)");
});

test("a folder that has grown is appended as it is, encoded as the dataset, whatever its images are now", async () => {
  const [source, path] = [newPath(), newPath()];
  const add = async (name: string, width: number) => {
    const image = sharp({ create: { width, height: 20, channels: 3, background: "teal" } });
    writeFile(join(source, "a", name), await image.jpeg().toBuffer());
  };
  await add("1.jpg", 30);
  await add("2.jpg", 50);
  await pack(source, path);
  const told = manifestOf(path).fields.image;
  assert.equal(told!.kind, "image");
  fs.rmSync(join(source, "a/2.jpg"));
  await add("3.jpg", 30);
  const notes: string[] = [];
  const { added } = await append(source, path, { onNote: (note) => notes.push(note) });
  assert.equal(added, 1);
  assert.ok(notes.includes("1 of the samples are in the dataset already, 1 are new."), notes.join("\n"));
  const files = (await unpack(path)).map(({ catalog }) => catalog.path);
  assert.deepEqual(files.slice(2), ["a/3.jpg"]);
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("samples of another kind are not added to encoded images, nor images to tensors", async () => {
  const [images, numbers] = [newPath(), newPath()];
  await pack(pictures(5), images, options);
  await pack([{ picture: Uint8Array.of(1, 2), label: "a" }], numbers);
  const error = await errorOf(() => append(numbers, images));
  assert.equal(error.code, "mismatch");
  assert.match(
    error.what,
    /^field "picture" of the samples is uint8 \[2\]; in .* it is encoded images, delivered as uint8 \[6, 8, 3\] \(8x6 pixels, colour\)$/,
  );
  assert.equal((await errorOf(() => append(images, numbers))).code, "mismatch");
});

test("a field of encoded images is declared with a size and channels that are possible", () => {
  assert.deepEqual(encodedImage({ width: 224, height: 112 }), {
    kind: "image",
    dtype: "uint8",
    shape: [112, 224, 3],
    maxBytes: 4_194_304,
  });
  const refusals: [() => unknown, RegExp][] = [
    [
      () => encodedImage({ width: 0, height: 2 }),
      /^an image cannot be delivered with a side of 0 pixels\. Use whole numbers from 1 to 32768\.$/,
    ],
    [
      () => encodedImage({ width: 2, height: 2 }, { channels: 4 as 3 }),
      /^images cannot have 4 channels\. Use 1 for grey or 3 for colour\.$/,
    ],
    [
      () => encodedImage({ width: 2, height: 2 }, { maxBytes: 2 ** 28 + 1 }),
      /^encoded images of up to 268435457 bytes are not possible\. Use a whole number from 1 to 268435456\.$/,
    ],
  ];
  for (const [work, text] of refusals) assert.throws(work, (error: Error) => text.test(error.message));
});

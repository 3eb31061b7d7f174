// Encoded images are decoded in the readers: the same pixels whatever the threads and the memory, those that decoding once
// gives; and what cannot be decoded ends the loop with an error that names it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import sharp from "sharp";
import {
  type BatchOptions,
  classes,
  encodedImage,
  type Fields,
  mix,
  type OpenOptions,
  open,
  pack,
  tensor,
} from "spillway";
import { readManifest } from "#spillway/source/manifest-file";
import { copyOf, temporaryFolder } from "../fixtures/packed.js";
import { flip } from "../pack/damaged.js";
import { crc32 } from "../pack/png-sum.js";
import { errorOf, seeded } from "../pack/sources.js";
import { writeFile } from "../source/fixtures.js";

const folder = temporaryFolder();
const source = join(folder, "source");
const count = 45;

/** A picture of its own, a JPEG or PNG file: soft colours, some grey, some turned by EXIF. */
async function drawn(i: number): Promise<Buffer> {
  const random = seeded(i + 1);
  const [width, height] = [20 + Math.floor(random() * 200), 20 + Math.floor(random() * 150)];
  const spots = Buffer.from(Array.from({ length: 48 }, () => Math.floor(random() * 256)));
  const image = sharp(spots, { raw: { width: 4, height: 4, channels: 3 } }).resize(width, height, {
    fit: "fill",
  });
  if (i % 5 === 0) image.toColourspace("b-w");
  if (i % 3 === 0) return image.png().toBuffer();
  return (i % 4 === 0 ? image.withMetadata({ orientation: 6 }) : image).jpeg().toBuffer();
}

for (let i = 0; i < count; i += 1)
  writeFile(
    join(source, i % 2 === 0 ? "even" : "odd", `${i}.${i % 3 === 0 ? "png" : "jpg"}`),
    await drawn(i),
  );
const size = { width: 24, height: 16 };
const encoded = join(folder, "encoded");
const decoded = join(folder, "decoded");
await pack(source, encoded, { images: "encoded", size, channels: 3, shardSize: "16 KiB" });
await pack(source, decoded, { images: "decoded", size, channels: 3 });

/** All that a loop delivers, by position: ids, labels and pixels. */
async function delivered(path: string, options: BatchOptions = {}, given: OpenOptions = {}) {
  const dataset = await open(path, { memory: "64 MiB", ...given });
  try {
    const all: { id: number; label: number; image: number[] }[] = [];
    for await (const batch of dataset
      .view()
      .batches({ batchSize: 7, seed: 3, deliver: "stored", ...options })) {
      const { image, label } = batch.fields;
      const elements = image!.data.length / batch.size;
      for (let k = 0; k < batch.size; k += 1) {
        const pixels = image!.data.subarray(k * elements, (k + 1) * elements);
        all.push({
          id: batch.ids[k]!,
          label: Number(label!.data[k]),
          image: Array.from(pixels as Uint8Array),
        });
      }
    }
    return all;
  } finally {
    await dataset.close();
  }
}

test("pixels and labels are those of the same images decoded once", async () => {
  const [one, other] = [
    await delivered(encoded, { shuffle: false }),
    await delivered(decoded, { shuffle: false }),
  ];
  assert.equal(one.length, count);
  assert.deepEqual(one, other);
});

test("order and pixels do not depend on threads or memory, cut at random or not", async () => {
  for (const images of [
    undefined,
    { crop: "random", flip: true },
    { fit: "contain" },
    { fit: "fill" },
  ] as const) {
    const options = { epochs: 2, ...(images && { images }) };
    const first = await delivered(encoded, options);
    assert.equal(first.length, 2 * count);
    assert.deepEqual(await delivered(encoded, { ...options, readers: 3 }), first);
    assert.deepEqual(await delivered(encoded, { ...options, batchSize: 1, readers: 2 }), first);
    assert.deepEqual(await delivered(encoded, options, { memory: "14 MiB" }), first);
  }
});

test("a random crop is another in each epoch and for each seed, and a resumed run goes on with the same", async () => {
  const options = { images: { crop: "random" }, epochs: 2, shuffle: false } as const;
  const all = await delivered(encoded, options);
  for (let k = 0; k < count; k += 1) assert.notDeepEqual(all[k]!.image, all[k + count]!.image);
  const others = await delivered(encoded, { ...options, seed: 4 });
  assert.notDeepEqual(others[0]!.image, all[0]!.image);
  const dataset = await open(encoded, { memory: "64 MiB" });
  const shuffled: BatchOptions = {
    images: { crop: "random" },
    epochs: 2,
    seed: 3,
    batchSize: 7,
    deliver: "stored",
  };
  let resume: string | undefined;
  for await (const batch of dataset.view().batches(shuffled)) {
    resume = batch.resume;
    if (batch.epoch === 1) break;
  }
  const { seed: _, ...rest } = shuffled;
  const later = await delivered(encoded, { ...rest, resume: resume! });
  assert.deepEqual(later, (await delivered(encoded, shuffled)).slice(-later.length));
  assert.ok(later.length > 20);
  await dataset.close();
});

test("float32 and float16 are the same numbers, normalised by the channels where that is asked for", async () => {
  const stored = await delivered(encoded);
  assert.deepEqual(await delivered(encoded, { deliver: "float32" }), stored);
  const dataset = await open(encoded, { memory: "64 MiB" });
  await dataset.split({ train: 1 });
  const statistics = await dataset.measureStatistics();
  const { axis, channels } = statistics.fields.image!;
  assert.equal(axis, 2);
  for (const [channel, { mean, count: values }] of channels.entries()) {
    const numbers = stored.flatMap(({ image }) => image.filter((_, k) => k % 3 === channel));
    assert.equal(values, numbers.length);
    assert.ok(Math.abs(mean - numbers.reduce((sum, value) => sum + value, 0) / numbers.length) < 1e-6);
  }
  const view = dataset.view({ split: "train" });
  for await (const { fields, ids } of view.batches({ normalize: "standard", shuffle: false })) {
    const { image } = stored.find(({ id }) => id === ids[0])!;
    for (let k = 0; k < 30; k += 1) {
      const { mean, std } = channels[k % 3]!;
      assert.ok(Math.abs(Number(fields.image!.data[k]) - (image[k]! - mean) / std) < 1e-4);
    }
    break;
  }
  await dataset.close();
});

test("two image fields and tensors beside them are delivered together", async () => {
  const path = join(folder, "several");
  const fields: Fields = {
    wave: tensor("float32", [50]),
    left: encodedImage({ width: 5, height: 4 }),
    number: tensor("int32", []),
    right: encodedImage({ width: 9, height: 9 }, { channels: 1 }),
    label: classes(["a", "b"]),
  };
  const samples = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => ({
      wave: new Float32Array(50).fill(i),
      left: await drawn(i),
      number: i,
      right: await drawn(i + 20),
      label: "ab"[i % 2]!,
    })),
  );
  await pack(samples, path, { fields });
  const dataset = await open(path, { memory: "64 MiB" });
  for await (const batch of dataset.view().batches({ batchSize: 20 })) {
    assert.deepEqual(batch.fields.left!.shape, [20, 4, 5, 3]);
    assert.deepEqual(batch.fields.right!.shape, [20, 9, 9, 1]);
    for (let k = 0; k < 20; k += 1) {
      const i = Number(batch.fields.number!.data[k]);
      assert.equal(batch.fields.wave!.data[k * 50 + 49], i);
      const grey = await sharp(samples[i]!.right)
        .autoOrient()
        .resize(9, 9)
        .removeAlpha()
        .toColourspace("b-w")
        .raw()
        .toBuffer();
      assert.deepEqual(Array.from(batch.fields.right!.data.subarray(k * 81, k * 81 + 81) as Float32Array), [
        ...grey,
      ]);
    }
  }
  await dataset.close();
});

/** A dataset of one good image and these bytes. */
async function withBytes(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  const fields = { image: encodedImage(size, { maxBytes: 1_000_000 }), label: classes(["x"]) };
  const samples = [await drawn(1), bytes].map((image) => ({ image, label: "x" }));
  await pack(samples, path, { fields, layout: "source" });
  return path;
}

test("an image that was cut short when it was packed is an error that names it", async () => {
  const whole = await drawn(2);
  const path = await withBytes("cut", whole.subarray(0, whole.length / 2));
  for (const readers of [1, 2]) {
    const error = await errorOf(() => delivered(path, { shuffle: false, epochs: 3, readers }));
    assert.equal(error.code, "source");
    assert.deepEqual(error.where, { dataset: path, shard: "shards/00000.arrow", field: "image", sample: 1 });
    assert.match(
      error.what,
      /^sample 1, field "image", in shards\/00000\.arrow of .*cut cannot be decoded: \S/,
    );
    assert.match(error.remedy, /spillway exclude .*cut --where "id = 1"/);
  }
  const dataset = await open(path, { memory: "64 MiB" });
  await dataset.exclude({ where: "id = 1" });
  await dataset.close();
  assert.equal((await delivered(path)).length, 1);
});

test("an image that claims to be of 100,000 x 100,000 pixels is refused, not decoded", async () => {
  const png = Buffer.from(
    await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .png()
      .toBuffer(),
  );
  png.writeUInt32BE(100_000, 16);
  png.writeUInt32BE(100_000, 20);
  png.writeInt32BE(crc32(png.subarray(12, 29)), 29);
  const error = await errorOf(async () => delivered(await withBytes("bomb", png)));
  assert.equal(error.code, "source");
  assert.match(error.what, /cannot be decoded: Input image exceeds pixel limit \(268,435,456 at most\)$/);
});

test("a damaged image, and one whose place is damaged, end the loop by name", async () => {
  const shard = readManifest(encoded)!.shards[0]!;
  const { start, offsets } = shard.encoded!.image!;
  for (const [at, why] of [
    [start + 200, "does not agree with its sum"],
    [offsets + 7, "does not lie where its column says"],
  ] as const) {
    const path = copyOf(encoded);
    flip(join(path, shard.path), at);
    const error = await errorOf(() => delivered(path));
    assert.equal(error.code, "corrupt");
    assert.equal(error.where.shard, shard.path);
    assert.ok(error.what.endsWith(why), error.what);
  }
});

test("breaking out of a loop leaves nothing behind, and memory that is too small says what is needed", async () => {
  const dataset = await open(encoded, { memory: "64 MiB" });
  for (let turn = 0; turn < 5; turn += 1)
    for await (const _ of dataset.view().batches({ batchSize: 2, epochs: 5 })) break;
  const { loops, notes } = await dataset.stats();
  assert.equal(loops, 0);
  assert.match(notes[0]!, /^Images are decoded outside of the memory given/);
  await dataset.close();
  const error = await errorOf(() => delivered(encoded, {}, { memory: "8.1 MiB" }));
  assert.equal(error.code, "memory");
  const { neededBytes } = error.where;
  assert.equal((await delivered(encoded, {}, { memory: neededBytes! })).length, count);
});

test("encoded and decoded images of one size are mixed", async () => {
  const [one, other] = [await open(encoded, { memory: "64 MiB" }), await open(decoded, { memory: "64 MiB" })];
  const pixels = new Map((await delivered(encoded, { shuffle: false })).map(({ id, image }) => [id, image]));
  const both = mix([one.view(), other.view()], [1, 1]);
  const elements = size.width * size.height * 3;
  let met = 0;
  for await (const batch of both.batches({ batchSize: 10, deliver: "stored" })) {
    for (let k = 0; k < batch.size; k += 1) {
      const data = batch.fields.image!.data.subarray(k * elements, (k + 1) * elements) as Uint8Array;
      assert.deepEqual(Array.from(data), pixels.get(batch.ids[k]!));
      met += 1;
    }
  }
  assert.ok(met >= 2 * count);
  await one.close();
  await other.close();
});

test("what is for encoded images is refused where there are none", async () => {
  const error = await errorOf(() => delivered(decoded, { images: { crop: "random" } }));
  assert.equal(
    error.message,
    "images is for encoded images, and the samples have none. Leave it out, or pack the images with --encoded.",
  );
});

test("without sharp a loop says which package is missing", async () => {
  const code = `
    import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent('export const resolve = (name, context, next) => { if (name === "sharp") throw new Error("no " + name); return next(name, context); };'));
    const { open } = await import("spillway");
    const dataset = await open(${JSON.stringify(encoded)}, { memory: "64 MiB" });
    try { for await (const batch of dataset.view().batches()) console.log(batch.size); }
    catch (error) { console.log(error.code, error.message); }
    await dataset.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code]);
  assert.equal(
    stdout,
    'missing images are decoded by the package "sharp", which is not installed. Run: npm install sharp\n',
  );
});

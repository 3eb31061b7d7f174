import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp, { type Sharp } from "sharp";
import type { ImageField, TensorField } from "spillway";
import { openSource } from "#spillway/source/registry";
import { frameContent } from "#spillway/tensor/frame";
import { refuses, take, tempFolder, writeFile, writeNpy } from "./fixtures.js";

/** An image of one colour. */
function plain(width: number, height: number, colour: [number, number, number], alpha?: number) {
  const [r, g, b] = colour;
  const background = alpha === undefined ? { r, g, b } : { r, g, b, alpha };
  return sharp({ create: { width, height, channels: alpha === undefined ? 3 : 4, background } });
}

async function writeImage(path: string, image: Sharp): Promise<string> {
  return writeFile(
    path,
    await (path.endsWith(".png") ? image.png() : image.jpeg({ quality: 100 })).toBuffer(),
  );
}

test("images are uint8, rows of pixels of channels, with a class per sub-folder", async (t) => {
  const folder = tempFolder(t);
  const pixels = Uint8Array.from({ length: 2 * 3 * 3 }, (_, index) => index * 10);
  await writeImage(join(folder, "cat/1.png"), sharp(pixels, { raw: { width: 3, height: 2, channels: 3 } }));
  await writeImage(join(folder, "dog/1.JPEG"), plain(3, 2, [200, 0, 0]));
  const source = await openSource(folder);
  assert.equal(source.kind, "image-folder");
  assert.deepEqual(source.fields, {
    image: { kind: "tensor", dtype: "uint8", shape: [2, 3, 3], channelAxis: 2 },
    label: { kind: "class", dtype: "uint8", classes: ["cat", "dog"] },
  });
  const [cat, dog] = await take(source);
  assert.deepEqual([cat!.path, dog!.path], ["cat/1.png", "dog/1.JPEG"]);
  assert.deepEqual(cat!.bytes[0], pixels);
  assert.ok(dog!.bytes[0]![0]! > 190 && dog!.bytes[0]![1]! < 10);
  assert.deepEqual(source.notes, []);
});

test("an image of another size or colour is named before anything is packed, with the flags that help", async (t) => {
  const folder = tempFolder(t);
  await writeImage(join(folder, "a.png"), plain(4, 3, [1, 2, 3]));
  const odd = await writeImage(join(folder, "b.png"), plain(5, 3, [1, 2, 3]));
  await refuses(
    () => openSource(folder),
    "source",
    `${odd} is 5x3 pixels, colour, 8 bits, but 4x3 pixels, colour, 8 bits was expected, as in the first image. ` +
      "To bring all images to one form, use --size 4x3.",
  );
  await writeImage(odd, plain(5, 3, [1, 2, 3]).toColourspace("b-w"));
  await refuses(
    () => openSource(folder),
    "source",
    /is 5x3 pixels, grey, 8 bits, but .* use --size 4x3 --channels 3\.$/,
  );
  const source = await openSource(folder, { size: { width: 4, height: 3 }, channels: 3 });
  assert.equal((await take(source)).length, 2);
});

test("images are scaled to cover the size asked for, and cut to the middle", async (t) => {
  const folder = tempFolder(t);
  // Thirds of red, green and blue: the middle is green.
  const stripes = Uint8Array.from({ length: 30 * 10 * 3 }, (_, index) =>
    Math.floor((Math.floor(index / 3) % 30) / 10) === index % 3 ? 255 : 0,
  );
  await writeImage(join(folder, "a.png"), sharp(stripes, { raw: { width: 30, height: 10, channels: 3 } }));
  const source = await openSource(folder, { size: { width: 4, height: 4 } });
  assert.deepEqual(source.fields.image, { kind: "tensor", dtype: "uint8", shape: [4, 4, 3], channelAxis: 2 });
  assert.ok(source.notes.includes("Images are scaled to cover 4x4 pixels and cut to the middle."));
  const [sample] = await take(source);
  const [red, green, blue] = sample!.bytes[0]!.subarray(15);
  assert.ok(green! > 200 && red! < 80 && blue! < 80);
});

test("grey stays grey, and one or three channels can be asked for", async (t) => {
  const folder = tempFolder(t);
  await writeImage(join(folder, "a.png"), plain(2, 2, [50, 50, 50]).toColourspace("b-w"));
  const grey = await openSource(folder);
  assert.deepEqual((await take(grey))[0]!.bytes[0], new Uint8Array(4).fill(50));
  const colour = await openSource(folder, { channels: 3 });
  assert.deepEqual((await take(colour))[0]!.bytes[0], new Uint8Array(12).fill(50));
  assert.ok(colour.notes.includes("Grey images get three equal channels."));
  await writeImage(join(folder, "a.png"), plain(2, 2, [255, 0, 0]));
  const made = await openSource(folder, { channels: 1 });
  assert.equal((await take(made))[0]!.bytes[0]!.length, 4);
  assert.ok(made.notes.includes("Colour images are made grey."));
});

test("orientation is applied and transparency is left out, aloud", async (t) => {
  const folder = tempFolder(t);
  const turned = await plain(4, 2, [9, 9, 9]).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  writeFile(join(folder, "a.jpg"), turned);
  const source = await openSource(folder);
  assert.deepEqual(source.fields.image, { kind: "tensor", dtype: "uint8", shape: [4, 2, 3], channelAxis: 2 });
  assert.equal((await take(source)).length, 1);
  fs.rmSync(join(folder, "a.jpg"));
  await writeImage(join(folder, "b.png"), plain(2, 1, [10, 20, 30], 0.5));
  const clear = await openSource(folder);
  assert.ok(clear.notes.includes("Transparency (the alpha channel) is left out."));
  assert.deepEqual([...(await take(clear))[0]!.bytes[0]!], [10, 20, 30, 10, 20, 30]);
});

test("16-bit PNG keeps its 16 bits", async (t) => {
  const folder = tempFolder(t);
  const values = Uint16Array.from({ length: 12 }, (_, index) => index * 5003);
  await writeImage(
    join(folder, "a.png"),
    sharp(values, { raw: { width: 2, height: 2, channels: 3 } }).toColourspace("rgb16"),
  );
  const source = await openSource(folder);
  assert.deepEqual(source.fields.image, {
    kind: "tensor",
    dtype: "uint16",
    shape: [2, 2, 3],
    channelAxis: 2,
  });
  assert.deepEqual(new Uint16Array((await take(source))[0]!.bytes[0]!.slice().buffer), values);
  fs.rmSync(join(folder, "a.png"));
  const grey = values.subarray(0, 4);
  await writeImage(
    join(folder, "b.png"),
    sharp(grey, { raw: { width: 2, height: 2, channels: 1 } }).toColourspace("grey16"),
  );
  const greySource = await openSource(folder);
  assert.deepEqual(greySource.fields.image, {
    kind: "tensor",
    dtype: "uint16",
    shape: [2, 2, 1],
    channelAxis: 2,
  });
  assert.deepEqual(new Uint16Array((await take(greySource))[0]!.bytes[0]!.slice().buffer), grey);
  await writeImage(join(folder, "c.png"), plain(2, 2, [1, 2, 3]).toColourspace("b-w"));
  await refuses(
    () => openSource(folder),
    "source",
    /c\.png is 2x2 pixels, grey, 8 bits, but .* 16 bits was expected.*Save all images with the same number of bits/,
  );
});

test("a corrupt image is named", async (t) => {
  const folder = tempFolder(t);
  const bytes = await sharp(
    Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 7919) % 256)),
    {
      raw: { width: 64, height: 64, channels: 3 },
    },
  )
    .jpeg()
    .toBuffer();
  const path = writeFile(join(folder, "a.jpg"), bytes.subarray(0, bytes.length / 2));
  const source = await openSource(folder);
  await refuses(
    () => take(source),
    "source",
    new RegExp(`^${path} cannot be decoded: .*\\. Remove the image, or get it again from where it came\\.$`),
  );
  writeFile(path, "no image at all");
  await refuses(() => openSource(folder), "source", new RegExp(`^${path} cannot be decoded: `));
});

test("a folder with .npy files and images asks which are meant", async (t) => {
  const folder = tempFolder(t);
  await writeImage(join(folder, "a/x.png"), plain(2, 2, [1, 2, 3]));
  writeNpy(join(folder, "a/x.npy"), [1], [1]);
  await refuses(
    () => openSource(folder),
    "source",
    /holds 1 (\.npy and 1 \.jpg, \.jpeg, \.png|\.jpg, \.jpeg, \.png and 1 \.npy) files\. Say which are the samples: --kind /,
  );
  assert.equal((await openSource(folder, { kind: "image-folder" })).sampleCount, 1);
  assert.equal((await openSource(folder, { kind: "npy-folder" })).sampleCount, 1);
});

test("sizes and channels that make no sense are refused", async (t) => {
  const folder = tempFolder(t);
  await writeImage(join(folder, "a.png"), plain(2, 2, [1, 2, 3]));
  await refuses(
    () => openSource(folder, { size: { width: 0, height: 4 } }),
    "usage",
    /an image cannot be resized to 0 pixels/,
  );
  await refuses(() => openSource(folder, { channels: 4 as 3 }), "usage", /images cannot have 4 channels/);
});

/** Options and default with which a new dataset is made of a folder. */
const openForNew = (folder: string, options = {}) => openSource(folder, options, "choose");

test("images of many sizes, and large ones, are kept encoded unless a size is asked for", async (t) => {
  const [mixed, large, small] = [tempFolder(t), tempFolder(t), tempFolder(t)];
  for (const [folder, sizes] of [
    [
      mixed,
      [
        [40, 30],
        [50, 30],
      ],
    ],
    [
      large,
      [
        [400, 300],
        [400, 300],
      ],
    ],
    [
      small,
      [
        [40, 30],
        [40, 30],
      ],
    ],
  ] as const)
    for (const [k, [width, height]] of sizes.entries())
      await writeImage(join(folder, `a/${k}.jpg`), plain(width, height, [9, 99, 200]));
  const kindOf = async (folder: string, options = {}) =>
    (await openForNew(folder, options)).fields.image as TensorField | ImageField;
  assert.deepEqual((await kindOf(mixed)).shape, [224, 224, 3]);
  assert.deepEqual((await kindOf(large)).shape, [300, 400, 3]);
  const kinds = async (options = {}) =>
    Promise.all([mixed, large, small].map(async (folder) => (await kindOf(folder, options)).kind));
  assert.deepEqual(await kinds(), ["image", "image", "tensor"]);
  assert.deepEqual(await kinds({ size: { width: 8, height: 8 } }), ["tensor", "tensor", "tensor"]);
  assert.deepEqual(await kinds({ images: "encoded" }), ["image", "image", "image"]);
  const size = { width: 20, height: 10 };
  const asked = await kindOf(small, { images: "encoded", size, channels: 1 });
  assert.deepEqual(asked.shape, [10, 20, 1]);
  const { notes } = await openForNew(large);
  assert.match(
    notes.join("\n"),
    /^Images are kept as they are \(encoded, .* on average\) and decoded when they are read: scaled to cover 400x300 pixels and cut to the middle\.\nThat is because they are large \(352 KiB each when decoded\); --encoded --size WxH delivers another size, --decode --size WxH decodes them now, once\.$/,
  );
  assert.match(
    (await openForNew(mixed)).notes[1]!,
    /^That is because they differ in size \(40x30 and 50x30 pixels, for example\); /,
  );
  await refuses(() => openForNew(mixed, { images: "decoded" }), "source", /use --size 40x30\.$/);
});

test("encoded images are the bytes of their files, with a class per sub-folder", async (t) => {
  const folder = tempFolder(t);
  const files = [
    await writeImage(join(folder, "cat/1.png"), plain(4, 3, [1, 2, 3])),
    await writeImage(join(folder, "dog/1.jpg"), plain(300, 200, [200, 0, 0])),
  ].map((file) => fs.readFileSync(file));
  const source = await openSource(folder, { images: "encoded" });
  const samples = await take(source);
  assert.deepEqual(
    samples.map(({ bytes }) => Buffer.from(frameContent(bytes[0]!))),
    files,
  );
  assert.deepEqual(
    samples.map(({ bytes }) => bytes[1]![0]),
    [0, 1],
  );
  const most = Math.max(...files.map(({ length }) => length));
  assert.deepEqual(source.fields.image, {
    kind: "image",
    dtype: "uint8",
    shape: [224, 224, 3],
    maxBytes: most,
  });
  assert.equal(source.meanBytes, Math.ceil((files[0]!.length + files[1]!.length) / 2) + 1);
});

test("a file that is no image, or grows while it is packed, and images of 16 bits are refused by name", async (t) => {
  const folder = tempFolder(t);
  const first = await writeImage(join(folder, "1.png"), plain(4, 3, [1, 2, 3]));
  const source = await openSource(folder, { images: "encoded" });
  const size = fs.statSync(first).size;
  fs.appendFileSync(first, "more");
  await refuses(
    () => take(source),
    "source",
    `${first} has ${size + 4} bytes; the longest image had ${size} when the folder was listed. Pack it again; it must not change meanwhile.`,
  );
  fs.writeFileSync(first, "GIF89a, say");
  await refuses(
    () => take(source),
    "source",
    `${first} begins neither as a JPEG nor as a PNG file. Remove the image, or get it again from where it came.`,
  );
  fs.writeFileSync(first, "");
  await refuses(
    () => take(source),
    "source",
    `${first} is empty. Remove the image, or get it again from where it came.`,
  );
  const wide = sharp(new Uint16Array(4 * 3 * 3).fill(40_000), { raw: { width: 4, height: 3, channels: 3 } });
  fs.writeFileSync(first, await wide.toColourspace("rgb16").png().toBuffer());
  await refuses(
    () => openSource(folder, { images: "encoded" }),
    "source",
    `${first} is 4x3 pixels, colour, 16 bits; encoded images are delivered in 8 bits. Decode them while packing, which keeps all bits: --decode.`,
  );
  assert.equal((await openForNew(folder)).fields.image!.kind, "tensor");
});

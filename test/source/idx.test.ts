import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { SpillwayError } from "#spillway/errors";
import { parseIdxHeader } from "#spillway/source/idx-header";
import { openSource } from "#spillway/source/registry";
import { idxBytes, openFileCount, refuses, take, tempFolder, writeFile } from "./fixtures.js";

const pixels = Uint8Array.from({ length: 5 * 6 }, (_, index) => index);
const images = idxBytes(8, [5, 2, 3], pixels);
const labels = idxBytes(8, [5], Uint8Array.of(3, 0, 1, 3, 2));

/** A folder with a pair, packed or not. */
function writePair(folder: string, ending: "" | ".gz", name = "train"): string {
  const pack = ending ? gzipSync : (bytes: Buffer) => bytes;
  writeFile(join(folder, `${name}-labels-idx1-ubyte${ending}`), pack(labels));
  return writeFile(join(folder, `${name}-images-idx3-ubyte${ending}`), pack(images));
}

for (const ending of ["", ".gz"] as const) {
  test(`images and labels of ${ending || "plain"} files are read, by file or by folder`, async (t) => {
    const folder = tempFolder(t);
    const path = writePair(folder, ending);
    for (const given of [path, folder]) {
      const source = await openSource(given);
      assert.equal(source.kind, "idx");
      assert.deepEqual(source.fields, {
        image: { kind: "tensor", dtype: "uint8", shape: [2, 3] },
        label: { kind: "class", dtype: "uint8", classes: ["0", "1", "2", "3"] },
      });
      assert.equal(source.sampleCount, 5);
      assert.equal(source.readInto === undefined, ending === ".gz");
      const samples = await take(source);
      assert.deepEqual(
        samples.map((sample) => sample.row),
        [0, 1, 2, 3, 4],
      );
      assert.deepEqual(
        samples.flatMap((sample) => [...sample.bytes[0]!]),
        [...pixels],
      );
      assert.deepEqual(
        samples.map((sample) => sample.bytes[1]![0]),
        [3, 0, 1, 3, 2],
      );
      await source.close();
    }
  });
}

test("big-endian types are turned", async (t) => {
  const folder = tempFolder(t);
  writeFile(join(folder, "a-labels-idx1-ubyte"), idxBytes(8, [2], Uint8Array.of(0, 1)));
  const types: [number, string, Uint8Array, Uint8Array][] = [
    [0x09, "int8", Uint8Array.of(255, 2), Uint8Array.of(255, 2)],
    [0x0b, "int16", Uint8Array.of(1, 2, 3, 4), Uint8Array.of(2, 1, 4, 3)],
    [0x0c, "int32", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(4, 3, 2, 1, 8, 7, 6, 5)],
    [0x0d, "float32", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.of(4, 3, 2, 1, 8, 7, 6, 5)],
    [
      0x0e,
      "float64",
      Uint8Array.from({ length: 16 }, (_, k) => k),
      Uint8Array.of(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8),
    ],
  ];
  for (const [type, dtype, big, little] of types) {
    for (const pack of [gzipSync, (bytes: Buffer) => bytes]) {
      const path = writeFile(join(folder, "a-images-idx3-ubyte"), pack(idxBytes(type, [2, 1, 1], big)));
      const source = await openSource(path);
      assert.deepEqual(source.fields.image, { kind: "tensor", dtype, shape: [1, 1] });
      assert.deepEqual(
        (await take(source)).flatMap((sample) => [...sample.bytes[0]!]),
        [...little],
      );
      await source.close();
    }
  }
});

test("labels of four bytes and given class names are read", async (t) => {
  const folder = tempFolder(t);
  const path = writePair(folder, "");
  const wide = Uint8Array.from([0, 0, 1, 44, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
  const labelsPath = writeFile(join(folder, "other"), idxBytes(0x0c, [5], wide));
  const source = await openSource(path, { labels: labelsPath });
  assert.equal((await take(source))[0]!.bytes[1]!.join(), "44,1");
  await source.close();
  const named = await openSource(path, { classes: ["shirt", "shoe", "bag", "coat"] });
  assert.deepEqual(named.fields.label, {
    kind: "class",
    dtype: "uint8",
    classes: ["shirt", "shoe", "bag", "coat"],
  });
  await named.close();
  await refuses(
    () => openSource(path, { classes: ["shirt", "shoe"] }),
    "source",
    /^label 0 \(from 0\) of .* is 3, but only 2 classes are given\. Give --classes 4 names, for the numbers 0 to 3\.$/,
  );
});

test("labels that are missing, too many or of another shape are refused", async (t) => {
  const folder = tempFolder(t);
  const path = writeFile(join(folder, "train-images-idx3-ubyte.gz"), gzipSync(images));
  await refuses(
    () => openSource(path),
    "missing",
    `${path} has no file of labels: looked for train-labels-idx1-ubyte.gz, train-labels-idx1-ubyte in ${folder}. ` +
      "Name it: --labels path/to/labels-idx1-ubyte.gz",
  );
  const labelsPath = writeFile(join(folder, "train-labels-idx1-ubyte"), idxBytes(8, [4], new Uint8Array(4)));
  await refuses(
    () => openSource(path),
    "source",
    new RegExp(`^${labelsPath} holds 4 labels, but ${path} holds 5 images\\.`),
  );
  writeFile(labelsPath, idxBytes(8, [5, 1], new Uint8Array(5)));
  await refuses(() => openSource(path), "source", /has shape \[5, 1\], labels have one axis/);
});

test("a folder with several pairs is refused with the files to choose from", async (t) => {
  const folder = tempFolder(t);
  writePair(folder, ".gz", "train");
  writePair(folder, ".gz", "t10k");
  await refuses(
    () => openSource(folder),
    "source",
    `${folder} holds 2 files of IDX images: t10k-images-idx3-ubyte.gz, train-images-idx3-ubyte.gz. ` +
      `Give the path of one of them, such as ${join(folder, "train-images-idx3-ubyte.gz")}.`,
  );
});

test("a file that is cut short, or too long, is refused with both lengths", async (t) => {
  const folder = tempFolder(t);
  const path = writePair(folder, "");
  fs.truncateSync(path, 40);
  await refuses(
    () => openSource(path),
    "source",
    `${path} is cut short: it has 40 bytes unpacked, its header says uint8 [5, 2, 3], which takes 46. Copy or download it again.`,
  );
  const packed = writePair(folder, ".gz");
  const whole = gzipSync(images);
  fs.writeFileSync(packed, whole.subarray(0, whole.length - 12));
  await refuses(
    async () => take(await openSource(packed)),
    "source",
    /ends early: its \d+ bytes unpack to \d+, and the end of the gzip stream is missing/,
  );
  fs.writeFileSync(packed, gzipSync(images.subarray(0, 40)));
  await refuses(
    async () => take(await openSource(packed)),
    "source",
    /is cut short: it has 40 bytes unpacked, .* takes 46/,
  );
  fs.writeFileSync(packed, gzipSync(Buffer.concat([images, images])));
  await refuses(
    async () => take(await openSource(packed)),
    "source",
    /is longer than it says: it has 92 bytes unpacked/,
  );
});

test("what is no gzip, damaged, or no IDX file is refused", async (t) => {
  const folder = tempFolder(t);
  const path = writePair(folder, ".gz");
  fs.writeFileSync(path, images);
  await refuses(
    () => openSource(path),
    "source",
    /is no gzip file: it begins with bytes 0000, 1f8b was expected/,
  );
  const damaged = gzipSync(Buffer.alloc(100_000, "noise"), { level: 0 });
  damaged[damaged.length - 6]! ^= 1;
  fs.writeFileSync(path, damaged);
  await refuses(
    () => openSource(path, { kind: "idx" }),
    "source",
    /is no IDX file: it begins with bytes 6e6f6973/,
  );
  fs.writeFileSync(path, gzipSync(images));
  const labelsPath = join(folder, "train-labels-idx1-ubyte.gz");
  const broken = gzipSync(labels);
  broken[broken.length - 8]! ^= 1;
  fs.writeFileSync(labelsPath, broken);
  await refuses(
    () => openSource(path),
    "source",
    /is damaged after \d+ unpacked bytes: incorrect data check/,
  );
});

test("leaving early closes the file", async (t) => {
  const folder = tempFolder(t);
  const path = writePair(folder, ".gz");
  const before = openFileCount();
  for (let round = 0; round < 5; round++) {
    const source = await openSource(path);
    for await (const _ of source.samples(1)) break;
    await source.close();
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(openFileCount(), before);
});

test("any bytes give an IDX header or a SpillwayError", () => {
  const accepts = (bytes: Uint8Array) => {
    try {
      const { headerBytes } = parseIdxHeader(bytes, "x");
      assert.ok(headerBytes <= bytes.length);
    } catch (error) {
      assert.ok(error instanceof SpillwayError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), accepts));
  fc.assert(
    fc.property(
      fc.constantFrom(7, 8, 14, 15),
      fc.nat(20),
      fc.uint8Array({ maxLength: 80 }),
      (type, axes, rest) => accepts(Uint8Array.of(0, 0, type, axes, ...rest)),
    ),
  );
});

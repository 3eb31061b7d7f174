// What holds for every kind of source: the same samples in the same order each time, from any start, by readInto as by
// samples; a fingerprint that changes with the data; no file left open.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { sampleSlot } from "#spillway/source/read-ahead";
import { openSource } from "#spillway/source/registry";
import type { SourceOptions } from "#spillway/source/source";
import { idxBytes, openFileCount, take, tempFolder, writeFile, writeNpy } from "./fixtures.js";

const count = 40;

interface Example {
  name: string;
  /** Makes the data; the file that it returns may be touched to change the data. */
  make(folder: string): { path: string; file: string } | Promise<{ path: string; file: string }>;
  options?: SourceOptions;
  /** Why there is no readInto. */
  noRandomReads?: string;
}

function makeIdx(folder: string, pack: (bytes: Buffer) => Buffer) {
  const pixels = Uint8Array.from({ length: count * 6 }, (_, index) => index % 251);
  writeFile(join(folder, "a-labels-idx1-ubyte"), idxBytes(8, [count], pixels.subarray(0, count)));
  const path = writeFile(join(folder, "a-images-idx3-ubyte"), pack(idxBytes(8, [count, 2, 3], pixels)));
  return { path, file: path };
}

const examples: Example[] = [
  {
    name: "npy-folder",
    make(folder) {
      for (let index = 0; index < count; index++)
        writeNpy(join(folder, `${index % 3}/${index}.npy`), [2], [index, -index]);
      return { path: folder, file: join(folder, "1/1.npy") };
    },
  },
  {
    name: "image-folder",
    async make(folder) {
      for (let index = 0; index < count; index++) {
        const pixels = Uint8Array.from({ length: 12 }, (_, place) => index * place);
        writeFile(
          join(folder, `${index % 3}/${index}.png`),
          await sharp(pixels, { raw: { width: 2, height: 2, channels: 3 } })
            .png()
            .toBuffer(),
        );
      }
      return { path: folder, file: join(folder, "1/1.png") };
    },
  },
  { name: "idx", make: (folder) => makeIdx(folder, (bytes) => bytes) },
  {
    name: "idx, packed",
    make: (folder) => makeIdx(folder, gzipSync),
    noRandomReads: "gzip has to be unpacked from its beginning",
  },
  {
    name: "npy",
    make(folder) {
      const path = writeNpy(
        join(folder, "x.npy"),
        [count, 3],
        Array.from({ length: count * 3 }, (_, index) => index),
      );
      return { path, file: path };
    },
    options: { labelColumn: -1 },
  },
  {
    name: "csv",
    make(folder) {
      const lines = Array.from({ length: count }, (_, row) => `${row},${row * 2},${row % 4}\n`);
      const path = writeFile(join(folder, "x.csv"), `a,b,label\n${lines.join("")}`);
      return { path, file: path };
    },
    noRandomReads: "lines have no fixed length",
  },
];

for (const { name, make, options = {}, noRandomReads } of examples) {
  test(`${name}: the same samples each time, from any start`, async (t) => {
    const { path } = await make(tempFolder(t));
    const source = await openSource(path, options);
    assert.equal(source.sampleCount, count);
    const all = await take(source);
    assert.equal(all.length, count);
    for (const start of [0, 1, 17, count - 1, count])
      assert.deepEqual(await take(source, start), all.slice(start));
    // Two readers at once do not disturb each other.
    assert.deepEqual(await Promise.all([take(source), take(source, 5)]), [all, all.slice(5)]);
    await source.close();
    const again = await openSource(path, options);
    assert.deepEqual(await take(again), all);
    assert.equal(again.fingerprint, source.fingerprint);
    await again.close();
  });

  test(`${name}: reading at any place, several at once`, { skip: noRandomReads ?? false }, async (t) => {
    const { path } = await make(tempFolder(t));
    const source = await openSource(path, options);
    const all = await take(source);
    const indices = Array.from({ length: count * 2 }, (_, index) => (index * 7) % count);
    await Promise.all(
      indices.map(async (index) => {
        // Slots of a shared buffer, one byte off: alignment must not matter.
        const into = sampleSlot(source.fields).map(
          (part) => new Uint8Array(new SharedArrayBuffer(part.length + 1), 1),
        );
        const origin = await source.readInto!(index, into);
        assert.deepEqual({ ...origin, bytes: into.map((part) => Uint8Array.from(part)) }, all[index]);
      }),
    );
    await source.close();
  });

  test(`${name}: the fingerprint changes when a file does`, async (t) => {
    const { path, file } = await make(tempFolder(t));
    const before = await openSource(path, options);
    await before.close();
    assert.match(before.fingerprint, /^[0-9a-f]{16}$/);
    fs.utimesSync(file, 1_000_000, 1_000_000);
    const after = await openSource(path, options);
    await after.close();
    assert.notEqual(after.fingerprint, before.fingerprint);
  });

  test(`${name}: no file stays open, also when the reader stops early`, async (t) => {
    const { path } = await make(tempFolder(t));
    const round = async () => {
      const source = await openSource(path, options);
      for await (const _ of source.samples(3)) break;
      await source.close();
      await new Promise((resolve) => setImmediate(resolve));
    };
    // The first round opens what a package keeps for good.
    await round();
    const before = openFileCount();
    for (let index = 0; index < 5; index++) await round();
    assert.equal(openFileCount(), before);
  });
}

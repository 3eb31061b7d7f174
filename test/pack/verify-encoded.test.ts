// Every byte of a shard with encoded images is looked at by `verify`, which says which sample is damaged.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { pack } from "spillway";
import { verifyDataset } from "#spillway/pack/verify";
import { readManifest } from "#spillway/source/manifest-file";
import { StoredRecords } from "#spillway/source/stored-records";
import { fieldStride } from "#spillway/tensor/field";
import { copyOf, temporaryFolder } from "../fixtures/packed.js";
import { flip, placesOf } from "./damaged.js";
import { pictureFields, pictures } from "./pictures.js";
import { errorOf } from "./sources.js";

const dataset = join(temporaryFolder(), "pictures");
await pack(pictures(60), dataset, { fields: pictureFields, layout: "source", shardSize: 5000 });
const manifest = readManifest(dataset)!;
const shard = manifest.shards[1]!;
const first = manifest.shards[0]!.rows;
const place = shard.encoded!.picture!;
const whole = fs.readFileSync(join(dataset, shard.path));
const offset = (row: number) => whole.readInt32LE(place.offsets + row * 4);

test("a damaged image is told with its sample and its bytes", async () => {
  const path = copyOf(dataset);
  flip(join(path, shard.path), place.start + offset(3) + 5);
  const startByte = place.start + offset(3);
  const endByte = place.start + offset(4);
  const report = await verifyDataset(path);
  const sample = first + 3;
  assert.deepEqual(placesOf(report), [
    {
      path: shard.path,
      shard: shard.path,
      field: "picture",
      startSample: sample,
      endSample: sample + 1,
      startByte,
      endByte,
    },
  ]);
  assert.equal(
    report.problems[0]!.what,
    `${shard.path} is damaged: sample ${sample}, field "picture", does not agree with its sum (bytes ${startByte}-${endByte})`,
  );
});

test("whatever bit of a shard is flipped is told", async () => {
  const path = copyOf(dataset);
  const file = join(path, shard.path);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.integer({ min: place.start, max: place.start + place.bytes - 1 }),
        fc.integer({ min: place.offsets, max: place.offsets + (shard.rows + 1) * 4 - 1 }),
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: whole.length - 100, max: whole.length - 1 }),
      ),
      fc.integer({ min: 0, max: 7 }),
      async (at, bit) => {
        flip(file, at, 1 << bit);
        try {
          assert.ok((await verifyDataset(path)).problems.length > 0, `byte ${at}`);
        } finally {
          flip(file, at, 1 << bit);
        }
      },
    ),
    { numRuns: 60 },
  );
  assert.deepEqual((await verifyDataset(path)).problems, []);
});

test("a shard that was cut, and sums that are damaged, are told", async () => {
  const [cut, sums] = [copyOf(dataset), copyOf(dataset)];
  fs.truncateSync(join(cut, shard.path), place.start + offset(2) + 1);
  const whats = (await verifyDataset(cut)).problems.map(({ what }) => what);
  assert.match(whats[0]!, /is cut short: it has \d+ bytes, dataset\.json says \d+$/);
  assert.ok(
    whats.some((what) => /field "picture", are cut off/.test(what)),
    whats.join("\n"),
  );
  flip(join(sums, shard.sums.path), 17);
  assert.deepEqual(
    (await verifyDataset(sums)).problems.map(({ what }) => what),
    [`${shard.sums.path} is damaged: its hash is not the one in dataset.json; the samples are whole`],
  );
});

test("reading a damaged image, or one whose place is damaged, is an error that names it", async () => {
  const path = copyOf(dataset);
  const read = async () => {
    const records = new StoredRecords(path, readManifest(path)!);
    try {
      await records.readInto(first + 3, [undefined, new Uint8Array(fieldStride(pictureFields.picture!))]);
    } finally {
      records.close();
    }
  };
  await read();
  for (const at of [place.start + offset(3) + 5, place.offsets + 3 * 4 + 3, place.offsets + 4 * 4 + 1]) {
    flip(join(path, shard.path), at);
    const { code, where, message } = await errorOf(read);
    assert.equal(code, "corrupt");
    assert.equal(where.sample, first + 3);
    assert.match(message, /is damaged: sample \d+, field "picture", does not agree with its sum \(bytes/);
    flip(join(path, shard.path), at);
  }
});

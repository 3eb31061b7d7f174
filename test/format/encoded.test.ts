// Encoded images on disk: the bytes of a tiny dataset, kept as files that every later version has to read, and what of a
// manifest is refused.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { classes, encodedImage, type Fields, pack, SpillwayError, tensor } from "spillway";
import { encodeShard, headerBytesOf } from "#spillway/format/arrow";
import { type Manifest, parseManifest } from "#spillway/format/manifest";
import { planShard, planSums, rowsPerShard } from "#spillway/format/shard";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";

const fixture = resolve(import.meta.dirname, "../../../test/fixtures/pictures");
const text = fs.readFileSync(join(fixture, "dataset/dataset.json"), "utf8");
const good = (): Manifest => JSON.parse(text);
const files = ["grey/1.png", "red/2.jpg", "red/3.jpg"];
const images = files.map((file) => fs.readFileSync(join(fixture, "source", file)));

const fields: Fields = {
  picture: encodedImage({ width: 4, height: 3 }, { maxBytes: 1000 }),
  label: classes(["grey", "red"]),
};

test("a tiny dataset of encoded images has the bytes of the one that is kept", async () => {
  const path = join(temporaryFolder(), "pictures");
  const samples = files.map((file, k) => ({ picture: images[k]!, label: file.split("/")[0]!, path: file }));
  await pack(samples, path, { fields, layout: "source" });
  for (const file of ["shards/00000.arrow", "shards/00000.sums"])
    assert.deepEqual(fs.readFileSync(join(path, file)), fs.readFileSync(join(fixture, "dataset", file)));
  // The Parquet file may change with the version of its writer.
  const told = (manifest: Manifest) => ({ ...manifest, catalog: manifest.catalog.map(({ rows }) => rows) });
  const found: Manifest = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8"));
  assert.deepEqual(told(found), told(good()));
  assert.equal(found.version, 2);
});

test("the dataset that is kept is whole, and Arrow gives its images back", async () => {
  assert.deepEqual((await verifyDataset(join(fixture, "dataset"))).problems, []);
  const table = tableFromIPC(fs.readFileSync(join(fixture, "dataset/shards/00000.arrow")));
  assert.deepEqual([table.numRows, table.schema.names], [3, ["picture", "label"]]);
  assert.equal(table.schema.metadata.get("spillway"), "2");
  const { metadata, type } = table.schema.fields[0]!;
  assert.equal(String(type), "Binary");
  assert.equal(metadata.get("spillway.image"), '{"shape":[3,4,3]}');
  for (const [k, image] of images.entries())
    assert.deepEqual(Buffer.from(table.getChild("picture")!.get(k)), image);
});

test("any lengths of images lie where the plan says, without overlap, and Arrow reads them", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lengths, (sizes) => {
      const mixed: Fields = { before: tensor("int16", [5]), ...fields };
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      const plan = planShard(mixed, sizes.length, headerBytesOf(mixed), { picture: bytes });
      const { start, offsets } = plan.encoded.picture!;
      const parts = [
        [0, plan.headerBytes],
        [start, start + bytes],
        ...Object.values(plan.columns).map((place) => [
          place.start,
          place.start + place.stride * sizes.length,
        ]),
        [offsets, offsets + (sizes.length + 1) * 4],
      ] as [number, number][];
      for (const [k, [from]] of parts.entries()) {
        assert.equal(from % 4096, 0);
        if (k > 0) assert.ok(from >= parts[k - 1]![1]);
      }
      assert.ok(plan.bodyEnd >= parts.at(-1)![1] && plan.bodyEnd % 8 === 0);
      const { header, footer } = encodeShard(mixed, plan);
      const shard = Buffer.alloc(plan.bodyEnd + footer.length);
      shard.set(header);
      shard.set(footer, plan.bodyEnd);
      let end = 0;
      sizes.forEach((size, k) => {
        shard.fill(k + 1, start + end, start + end + size);
        end += size;
        shard.writeInt32LE(end, offsets + (k + 1) * 4);
      });
      const column = tableFromIPC(shard).getChild("picture")!;
      sizes.forEach((size, k) => {
        assert.deepEqual(column.get(k), new Uint8Array(size).fill(k + 1));
      });
    }),
    { numRuns: 40 },
  );
});

test("shards are cut by bytes, and have rows enough for the shortest images", () => {
  assert.equal(rowsPerShard(fields, 6000), 1000);
  assert.equal(rowsPerShard(fields), 2 ** 20);
  assert.equal(planSums(fields, 1000).bytes, 8 * 1000 + 8);
});

test("datasets without encoded images stay of version 1, and those with them may not be", () => {
  const { encoded: _, ...shard } = good().shards[0]!;
  const refusals: [Manifest, RegExp][] = [
    [{ ...good(), version: 1 }, /it has encoded images and version 1, which has none/],
    [
      { ...good(), shards: [shard] },
      /column "picture" of shards\/00000\.arrow does not lie within its \d+ bytes/,
    ],
  ];
  const place = good().shards[0]!.encoded!.picture!;
  for (const wrong of [
    { ...place, bytes: 2 },
    { ...place, longest: place.longest + 1 },
    { ...place, start: good().shards[0]!.bytes },
    { ...place, offsets: good().shards[0]!.bytes - 15 },
  ])
    refusals.push([
      { ...good(), shards: [{ ...shard, encoded: { picture: wrong } }] },
      /column "picture" of .* does not lie within/,
    ]);
  for (const [manifest, why] of refusals) {
    assert.throws(
      () => parseManifest(JSON.stringify(manifest), "here"),
      (error) => error instanceof SpillwayError && error.code === "corrupt" && why.test(error.message),
    );
  }
});

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pack } from "spillway";
import { describeImageSpeed, measureImages } from "#spillway/dataset/image-speed";
import { readManifest } from "#spillway/source/manifest-file";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { drawn, drawnFields } from "../pack/pictures.js";

test("measures how fast a dataset's own images are decoded, and leaves no file behind", async () => {
  const path = join(temporaryFolder(), "drawn");
  await pack(drawn(20), path, { fields: drawnFields });
  const leftOvers = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("spillway-images-"));
  const before = leftOvers();
  const manifest = readManifest(path)!;
  const [speed, ...others] = await measureImages(path, manifest);
  assert.deepEqual(others, []);
  const { encodedBytes, decodedPerSecond, readPerSecond, ...rest } = speed!;
  assert.deepEqual(rest, { field: "picture", images: 20, decodedBytes: 48 });
  assert.equal(encodedBytes * 20, manifest.shards[0]!.encoded!.picture!.bytes);
  assert.ok(decodedPerSecond > 0 && readPerSecond > decodedPerSecond);
  assert.deepEqual(leftOvers(), before);
});

test("says it in a sentence; where nothing is encoded there is nothing to say", async () => {
  const speed = {
    field: "image",
    images: 100,
    encodedBytes: 10_000,
    decodedBytes: 93_000,
    decodedPerSecond: 812.4,
    readPerSecond: 41_034,
  };
  assert.equal(
    describeImageSpeed(speed),
    "decoding on the way out: 812 images/s per core; decoded once: 41,000/s for 9.3 times the bytes",
  );
  const tensors = await packed({ count: 10 });
  assert.deepEqual(await measureImages(tensors, readManifest(tensors)!), []);
});

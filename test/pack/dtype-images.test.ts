// Real pictures whose pixels were divided by 255, as most tutorials do before they save them: a byte each again.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type PackOptions, pack, type TensorField, tensor } from "spillway";
import { newPath } from "../fixtures/new-path.js";
import { using } from "../fixtures/packed.js";
import { manifestOf } from "./unpacked.js";

const folder = "/usr/share/datasets/fashion-mnist";
const pixelCount = 28 * 28;

const bytesOf = (path: string) => manifestOf(path).shards.reduce((sum, { bytes }) => sum + bytes, 0);

test("Fashion-MNIST as 64-bit numbers from 0 to 1 is stored in an eighth of the bytes, pixel for pixel", {
  skip: fs.existsSync(folder) ? false : `${folder} is not there: apt-get install dataset-fashion-mnist`,
}, async () => {
  const idx = gunzipSync(fs.readFileSync(join(folder, "train-images-idx3-ubyte.gz")));
  const pixels = idx.subarray(16);
  const count = idx.readUInt32BE(4);
  assert.equal(pixels.length, count * pixelCount);
  function* pictures() {
    for (let i = 0; i < count; i += 1) {
      const image = new Float64Array(pixelCount);
      for (let k = 0; k < pixelCount; k += 1) image[k] = pixels[i * pixelCount + k]! / 255;
      yield { image, place: i };
    }
  }
  const options: PackOptions = {
    fields: { image: tensor("float64", [28, 28]), place: tensor("int32", []) },
    memory: "64 MiB",
  };
  const [kept, small] = [newPath(), newPath()];
  await pack(pictures(), kept, options);
  await pack(pictures(), small, { ...options, dtype: "auto" });
  const { dtype, encoding } = manifestOf(small).fields.image as TensorField;
  assert.deepEqual([dtype, encoding!.claim, encoding!.original], ["uint8", "lossless", "float64"]);
  const ratio = bytesOf(kept) / bytesOf(small);
  assert.ok(ratio > 7.9 && ratio <= 8.1, `${ratio} times smaller`);
  const seen = new Set<number>();
  await using(small, "64 MiB", async (dataset) => {
    for await (const { fields, size } of dataset.view().batches({ batchSize: 500 })) {
      const { data } = fields.image!;
      for (let k = 0; k < size; k += 1) {
        const place = Number(fields.place!.data[k]);
        seen.add(place);
        for (let p = 0; p < pixelCount; p += 1)
          if (data[k * pixelCount + p] !== Math.fround(pixels[place * pixelCount + p]! / 255))
            assert.fail(`picture ${place}, pixel ${p}: ${data[k * pixelCount + p]}`);
      }
    }
  });
  assert.equal(seen.size, count);
});

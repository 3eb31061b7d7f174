import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { jitter, tensor } from "spillway";
import { registry } from "#spillway/augment/registry";
import { goldenHashes, goldenPath } from "./golden-cases.js";
import { bench } from "./samples.js";

const advice = "Changing this changes what people's seeds give: raise augmentVersion with it.";

test("every transform gives the same bits for a seed as it always did", async () => {
  const hashes = await goldenHashes();
  assert.deepEqual(hashes, JSON.parse(fs.readFileSync(goldenPath, "utf8")), advice);
  const names = new Set(Object.keys(hashes).map((name) => name.split(" ")[0]));
  assert.deepEqual(
    [...registry.keys()].filter((name) => !names.has(name)),
    ["custom"],
  );
});

test("the first values of jitter are these", async () => {
  const { apply } = await bench([jitter({ sigma: 1 })], tensor("float32", [10]), { seed: 7 });
  const bits = new Uint32Array(apply(new Float32Array(10), 5, 3).buffer);
  assert.deepEqual(
    Array.from(bits, (value) => value.toString(16)),
    [
      "3f12d872",
      "bf8eb1c0",
      "bf37bf65",
      "3e21b2de",
      "3eaa796f",
      "3e218040",
      "be12a70d",
      "bf417ceb",
      "3ffd935b",
      "3e3a7ce5",
    ],
    advice,
  );
});

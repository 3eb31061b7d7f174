import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packed } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

test("verify exits with 0 and says so when every byte is as it was written", async () => {
  const path = await packed({ count: 500, shardSize: "8 KiB" });
  await spillway(["split", path, "train=0.8", "val=0.2"]);
  const { code, stdout, stderr } = await spillway(["verify", path]);
  assert.equal(code, 0);
  assert.ok(stdout.startsWith(`${path} is whole. Checked 500 samples, splits of "main": `), stdout);
  assert.equal(stderr, "");
});

test("verify exits with 1 and names shard, field, samples and bytes of a flipped bit", async () => {
  const path = await packed({ count: 500, shardSize: "120 KiB", length: 300 });
  const { shards } = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8"));
  const shard = shards[2];
  const file = join(path, shard.path);
  const bytes = fs.readFileSync(file);
  bytes[shard.columns.data.start + 2 * shard.columns.data.stride + 17]! ^= 4;
  fs.writeFileSync(file, bytes);
  const { code, stdout } = await spillway(["verify", path]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^shards\/00002\.arrow is damaged: samples \d+ to \d+, field "data", do not agree with their sums \(bytes \d+-\d+\)\. Restore the file from a copy, or pack again\.\n/,
  );
  assert.match(stdout, / is damaged: 1 problem, 3 of 500 samples\. Checked 500 samples: /);
  const { value } = await spillwayJson(["verify", path]);
  assert.deepEqual(
    [value.isWhole, value.problems.length, value.problems[0].shard, value.problems[0].field],
    [false, 1, "shards/00002.arrow", "data"],
  );
});

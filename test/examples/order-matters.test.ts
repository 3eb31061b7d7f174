import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, open, pack, tensor } from "spillway";
import { useWasm } from "spillway/tfjs";
import { drawOrderPlot } from "../../examples/order-plot.js";
import { classCount, featureCount, samplesByClass } from "../../examples/simulated-classes.js";
import { halvesInTurn, permutationOfAll, smallBuffer } from "../../examples/three-orders.js";
import { temporaryFolder } from "../fixtures/packed.js";

const perClass = 15;
const label = classes(Array.from({ length: classCount }, (_, number) => `class ${number}`));

test("each of the three orders gives every sample once in a pass, as mixed as it is said to be", async () => {
  const tf = await useWasm();
  const path = join(temporaryFolder(), "sorted");
  const fields = { features: tensor("float32", [featureCount]), label };
  await pack(samplesByClass(perClass, 1), path, { fields, layout: "source" });
  const dataset = await open(path, { memory: "40 MiB" });
  const expected = [...samplesByClass(perClass, 1)]
    .map(({ features, label }) => `${label}: ${features[0]}`)
    .sort();
  const before = tf.memory().numTensors;
  const labelsOf = async (order: typeof halvesInTurn) => {
    const [seen, labels]: [string[], number[]] = [[], []];
    for await (const { x, y } of order({ tf, dataset, batchSize: 16, seed: 3 })) {
      const [values, ofBatch] = [x.dataSync(), [...y.dataSync()]];
      assert.ok(ofBatch.length <= 16);
      seen.push(...ofBatch.map((label, at) => `${label}: ${values[at * featureCount]}`));
      labels.push(...ofBatch);
      tf.dispose([x, y]);
    }
    assert.deepEqual(seen.sort(), expected);
    return labels;
  };
  const half = (perClass * classCount) / 2;
  assert.ok((await labelsOf(permutationOfAll)).slice(0, half).some((label) => label >= classCount / 2));
  const halves = await labelsOf(halvesInTurn);
  assert.ok(
    halves.slice(0, half).every((label) => label < classCount / 2),
    "the first half holds the first classes only",
  );
  assert.ok(new Set(halves.slice(0, 16)).size > 3, "and is shuffled in itself");
  const buffered = await labelsOf(smallBuffer);
  // 30 samples are in the buffer, two classes: the k-th sample drawn is of the first k + 30.
  assert.ok(buffered.every((label, at) => label * perClass <= at + 30));
  assert.equal(tf.memory().numTensors, before);
  await dataset.close();
});

test("the example writes a table and a picture that needs no other file", () => {
  const folder = temporaryFolder();
  const out = join(folder, "plot.svg");
  const flags = ["build/examples/order-matters.js", "--seeds", "1", "--passes", "1", "--out", out];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: folder },
  });
  assert.equal(status, 0, stderr);
  for (const name of ["Spillway's order", "halves in turn", "buffer of 10 %"]) {
    assert.match(stdout, new RegExp(`${name} +\\d\\d\\.\\d % `));
  }
  const picture = fs.readFileSync(out, "utf8");
  assert.ok(picture.includes("prefers-color-scheme: dark"));
  assert.ok(!/href|url\(|<script/.test(picture));
  assert.deepEqual(fs.readdirSync(folder), ["plot.svg"]);
});

test("names of lines that end close together are moved apart", () => {
  const line = (name: string, share: number, colour: "a" | "b") => ({
    name,
    colour,
    points: [0, share].map((mean) => ({ mean, low: mean, high: mean })),
  });
  const picture = drawOrderPlot(
    [{ heading: "h", lines: [line("one & two", 0.51, "a"), line("three", 0.5, "b")] }],
    {
      title: "t",
      subtitle: "s",
      passes: [0, 1],
    },
  );
  const heights = [...picture.matchAll(/class="name \w" x="[\d.]+" y="([\d.]+)"/g)].map(([, height]) =>
    Number(height),
  );
  assert.equal(heights.length, 2);
  assert.ok(heights[1]! - heights[0]! >= 36, String(heights));
  assert.ok(picture.includes("one &amp; two"));
});

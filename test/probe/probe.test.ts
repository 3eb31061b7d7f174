// Probe training from end to end: the same accuracy where nothing is lost, less where the classes lie in what is cut.

import assert from "node:assert/strict";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { classes, type Fields, pack, tensor } from "spillway";
import { probe } from "#spillway/probe/probe";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const fields: Fields = { wave: tensor("float64", [16]), label: classes(["a", "b"]) };

function scratch(): string[] {
  return fs.readdirSync(tmpdir()).filter((name) => name.startsWith("spillway-probe-"));
}

/** Whole numbers whose least bit tells the class, beside one rare value a thousand times as large. */
async function hidden(count: number): Promise<string> {
  const path = newPath();
  const samples = upTo(count).map((i) => {
    const label = (i * 7) % 2;
    const wave = Float64Array.from({ length: 16 }, (_, k) => ((i * 31 + k * 17) % 5) * 2 + label - 4);
    if (i % 97 === 0) wave[3] = 20_000;
    return { wave, label };
  });
  await pack(samples, path, { fields });
  return path;
}

test("a lossless type trains to the same accuracy, one that hides the classes does not", async () => {
  const path = await hidden(1200);
  const seen: string[] = [];
  const report = await probe(path, {
    dtypes: ["int16", "uint8"],
    seeds: 2,
    epochs: 30,
    onProgress: ({ version, seed, training, trainings }) =>
      seen.push(`${version} ${seed} ${training}/${trainings}`),
  });
  assert.deepEqual(seen, [
    "as it is 0 0/6",
    "int16 0 1/6",
    "uint8 0 2/6",
    "as it is 1 3/6",
    "int16 1 4/6",
    "uint8 1 5/6",
  ]);
  const [original, int16, uint8] = report.versions;
  assert.deepEqual(
    [report.x, report.y, report.trainSamples, report.validationSamples],
    ["wave", "label", 960, 240],
  );
  assert.deepEqual([original!.bytesPerSample, int16!.bytesPerSample, uint8!.bytesPerSample], [128, 32, 16]);
  assert.deepEqual(int16!.accuracies, original!.accuracies);
  assert.ok(Math.min(...original!.accuracies) > 0.75, `${original!.accuracies}`);
  assert.ok(Math.max(...uint8!.accuracies) < 0.7, `${uint8!.accuracies}`);
  assert.deepEqual(
    report.verdicts.map(({ isAccepted }) => isAccepted),
    [true, false],
  );
  assert.deepEqual(scratch(), []);
});

test("no training begins after the time limit, and scratch is gone whatever the end", async () => {
  const path = await hidden(200);
  const cut = await probe(path, { dtypes: ["int16"], limitSeconds: 0 });
  assert.equal(cut.isCut, true);
  assert.deepEqual(
    cut.versions.map(({ accuracies }) => accuracies.length),
    [0, 0],
  );
  assert.equal(cut.verdicts[0]!.isAccepted, undefined);
  const stop = new AbortController();
  const reason = new Error("stopped");
  await assert.rejects(
    probe(path, { signal: stop.signal, onProgress: () => stop.abort(reason) }),
    (error) => error === reason,
  );
  const plain = newPath();
  await pack([{ wave: new Float64Array(16) }], plain, { fields: { wave: fields.wave! } });
  await refuses(() => probe(plain), "usage", /has no classes, which a probe trains a model to tell apart/);
  assert.deepEqual(scratch(), []);
});

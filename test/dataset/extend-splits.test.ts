// Schemes that an append could not extend, or did not see: they are extended when that is asked for.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { append, classes, type Dataset, open, pack, tensor } from "spillway";
import { spillway } from "../cli/run.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { refuses } from "../source/fixtures.js";

const folder = temporaryFolder();
const fields = { data: tensor("float32", [4]), label: classes(["a", "b"]) };

function samples(from: number, end: number) {
  return upTo(end - from).map((k) => ({ data: new Float32Array(4).fill(from + k), label: k % 2 }));
}

async function withOpen<T>(path: string, work: (dataset: Dataset) => Promise<T>, side?: string): Promise<T> {
  const dataset = await open(path, { memory: "16 MiB", ...(side !== undefined && { side }) });
  try {
    return await work(dataset);
  } finally {
    await dataset.close();
  }
}

const subjects = (from: number, end: number) =>
  upTo(end - from).map((k) => ({ id: from + k, subject: `s${Math.floor((from + k) / 5)}` }));

test("a scheme whose column has no values for appended samples is extended once it has", async () => {
  const path = join(folder, "annotated");
  await pack(samples(0, 60), path, { fields });
  await withOpen(path, async (dataset) => {
    await dataset.annotate(subjects(0, 60));
    await dataset.split({ train: 0.7, val: 0.3 }, { group: "subject", seed: 2 });
  });
  const notes: string[] = [];
  await append(samples(60, 100), path, { onNote: (note) => notes.push(note) });
  assert.ok(
    notes.includes(
      `Scheme "main" stays at the samples that it has: column "subject" says no group for 40 of 100 samples: 60, 61, 62, 63, 64, 65, 66, 67, 68, 69 and 30 more. Once that is mended: spillway split ${path} --extend --scheme main.`,
    ),
    notes.join("\n"),
  );
  const missing = /column "subject" says no group for 40 of 100 samples/;
  await withOpen(path, (dataset) => refuses(() => dataset.extendSplits(), "usage", missing));
  await withOpen(path, (dataset) => dataset.annotate(subjects(0, 100)));
  await withOpen(path, async (dataset) => {
    const before = dataset.scheme();
    const { scheme, report, added } = await dataset.extendSplits();
    assert.deepEqual([added, scheme.rows, scheme.history.length, before.rows], [40, 100, 1, 60]);
    assert.deepEqual(
      Object.values(scheme.splits).map(({ history }) => history[0]!.count),
      Object.values(before.splits).map(({ count }) => count),
    );
    assert.equal(report.groupLeaks!.groups, 0);
    assert.equal((await dataset.checkSplits()).movedSamples, 0);
    assert.equal((await dataset.extendSplits()).added, 0);
  });
});

test("a scheme in a folder of the user's own is extended there, by the command too", async () => {
  const [path, side] = [join(folder, "shared"), join(folder, "mine")];
  await pack(samples(0, 50), path, { fields });
  await withOpen(path, (dataset) => dataset.split({ train: 0.8, val: 0.2 }, { stratify: "label" }), side);
  await append(samples(50, 80), path, { fields });
  await withOpen(
    path,
    async (dataset) => {
      assert.equal(dataset.scheme().rows, 50);
      assert.equal(dataset.view({ split: "train" }).size, 40);
    },
    side,
  );
  const { code, stdout } = await spillway(["split", path, "--extend", "--in", side]);
  assert.equal(code, 0);
  assert.match(stdout, /30 samples that it did not cover were shared out\n$/);
  const again = await spillway(["split", path, "--extend", "--in", side]);
  assert.match(again.stdout, /it covered all samples already\n$/);
  await withOpen(
    path,
    async (dataset) => {
      assert.equal(dataset.view({ split: "train" }).size, 64);
      assert.equal(dataset.view({ split: "train", commit: 1 }).size, 40);
    },
    side,
  );
});

test("extending takes no rule, and no scheme that is not there", async () => {
  const path = join(folder, "plain");
  await pack(samples(0, 20), path, { fields });
  const both = await spillway(["split", path, "train=0.5", "--extend"]);
  assert.deepEqual(
    [both.code, both.stderr],
    [2, "error: shares and --extend do not go together. It takes --scheme and --in.\n"],
  );
  const none = await spillway(["split", path, "--extend"]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /has no scheme "main" of splits: it has none yet/);
});

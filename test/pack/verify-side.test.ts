// verify with a folder of the user's own: its splits, columns and excluded samples are checked as the dataset's are, with
// whole paths, and what it keeps for other datasets is counted and left alone.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { type VerifyReport, verifyDataset } from "#spillway/pack/verify";
import { packed, temporaryFolder, upTo } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";
import { contentOf } from "./sources.js";

const count = 100;
const path = await packed({ count });
const other = await packed({ count: 90 });

interface Added {
  scheme: string;
  columns?: boolean;
  exclude?: readonly number[];
}

/** Adds to a dataset what a folder of one's own can keep. */
async function addTo(dataset: string, side: string | undefined, added: Added): Promise<void> {
  const opened = await open(dataset, { memory: "16 MiB", ...(side !== undefined && { side }) });
  try {
    await opened.split({ train: 0.7, val: 0.2 }, { scheme: added.scheme });
    if (added.columns) await opened.annotate(upTo(opened.size).map((id) => ({ id, score: id / 2 })));
    if (added.exclude) await opened.exclude({ ids: added.exclude });
  } finally {
    await opened.close();
  }
}

const none = { schemes: 0, columnParts: 0, excludedLists: 0 };

/** What was checked in both folders. */
function checkedBy({ schemes, columnParts, excludedLists, side }: VerifyReport) {
  return { schemes, columnParts, excludedLists, side };
}

test("what a folder of one's own keeps is checked, and told apart from what the dataset has", async () => {
  const dataset = join(temporaryFolder(), "dataset");
  fs.cpSync(path, dataset, { recursive: true });
  const side = join(temporaryFolder(), "mine");
  await addTo(dataset, undefined, { scheme: "main", exclude: [5] });
  await addTo(dataset, side, { scheme: "main", columns: true, exclude: [1, 2] });
  const before = contentOf(side);
  const report = await verifyDataset(dataset, { side });
  assert.deepEqual(report.problems, []);
  assert.deepEqual(checkedBy(report), {
    schemes: ["main"],
    columnParts: 0,
    excludedLists: 1,
    side: { path: side, schemes: ["main"], columnParts: 1, excludedLists: 1, ofOthers: none },
  });
  const alone = await verifyDataset(dataset);
  assert.equal(alone.side, undefined);
  const sideBytes = Object.entries(before)
    .filter(([name]) => /\.(?:bits|parquet)$/.test(name))
    .reduce((sum, [, bytes]) => sum + bytes.length, 0);
  assert.equal(report.bytes - alone.bytes, sideBytes);
  assert.deepEqual(contentOf(side), before);
});

test("damage in a folder of one's own is named with its whole path, and only where that folder is given", async () => {
  const side = join(temporaryFolder(), "mine");
  await addTo(path, side, { scheme: "mine", columns: true, exclude: [1, 2] });
  const opened = openFileCount();
  for (const [name, bytes] of Object.entries(contentOf(side))) {
    const file = join(side, name);
    fs.writeFileSync(file, name.endsWith(".json") ? "{" : "x", "latin1");
    const { problems, damagedSamples } = await verifyDataset(path, { side });
    assert.deepEqual(
      problems.map((problem) => [problem.path, problem.what.startsWith(file)]),
      [[file, true]],
    );
    assert.equal(damagedSamples, 0);
    assert.deepEqual((await verifyDataset(path)).problems, []);
    fs.writeFileSync(file, bytes, "latin1");
  }
  assert.deepEqual((await verifyDataset(path, { side })).problems, []);
  assert.equal(openFileCount(), opened);
});

test("what a folder of one's own keeps for another dataset is counted, and is no damage", async () => {
  const side = join(temporaryFolder(), "shared");
  await addTo(other, side, { scheme: "theirs", columns: true, exclude: [1, 2] });
  await addTo(path, join(side, "unused"), { scheme: "mine" });
  fs.cpSync(join(side, "unused/splits"), join(side, "splits"), { recursive: true });
  const { problems, side: checked } = await verifyDataset(path, { side });
  assert.deepEqual(problems, []);
  assert.deepEqual(checked, {
    path: side,
    schemes: ["mine"],
    columnParts: 0,
    excludedLists: 0,
    ofOthers: { schemes: 1, columnParts: 1, excludedLists: 1 },
  });
  const theirs = (await verifyDataset(other, { side })).side;
  assert.deepEqual([theirs?.schemes, theirs?.ofOthers], [["theirs"], { ...none, schemes: 1 }]);
});

test("the same content of another dataset in the dataset's own folder is a problem", async () => {
  const dataset = join(temporaryFolder(), "dataset");
  fs.cpSync(path, dataset, { recursive: true });
  await addTo(other, dataset, { scheme: "theirs", columns: true, exclude: [1, 2] });
  for (const options of [{}, { side: dataset }]) {
    const { problems, side } = await verifyDataset(dataset, options);
    assert.equal(side, undefined);
    assert.deepEqual(
      problems.map((problem) => [
        problem.path.split("/")[0],
        /is no commit of this dataset$/.test(problem.what),
      ]),
      [
        ["splits", true],
        ["columns", true],
        ["excluded", true],
      ],
    );
  }
});

test("a folder that is not there, or a file, is no folder of one's own", async () => {
  for (const side of [join(temporaryFolder(), "gone"), join(path, "dataset.json")]) {
    await refuses(
      () => verifyDataset(path, { side }),
      "missing",
      `there is no folder ${side} with what was added to ${path}. Check the path.`,
    );
  }
});

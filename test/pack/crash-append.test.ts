// kill -9 of `append` at any moment: what was there before is whole and read as it was, and the next run ends with the
// same bytes as if nothing had happened, every new sample once.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { append } from "#spillway/pack/pack";
import { hasState } from "#spillway/pack/state";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";
import { CrashRuns } from "./crash-runs.js";
import { appends } from "./crash-ways.js";
import { contentOf, seeded, streamFields } from "./sources.js";
import { stopAt } from "./stopped-disk.js";
import { manifestOf } from "./unpacked.js";

const folder = temporaryFolder();
const runs: CrashRuns[] = [];
for (const name of Object.keys(appends)) runs.push(await CrashRuns.prepare(name, folder));

test("after kill -9 of an append at 20 random moments the old data are whole, and the next run adds every sample once", async (t) => {
  const random = seeded(11);
  let killed = 0;
  let between = 0;
  const left: string[] = [];
  for (let number = 0; number < 20; number += 1) {
    const run = runs[number % runs.length]!;
    const killAfter = Math.floor(((Math.floor(number / runs.length) + random()) / 4) * run.lines);
    const path = run.begin(`killed ${number}`);
    const wasKilled = await run.kill(path, killAfter, random() * (killAfter === 0 ? 400 : 3));
    const rows = await run.checkLeft(path);
    const way = appends[run.name as keyof typeof appends];
    if (wasKilled) killed += 1;
    if (rows > way.before && rows < way.count) between += 1;
    left.push(`${rows} of ${way.before} to ${way.count}`);
    await run.finish(path);
  }
  t.diagnostic(`${killed} killed before their end; rows left: ${left.join(", ")}`);
  assert.ok(killed >= 12, `only ${killed} of 20 were killed before their end`);
  assert.ok(between >= 4, `only ${between} of 20 left a part of the new samples`);
});

test("an append that is killed again and again still adds every sample once", async () => {
  const random = seeded(5);
  for (const run of runs) await run.killOften(3, random);
});

for (const run of runs) {
  test(`a stop at any single change of the disk is gone on from: ${run.name}`, () => run.stopEverywhere());
}

test("giving an append up may be stopped at any change of the disk: the next try ends with what was there before", async () => {
  const run = runs.find(({ name }) => name === "an append of a stream to a dataset packed again")!;
  const other = [{ data: new Int32Array(40), label: "b", path: "other" }];
  const discard = (path: string) => append(other, path, { fields: streamFields, discard: true });
  const undisturbed = run.begin("other");
  await append(other, undisturbed, { fields: streamFields });
  const expected = contentOf(undisturbed);
  const half = run.begin("half done");
  await run.stop(half, 120, false);
  assert.ok(manifestOf(half).rows > 400);
  for (let at = 0; ; at += 1) {
    const path = run.begin("given up");
    fs.rmSync(path, { recursive: true });
    fs.cpSync(half, path, { recursive: true });
    const total = await stopAt(at, at % 2 === 0, () => discard(path));
    assert.deepEqual((await verifyDataset(path)).problems, []);
    if (total <= at) break;
    // Stopped when all was done, the lock but not the dataset tells of it.
    if (manifestOf(path).rows === 401 && !hasState(path)) {
      for (const left of [".lock", ".packing"]) fs.rmSync(join(path, left), { recursive: true, force: true });
    } else {
      await discard(path);
    }
    const found = contentOf(path);
    assert.deepEqual(Object.keys(found), Object.keys(expected), `stopped at ${at}`);
    for (const [file, bytes] of Object.entries(found))
      assert.ok(bytes === expected[file], `${file} differs, stopped at ${at}`);
  }
});

// kill -9 of `pack` and `index` at any moment: what is committed is whole, and the next run ends with the same bytes as
// if nothing had happened. Real kills come at random moments; stops at each single change of the disk are simulated.

import assert from "node:assert/strict";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";
import { CrashRuns } from "./crash-runs.js";
import { packs } from "./crash-ways.js";
import { seeded } from "./sources.js";

const folder = temporaryFolder();
const runs: CrashRuns[] = [];
for (const name of Object.keys(packs)) runs.push(await CrashRuns.prepare(name, folder));

test("after kill -9 at 24 random moments only whole commits are seen, and the next run ends with the same bytes", async () => {
  const random = seeded(20);
  let killed = 0;
  const left = new Set<number>();
  for (let number = 0; number < 24; number += 1) {
    const run = runs[number % runs.length]!;
    // One moment in each part of the duration, so that they are spread over all of it.
    const killAfter = Math.floor(((Math.floor(number / runs.length) + random()) / 4) * run.lines);
    const path = run.begin(`killed ${number}`);
    if (await run.kill(path, killAfter, random() * (killAfter === 0 ? 400 : 3))) killed += 1;
    left.add(await run.checkLeft(path));
    await run.finish(path);
  }
  assert.ok(killed >= 14, `only ${killed} of 24 were killed before their end`);
  assert.ok(left.size > 5, `the kills left ${[...left].join(", ")} rows`);
});

test("a dataset that is killed again and again still ends with every sample once", async () => {
  const random = seeded(7);
  for (const run of runs.filter(({ name }) => name === "one pass" || name === "two passes"))
    await run.killOften(4, random);
});

for (const run of runs) {
  test(`a stop at any single change of the disk is gone on from: ${run.name}`, () => run.stopEverywhere());
}

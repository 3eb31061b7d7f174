// spillway verify --in: what is said of a folder of the user's own.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { spillway, spillwayJson } from "./run.js";

const path = await packed({ count: 50 });
const other = await packed({ count: 40 });
const cwd = temporaryFolder();
await spillway(["split", path, "train=0.8", "--in", "mine"], { cwd });
await spillway(["exclude", path, "3", "--in", "mine"], { cwd });

/** The sentences of a report without what was read in which time. */
function linesOf(stdout: string): string[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/: [\d.]+ \S+ in .*\)\.$/, ""));
}

test("verify --in says what it checked in a folder of one's own", async () => {
  const { code, stdout } = await spillway(["verify", path, "--in", "mine"], { cwd });
  assert.equal(code, 0);
  assert.deepEqual(linesOf(stdout), [
    `${path} with mine is whole. Checked 50 samples; in mine splits of "main", the list of excluded samples`,
  ]);
  const { value } = await spillwayJson(["verify", path, "--in", "mine"], { cwd });
  assert.deepEqual(value.side, {
    path: join(cwd, "mine"),
    schemes: ["main"],
    columnParts: 0,
    excludedLists: 1,
    ofOthers: { schemes: 0, columnParts: 0, excludedLists: 0 },
  });
});

test("verify --in counts what is of another dataset", async () => {
  await spillway(["split", other, "a=0.5", "--scheme", "theirs", "--in", "mine"], { cwd });
  const one = await spillway(["verify", path, "--in", "mine"], { cwd });
  assert.equal(one.code, 0);
  assert.equal(linesOf(one.stdout)[1], "1 scheme in mine is of another dataset, and was not checked.");
  const { code, stdout } = await spillway(["verify", other, "--in", "mine"], { cwd });
  assert.equal(code, 0);
  assert.deepEqual(linesOf(stdout), [
    `${other} with mine is whole. Checked 40 samples; in mine splits of "theirs"`,
    "1 scheme, 1 list of excluded samples in mine are of other datasets, and were not checked.",
  ]);
});

test("verify --in exits with 1 for damage there, and with the dataset's own otherwise", async () => {
  const folder = join(cwd, "mine/excluded");
  const bits = join(folder, fs.readdirSync(folder).find((name) => name.endsWith(".bits"))!);
  fs.appendFileSync(bits, "x");
  const { code, stdout } = await spillway(["verify", path, "--in", "mine"], { cwd });
  assert.equal(code, 1);
  assert.deepEqual(linesOf(stdout).slice(0, 2), [
    `${bits} is damaged: it has 8 bytes, 50 samples need 7. Restore it from a copy; or remove the folder "excluded" that it is in, and all samples are in again.`,
    `${path} with mine is damaged: 1 problem, 0 of 50 samples. Checked 50 samples; in mine splits of "main", the list of excluded samples`,
  ]);
  assert.equal((await spillway(["verify", path])).code, 0);
  const gone = await spillway(["verify", path, "--in", "gone"], { cwd });
  assert.deepEqual(
    [gone.code, gone.stderr],
    [1, `error: there is no folder gone with what was added to ${path}. Check the path.\n`],
  );
});

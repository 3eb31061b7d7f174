import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";

test("the search trains four networks in threads from one reading, and leaves nothing behind", () => {
  const folder = temporaryFolder();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["build/examples/search.js", "--size", "8MiB", "--epochs", "1"],
    { encoding: "utf8", env: { ...process.env, TMPDIR: folder } },
  );
  assert.equal(status, 0, stdout + stderr);
  // 1,024 recordings, 819 of them to train on: four networks see them, and they are read once, up to a run more.
  const [, shown, read] = /([\d,]+) samples were shown to four networks in .*; ([\d,]+) were read/.exec(
    stdout,
  )!;
  const number = (text: string) => Number(text.replaceAll(",", ""));
  assert.equal(number(shown!), 4 * 819);
  assert.ok(number(read!) <= 819 + 64, stdout);
  assert.match(stdout, /Best: rate 0\.00\d, \d+ filters/);
  assert.deepEqual(fs.readdirSync(folder), []);
});

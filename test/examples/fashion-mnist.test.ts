import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";

const debianFolder = "/usr/share/datasets/fashion-mnist";
const isInstalled = fs.existsSync(debianFolder);

function run(flags: string[]) {
  const folder = temporaryFolder();
  const done = spawnSync(process.execPath, ["build/examples/fashion-mnist.js", ...flags], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: folder },
  });
  assert.deepEqual(fs.readdirSync(folder), [], "nothing is left behind");
  return done;
}

test("a folder without the files is named, with where to get them", () => {
  const { status, stderr } = run(["/nowhere"]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^\n\/nowhere has no train-images-idx3-ubyte\.gz\. On Debian and Ubuntu: apt-get install dataset-fashion-mnist\./,
  );
});

test("one epoch of Fashion-MNIST's own files out of 24 MiB reaches 80 % test accuracy", {
  skip: isInstalled ? false : `${debianFolder} is not there: apt-get install dataset-fashion-mnist`,
}, () => {
  const { status, stdout, stderr } = run(["--short"]);
  assert.equal(status, 0, stdout + stderr);
  const accuracy = Number(/Test accuracy (\d\d\.\d) % on 10,000 pictures, as it should be/.exec(stdout)?.[1]);
  assert.ok(accuracy >= 80, stdout);
  assert.match(stdout, /Spillway, at most .* of 24 MiB given/);
});

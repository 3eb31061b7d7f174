import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../fixtures/packed.js";
import { writeCases } from "./numpy-cases.js";

const root = resolve(import.meta.dirname, "../../..");
const python = process.env.PYTHON ?? "python3";
const hasNumpy = spawnSync(python, ["-c", "import numpy"]).status === 0;

test("every transform gives what NumPy gives, and draws are distributed as they should be", {
  skip: hasNumpy ? false : `${python} has no numpy: set PYTHON to one that has`,
}, async () => {
  const file = await writeCases(temporaryFolder());
  const script = join(root, "python/tests/check_augmentation.py");
  const { status, stdout, stderr } = spawnSync(python, [script, file], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^\d+ exact cases, \d+ mixed, \d+ distributions agree$/m);
});

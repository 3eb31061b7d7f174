import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { copyOf, packed, using } from "../fixtures/packed.js";

const root = resolve(import.meta.dirname, "../../..");

test("the JavaScript of docs/sharing.md runs as written, and prints what its comments say", async () => {
  const page = fs.readFileSync(join(root, "docs/sharing.md"), "utf8");
  const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  const path = copyOf(await packed({ count: 400 }));
  await using(path, "16 MiB", (dataset) => dataset.split({ train: 0.8, val: 0.2 }));
  // Inside the package, so that "spillway" is this one.
  const script = join(root, `build/sharing-page-${process.pid}.mjs`);
  fs.writeFileSync(script, blocks.join("\n").replace('open("gestures"', `open(${JSON.stringify(path)}`));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: root, timeout: 120_000 });
    assert.equal(stdout, "true true\ntrue\nstring [ 'trainer 1: 640', 'trainer 2: 640' ]\n");
  } finally {
    fs.rmSync(script);
  }
});

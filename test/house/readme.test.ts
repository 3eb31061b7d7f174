import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { classes, open, pack, tensor } from "spillway";
import { temporaryFolder } from "../fixtures/packed.js";

const root = resolve(import.meta.dirname, "../../..");
const readme = fs.readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((match) => match[1]!);

test("the JavaScript of the README runs as written", async () => {
  assert.ok(blocks.length >= 2);
  const folder = temporaryFolder();
  const fields = { data: tensor("float64", [16, 2]), label: classes(["raise", "wave"]) };
  const samples = Array.from({ length: 200 }, (_, k) => ({
    data: new Float64Array(32).fill(k / 200),
    label: k % 2,
  }));
  await pack(samples, join(folder, "gestures"), { fields });
  const dataset = await open(join(folder, "gestures"), { memory: "16 MiB" });
  await dataset.split({ train: 0.8, val: 0.2 });
  await dataset.close();
  for (const [k, block] of blocks.entries()) {
    // Inside the package, so that "spillway" is this one.
    const script = join(root, `build/readme-${process.pid}-${k}.mjs`);
    fs.writeFileSync(script, block);
    try {
      await promisify(execFile)(process.execPath, [script], { cwd: folder, timeout: 120_000 });
    } finally {
      fs.rmSync(script);
    }
  }
});

test("every command of the README exists", () => {
  const named = [...readme.matchAll(/npx spillway (\w+)/g)].map((match) => match[1]!);
  for (const name of new Set(named)) assert.ok(fs.existsSync(join(root, `src/cli/${name}.ts`)), name);
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { classes, open, pack, tensor } from "spillway";
import { temporaryFolder } from "../fixtures/packed.js";

const root = resolve(import.meta.dirname, "../../..");

test("the JavaScript of docs/drawing.md runs as written, and gives what its comments say", async () => {
  const page = fs.readFileSync(join(root, "docs/drawing.md"), "utf8");
  const blocks = [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  assert.ok(blocks.length >= 4);
  const folder = temporaryFolder();
  const fields = { data: tensor("float32", [2]), label: classes(["rare", "often"]) };
  const samples = Array.from({ length: 400 }, (_, k) => ({
    data: Float32Array.of(k, 0),
    label: k % 9 ? 1 : 0,
  }));
  await pack(samples, join(folder, "gestures"), { fields });
  const dataset = await open(join(folder, "gestures"), { memory: "16 MiB" });
  await dataset.split({ train: 0.8, val: 0.2 });
  await dataset.close();
  // What the comments claim, checked where they stand.
  const checked = blocks
    .join("\n")
    .replace(
      /^( *batch\.fields\.label\.data);.*$/m,
      "$1.filter((label) => label === 0).length === batch.size / 2 || fail();",
    )
    .replace(/^(batches\.quotas);.*$/m, '$1.join() === "45,19" || fail();')
    .replace(/^( *batch\.origins);.*$/m, "$1.indexOf(1) === 45 || fail();");
  assert.equal(checked.split("fail()").length, 4);
  // Inside the package, so that "spillway" is this one.
  const script = join(root, `build/drawing-page-${process.pid}.mjs`);
  fs.writeFileSync(script, `function fail() { throw new Error("not as the page says"); }\n${checked}`);
  try {
    await promisify(execFile)(process.execPath, [script], { cwd: folder, timeout: 120_000 });
  } finally {
    fs.rmSync(script);
  }
});

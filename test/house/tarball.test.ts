import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "../fixtures/packed.js";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const npm = process.env.npm_execpath;

const program = `
import assert from "node:assert/strict";
import { classes, open, pack, tensor } from "spillway";
const fields = { data: tensor("int16", [3]), label: classes(["a", "b"]) };
await pack(Array.from({ length: 10 }, (_, k) => ({ data: [k, k, k], label: k % 2 })), "d", { fields });
const dataset = await open("d", { memory: "16 MiB" });
let sum = 0;
for await (const batch of dataset.view().batches({ batchSize: 4 })) for (const value of batch.fields.data.data) sum += value;
await dataset.close();
assert.equal(sum, 135);
await assert.rejects(import("spillway/tfjs").then(({ useWasm }) => useWasm()), /npm install @tensorflow\\/tfjs/);
`;

test("the package as published runs with its own dependencies and nothing else", async () => {
  const folder = temporaryFolder();
  const packArguments = ["pack", "--ignore-scripts", "--pack-destination", folder];
  const [command, first] = npm ? [process.execPath, [npm]] : ["npm", []];
  await run(command, [...first, ...packArguments], { cwd: root });
  const tarball = fs.readdirSync(folder).find((name) => name.endsWith(".tgz"))!;
  const modules = join(folder, "node_modules");
  const target = join(modules, "spillway");
  fs.mkdirSync(target, { recursive: true });
  await run("tar", ["-xzf", join(folder, tarball), "-C", target, "--strip-components=1"]);
  for (const name of [
    "LICENSE",
    "README.md",
    "FORMAT.md",
    "CHANGELOG.md",
    "dist/kernels/kernels.wasm",
    "dist/index.d.ts",
  ]) {
    assert.ok(fs.existsSync(join(target, name)), name);
  }
  assert.ok(!fs.existsSync(join(target, "src")) && !fs.existsSync(join(target, "test")));

  const { dependencies } = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) {
    fs.mkdirSync(dirname(join(modules, name)), { recursive: true });
    fs.symlinkSync(fs.realpathSync(join(root, "node_modules", name)), join(modules, name));
  }
  fs.writeFileSync(join(folder, "program.mjs"), program);
  await run(process.execPath, ["program.mjs"], { cwd: folder, timeout: 60_000 });
  const { version } = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8"));
  const { stdout } = await run(process.execPath, [join(target, "dist/cli/main.js"), "--version"], {
    cwd: folder,
  });
  assert.equal(stdout.trim(), version);
});

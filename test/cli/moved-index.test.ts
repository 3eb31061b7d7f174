// A folder that was indexed and then moved: each command that reads samples says that it is gone and which flag helps,
// and the flag does.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { index, pack } from "spillway";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";
import { npyFolder } from "../pack/sources.js";
import { manifestOf, numbersIn } from "../pack/unpacked.js";
import { spillway, spillwayJson } from "./run.js";

const cwd = temporaryFolder();
const old = npyFolder(join(cwd, "recordings"), 12, 8);
const indexed = join(cwd, "indexed");
await index(old, indexed);
fs.mkdirSync(join(cwd, "archive"));
fs.renameSync(old, join(cwd, "archive/recordings"));
/** As a user types it: from the working directory. */
const moved = "archive/recordings";

const gone = `${old}, which ${indexed} is an index of, does not exist`;
const error = `error: ${gone}. If it was moved, open with source: "its new place" (--source on the command line).\n`;

test("show finds the sample of a moved folder with --source, and names the flag without it", async () => {
  const without = await spillway(["show", indexed, "7"], { cwd });
  assert.deepEqual([without.code, without.stdout, without.stderr], [1, "", error]);
  const { code, value } = await spillwayJson(["show", indexed, "7", "--values", "--source", moved], { cwd });
  const number = Number(/(\d+)\.npy$/.exec(value.path)![1]);
  assert.deepEqual([code, value.id, value.fields.data.values], [0, 7, new Array(8).fill(number)]);
});

test("verify checks the samples of a moved folder with --source, and names the flag without it", async () => {
  const without = await spillway(["verify", indexed], { cwd });
  assert.equal(without.code, 1);
  const [problem, verdict] = without.stdout.split("\n");
  assert.equal(
    problem,
    `${gone}. If it was moved, give its new place: source in the library, "--source" on the command line.`,
  );
  assert.ok(verdict!.startsWith(`${indexed} is damaged: 1 problem, 12 of 12 samples. `), verdict);
  const { code, stdout } = await spillway(["verify", indexed, "--source", moved], { cwd });
  assert.equal(code, 0);
  assert.ok(stdout.startsWith(`${indexed} is whole. Checked 12 samples: `), stdout);
});

/** Command lines that make a dataset at `path` of the index, and the rows that it then has. */
const makers = [
  { name: "pack", args: (path: string) => ["pack", "indexed", path] },
  { name: "pack --take", args: (path: string) => ["pack", "indexed", path, "--take", "100%"] },
  { name: "compact", args: (path: string) => ["compact", "indexed", path] },
];

for (const { name, args } of makers) {
  test(`${name} reads the samples of a moved folder with --source, and names the flag without it`, async () => {
    const path = `${name.replaceAll(" ", "")}-made`;
    const without = await spillway(args(path), { cwd });
    assert.equal(without.code, 1);
    assert.ok(without.stderr.endsWith(error), without.stderr);
    const { code, stderr } = await spillway([...args(path), "--source", moved], { cwd });
    assert.equal(code, 0, stderr);
    assert.deepEqual((await verifyDataset(join(cwd, path))).problems, []);
    assert.equal(manifestOf(join(cwd, path)).rows, 12);
  });
}

test("pack --append takes the samples of an index whose folder was moved with --source", async () => {
  const more = npyFolder(join(cwd, "more"), 3, 8, 12);
  await spillway(["pack", more, "grown"], { cwd });
  const without = await spillway(["pack", "indexed", "grown", "--append"], { cwd });
  assert.ok(without.stderr.endsWith(error), without.stderr);
  const { code, stderr } = await spillway(["pack", "indexed", "grown", "--append", "--source", moved], {
    cwd,
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual((await verifyDataset(join(cwd, "grown"))).problems, []);
  assert.equal((await numbersIn(join(cwd, "grown"))).length, 15);
});

test("a new place that is none either is said to be gone", async () => {
  const { code, stderr } = await spillway(["show", indexed, "0", "--source", "elsewhere"], { cwd });
  assert.deepEqual([code, stderr], [1, error.replace(old, join(cwd, "elsewhere"))]);
});

test("--source is refused for raw data, and is no flag of commands that read no sample", async () => {
  const raw = await spillway(["pack", moved, "raw", "--source", moved], { cwd });
  assert.deepEqual(
    [raw.code, raw.stderr.split("\n").at(-2)],
    [
      2,
      'error: a source of kind "npy-folder" has no use for source (--source). Leave it out; the options of this kind are: --classes.',
    ],
  );
  assert.ok(!fs.existsSync(join(cwd, "raw")));
  const other = await spillway(["index", moved, "again", "--source", moved], { cwd });
  assert.deepEqual(
    [other.code, other.stderr],
    [2, "error: unknown option '--source'. See: spillway index --help.\n"],
  );
});

test("a packed dataset has no other place for its samples", async () => {
  await pack(join(cwd, "indexed"), join(cwd, "all packed"), { source: join(cwd, moved) });
  const path = join(cwd, "all packed");
  const message = `${path} holds its samples itself, so there is no source to be told. Leave source (--source) out.`;
  for (const args of [
    ["show", path, "0"],
    ["verify", path],
    ["compact", path, "other"],
  ]) {
    const { code, stderr } = await spillway([...args, "--source", moved], { cwd });
    assert.deepEqual([code, stderr.split("\n").at(-2)], [2, `error: ${message}`], args[0]);
  }
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { temporaryFolder } from "../fixtures/packed.js";
import { npyBytes, writeNpy } from "../source/fixtures.js";
import { main, spillway, spillwayJson } from "./run.js";

/** A folder per class, three .npy files of [4, 2] in each. */
function recordings(): string {
  const folder = temporaryFolder();
  for (const [k, name] of ["circle", "raise"].entries()) {
    for (let i = 0; i < 3; i += 1)
      writeNpy(
        join(folder, "rec", name, `${i}.npy`),
        [4, 2],
        Array.from({ length: 8 }, (_, v) => k * 100 + i * 10 + v),
      );
  }
  return folder;
}

test("pack says what it found, packs, and sums up; the rest is talk", async () => {
  const cwd = recordings();
  const { code, stdout, stderr } = await spillway(["pack", "rec", "gestures"], { cwd });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^Packed 6 samples into 1 shard, [\d.]+ KiB, in [\d.]+ s \([\d.]+ MB\/s, peak memory [\d.]+ MiB\)\.\n$/,
  );
  assert.match(
    stderr,
    /^Looking at rec \.\.\.\nFound 6 samples \(npy-folder\), 390 B:\n {2}data: float64 \[4, 2\]\n {2}label: 2 classes \(uint8\): circle, raise\n/,
  );
  assert.match(stderr, /\nNext:\n {2}spillway show gestures 0\n/);
});

test("pack does not tell to split anew what it has brought splits along for", async () => {
  const cwd = recordings();
  const indexed = await spillway(["index", "rec", "gestures"], { cwd });
  assert.match(indexed.stderr, /\n {2}spillway split gestures train=/);
  assert.equal((await spillway(["split", "gestures", "train=0.5", "val=0.5"], { cwd })).code, 0);
  const { code, stderr } = await spillway(["pack", "gestures", "packed"], { cwd });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /\nNext:\n {2}spillway show packed 0\nThen, in your program:/);
});

test("pack hands its flags to the library", async () => {
  const cwd = recordings();
  const flags = [
    "--layout",
    "source",
    "--seed",
    "7",
    "--memory",
    "8 MiB",
    "--jobs",
    "2",
    "--shard-size",
    "4096",
    "--classes",
    "raise,circle",
    "--kind",
    "npy-folder",
  ];
  const { code, value } = await spillwayJson(["pack", "rec", "gestures", ...flags], { cwd });
  assert.equal(code, 0);
  assert.deepEqual(
    {
      rows: value.rows,
      shards: value.shards,
      resumedAt: value.resumedAt,
      classes: value.fields.label.classes,
    },
    { rows: 6, shards: 1, resumedAt: 0, classes: ["raise", "circle"] },
  );
  assert.ok(value.seconds > 0 && value.bytesPerSecond > 0 && value.peakMemoryBytes > 2 ** 20);
  assert.ok(value.notes[0].startsWith("Found 6 samples"));
  const dataset = await open(join(cwd, "gestures"), { memory: "16 MiB" });
  assert.deepEqual(dataset.manifest.layout, { kind: "source" });
  await dataset.close();
});

test("pack reads a table by the name and kind of its label column", async () => {
  const cwd = temporaryFolder();
  fs.writeFileSync(join(cwd, "table.csv"), "a,b,dose\n1,2,0.5\n3,4,1.5\n");
  const { code, value } = await spillwayJson(
    ["pack", "table.csv", "doses", "--label-column", "dose", "--label-kind", "value"],
    { cwd },
  );
  assert.equal(code, 0, JSON.stringify(value));
  assert.deepEqual(value.fields.target, { kind: "tensor", dtype: "float64", shape: [] });
});

test("pack refuses a folder that holds a dataset, and leaves it as it is", async () => {
  const cwd = recordings();
  await spillway(["pack", "rec", "gestures"], { cwd });
  const before = fs.readFileSync(join(cwd, "gestures/dataset.json"), "utf8");
  const again = await spillwayJson(["pack", "rec", "gestures"], { cwd });
  assert.equal(again.code, 1);
  assert.equal(again.value.error.code, "exists");
  assert.equal(fs.readFileSync(join(cwd, "gestures/dataset.json"), "utf8"), before);
});

test("a flag that the kind of source has no use for is refused", async () => {
  const cwd = recordings();
  const { code, stderr } = await spillway(["pack", "rec", "gestures", "--size", "8x8"], { cwd });
  assert.equal(code, 2);
  assert.match(stderr, /a source of kind "npy-folder" has no use for size \(--size\)/);
  assert.ok(!fs.existsSync(join(cwd, "gestures")));
});

test("Ctrl-C stops pack with 130, says how to go on, and the same command finishes the rest", async () => {
  const cwd = temporaryFolder();
  // 100,000 samples of 1 KiB, zeros that take no room on disk, and a column of labels.
  const rows = 100_000;
  const head = npyBytes("<f4", [rows, 257], new Uint8Array());
  fs.writeFileSync(join(cwd, "big.npy"), head);
  fs.truncateSync(join(cwd, "big.npy"), head.length + rows * 257 * 4);
  const args = [
    "pack",
    "big.npy",
    "big",
    "--label-column",
    "-1",
    "--shard-size",
    "4 MiB",
    "--memory",
    "2 MiB",
  ];

  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = new Promise<number | null>((done) => child.on("close", done));
  const manifest = join(cwd, "big/dataset.json");
  // Wait for the first commit: a manifest that has rows.
  while (
    child.exitCode === null &&
    !(fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, "utf8")).rows > 0)
  ) {
    await new Promise((done) => setTimeout(done, 5));
  }
  child.kill("SIGINT");
  assert.equal(await closed, 130, stderr);
  assert.match(stderr, /Stopping after this block; press Ctrl-C again to stop at once\.\n/);
  assert.match(stderr, /\nStopped: [\d,]+ samples are in place\. Run the same command again to go on\.\n$/);
  assert.ok(!fs.existsSync(join(cwd, "big/.lock")));

  const rest = await spillwayJson(args, { cwd });
  assert.equal(rest.code, 0, JSON.stringify(rest.value));
  assert.equal(rest.value.rows, rows);
  assert.ok(rest.value.resumedAt > 0 && rest.value.resumedAt < rows);
  assert.equal((await spillway(["verify", "big"], { cwd })).code, 0);
});

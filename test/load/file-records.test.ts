// Records of an index in files that changed, went away or moved since: named with their sample, in training and by
// verify, and never delivered.

import assert from "node:assert/strict";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { open } from "spillway";
import { SpillwayError } from "#spillway/errors";
import type { Manifest } from "#spillway/format/manifest";
import { index, pack } from "#spillway/pack/pack";
import { verifyDataset } from "#spillway/pack/verify";
import { openSource } from "#spillway/source/registry";
import { takeBatches } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { npyFolder } from "../pack/sources.js";
import { manifestOf } from "../pack/unpacked.js";
import { float64, npyBytes, openFileCount, writeFile } from "../source/fixtures.js";

/** Three files in two classes, and their index. Ids: 0 is a/0.npy, 1 is a/1.npy, 2 is b/2.npy. */
async function threeFiles(): Promise<{ source: string; path: string; files: string[] }> {
  const source = newPath("source");
  const files = ["a/0.npy", "a/1.npy", "b/2.npy"].map((name, k) =>
    writeFile(join(source, name), npyBytes("<f8", [2], float64(k, k + 0.5))),
  );
  const path = newPath("index");
  await index(source, path);
  return { source, path, files };
}

async function errorOf(work: () => Promise<unknown>): Promise<SpillwayError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SpillwayError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Asserts that training, verify and packing all name a sample for the same reason. */
async function isNamed(
  path: string,
  expected: { code: string; message: string; file: string; sample: number },
): Promise<void> {
  const { code, message, file, sample } = expected;
  const opened = openFileCount();
  const pack = async () => {
    const source = await openSource(path);
    try {
      for await (const _ of source.samples(0));
    } finally {
      await source.close();
    }
  };
  for (const work of [() => takeBatches(path), pack]) {
    const error = await errorOf(work);
    assert.equal(error.message, message);
    assert.deepEqual([error.code, error.where.path, error.where.sample], [code, file, sample]);
    assert.equal(error.where.dataset, path);
  }
  const { problems } = await verifyDataset(path);
  assert.deepEqual(
    problems.map((problem) => [
      problem.path,
      problem.shard,
      problem.field,
      problem.startSample,
      problem.endSample,
      `${problem.what}. ${problem.remedy}`,
    ]),
    [[file, "index/00000.arrow", "data", sample, sample + 1, message]],
  );
  assert.equal(openFileCount(), opened);
}

const remedy =
  "Restore it with its time (cp -p keeps it), leave the sample out (spillway exclude), or index anew.";

test("a file that vanished is named with its sample", async () => {
  const { path, files } = await threeFiles();
  fs.rmSync(files[2]!);
  await isNamed(path, {
    code: "missing",
    message: `${files[2]} is gone, sample 2 of ${path} was in it when it was indexed. Put it back, or leave the sample out: spillway exclude.`,
    file: files[2]!,
    sample: 2,
  });
});

test("a file of another size is named with both sizes", async () => {
  const { path, files } = await threeFiles();
  const { mtime } = fs.statSync(files[1]!);
  fs.appendFileSync(files[1]!, "more");
  fs.utimesSync(files[1]!, mtime, mtime);
  await isNamed(path, {
    code: "mismatch",
    message: `${files[1]} changed since it was indexed as sample 1 of ${path}: it had 144 bytes and has 148. ${remedy}`,
    file: files[1]!,
    sample: 1,
  });
});

test("a file of another time is named with both times, to the microsecond", async () => {
  const { source, path, files } = await threeFiles();
  const time = 1_700_000_000.000_25;
  fs.utimesSync(files[0]!, time, time);
  const again = newPath();
  await index(source, again);
  fs.utimesSync(files[0]!, time, 1_700_000_000.000_252);
  await isNamed(again, {
    code: "mismatch",
    message: `${files[0]} changed since it was indexed as sample 0 of ${again}: it was written at 2023-11-14T22:13:20.000250Z and again at 2023-11-14T22:13:20.000252Z. ${remedy}`,
    file: files[0]!,
    sample: 0,
  });
  assert.match(
    (await errorOf(() => takeBatches(path))).message,
    /it was written at 20.* and again at 2023-11-14T22:13:20/,
  );
});

test("a file with other content of the same size and time is named", async () => {
  const { path, files } = await threeFiles();
  const { mtimeMs } = fs.statSync(files[1]!);
  // Times set by hand lose their nanoseconds: the index is made of such a file.
  fs.utimesSync(files[1]!, 1_600_000_000, 1_600_000_000);
  const again = newPath();
  await index(dirname(dirname(files[1]!)), again);
  const bytes = fs.readFileSync(files[1]!);
  bytes[140]! ^= 1;
  fs.writeFileSync(files[1]!, bytes);
  fs.utimesSync(files[1]!, 1_600_000_000, 1_600_000_000);
  assert.ok(mtimeMs > 0 && path !== again);
  await isNamed(again, {
    code: "mismatch",
    message: `${files[1]} changed since it was indexed as sample 1 of ${again}: its content is another one. ${remedy}`,
    file: files[1]!,
    sample: 1,
  });
});

test("a folder that was moved is said to be gone, and found where source says that it is", async () => {
  const { source, path } = await threeFiles();
  const before = await takeBatches(path);
  const moved = newPath("moved");
  fs.renameSync(source, moved);
  const message = `${source}, which ${path} is an index of, does not exist. If it was moved, open with source: "its new place" (--source on the command line).`;
  const error = await errorOf(() => takeBatches(path));
  assert.deepEqual([error.code, error.message], ["missing", message]);
  assert.equal((await errorOf(() => pack(path, newPath()))).message, message);
  const { problems, damagedSamples } = await verifyDataset(path);
  assert.equal(damagedSamples, 3);
  assert.deepEqual(
    problems.map(({ path: file, what }) => [file, what]),
    [[source, `${source}, which ${path} is an index of, does not exist`]],
  );
  assert.deepEqual(await takeBatches(path, { open: { source: moved } }), before);
  assert.deepEqual((await verifyDataset(path, { source: moved })).problems, []);
  const packed = newPath();
  await pack(path, packed, { source: moved, layout: "source" });
  assert.deepEqual(await takeBatches(packed), before);
});

test("links to files and folders are followed, wherever they lead", async () => {
  const { source, path, files } = await threeFiles();
  const before = await takeBatches(path);
  const elsewhere = newPath("elsewhere.npy");
  fs.renameSync(files[0]!, elsewhere);
  fs.symlinkSync(elsewhere, files[0]!);
  const folderElsewhere = newPath("b");
  fs.renameSync(dirname(files[2]!), folderElsewhere);
  fs.symlinkSync(folderElsewhere, dirname(files[2]!));
  assert.deepEqual(await takeBatches(path), before);
  const again = newPath();
  await index(source, again);
  assert.deepEqual(await takeBatches(again), before);
});

/** Changes bytes of the one index of a dataset. */
function changeIndex(
  path: string,
  change: (bytes: Buffer, files: NonNullable<Manifest["shards"][number]["files"]>) => void,
): string {
  const [shard] = manifestOf(path).shards;
  const file = join(path, shard!.path);
  const bytes = fs.readFileSync(file);
  change(bytes, shard!.files!);
  fs.writeFileSync(file, bytes);
  return file;
}

for (const crafted of [
  "../a/0.npy",
  "a/../../x",
  "..\\a\\0.npy",
  "/etc/passwd",
  "\\x\\y.npy",
  "C:\\a\\0.npy",
  "a\0.npy",
]) {
  test(`a crafted index cannot lead out of its folder: ${JSON.stringify(crafted)}`, async () => {
    const { path } = await threeFiles();
    const name = Buffer.from(crafted);
    const file = changeIndex(path, (bytes, { offsets, paths }) => {
      // The three paths have 21 bytes together: the first becomes longer, the others are what is left.
      bytes.set(name, paths);
      for (let k = 1; k <= 3; k += 1) bytes.writeInt32LE(Math.min(name.length + k - 1, 21), offsets + k * 4);
    });
    const row = await errorOf(() => takeBatches(path, { view: { rows: [0, 1] } }));
    const why = `${JSON.stringify(crafted)} leads out of the folder`;
    assert.equal(row.message, `${file} is damaged at row 0: ${why}. Restore it from a copy, or index anew.`);
    assert.equal(row.code, "corrupt");
    const { problems } = await verifyDataset(path);
    assert.ok(
      problems.some(({ what }) => what === `index/00000.arrow of ${path} is damaged at sample 0: ${why}`),
    );
  });
}

test("an index with impossible places or paths is refused, and named with its row", async () => {
  const damages: [why: RegExp, change: Parameters<typeof changeIndex>[1]][] = [
    [
      /at row 0: bytes -1-15 do not lie in a file of 144/,
      (bytes, { places }) => bytes.writeBigInt64LE(-1n, places),
    ],
    [
      /at row 0: bytes 129-145 do not lie in a file of 144/,
      (bytes, { places }) => bytes.writeBigInt64LE(129n, places),
    ],
    [
      /at row 0: bytes 128-144 do not lie in a file of 1/,
      (bytes, { places }) => bytes.writeBigInt64LE(1n, places + 8),
    ],
    [
      /do not lie in a file of 9223372036854776000/,
      (bytes, { places }) => bytes.writeBigInt64LE(2n ** 63n - 1n, places + 8),
    ],
    [
      /it was written at -?\d+ us and again at 20/,
      (bytes, { places }) => bytes.writeBigInt64LE(2n ** 63n - 1n, places + 16),
    ],
    [/at row 0: its path has 0 bytes/, (bytes, { offsets }) => bytes.writeInt32LE(0, offsets + 4)],
    [/at row 0: its path has -5 bytes/, (bytes, { offsets }) => bytes.writeInt32LE(-5, offsets + 4)],
    [
      /at row 0: its path has 2147483647 bytes/,
      (bytes, { offsets }) => bytes.writeInt32LE(2 ** 31 - 1, offsets + 4),
    ],
    [/at row 0: its path has 14 bytes/, (bytes, { offsets }) => bytes.writeInt32LE(-7, offsets)],
  ];
  for (const [why, change] of damages) {
    const { path } = await threeFiles();
    changeIndex(path, change);
    const error = await errorOf(() => takeBatches(path, { view: { rows: [0, 1] } }));
    assert.match(error.message, why);
    assert.ok(["corrupt", "mismatch"].includes(error.code));
    const { problems } = await verifyDataset(path);
    assert.ok(problems.length > 0);
    assert.ok(problems.every(({ startSample }) => startSample !== undefined));
  }
});

test("any bytes in place of an index give batches or our error, and leave no file open", async () => {
  const { path } = await threeFiles();
  const [shard] = manifestOf(path).shards;
  const file = join(path, shard!.path);
  const whole = fs.readFileSync(file);
  const opened = openFileCount();
  const { places, paths } = shard!.files!;
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const bytes = Buffer.from(whole);
    for (let change = 0; change < 3; change += 1) bytes[places + random(paths + 21 - places)] = random(256);
    fs.writeFileSync(file, bytes);
    try {
      await takeBatches(path, { batches: { epochs: 1 } });
    } catch (error) {
      assert.ok(error instanceof SpillwayError, String(error));
    }
    await verifyDataset(path);
  }
  assert.equal(openFileCount(), opened);
});

test("a file that grows while it is being read from is found changed by those who open it later", async () => {
  const source = npyFolder(newPath(), 40, 2000);
  const path = newPath();
  await index(source, path);
  const dataset = await open(path, { memory: "16 MiB" });
  const [file] = fs.readdirSync(join(source, "class-0")).map((name) => join(source, "class-0", name));
  let count = 0;
  const error = await errorOf(async () => {
    for await (const batch of dataset.view().batches({ batchSize: 1, epochs: 500, readers: 1 })) {
      count += batch.size;
      if (count === 50) fs.appendFileSync(file!, "x");
    }
  });
  assert.match(
    error.message,
    /00000\.npy changed since it was indexed as sample 0 of .*: it had 8128 bytes and has 8129/,
  );
  // What the ring held already was read before.
  assert.ok(count >= 50 && count < 5000, String(count));
  await dataset.close();
});

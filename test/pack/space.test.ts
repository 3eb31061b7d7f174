// Packing with too little memory or disk: refused beforehand where that can be known, else what is committed stays.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type PackOptions, pack, tensor } from "spillway";
import { verifyDataset } from "#spillway/pack/verify";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { openFileCount } from "../source/fixtures.js";
import { errorOf, stream, streamFields } from "./sources.js";
import { manifestOf, numbersIn } from "./unpacked.js";

test("too little memory is refused with the least that works, and that works", async () => {
  const fields = { data: tensor("uint8", [3_500_000]) };
  for (const isStream of [false, true]) {
    const samples = upTo(3).map((i) => ({ data: new Uint8Array(3_500_000).fill(i) }));
    const source = () =>
      isStream
        ? (async function* () {
            yield* samples;
          })()
        : samples;
    const path = newPath();
    const error = await errorOf(() => pack(source(), path, { fields, memory: "2 MiB" }));
    assert.equal(error.code, "memory");
    assert.ok(!fs.existsSync(path));
    const least = /Give it memory: "(\d+ MiB)"/.exec(error.message)![1]!;
    assert.equal(error.where.neededBytes, Number.parseInt(least, 10) * 2 ** 20);
    assert.equal((await pack(source(), path, { fields, memory: least })).rows, 3);
    assert.deepEqual((await verifyDataset(path)).problems, []);
    const less = `${Number.parseInt(least, 10) - 1} MiB`;
    assert.equal((await errorOf(() => pack(source(), newPath(), { fields, memory: less }))).code, "memory");
  }
});

test("space is checked before anything is written", async (t) => {
  const path = newPath();
  const { statfsSync } = fs;
  t.mock.method(fs, "statfsSync", (at: string) =>
    Object.assign(statfsSync(at), { bavail: 5000, bsize: 4096 }),
  );
  const big = Array.from({ length: 300 }, () => ({ data: new Uint8Array(100_000) }));
  const error = await errorOf(() => pack(big, path, { fields: { data: tensor("uint8", [100_000]) } }));
  assert.equal(error.code, "space");
  assert.match(
    error.message,
    /^packing needs [\d.]+ MiB at .*, [\d.]+ MiB of it scratch that goes again, and 19\.5 MiB are free\. Free [\d.]+ MiB, or choose/,
  );
  assert.ok(!fs.existsSync(path));
});

test("a disk that becomes full says so, keeps what is committed, and the next run goes on", async (t) => {
  const mount = newPath("small disk");
  fs.mkdirSync(mount);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", mount], { stdio: "ignore" });
  } catch {
    return t.skip("a small disk can only be mounted by root");
  }
  t.after(() => execFileSync("umount", ["-l", mount], { stdio: "ignore" }));
  const options: PackOptions = { fields: streamFields, shardSize: "200 KiB", memory: "2 MiB" };
  for (const layout of ["source", "shuffled"] as const) {
    const path = join(mount, layout);
    const filler = join(mount, "filler");
    // 2 MiB are left for 3.3 MB of samples; 2.45 MiB for 2.2 MB of piles, and the first shards beside them.
    fs.writeFileSync(filler, new Uint8Array((layout === "source" ? 4 : 3.55) * 2 ** 20));
    const count = layout === "source" ? 20_000 : 11_000;
    const error = await errorOf(() => pack(stream(count), path, { ...options, layout }));
    assert.equal(error.code, "space", error.message);
    assert.match(
      error.message,
      /the disk is full \(ENOSPC\) at .*small disk.* Free some space, then run the same command again/,
    );
    assert.deepEqual((await verifyDataset(path)).problems, []);
    const { rows } = manifestOf(path);
    assert.ok(rows > 0 && rows < count, `${rows} rows`);
    fs.rmSync(filler);
    const done = await pack(stream(count), path, { ...options, layout });
    assert.deepEqual([done.rows, done.resumedAt], [count, rows]);
    assert.deepEqual((await verifyDataset(path)).problems, []);
    const numbers = await numbersIn(path);
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      upTo(count),
    );
    assert.deepEqual(fs.readdirSync(path).sort(), ["catalog", "dataset.json", "shards"]);
    fs.rmSync(path, { recursive: true });
  }
});

for (const failing of [
  "write",
  "fdatasync",
  "fsync",
  "renameSync",
  "ftruncateSync",
  "writeFileSync",
] as const) {
  test(`a full disk met by ${failing} says so, closes its files, and the next run goes on`, async (t) => {
    const path = newPath();
    const options: PackOptions = {
      fields: streamFields,
      shardSize: "20 KiB",
      memory: "1 MiB",
      layout: "source",
    };
    const original = fs[failing] as (...args: unknown[]) => unknown;
    const open = openFileCount();
    let left = failing === "fdatasync" ? 0 : 12;
    const mock = t.mock.method(fs, failing, (...args: unknown[]) => {
      left -= 1;
      if (left >= 0) return original(...args);
      const full = Object.assign(new Error("no space"), { code: "ENOSPC" });
      const done = args.at(-1);
      if (typeof done !== "function") throw full;
      setImmediate(() => (done as (error: Error) => void)(full));
      return undefined;
    });
    // The disk is asked to begin only after 64 MiB: that takes larger samples.
    const isLarge = failing === "fdatasync";
    const fields = { data: tensor("uint8", [2 ** 20]) };
    const large = async function* () {
      for (let i = 0; i < 150; i += 1) yield { data: new Uint8Array(2 ** 20).fill(i) };
    };
    const run = () =>
      isLarge
        ? pack(large(), path, { ...options, fields, memory: "16 MiB", shardSize: "1 GiB" })
        : pack(stream(3000), path, options);
    const error = await errorOf(run);
    assert.equal(error.code, "space", error.message);
    assert.equal(openFileCount(), open);
    mock.mock.restore();
    assert.equal((await run()).rows, isLarge ? 150 : 3000);
    assert.deepEqual((await verifyDataset(path)).problems, []);
  });
}

test("a pile stays until its samples are named by dataset.json, also where that cannot be written", async (t) => {
  const path = newPath();
  const options: PackOptions = { fields: streamFields, shardSize: "20 KiB", memory: "1 MiB" };
  const { renameSync } = fs;
  let manifests = 0;
  const mock = t.mock.method(fs, "renameSync", (from: string, to: string) => {
    if (to.endsWith("dataset.json")) manifests += 1;
    if (manifests > 12 && to.endsWith("dataset.json"))
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    renameSync(from, to);
  });
  assert.equal((await errorOf(() => pack(stream(6000), path, options))).code, "space");
  mock.mock.restore();
  await pack(stream(6000), path, options);
  assert.deepEqual(
    (await numbersIn(path)).sort((a, b) => a - b),
    upTo(6000),
  );
});

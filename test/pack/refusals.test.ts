// What cannot be packed, and what an unfinished pack does not go on with: each is refused with both sides, and nothing
// that is there is lost.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, open, type PackOptions, pack } from "spillway";
import { packSource } from "#spillway/pack/packer";
import { verifyDataset } from "#spillway/pack/verify";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { openFileCount, refuses } from "../source/fixtures.js";
import { contentOf, errorOf, idxPair, npyFolder, stream, streamFields } from "./sources.js";
import { manifestOf, numbersIn } from "./unpacked.js";

const npy = npyFolder(newPath("npy"), 60, 64);

/** Begins a pack and stops it after some samples were committed. */
async function begun(
  path: string,
  options: PackOptions = {},
  source: Parameters<typeof pack>[0] = npy,
): Promise<void> {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const onProgress = () => {
    if (fs.existsSync(join(path, "dataset.json")) && manifestOf(path).rows > 0) stop.abort(reason);
  };
  await assert.rejects(
    pack(source, path, { shardSize: 4096, memory: "1 MiB", ...options, signal: stop.signal, onProgress }),
    reason,
  );
}

test("a dataset, another folder and a file are not packed over", async () => {
  const path = newPath();
  await pack(npy, path);
  const before = contentOf(path);
  await refuses(
    () => pack(npy, path),
    "exists",
    `${path} holds a dataset already. Choose another folder, remove this one first, or add to it with --append.`,
  );
  assert.deepEqual(contentOf(path), before);
  const other = newPath();
  fs.mkdirSync(other);
  fs.writeFileSync(join(other, "notes.txt"), "mine");
  await refuses(
    () => pack(npy, other),
    "exists",
    `${other} holds 1 files that are no dataset already. Choose another folder, remove this one first, or add to it with --append.`,
  );
  assert.deepEqual(contentOf(other), { "notes.txt": "mine" });
  const file = join(other, "notes.txt");
  await refuses(() => pack(npy, file), "exists", `${file} is a file. Give the dataset a folder of its own.`);
  await refuses(() => pack(npy, join(file, "dataset")), "missing", /does not exist/);
  const empty = newPath();
  fs.mkdirSync(empty);
  assert.equal((await pack(npy, empty)).rows, 60);
});

test("a finished dataset whose lock or scratch a kill left behind is tidied up, and refused", async () => {
  const path = newPath();
  await pack(npy, path);
  const before = contentOf(path);
  fs.mkdirSync(join(path, ".packing"));
  fs.writeFileSync(join(path, ".packing/0.pile"), "left");
  fs.writeFileSync(join(path, ".lock.0123"), "{");
  fs.writeFileSync(join(path, ".lock"), "{");
  await refuses(() => pack(npy, path), "exists", /holds a dataset already/);
  assert.deepEqual(contentOf(path), before);
  assert.ok(!fs.existsSync(join(path, ".packing")));
});

test("an unfinished pack is gone on with by the same source and options alone, and both sides are told", async () => {
  const path = newPath();
  await begun(path, { seed: 1 });
  const before = contentOf(path);
  const other = npyFolder(newPath("other"), 61, 64);
  const options: PackOptions = { seed: 1, shardSize: 4096, memory: "1 MiB" };
  const refused: [Parameters<typeof pack>[0], PackOptions, RegExp][] = [
    [npy, { ...options, seed: 2 }, /another seed: 1 then, 2 now/],
    [npy, { ...options, layout: "source" }, /another layout: shuffled then, source now/],
    [npy, { ...options, shardSize: 8192 }, /another shard size: 4096 then, 8192 now/],
    [
      other,
      options,
      /another source \(names, sizes or times of files\): [0-9a-f]{16} then, [0-9a-f]{16} now/,
    ],
    [stream(5), options, /another kind of source: npy-folder then, samples now/],
  ];
  for (const [source, now, message] of refused) {
    await refuses(() => pack(source, path, now), "mismatch", message);
    assert.deepEqual(contentOf(path), before);
  }
  const notes: string[] = [];
  const done = await pack(npy, path, { ...options, onNote: (note) => notes.push(note) });
  assert.ok(done.resumedAt > 0);
  assert.ok(
    notes.some(
      (note) => note === `Going on with an unfinished pack: ${done.resumedAt} samples are in place.`,
    ),
  );
});

test("a source that changed between a kill and the next run is refused", async () => {
  const source = npyFolder(newPath("changing"), 60, 64);
  const path = newPath();
  await begun(path, {}, source);
  fs.utimesSync(join(source, "class-0/00000.npy"), 1, 1);
  await refuses(() => pack(source, path, { shardSize: 4096 }), "mismatch", /another source/);
});

test("a source that gives more or fewer samples than it said is refused, in one pass and two", async () => {
  const all = upTo(500).map((i) => ({ data: new Int32Array(40).fill(i), label: "abc"[i % 3]! }));
  for (const layout of ["shuffled", "source"] as const) {
    for (const [said, message] of [
      [
        510,
        "the source gives only 500 samples of the 510 it said it had. Pack it again; it must not change meanwhile.",
      ],
      [
        490,
        "the source gives more samples than the 490 it said it had. Pack it again; it must not change meanwhile.",
      ],
    ] as const) {
      // A list that says another length than it has.
      const lying = new Proxy(all, {
        get: (target, key) => (key === "length" ? said : Reflect.get(target, key)),
      });
      Object.defineProperty(lying, Symbol.iterator, { value: () => all.values(), configurable: true });
      await refuses(
        () => pack(lying, newPath(), { fields: streamFields, layout, memory: "1 MiB" }),
        "source",
        message,
      );
    }
  }
});

test("a stream without samples leaves nothing behind", async () => {
  for (const layout of ["shuffled", "source"] as const) {
    const path = newPath();
    await refuses(() => pack(stream(0), path, { fields: streamFields, layout }), "source", /gave no samples/);
    assert.ok(!fs.existsSync(path));
  }
  await refuses(() => pack([], newPath(), { fields: streamFields }), "source", /gave no samples/);
});

test("an error of the source passes through as it is, and the next run goes on", async () => {
  for (const layout of ["shuffled", "source"] as const) {
    const path = newPath();
    const reason = new TypeError("no more");
    let isEnded = false;
    const failing = async function* () {
      try {
        for await (const sample of stream(2000)) {
          if (sample.data[0] === 1500) throw reason;
          yield sample;
        }
      } finally {
        isEnded = true;
      }
    };
    const options: PackOptions = { fields: streamFields, layout, shardSize: "20 KiB", memory: "1 MiB" };
    const open = openFileCount();
    await assert.rejects(pack(failing(), path, options), reason);
    assert.ok(isEnded);
    assert.equal(openFileCount(), open);
    assert.ok(!fs.existsSync(join(path, ".lock")));
    const done = await pack(stream(2000), path, options);
    assert.equal(done.rows, 2000);
    if (layout === "source") assert.ok(done.resumedAt > 0);
    assert.deepEqual(
      (await numbersIn(path)).sort((a, b) => a - b),
      upTo(2000),
    );
  }
});

test("an error of a source that is read at random ends the reads in flight", async () => {
  const path = newPath();
  const broken = npyFolder(newPath("broken"), 300, 64);
  const full = fs.readFileSync(join(broken, "class-1/00100.npy"));
  full.writeUInt8(99, 0);
  fs.writeFileSync(join(broken, "class-1/00100.npy"), full);
  const open = openFileCount();
  const error = await errorOf(() => pack(broken, path, { shardSize: 4096, memory: "1 MiB" }));
  assert.equal(error.code, "source");
  assert.match(error.message, /class-1\/00100\.npy/);
  assert.equal(openFileCount(), open);
});

test("an AbortSignal stops with its reason, lets go of the lock, and the next run goes on", async () => {
  const idx = idxPair(newPath("idx"), 3000, 10);
  for (const [source, phase] of [
    [npy, "writing"],
    [idx, "reading"],
    [idx, "writing"],
  ] as const) {
    const path = newPath();
    const stop = new AbortController();
    const reason = new Error("enough");
    const options: PackOptions = { shardSize: 4096, memory: "1 MiB" };
    let told = 0;
    const onProgress: PackOptions["onProgress"] = (progress) => {
      if (progress.phase === phase) told += 1;
      if (told === 3) stop.abort(reason);
    };
    await assert.rejects(pack(source, path, { ...options, signal: stop.signal, onProgress }), reason);
    assert.equal(told, 3);
    assert.ok(!fs.existsSync(join(path, ".lock")));
    const { rows } = await pack(source, path, options);
    assert.equal(rows, source === npy ? 60 : 3000);
    assert.deepEqual((await verifyDataset(path)).problems, []);
  }
  const path = newPath();
  const reason = new Error("before");
  await assert.rejects(pack(npy, path, { signal: AbortSignal.abort(reason) }), reason);
  assert.ok(!fs.existsSync(path));
});

test("fields that the catalog or the manifest cannot hold are refused before anything is written", async () => {
  for (const name of ["id", "row", "hash"]) {
    await refuses(
      () => pack([{ [name]: "a" }], newPath(), { fields: { [name]: classes(["a"]) } }),
      "usage",
      `a class field cannot be called "${name}": the catalog has a column of that name. Rename the field, for example to label.`,
    );
    // A tensor may: it has no column in the catalog.
    assert.equal((await pack([{ [name]: 1 }], newPath())).rows, 1);
  }
  await refuses(
    () => pack([{ path: "a" }], newPath(), { fields: { path: classes(["a"]) } }),
    "usage",
    /"path"/,
  );
  const path = newPath();
  const long = "x".repeat(2000);
  await refuses(
    () => pack([{ label: 0 }], path, { fields: { label: classes([long]) } }),
    "usage",
    /^the fields cannot be stored: label\.classes\.0: /,
  );
  await refuses(() => pack([{ [long]: 0 }], path), "usage", /^the fields cannot be stored: x{64}: /);
  assert.ok(!fs.existsSync(path));
  await refuses(
    () => pack([{ label: long }], newPath()),
    "source",
    /^the fields cannot be stored: label\.classes\.0: /,
  );
});

test("a stream with more class names than a header has room for says how to declare them", async () => {
  const samples = (async function* () {
    for (let i = 0; i < 5000; i += 1) yield { x: i, label: `${i} ${"-".repeat(60)}` };
  })();
  await refuses(
    () => pack(samples, newPath(), { layout: "source" }),
    "source",
    /brought more new class names than its header has room for.*classes\(/,
  );
});

test("options that make no sense are refused before the source is opened", async () => {
  for (const [options, message] of [
    [{ jobs: 0 }, /jobs 0 is not a whole number from 1 to 1024/],
    [{ layout: "sorted" as "source" }, /layout "sorted" is not known/],
    [{ seed: -1 }, /seed/],
  ] as const) {
    await refuses(() => packSource(newPath("nowhere"), newPath(), options), "usage", message);
  }
  await refuses(() => pack(npy, newPath(), { shardSize: "large" }), "usage", /shardSize "large"/);
  await refuses(() => pack(npy, newPath(), { memory: "much" }), "usage", /memory "much"/);
  const many = { [Symbol.iterator]: () => [].values(), length: 0 };
  await refuses(() => pack(many as never, newPath()), "source", /no samples/);
});

test("shards so small that dataset.json could not name them all are refused with the size that works", async () => {
  const path = newPath("long.npy");
  const head = fs.readFileSync(join(npy, "class-0/00000.npy")).toString("latin1", 10, 128);
  assert.ok(head.includes("float") || head.includes("<f4"));
  const header = head.replace("(64,)", "(900000, 4096)").slice(0, 118).padEnd(117).concat("\n");
  const start = Buffer.from("\x93NUMPY\x01\x00\x76\x00", "latin1");
  fs.writeFileSync(path, Buffer.concat([start, Buffer.from(header, "latin1").subarray(0, 118)]));
  fs.truncateSync(path, 128 + 900_000 * 4096 * 4);
  await refuses(
    () => pack(path, newPath(), { shardSize: 4096 }),
    "usage",
    /^with shards of 4 KiB there would be more than 100000\. Use a shard size of at least "\d+ MiB"\.$/,
  );
});

test("a folder that cannot be written to is refused as such", async (t) => {
  const parent = newPath("read-only");
  fs.mkdirSync(parent);
  try {
    // Root can write in every folder, but not on a disk that is read-only.
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", parent], { stdio: "ignore" });
    t.after(() => execFileSync("umount", ["-l", parent], { stdio: "ignore" }));
  } catch {
    fs.chmodSync(parent, 0o555);
    t.after(() => fs.chmodSync(parent, 0o755));
  }
  try {
    fs.writeFileSync(join(parent, "try"), "");
    return t.skip("this user can write everywhere");
  } catch {
    await refuses(() => pack(npy, join(parent, "dataset")), "io", /permission denied/);
    await refuses(() => pack(npy, parent), "io", /permission denied/);
  }
});

test("an unfinished dataset can be opened, and is said not to be whole", async () => {
  const path = newPath();
  await begun(path);
  const dataset = await open(path, { memory: "16 MiB" });
  assert.ok(dataset.size > 0 && dataset.size < 60);
  assert.deepEqual(dataset.unfinished, { plannedRows: 60 });
  await dataset.close();
});

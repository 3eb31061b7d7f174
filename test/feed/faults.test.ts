// What goes wrong under a feed ends all of its trainers with an error that names the place, or holds them up and then goes
// on; nobody hangs, and memory and threads are given back.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { type Dataset, jitter, open, SpillwayError } from "spillway";
import type { Feed } from "#spillway/feed/feed";
import { collect, copyOf, packed, temporaryFolder, upTo } from "../fixtures/packed.js";
import { makeSparse } from "../fixtures/sparse.js";
import { requireAllGivenBack, withFeed } from "./bench-feed.js";

const mebi = 2 ** 20;
/** A memory in which nothing can be pinned. */
const little = 26 * mebi;
const count = 400;
const original = await packed({ count, length: 5000, dtype: "uint8", shardSize: "500 KB" });
const script = (name: string) => new URL(`../fixtures/${name}.js`, import.meta.url);
const nothing = jitter({ sigma: 0 });
const endless = Number.POSITIVE_INFINITY;

/** Trainers of all kinds: shared, skipping, made. */
function trainersOf(feed: Feed, epochs = endless) {
  return [
    feed.trainer({ batchSize: 10, epochs }),
    feed.trainer({ batchSize: 16, epochs, slow: "skip" }),
    feed.trainer({ batchSize: 20, epochs, augment: [nothing] }),
  ];
}

/** The errors with which trainers end. */
function failuresOf(batches: readonly AsyncIterable<unknown>[]): Promise<SpillwayError[]> {
  return Promise.all(
    batches.map(async (each) => {
      try {
        for await (const _ of each);
      } catch (error) {
        assert.ok(error instanceof SpillwayError, String(error));
        return error;
      }
      throw new Error("it did not fail");
    }),
  );
}

for (const [name, code, message] of [
  ["dying-reader", "thread", /a reader thread ended in the middle of its work/],
  [
    "failing-reader",
    "io",
    /shards\/\d{5}\.arrow cannot be read at byte \d+: EIO: i\/o error, read\. Check the disk and the system's log\.$/,
  ],
] as const) {
  test(`a ${name.replace("-", " ")} ends all trainers with an error that says so`, async () => {
    const parts = { readerScript: script(name), freeMemory: () => 2 ** 40 };
    const work = async (feed: Feed) => {
      for (const error of await failuresOf(trainersOf(feed))) {
        assert.equal(error.code, code);
        assert.match(error.message, message);
      }
    };
    await withFeed(original, {}, work, little, parts);
  });
}

/** Damages a dataset while a feed reads it; gives what its trainers end with. */
async function failuresAfter(damage: (path: string) => void): Promise<SpillwayError[]> {
  const path = copyOf(original);
  const dataset: Dataset = await open(path, { memory: little });
  try {
    const feed = dataset.view().feed({ readers: 2 });
    const trainers = trainersOf(feed);
    const failures = failuresOf(trainers);
    while (trainers.some((trainer) => trainer.stats().batches === 0)) await setTimeout(1);
    damage(path);
    const errors = await failures;
    await requireAllGivenBack(dataset);
    return errors;
  } finally {
    await dataset.close();
  }
}

const shardsOf = (path: string) =>
  fs
    .readdirSync(join(path, "shards"))
    .filter((name) => name.endsWith(".arrow"))
    .map((name) => join(path, "shards", name));

test("shards that are cut short while a feed reads end its trainers with a shard's name", async () => {
  const errors = await failuresAfter((path) => {
    for (const file of shardsOf(path)) fs.truncateSync(file, 10_000);
  });
  for (const { message } of errors)
    assert.match(
      message,
      /shards\/\d{5}\.arrow (ends at(?: or before)? byte \d+, bytes \d+ to \d+ were expected|has 10000 bytes, dataset\.json says \d+)/,
    );
});

test("a flipped bit that a feed reads ends its trainers with shard, sample and bytes", async () => {
  const path = copyOf(original);
  const { manifest } = await open(path).then(async (dataset) => {
    await dataset.close();
    return dataset;
  });
  const { start, stride } = manifest.shards[2]!.columns.data!;
  const file = join(path, manifest.shards[2]!.path);
  const bytes = fs.readFileSync(file);
  bytes[start + 7 * stride + 4321]! ^= 16;
  fs.writeFileSync(file, bytes);
  const dataset = await open(path, { memory: little });
  const feed = dataset.view().feed({ readers: 2 });
  for (const { code, message } of await failuresOf(trainersOf(feed))) {
    assert.equal(code, "corrupt");
    assert.match(
      message,
      /shards\/00002\.arrow of .* is damaged: sample \d+, field "data", does not agree with its sum \(bytes \d+-\d+\)/,
    );
  }
  await requireAllGivenBack(dataset);
  await dataset.close();
});

test("a disk that stalls is what a feed says that it waits for, with the shard; then it goes on", async () => {
  const path = copyOf(original);
  const work: Parameters<typeof withFeed>[2] = async (feed, engine) => {
    const taken = Promise.all(trainersOf(feed, 2).map((trainer) => collect(trainer)));
    while (!/^the disk: a reader has been reading for \d+ s$/.test(feed.stats().bottleneck))
      await setTimeout(20);
    assert.match(
      engine.reading.notes(Date.now() + 31_000)[0]!,
      /^A read has taken \d+ s so far: shards\/\d{5}\.arrow of .*\. The loop goes on when the disk answers\.$/,
    );
    fs.writeFileSync(join(path, "go"), "");
    const [shared, , made] = await taken;
    for (const numbers of [shared!, made!])
      assert.deepEqual(
        numbers.slice(0, count).sort((a, b) => a - b),
        upTo(count),
      );
    assert.equal(shared!.length, 2 * count);
    assert.doesNotMatch(feed.stats().bottleneck, /disk/);
  };
  const parts = { readerScript: script("stalling-reader"), freeMemory: () => 2 ** 40 };
  await withFeed(path, { readers: 1 }, work, little, parts);
});

/** Waits until a process has said a line. */
async function said(child: ChildProcess, line: string): Promise<void> {
  let text = "";
  for await (const chunk of child.stdout!) {
    text += chunk;
    if (text.includes(line)) return;
  }
  throw new Error(`it ended without a word: ${text}`);
}

test("a process that is told to end in mid-epoch does so by the signal, and leaves nothing behind", {
  skip: process.platform === "win32" && "there are no signals",
}, async () => {
  const temp = temporaryFolder();
  const child = spawn(process.execPath, [join(import.meta.dirname, "feeding-child.js"), original], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TMPDIR: temp },
  });
  const exited = once(child, "exit");
  await said(child, "training");
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [null, "SIGTERM"]);
  assert.deepEqual(fs.readdirSync(temp), []);
});

test("a process that may open 64 files feeds trainers with and without augmentation from 1,000 shards", {
  skip: process.platform !== "linux" && "there is no prlimit",
}, async () => {
  const path = makeSparse(join(temporaryFolder(), "dataset"), 2000, 1024, { rowsInShard: 2 });
  // Inside of the package, so that "spillway" is this one.
  const root = resolve(import.meta.dirname, "../../..");
  const child = join(root, `build/feed-files-${process.pid}-${dirname(path).split("-").at(-1)}.mjs`);
  fs.writeFileSync(
    child,
    `import { execFileSync } from "node:child_process";
import { jitter, open } from "spillway";
execFileSync("prlimit", ["--pid", String(process.pid), "--nofile=64:64"]);
const dataset = await open(process.argv[2], { memory: "96 MiB" });
const feed = dataset.view().feed({ readers: 8 });
const sizes = await Promise.all([[], [jitter()]].map(async (augment) => {
  const seen = new Set();
  for await (const { ids } of feed.trainer({ batchSize: 16, epochs: 2, augment })) for (const id of ids) seen.add(id);
  return seen.size;
}));
console.log(sizes.join(" "), (await dataset.stats()).notes.join(" "));
await dataset.close();`,
  );
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [child, path]);
    assert.match(
      stdout,
      /^2000 2000 8 readers were asked for, \d can be started where the process may open 64 files: raise the limit, for example with ulimit -n 4096\.$/m,
    );
  } finally {
    fs.rmSync(child);
  }
});

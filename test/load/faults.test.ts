import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type BatchOptions, type Dataset, open, SpillwayError } from "spillway";
import { loopOf, openEngine } from "../fixtures/engine.js";
import { collect, packed, temporaryFolder } from "../fixtures/packed.js";
import { makeSparse } from "../fixtures/sparse.js";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const count = 400;

/** Datasets of some shards, with records of 5,000 bytes and of 24; each test damages one of its own. */
const makeLarge = () => packed({ count, length: 5000, dtype: "uint8", shardSize: "500 KB" });
const makeSmall = () => packed({ count, shardSize: "4 KiB" });

/** The error that a loop over all samples ends with. */
async function failureOf(path: string, options: BatchOptions = {}): Promise<SpillwayError> {
  const dataset = await open(path, { memory: "48 MiB" });
  try {
    await collect(dataset.view().batches({ batchSize: 16, ...options }));
  } catch (error) {
    assert.ok(error instanceof SpillwayError, String(error));
    const { loops, threads, heldBytes, residentBytes } = await dataset.stats();
    assert.equal(loops, 0);
    assert.equal(heldBytes, residentBytes + threads * 8 * 2 ** 20, "everything was given back");
    return error;
  } finally {
    await dataset.close();
  }
  throw new Error("the loop did not fail");
}

function flipBit(path: string, byte: number): void {
  const bytes = fs.readFileSync(path);
  bytes[byte]! ^= 16;
  fs.writeFileSync(path, bytes);
}

async function placeOf(path: string, shard: number, field: string, row: number) {
  const dataset = await open(path, { memory: "16 MiB" });
  const entry = dataset.manifest.shards[shard]!;
  const firstRow = dataset.manifest.shards.slice(0, shard).reduce((sum, { rows }) => sum + rows, 0);
  await dataset.close();
  const { start, stride } = entry.columns[field]!;
  return { file: join(path, entry.path), byte: start + row * stride, sample: firstRow + row };
}

test("a flipped bit of a large record is found when it is first read, named by shard, sample and bytes", async () => {
  const path = await makeLarge();
  const { file, byte, sample } = await placeOf(path, 2, "data", 7);
  flipBit(file, byte + 4321);
  for (const options of [{}, { shuffle: false }, { deliver: "stored" as const }]) {
    const error = await failureOf(path, options);
    assert.equal(error.code, "corrupt");
    assert.equal(error.where.shard, "shards/00002.arrow");
    assert.equal(error.where.sample, sample);
    assert.match(
      error.message,
      new RegExp(
        `shards/00002\\.arrow of .* is damaged: sample ${sample}, field "data", does not agree with its sum \\(bytes ${byte}-${byte + 5000}\\)`,
      ),
    );
  }
});

test("a flipped bit of a small record is found too, within the run of records that shares its sum", async () => {
  const path = await makeSmall();
  const { file, byte, sample } = await placeOf(path, 1, "data", 20);
  flipBit(file, byte);
  const error = await failureOf(path);
  assert.equal(error.code, "corrupt");
  assert.equal(error.where.field, "data");
  assert.match(error.message, /samples \d+ to \d+, field "data"/);
  assert.ok(error.where.sample! <= sample);
});

test("a flipped bit in a label is found before the first batch", async () => {
  const path = await makeSmall();
  const { file, byte } = await placeOf(path, 2, "label", 0);
  flipBit(file, byte);
  const error = await failureOf(path);
  assert.equal(error.code, "corrupt");
  assert.equal(error.where.field, "label");
  assert.equal(error.where.shard, "shards/00002.arrow");
});

test("samples that are whole are delivered while a damaged one is elsewhere", async () => {
  const path = await makeLarge();
  const { file, byte, sample } = await placeOf(path, 3, "data", 5);
  flipBit(file, byte);
  const dataset = await open(path, { memory: "48 MiB" });
  assert.equal(
    (await collect(dataset.view({ rows: [0, sample] }).batches({ batchSize: 16 }))).length,
    sample,
  );
  await dataset.close();
});

test("a shard that was cut short, or is gone, is named", async () => {
  const cut = await makeLarge();
  fs.truncateSync(join(cut, "shards/00001.arrow"), 100_000);
  const error = await failureOf(cut);
  assert.equal(error.code, "corrupt");
  assert.match(error.message, /shards\/00001\.arrow has 100000 bytes, dataset\.json says \d+/);
  const gone = await makeLarge();
  fs.rmSync(join(gone, "shards/00002.arrow"));
  const missing = await failureOf(gone);
  assert.equal(missing.code, "missing");
  assert.match(missing.message, /shards\/00002\.arrow does not exist/);
});

test("damaged sums are told apart from damaged samples", async () => {
  const path = await makeLarge();
  flipBit(join(path, "shards/00000.sums"), 9);
  const error = await failureOf(path);
  assert.equal(error.code, "corrupt");
  assert.match(error.message, /shards\/00000\.sums is damaged: its hash is not the one in dataset\.json/);
});

test("threads that die in the middle of a loop end it with an error, not a hang", async () => {
  const path = await makeLarge();
  const engine = openEngine(path, 64 * 2 ** 20);
  const loop = loopOf(engine, { batchSize: 10, readers: 3, epochs: Number.POSITIVE_INFINITY });
  await loop.next();
  await engine.readers.close();
  await assert.rejects(
    async () => {
      for await (const _ of loop);
    },
    (error) =>
      error instanceof SpillwayError &&
      error.code === "thread" &&
      /a reader thread ended in the middle of its work/.test(error.message),
  );
  await engine.close();
});

test("opening and looping writes nothing", async () => {
  const path = await makeSmall();
  const look = () =>
    fs.readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => {
      const { mtimeMs, size, ino } = fs.statSync(join(entry.parentPath, entry.name));
      return [entry.name, mtimeMs, size, ino];
    });
  const before = look();
  const dataset = await open(path, { memory: "24 MiB" });
  await collect(dataset.view().batches({ batchSize: 50 }));
  await dataset.close();
  assert.deepEqual(look(), before);
});

const loopScript = `
import { open } from "spillway";
const dataset = await open(process.argv[2], { memory: "96 MiB" });
const seen = new Set();
for await (const batch of dataset.view().batches({ batchSize: 16, readers: 8, epochs: 3 })) for (const id of batch.ids) seen.add(id);
console.log(seen.size);
if (process.argv[3] === "close") await dataset.close();
`;

/** Runs the script above inside the package, so that "spillway" is this one. */
async function runScript(prefix: string, path: string, ending: string, text = loopScript): Promise<string> {
  const script = join(root, `build/faults-${process.pid}-${dirname(path).split("-").at(-1)}.mjs`);
  fs.writeFileSync(script, text);
  try {
    const command = `${prefix} exec "$0" "$@"`;
    const { stdout } = await run("sh", ["-c", command, process.execPath, script, path, ending], {
      timeout: 60_000,
    });
    return stdout.trim();
  } finally {
    fs.rmSync(script);
  }
}

test("a process that may open 64 files reads a dataset of 1,000 shards, sums beside each, with 8 readers asked for", {
  skip: process.platform !== "linux" && "there is no prlimit",
}, async () => {
  const path = makeSparse(join(temporaryFolder(), "dataset"), 2000, 1024, { rowsInShard: 2 });
  assert.equal(fs.readdirSync(join(path, "shards")).length, 2 * 1000);
  // Node alone needs more than 64 to load the library's packages, which it does before anything can be said about it.
  const script = `import { execFileSync } from "node:child_process";
import { open } from "spillway";
execFileSync("prlimit", ["--pid", String(process.pid), "--nofile=64:64"]);
const dataset = await open(process.argv[2], { memory: "96 MiB" });
const seen = new Set();
const batches = dataset.view().batches({ batchSize: 16, readers: 8, epochs: 3 });
for await (const { ids } of batches) for (const id of ids) seen.add(id);
console.log(seen.size, (await dataset.stats()).notes.join(" "));
await dataset.close();`;
  assert.equal(
    await runScript("", path, "close", script),
    "2000 8 readers were asked for, 2 can be started where the process may open 64 files: raise the limit, for example with ulimit -n 4096.",
  );
});

test("a process that forgets to close its dataset ends by itself", {
  skip: process.platform === "win32" && "there is no sh",
}, async () => {
  assert.equal(await runScript("", await makeSmall(), "leave open"), String(count));
});

test("a dataset of a newer format is refused with both versions", async () => {
  const path = await makeSmall();
  const file = join(path, "dataset.json");
  fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace('"version": 1', '"version": 3'));
  await assert.rejects(
    open(path),
    (error) =>
      error instanceof SpillwayError &&
      error.code === "version" &&
      error.message.includes("has format version 3, this Spillway reads up to 2"),
  );
});

test("a dataset that is not whole opens with a warning that says how much is there", async () => {
  const path = await makeSmall();
  const file = join(path, "dataset.json");
  const manifest = JSON.parse(fs.readFileSync(file, "utf8"));
  fs.writeFileSync(file, JSON.stringify({ ...manifest, packing: { rows: 5000 } }));
  const warning = new Promise<Error>((done) => process.once("warning", done));
  const dataset: Dataset = await open(path, { memory: "16 MiB" });
  assert.match(
    (await warning).message,
    new RegExp(`is not whole: ${count} of 5000 samples are packed\\. Run the pack command again`),
  );
  assert.deepEqual(dataset.unfinished, { plannedRows: 5000 });
  await dataset.close();
});

test("a folder that holds no dataset says what to do", async () => {
  await assert.rejects(
    open(join(root, "src")),
    /holds no dataset\.json\. Pack your data first: spillway pack/,
  );
  await assert.rejects(
    open(join(root, "nowhere")),
    (error) => error instanceof SpillwayError && error.code === "missing",
  );
});

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { type DType, open } from "spillway";
import type { Engine } from "#spillway/load/engine";
import { OpenFiles } from "#spillway/load/open-files";
import {
  createReadingWords,
  readingWord,
  sumOfLines,
  threadNumber,
  wayWord,
} from "#spillway/load/reading-words";
import { ShardReads } from "#spillway/load/shard-reads";
import { packEncoded } from "../fixtures/encoded.js";
import { contentOf, loopOf, openEngine } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";

const mebi = 2 ** 20;
/** A memory in which nothing can be pinned. */
const little = 26 * mebi;
const canBeDirect = fs.constants.O_DIRECT !== undefined;
const skip = !canBeDirect && "this system has no direct reads";
const refusing = new URL("../fixtures/refusing-reader.js", import.meta.url);

test("direct reads deliver what the page cache does, whatever the size and place of records", {
  skip,
}, async () => {
  const kinds: { dtype: DType; shape: number[] }[] = [
    { dtype: "float32", shape: [5] },
    { dtype: "uint8", shape: [3000] },
    { dtype: "int16", shape: [4096] },
    { dtype: "uint8", shape: [8192] },
    { dtype: "float64", shape: [1030] },
  ];
  for (const field of kinds) {
    const path = await packEncoded({ data: field, other: { dtype: "uint8", shape: [100] } }, 700);
    for (const deliver of ["stored", "float32"] as const) {
      const buffered = openEngine(path, little);
      const options = { epochs: 2, deliver, readers: 2 };
      const expected = await contentOf(loopOf(buffered, options));
      await buffered.close();
      const direct = openEngine(path, little, { freeMemory: () => 0 });
      assert.deepEqual(await contentOf(loopOf(direct, options)), expected);
      assert.deepEqual(await contentOf(loopOf(direct, { ...options, seed: undefined })), [
        ...(await inOrder(path, deliver)),
      ]);
      const { isDirect, ...stats } = { isDirect: wayOf(direct), ...direct.reading.stats() };
      assert.ok(isDirect, stats.reason);
      assert.deepEqual(direct.reading.notes(), []);
      await direct.close();
    }
  }
});

function wayOf(engine: ReturnType<typeof openEngine>): boolean {
  return engine.reading.shared.words[readingWord.way] === wayWord.direct;
}

async function inOrder(path: string, deliver: "stored" | "float32"): Promise<string[]> {
  const engine = openEngine(path, little);
  const content = await contentOf(loopOf(engine, { epochs: 2, deliver, seed: undefined }));
  await engine.close();
  return content;
}

test("a disk that refuses direct reads is read through the page cache, which stats says", {
  skip,
}, async () => {
  const path = await packed({ count: 500, length: 5000, dtype: "uint8" });
  const plain = openEngine(path, little);
  const expected = await contentOf(loopOf(plain, { epochs: 2 }));
  await plain.close();
  const engine = openEngine(path, little, { freeMemory: () => 0, readerScript: refusing });
  assert.deepEqual(await contentOf(loopOf(engine, { epochs: 2 })), expected);
  assert.deepEqual(engine.reading.notes(), [
    "The disk refuses direct reads: shards are read through the page cache.",
  ]);
  await contentOf(loopOf(engine));
  const { way, reason } = engine.reading.stats();
  assert.ok(way === "buffered" || way === "pinned");
  if (way === "buffered") assert.match(reason, /read through it because the disk refuses direct reads\.$/);
  await engine.close();
});

test("loops over few samples leave these to the page cache; once more were read than it holds, the disk is read", {
  skip,
}, async () => {
  const path = await packed({ count: 2000, length: 5000, dtype: "uint8" });
  const engine: Engine = openEngine(path, little, {
    freeMemory: () => engine.pool.byteLength - engine.pool.touched + 4 * mebi,
  });
  const ways: string[] = [];
  for (const [rows, times] of [
    [200, 3],
    [300, 1],
    [400, 2],
    [200, 1],
  ] as const) {
    for (let k = 0; k < times; k += 1) {
      await contentOf(loopOf(engine, { rows }));
      ways.push(engine.reading.stats().way!);
    }
  }
  // 1, 2.5 and 4.5 MB of samples, where 4 MiB are free besides.
  assert.deepEqual(ways, [
    "page cache",
    "page cache",
    "page cache",
    "page cache",
    "direct",
    "direct",
    "direct",
  ]);
  await engine.close();
});

/** One reader's reads of the first shard of a dataset, and what they asked of the system. */
async function readsOf(path: string, isDirect: boolean, answer?: (asked: number) => number) {
  const dataset = await open(path, { memory: "16 MiB" });
  const [shard] = dataset.manifest.shards;
  await dataset.close();
  const reading = createReadingWords();
  reading.words[readingWord.way] = isDirect ? wayWord.direct : wayWord.buffered;
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const asked: [at: number, byteLength: number, start: number][] = [];
  const files = new OpenFiles(path, [shard!.path], Float64Array.of(shard!.bytes), 4);
  const reads = new ShardReads(files, {
    reading,
    thread: 3,
    bytes,
    mayBeDirect: true,
    readSync: (fd, target, at, byteLength, start) => {
      asked.push([at, byteLength, start]);
      const most = answer?.(asked.length) ?? byteLength;
      return most < 0 ? 0 : fs.readSync(fd, target, at, Math.min(most, byteLength), start);
    },
  });
  return { reads, files, reading, asked, bytes, file: fs.readFileSync(`${path}/${shard!.path}`) };
}

test("direct reads ask for the blocks that cover a record, and for the record alone where it is made of blocks", {
  skip,
}, async () => {
  const path = await packed({ count: 40, length: 5000, dtype: "uint8" });
  const { reads, files, reading, asked, bytes, file } = await readsOf(path, true);
  const read = (start: number, length: number, to: number) => {
    const at = reads.read(0, start, length, to, 65_536);
    assert.deepEqual(Buffer.from(bytes.slice(at, at + length)), file.subarray(start, start + length));
    return at;
  };
  assert.equal(read(4096, 8192, 8192), 8192);
  assert.equal(read(4096, 8192, 8200), 65_536, "a slot that is not a multiple of a block");
  assert.equal(read(5000, 10, 8192), 65_536 + 904);
  assert.equal(read(8190, 4, 8192), 65_536 + 4094);
  assert.equal(read(file.length - 5, 5, 0), 65_536 + ((file.length - 5) % 4096), "the file's last bytes");
  const last = Math.floor((file.length - 5) / 4096) * 4096;
  assert.deepEqual(asked, [
    [8192, 8192, 4096],
    [65_536, 8192, 4096],
    [65_536, 4096, 4096],
    [65_536, 8192, 4096],
    [65_536, 4096, last],
  ]);
  reads.note(2, 5);
  const sum = (number: number) => sumOfLines(reading, number);
  const { hits, misses, diskBytes, diskReads, since } = threadNumber;
  assert.deepEqual([sum(hits), sum(misses), sum(diskReads), sum(since)], [2, 5, 5, 0]);
  assert.equal(sum(diskBytes), 8192 + 8192 + 4096 + 8192 + 4096);
  files.closeAll();
});

test("short reads go on where they stopped, and a file that ends too early is named with its bytes", {
  skip,
}, async () => {
  const path = await packed({ count: 40, length: 5000, dtype: "uint8" });
  for (const isDirect of [false, true]) {
    const { reads, files, bytes, file, asked } = await readsOf(path, isDirect, (n) =>
      n === 1 ? 4096 : 2 ** 30,
    );
    const at = reads.read(0, 4100, 9000, 8192, 65_536);
    assert.deepEqual(Buffer.from(bytes.slice(at, at + 9000)), file.subarray(4100, 13_100));
    assert.equal(asked.length, 2);
    assert.throws(
      () => reads.read(0, file.length - 100, 200, 8192, 65_536),
      /shards\/00000\.arrow ends at(?: or before)? byte \d+, bytes \d+ to \d+ were expected/,
    );
    files.closeAll();
  }
});

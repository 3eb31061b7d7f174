import assert from "node:assert/strict";
import fs from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { SpillwayError } from "spillway";
import { lineOf, threadNumber } from "#spillway/load/reading-words";
import { contentOf, loopOf, openEngine } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";

const mebi = 2 ** 20;
/** A memory in which nothing can be pinned. */
const little = 26 * mebi;
const make = () => packed({ count: 400, length: 5000, dtype: "uint8", shardSize: "500 KB" });
const script = (name: string) => new URL(`../fixtures/${name}.js`, import.meta.url);

for (const [way, freeMemory] of [
  ["through the page cache", () => 2 ** 40],
  ["directly", () => 0],
] as const) {
  test(`a disk that fails while shards are read ${way} ends the loop with shard, byte and cause`, async () => {
    const path = await make();
    const engine = openEngine(path, little, { freeMemory, readerScript: script("failing-reader") });
    const before = (await engine.residents()).byteLength;
    const error = await contentOf(loopOf(engine)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof SpillwayError && error.code === "io", String(error));
    assert.match(
      error.message,
      /shards\/\d{5}\.arrow cannot be read at byte \d+: EIO: i\/o error, read\. Check the disk and the system's log\.$/,
    );
    assert.match(String(error.cause), /EIO/);
    assert.equal(engine.loops.size, 0);
    assert.equal(engine.pool.held, before + engine.pool.threads * 8 * mebi, "everything was given back");
    assert.deepEqual(engine.reading.notes(Date.now() + 60_000), [], "no read is going on");
    await engine.close();
  });

  test(`a shard that is cut short while it is read ${way} ends the loop with its name`, async () => {
    const path = await make();
    const engine = openEngine(path, little, { freeMemory });
    const batches = loopOf(engine, { epochs: Number.POSITIVE_INFINITY });
    await batches.next();
    for (const name of fs.readdirSync(join(path, "shards")).filter((name) => name.endsWith(".arrow")))
      fs.truncateSync(join(path, "shards", name), 10_000);
    await assert.rejects(
      contentOf(batches),
      (error) =>
        error instanceof SpillwayError &&
        /shards\/\d{5}\.arrow (ends at(?: or before)? byte \d+, bytes \d+ to \d+ were expected|has 10000 bytes, dataset\.json says \d+)/.test(
          error.message,
        ),
    );
    await engine.close();
  });
}

test("a disk that stalls holds the loop up, which stats says with the shard, and then goes on", async () => {
  const path = await make();
  const expected = await readAll(path);
  const engine = openEngine(path, little, { readerScript: script("stalling-reader") });
  const taken = contentOf(loopOf(engine));
  const stalled = () => engine.reading.notes(Date.now() + 31_000);
  while (stalled().length === 0) await setTimeout(5);
  await setTimeout(50);
  assert.deepEqual(engine.reading.notes(), [], "a short wait is nothing to speak of");
  assert.match(
    stalled()[0]!,
    /^A read has taken 3[12] s so far: shards\/\d{5}\.arrow of .*\. The loop goes on when the disk answers\.$/,
  );
  fs.writeFileSync(join(path, "go"), "");
  assert.deepEqual(await taken, expected);
  assert.deepEqual(stalled(), []);
  await engine.close();
});

async function readAll(path: string): Promise<string[]> {
  const engine = openEngine(path, little);
  const content = await contentOf(loopOf(engine));
  await engine.close();
  return content;
}

test("a loop for which no thread can be started ends with that, and gives everything back", async () => {
  const engine = openEngine(await make(), 64 * mebi, { readerScript: new URL("http://localhost/reader.js") });
  const before = (await engine.residents()).byteLength;
  const error = await contentOf(loopOf(engine, { readers: 4 })).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof SpillwayError && error.code === "thread", String(error));
  assert.match(error.message, /^a reader thread could not be started: /);
  assert.deepEqual([engine.loops.size, engine.pool.held, engine.pool.threads], [0, before, 0]);
  await engine.close();
});

test("while reads wait for the disk, readers beyond the cores start, one after another", async () => {
  const path = await make();
  const expected = await readAll(path);
  const readers = availableParallelism() + 3;
  const engine = openEngine(path, 64 * mebi, { readerScript: script("gated-reader") });
  fs.writeFileSync(join(path, "stop"), "");
  const taken = contentOf(loopOf(engine, { readers }));
  const reading = () => {
    return Array.from(
      { length: readers },
      (_, thread) => lineOf(engine.reading.shared, thread)[threadNumber.since]!,
    ).filter((since) => since > 0).length;
  };
  while (reading() < readers) await setTimeout(10);
  fs.rmSync(join(path, "stop"));
  assert.deepEqual(await taken, expected);
  assert.equal(engine.readers.idle, readers);
  await engine.close();
});

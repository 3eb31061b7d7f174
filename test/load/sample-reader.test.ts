import assert from "node:assert/strict";
import { test } from "node:test";
import { reserveLoop } from "#spillway/load/loop-room";
import type { ReaderJob } from "#spillway/load/messages";
import { readingWord } from "#spillway/load/reading-words";
import { SampleReader } from "#spillway/load/sample-reader";
import type { Selection } from "#spillway/load/selection";
import { openEngine, scheduleOf } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";
import { readerHere } from "../fixtures/reader-here.js";

test("a run during which the pinned set gave way is read again, and counted once", async () => {
  const count = 40;
  const path = await packed({ count, length: 5000, dtype: "uint8", layout: "source" });
  const engine = openEngine(path, 64 * 2 ** 20);
  const { table: residents } = await engine.residents();
  const isResident = residents.columns.map((place) => place !== undefined);
  const schedule = scheduleOf(count, 10, 1);
  const selection: Selection = { count, fingerprint: "all", rows: { kind: "range", start: 0 } };
  const { plan, reservation } = reserveLoop(
    engine,
    { schedule, selection, deliver: "stored", readers: 1 },
    isResident,
  );
  engine.reading.prepare(isResident, selection, plan.byteLength);
  const { reading } = engine;
  let reads = 0;
  const here = readerHere(engine, () => {
    reads += 1;
    // As a chunk that is given back while this run is being read.
    if (reads === 3) Atomics.add(reading.shared.words, readingWord.generation, 1);
  });
  const job = { plan, reservation, residents, reader: 0 } as unknown as ReaderJob;
  const samples = new SampleReader(here.start, job, here.files);
  const ids = Float64Array.of(7, 3, 39, 20);
  samples.read(ids, ids, ids.length, 0);
  const field = plan.fields.find(({ name }) => name === "data")!;
  const ring = new Uint8Array(reservation.memory.buffer, reservation.address + field.ring);
  assert.deepEqual(
    [...ids].map((_, k) => ring[k * 5000 + 1]),
    [...ids],
  );
  const { hits, misses, diskReads } = reading.stats();
  // Four reads, the run again: the four records have been kept by then.
  assert.deepEqual([reads, hits, misses, diskReads], [4, 4, 0, 4]);
  here.close();
  await engine.close();
});

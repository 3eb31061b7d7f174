import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { word32 } from "#spillway/load/control";
import { takeGround } from "#spillway/load/ground";
import type { MakingJob, StreamJob } from "#spillway/load/messages";
import { endlessSchedule, Stream } from "#spillway/load/stream";
import { runStreamJob } from "#spillway/load/stream-reader";
import { openEngine } from "../fixtures/engine.js";
import { packed } from "../fixtures/packed.js";
import { readerHere } from "../fixtures/reader-here.js";
import { ScriptedReader } from "../fixtures/scripted-reader.js";

const cores = availableParallelism();
const count = 100;

/** A stream with such readers, and nobody in it. */
async function streamOf(readers: readonly ScriptedReader[]) {
  const engine = openEngine(await packed({ count }), 2 ** 28);
  engine.readers.lend = () => [...readers];
  const request = {
    schedule: endlessSchedule(count, 0),
    seed: 1,
    selection: { count, fingerprint: "0123456789abcdef", rows: { kind: "range", start: 0 } as const },
    deliver: "float32" as const,
    readers: readers.length,
    commit: 1,
    signal: undefined,
    stream: { of: "a feed" as const, largestBatch: 8 },
  };
  const ground = await takeGround(engine, request);
  const stream = new Stream(engine, request, ground);
  const join = () => {
    const entry = stream.freeEntry()!;
    const all = { from: 0, end: count };
    stream.enter(entry, { ...all, slow: "wait" }, () => all);
    return entry;
  };
  const begin = () =>
    stream.start({
      schedule: request.schedule,
      from: 0,
      onFailure: assert.fail,
      onMakingFailed: () => assert.fail(),
    });
  return { engine, ground, stream, join, begin };
}

test("a reader that starts late is told of the trainers that are there then, and of no others", async () => {
  const readers = Array.from({ length: cores + 2 }, () => new ScriptedReader());
  const { engine, ground, stream, join, begin } = await streamOf(readers);
  const tell = (entry: ReturnType<typeof join>) =>
    stream.makeFor(entry as unknown as Omit<MakingJob, "type" | "loop">);
  const told = ({ job }: ScriptedReader) =>
    (job as StreamJob).makings.map(({ trainer, serial }) => [trainer, serial]);
  const first = join();
  begin();
  assert.deepEqual(told(readers[0]!), []);
  tell(first);
  tell(join());
  readers[0]!.setReady();
  await setImmediate();
  const [late, last] = readers.slice(cores);
  assert.deepEqual(told(late!), [
    [0, 1],
    [1, 1],
  ]);
  await stream.leave(0);
  late!.setReady();
  await setImmediate();
  assert.deepEqual(told(last!), [[1, 1]]);
  tell(join());
  assert.deepEqual(last!.log, [`job ${cores + 1}`, "making 0"]);
  for (const { end } of readers) end(undefined);
  await stream.close();
  ground.release();
  await engine.close();
});

test("a reader that has not heard of a trainer wakes those that make its batches, once there are samples for them", async () => {
  for (const isTold of [true, false]) {
    const reader = new ScriptedReader();
    const { engine, ground, stream, join, begin } = await streamOf([reader]);
    join();
    begin();
    if (isTold) stream.control.noteTold();
    const { words32 } = stream.control.control;
    const before = words32[word32.readerBell];
    const here = readerHere(engine, () => {
      words32[word32.stop] = 1;
    });
    await runStreamJob(here.start, reader.job as StreamJob, here.files, {
      listen: () => undefined,
      tell: () => assert.fail(),
    });
    assert.equal(words32[word32.readerBell] !== before, isTold);
    here.close();
    reader.end(undefined);
    await stream.close();
    ground.release();
    await engine.close();
  }
});

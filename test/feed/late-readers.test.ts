// Readers that start when a trainer is there already make batches for it like those that were first.

import assert from "node:assert/strict";
import fs from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { custom } from "spillway";
import { planAugmentation } from "#spillway/augment/plan";
import { runAugmentedLoop } from "#spillway/feed/augmented-loop";
import { lineOf, threadNumber } from "#spillway/load/reading-words";
import { openEngine, scheduleOf } from "../fixtures/engine.js";
import { packed, temporaryFolder } from "../fixtures/packed.js";
import { moduleOf } from "./augmented.js";

const count = 600;

test("a reader that starts late makes batches too", async () => {
  const path = await packed({ count });
  const folder = temporaryFolder();
  const readers = availableParallelism() + 2;
  const engine = openEngine(path, 2 ** 27, {
    readerScript: new URL("../fixtures/gated-reader.js", import.meta.url),
  });
  // Each thread that makes leaves a file, and takes its time so that the others get their turn.
  const module = moduleOf(`
    import fs from "node:fs";
    import { threadId } from "node:worker_threads";
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    fs.writeFileSync(${JSON.stringify(`${folder}/`)} + threadId, "");
    export default () => { Atomics.wait(nothing, 0, 0, 5); };
  `);
  const fields = engine.fields.map((field, k) => ({ name: engine.table.columns[k]!.name, field }));
  const request = {
    schedule: scheduleOf(count, 16, 1),
    seed: 1,
    selection: { count, fingerprint: "0123456789abcdef", rows: { kind: "range", start: 0 } as const },
    commit: 1,
    deliver: "float32" as const,
    readers,
    signal: undefined,
  };
  const plan = planAugmentation([custom({ module })], fields);
  fs.writeFileSync(join(path, "stop"), "");
  const batches = runAugmentedLoop(engine, request, { plan, seed: 1 });
  const first = batches.next();
  const isReading = (_: unknown, thread: number) =>
    lineOf(engine.reading.shared, thread)[threadNumber.since]! > 0;
  while (!Array.from({ length: readers }, isReading).every(Boolean)) await setTimeout(10);
  fs.rmSync(join(path, "stop"));
  let samples = (await first).value!.size;
  for await (const { size } of batches) samples += size;
  assert.equal(samples, count);
  assert.equal(fs.readdirSync(folder).length, readers);
  await engine.close();
});

// Trainers in worker threads: the same batches as here, and however a worker ends, the others go on at once.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { open, type Trainer } from "spillway";
import { collect, packed, upTo } from "../fixtures/packed.js";
import { requireAllGivenBack } from "./bench-feed.js";
import type { Task } from "./taking-child.js";

const count = 500;
const path = await packed({ count });

interface Got {
  numbers: number[];
  error?: string;
}

/** What a worker says first; it may throw right after, which comes by another way. */
function firstWordOf(worker: Worker): Promise<Got> {
  return new Promise((resolve) => worker.once("message", resolve));
}

/** Hands a trainer over to a new worker. */
async function send(
  trainer: Trainer,
  task: Pick<Task, "after" | "deed">,
): Promise<Worker & { exited: Promise<unknown> }> {
  const worker = new Worker(new URL("./taking-child.js", import.meta.url));
  // One that throws is meant to.
  worker.on("error", () => {});
  // It may have ended by itself before anybody asks.
  const exited = new Promise((resolve) => worker.on("exit", resolve));
  const handle = await trainer.handOver();
  worker.postMessage({ handle, ...task }, [handle.port]);
  return Object.assign(worker, { exited });
}

const toTheEnd = { after: Number.POSITIVE_INFINITY, deed: "leave" } as const;

test("trainers in worker threads get the batches that they would get here", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const view = dataset.view();
  const feed = view.feed({ seed: 5 });
  const sizes = [7, 64];
  const trainers = sizes.map((batchSize) => feed.trainer({ batchSize, epochs: 3 }));
  const here = feed.trainer({ batchSize: 50, epochs: 3 });
  const workers = await Promise.all(trainers.map((trainer) => send(trainer, toTheEnd)));
  const got = workers.map((worker) => once(worker, "message"));
  const own = await collect(view.batches({ seed: 5, epochs: 3 }));
  assert.deepEqual(await collect(here), own);
  for (const [{ numbers, error }] of (await Promise.all(got)) as [Got][]) {
    assert.equal(error, undefined);
    assert.deepEqual(numbers, own);
  }
  await Promise.all(trainers.map((trainer) => trainer.leave()));
  await requireAllGivenBack(dataset);
  await dataset.close();
});

for (const deed of ["throw", "exit", "leave", "terminate", "twice"] as const) {
  test(`a worker that does "${deed}" in the middle is let go, and the others go on`, async () => {
    const dataset = await open(path, { memory: "64 MiB" });
    const feed = dataset.view().feed();
    const away = feed.trainer({ batchSize: 10, epochs: 1000, name: "away" });
    // It may end long before the other has.
    const here = feed.trainer({ batchSize: 25, epochs: 200 });
    const worker = await send(away, { after: 3, deed: deed === "terminate" ? "forget" : deed });
    const first = await firstWordOf(worker);
    assert.ok(first.numbers.length >= 30);
    if (deed === "terminate") await worker.terminate();
    if (deed === "twice") {
      const [{ error }] = (await once(worker, "message")) as [Got];
      assert.match(String(error), /the batches of away were taken already/);
    }
    const numbers = await collect(here);
    assert.equal(numbers.length, 200 * count);
    assert.deepEqual(
      numbers.slice(0, count).sort((a, b) => a - b),
      upTo(count),
    );
    await worker.exited;
    await away.leave();
    await requireAllGivenBack(dataset);
    await dataset.close();
  });
}

test("a worker that sits on its batch is let go by leave(), and its memory comes back when its thread ends", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed();
  const away = feed.trainer({ batchSize: 10, epochs: 1000 });
  const here = feed.trainer({ batchSize: 25, epochs: 400 });
  const worker = await send(away, { after: 3, deed: "sit" });
  await once(worker, "message");
  const leaving = away.leave();
  assert.equal((await collect(here)).length, 400 * count);
  // Joining does not wait for it either.
  assert.equal((await collect(feed.trainer({ batchSize: 50 }))).length, count);
  await worker.terminate();
  await leaving;
  await requireAllGivenBack(dataset);
  await dataset.close();
});

test("a handle that nobody takes holds nothing up once the feed is closed, and cannot be taken then", async () => {
  const { takeTrainer } = await import("spillway");
  const dataset = await open(path, { memory: "64 MiB" });
  const feed = dataset.view().feed();
  const handle = await feed.trainer({ name: "idle" }).handOver();
  await feed.close();
  await requireAllGivenBack(dataset);
  assert.throws(() => takeTrainer(handle), /^SpillwayError: idle has left its feed\. Call feed\.trainer\(\)/);
  await dataset.close();
});

for (const what of ["feed", "dataset"] as const) {
  test(`closing the ${what} ends trainers in workers with an error that says so`, async () => {
    const dataset = await open(path, { memory: "64 MiB" });
    const feed = dataset.view().feed();
    const away = feed.trainer({ batchSize: 10, epochs: 100_000 });
    const worker = await send(away, toTheEnd);
    while (away.stats().batches < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    const said = once(worker, "message");
    await (what === "feed" ? feed : dataset).close();
    const [{ error }] = (await said) as [Got];
    assert.match(String(error), new RegExp(`its ${what} is closed`));
    await dataset.close();
  });
}

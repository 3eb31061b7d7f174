// Loops over a dataset: any number of them in one memory, ended in any way, with nothing left over.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type BatchOptions, open, SpillwayError } from "spillway";
import { collect, numbersOf, packed, using } from "../fixtures/packed.js";

const count = 1000;
const path = await packed({ count, shardSize: "7 KiB" });

test("a validation loop runs inside a training loop, out of the same memory", async () => {
  await using(path, "40 MiB", async (dataset) => {
    const train = dataset.view({ rows: [0, 800] });
    const val = dataset.view({ rows: [800, 1000] });
    const seen: number[] = [];
    for await (const batch of train.batches({ batchSize: 100, seed: 1 })) {
      const numbers = numbersOf(batch);
      const inner = await collect(val.batches({ batchSize: 50, shuffle: false }));
      assert.equal(inner.length, 200);
      assert.deepEqual(numbersOf(batch), numbers, "the outer batch is still valid");
      seen.push(...numbers);
    }
    assert.equal(new Set(seen).size, 800);
  });
});

test("a validation loop fits beside a training loop whose readers are all at work, from little memory on", async () => {
  for (const memory of ["20 MiB", "24 MiB", "32 MiB", "40 MiB"]) {
    await using(path, memory, async (dataset) => {
      let samples = 0;
      const outer = dataset.view().batches({ batchSize: 10, seed: 1, epochs: 5 });
      for await (const batch of outer) {
        if (batch.index % 50 !== 0) continue;
        samples += (
          await collect(dataset.view({ rows: [800, 1000] }).batches({ batchSize: 10, shuffle: false }))
        ).length;
      }
      assert.equal(samples, 200 * 10, memory);
    });
  }
});

test("timers and signals get their turn in a loop whose batches are always there already", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const signal = AbortSignal.timeout(100);
    await assert.rejects(
      async () => {
        for await (const batch of dataset
          .view()
          .batches({ batchSize: 10, epochs: Number.POSITIVE_INFINITY, signal })) {
          const end = performance.now() + 2;
          while (performance.now() < end) numbersOf(batch);
        }
      },
      { name: "TimeoutError" },
    );
  });
});

test("a loop that is broken out of, or throws, leaves no thread at work, no memory held and no file open", async () => {
  const dataset = await open(path, { memory: "64 MiB" });
  const openFiles = () =>
    fs
      .readdirSync("/proc/self/fd")
      .map((fd) => readLink(join("/proc/self/fd", fd)))
      .filter((name) => name.startsWith(path));
  for await (const _ of dataset.view().batches({ batchSize: 10 })) break;
  await assert.rejects(async () => {
    for await (const _ of dataset.view().batches({ batchSize: 10 })) throw new Error("the model diverged");
  }, /the model diverged/);
  const before = await dataset.stats();
  assert.equal(before.loops, 0);
  assert.equal(before.heldBytes, before.residentBytes + before.threads * 8 * 2 ** 20);
  if (process.platform === "linux") assert.deepEqual(openFiles(), []);
  await dataset.close();
  assert.equal((await dataset.stats()).threads, 0);
});

function readLink(name: string): string {
  try {
    return fs.readlinkSync(name);
  } catch {
    return "";
  }
}

test("an AbortSignal ends a loop with its reason, before it starts and in the middle", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const controller = new AbortController();
    const loop = async () => {
      for await (const batch of dataset
        .view()
        .batches({ batchSize: 10, epochs: Number.POSITIVE_INFINITY, signal: controller.signal })) {
        if (batch.index === 5) controller.abort(new Error("enough"));
      }
    };
    await assert.rejects(loop, /enough/);
    await assert.rejects(loop, /enough/);
    assert.equal((await dataset.stats()).loops, 0);
  });
});

test("closing the dataset while a batch is awaited ends the loop with an error, not a hang", async () => {
  const dataset = await open(path, { memory: "32 MiB" });
  const iterator = dataset
    .view()
    .batches({ batchSize: 10, epochs: Number.POSITIVE_INFINITY })
    [Symbol.asyncIterator]();
  await iterator.next();
  await dataset.close();
  await assert.rejects(async () => {
    for (;;) if ((await iterator.next()).done) throw new Error("it ended silently");
  }, SpillwayError);
});

test("too little memory names the smallest that works, and that works", async () => {
  const options = { batchSize: 500, readers: 2 };
  const needed = await using(path, "9 MiB", async (dataset) => {
    const error = await collect(dataset.view().batches(options)).then(
      () => undefined,
      (thrown) => thrown,
    );
    assert.ok(error instanceof SpillwayError && error.code === "memory", String(error));
    assert.match(
      error.message,
      /memory of 9 MiB is too small: a loop with two batches of .*, 2 readers and their scratch needs .*Open with memory: "\d+ MiB"/,
    );
    return error.where.neededBytes!;
  });
  const numbers = await using(path, String(needed), (dataset) => collect(dataset.view().batches(options)));
  assert.equal(numbers.length, count);
  await assert.rejects(
    using(path, String(needed - 2 ** 20), (dataset) => collect(dataset.view().batches(options))),
    /too small/,
  );
});

test("threads that wait for work give their memory to a loop that lacks it", async () => {
  const large = await packed({ count: 64, length: 2 ** 18, dtype: "uint8" });
  await using(large, "28 MiB", async (dataset) => {
    const small = dataset.view().batches({ batchSize: 1, readers: 2, deliver: "stored" });
    assert.equal((await collect(small)).length, 64);
    for (let epoch = 0; epoch < 2; epoch += 1) {
      const batches = dataset.view().batches({ batchSize: 32, readers: 1, deliver: "stored", seed: epoch });
      assert.equal((await collect(batches)).length, 64);
    }
    const { heldBytes } = await dataset.stats();
    assert.ok(heldBytes <= 28 * 2 ** 20);
  });
});

test("beside as many readers as were asked for, the ring is as small as it must be", async () => {
  const large = await packed({ count: 20, length: 2 ** 20, dtype: "uint8" });
  await using(large, "114 MiB", async (dataset) => {
    const batches = dataset.view().batches({ batchSize: 1, readers: 12, deliver: "stored" });
    assert.equal((await collect(batches)).length, 20);
  });
});

test("options that make no sense are refused when the loop is made", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const view = dataset.view();
    const bad: BatchOptions[] = [
      { batchSize: 0 },
      { batchSize: 1.5 },
      { seed: -1 },
      { epochs: -1 },
      { readers: 0 },
      { deliver: "float64" as never },
      { rank: 1 },
      { resume: "x" },
    ];
    for (const options of bad)
      assert.throws(
        () => view.batches(options),
        (error) => error instanceof SpillwayError && error.code === "usage",
        JSON.stringify(options),
      );
    assert.throws(
      () => dataset.view({ rows: [0, count + 1] }),
      /rows 0 to 1001 are not a part of the 1000 rows/,
    );
  });
});

test("batches are taken once", async () => {
  await using(path, "32 MiB", async (dataset) => {
    const batches = dataset.view().batches({ batchSize: 300 });
    assert.equal(batches.count, 4);
    await collect(batches);
    await assert.rejects(collect(batches), /taken already/);
  });
});

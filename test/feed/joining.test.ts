// One that joins may take the room which another one counted on when it went to sleep: that one is woken all the same.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { takeTrainer } from "spillway";
import { entry64, StreamControl } from "#spillway/load/stream-control";
import { packed } from "../fixtures/packed.js";
import { iterate, withFeed } from "./bench-feed.js";

const mebi = 2 ** 20;

test("a trainer that sleeps for samples which a joiner leaves no room for gets those that there is room for", async (t) => {
  const path = await packed({ count: 1200, length: 5000, dtype: "uint8" });
  const stop = join(path, "stop");
  // Waits seem to take no time, so that the sleeper wants as many batches at once as there may be.
  t.mock.method(performance, "now", () => 0);
  const parts = {
    readerScript: new URL("../fixtures/gated-reader.js", import.meta.url),
    freeMemory: () => 2 ** 40,
  };
  const work: Parameters<typeof withFeed>[2] = async (feed) => {
    const handle = await feed.trainer({ batchSize: 1 }).handOver();
    const { seat } = handle;
    const { segments, ring, entries, plan, trainer } = seat;
    const control = new StreamControl(segments.ring, ring.address, entries, {
      runLength: plan.runLength,
      ringRuns: plan.places * plan.runsPerBatch,
    });
    const { slots, runLength } = control;
    assert.ok(slots + 2 * runLength < 1200, `${slots}`);
    const sleeper = iterate(takeTrainer(handle));
    let taken = 0;
    // Past the first round of the ring, so that one that joins finds all of it in use.
    for (; taken < slots; taken += 1) await sleeper.next();
    fs.writeFileSync(stop, "");
    let pending = sleeper.next().then(() => {
      taken += 1;
    });
    // A read that was under way when the disk stopped would be one batch more.
    const isAsleep = () =>
      fs.existsSync(join(path, "stopped")) &&
      control.get(trainer, entry64.wanted) > control.claimedRuns * runLength;
    while (!isAsleep()) {
      const before = taken;
      await Promise.race([pending, setTimeout(20)]);
      if (taken > before)
        pending = sleeper.next().then(() => {
          taken += 1;
        });
    }
    const end = control.claimedRuns * runLength;
    assert.ok(taken < end);
    await feed.trainer({ batchSize: 1, late: "now", name: "joiner" }).joined;
    assert.equal(control.lowestReleased() + slots, end, "the joiner keeps all that is there");
    // The sleeper looks anew what it can wait for.
    await setTimeout(100);
    const before = taken;
    fs.rmSync(stop);
    while (!control.isReady(before, end)) await setTimeout(5);
    await Promise.race([pending, setTimeout(5000)]);
    assert.equal(taken, before + 1);
    await feed.close();
  };
  await withFeed(path, { readers: 1 }, work, 20 * mebi, parts);
});

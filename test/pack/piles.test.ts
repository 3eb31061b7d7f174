// Piles of the two passes give the order of the hashes, however small the memory is and wherever pass 1 goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readState } from "#spillway/pack/state";
import { type TwoPassJob, takeFromPiles, throwOnPiles } from "#spillway/pack/two-pass";
import { sourceOf } from "#spillway/source/iterable";
import type { Source } from "#spillway/source/source";
import { newPath } from "../fixtures/new-path.js";
import { collected, shuffled } from "./layouts.js";
import { stream, streamFields } from "./sources.js";

/** Two passes of seed 1 over a source, from their beginning. */
function jobOf(folder: string, source: Source, arenaBytes: number): TwoPassJob {
  return {
    folder,
    source,
    seed: 1,
    arena: new Uint8Array(arenaBytes),
    state: {
      version: 1,
      begun: {
        kind: "",
        fingerprint: "",
        layout: "",
        seed: 1,
        shardBytes: 0,
        fields: "",
        dtype: "",
        before: 0,
      },
      pass: 1,
      samples: 0,
    },
    steps: { advance: () => {}, check: () => {} },
  };
}

/** Numbers of the samples in the order that both passes of a job give, from row `skip` on. */
async function drawn(job: TwoPassJob, skip = 0): Promise<number[]> {
  const state = await throwOnPiles(job);
  const numbers: number[] = [];
  for await (const { bytes, path } of takeFromPiles({ ...job, state }, skip, () => {})) {
    const [data] = bytes;
    const number = new DataView(data!.buffer, data!.byteOffset).getInt32(0, true);
    assert.equal(path, `row ${number}`);
    numbers.push(number);
  }
  return numbers;
}

/** The same through piles in an arena of so many bytes. */
async function throughPiles(count: number, arenaBytes: number, skip = 0): Promise<number[]> {
  const source = await sourceOf(stream(count), { fields: streamFields });
  const numbers = await drawn(jobOf(newPath("piles"), source, arenaBytes), skip);
  await source.close();
  return numbers;
}

test("piles that are too large are parted again and again, down to a few samples, to the same order", async () => {
  const count = 3000;
  const expected = shuffled(count, 1);
  for (const arenaBytes of [1024, 4096, 20_000, 2 ** 17, 2 ** 24]) {
    assert.deepEqual(await throughPiles(count, arenaBytes), expected, `arena of ${arenaBytes} bytes`);
  }
  assert.deepEqual(await throughPiles(count, 4096, 1234), expected.slice(1234));
});

test("pass 1 goes on from its last checkpoint where the source can be asked to skip", async () => {
  const count = 1000;
  const folder = newPath("checkpoints");
  const all = await collected(stream(count));
  const job = async (): Promise<TwoPassJob> => ({
    ...jobOf(folder, await sourceOf(all, { fields: streamFields }), 2 ** 18),
    checkpointBytes: 161 * 100,
  });
  const first = await job();
  const reason = new Error("stopped");
  let seen = 0;
  first.steps.check = () => {
    seen += 64;
    if (seen > 700) throw reason;
  };
  await assert.rejects(throwOnPiles(first), reason);
  const state = readState(first.folder)!;
  assert.deepEqual([state.pass, state.samples], [1, 700]);
  assert.deepEqual(await drawn({ ...(await job()), state }), shuffled(count, 1));
});

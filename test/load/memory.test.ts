import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runLimited } from "../fixtures/cgroup.js";
import { temporaryFolder } from "../fixtures/packed.js";
import { makeSparse } from "../fixtures/sparse.js";

const mebi = 2 ** 20;
const memory = 24 * mebi;
/** What Node, its libraries and garbage may take besides: the figure of the README. */
const besides = 80 * mebi;
const child = join(import.meta.dirname, "../fixtures/memory-child.js");
const sampleBytes = 4096;
const folder = temporaryFolder();

interface Measured {
  bare: number;
  first: number;
  last: number;
  held: number;
  samples: number;
}

async function measure(
  dataBytes: number,
  epochs: number,
  t: { diagnostic(text: string): void },
): Promise<Measured> {
  const rows = Math.floor(dataBytes / sampleBytes);
  const path = makeSparse(join(folder, `${rows}-${epochs}`), rows, sampleBytes / 4);
  const { stdout, isLimited } = await runLimited(memory + besides, child, [
    path,
    String(memory),
    String(epochs),
  ]);
  if (!isLimited) t.diagnostic("no cgroup could be made here: measured without one");
  const measured = JSON.parse(stdout) as Measured;
  assert.equal(measured.samples, rows * epochs);
  t.diagnostic(
    `${dataBytes / mebi} MiB of data: peak RSS ${(measured.last / mebi).toFixed(1)} MiB, bare ${(measured.bare / mebi).toFixed(1)} MiB`,
  );
  return measured;
}

test("peak memory of an epoch stays within memory + 80 MiB for data of 1, 10 and 30 times the memory", {
  skip: process.platform !== "linux" && "needs /proc",
}, async (t) => {
  for (const factor of [1, 10, 30]) {
    const { last, held } = await measure(factor * memory, 1, t);
    assert.ok(held <= memory);
    assert.ok(last <= memory + besides, `${factor} x: ${(last / mebi).toFixed(1)} MiB`);
  }
});

test("after 100 epochs of training and validation it takes as much as after the first", {
  skip: process.platform !== "linux" && "needs /proc",
}, async (t) => {
  const { first, last } = await measure(memory / 2, 100, t);
  assert.ok(last <= memory + besides);
  const grown = `${(first / mebi).toFixed(1)} MiB after the first epoch, ${(last / mebi).toFixed(1)} after 100`;
  t.diagnostic(grown);
  assert.ok(last <= first + 12 * mebi, grown);
});

// Measuring a source: the same report by threads and without, read at random or from front to back; errors end it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, SpillwayError, tensor } from "spillway";
import { createMeasurePool } from "#spillway/pack/measure-pool";
import { type Measured, measureFields } from "#spillway/pack/measure-source";
import type { TensorField } from "#spillway/tensor/field";
import { upTo } from "../fixtures/packed.js";

const fields: Fields = {
  a: tensor("float64", [512, 4]),
  b: tensor("int16", [3]),
  c: tensor("float32", [64, 2]),
};
const count = 1500;

function bytesOf(sample: number): Uint8Array[] {
  const a = Float64Array.from({ length: 2048 }, (_, k) => (((sample * 7919 + k * 31) % 4096) - 2048) * 0.125);
  const b = Int16Array.of(sample, -sample, 7);
  const c = Float32Array.from({ length: 128 }, (_, k) => Math.fround(Math.sin(sample + k)));
  return [a, b, c].map((data) => new Uint8Array(data.buffer));
}

const atRandom: Measured = {
  fields,
  sampleCount: count,
  async readInto(index, into) {
    bytesOf(index).forEach((bytes, k) => {
      into[k]!.set(bytes);
    });
    return { path: `${index}` };
  },
  samples: () => assert.fail("they are read at random"),
};

async function* inTurn() {
  for (let index = 0; index < count; index += 1) yield { bytes: bytesOf(index), path: `${index}` };
}

test("a report is the same whether samples are read at random or come one after another", async () => {
  // 24 MiB: enough for threads.
  const options = { names: ["a", "c"], jobs: 16 };
  const seen: number[] = [];
  const one = await measureFields(atRandom, { ...options, onProgress: (samples) => seen.push(samples) });
  const other = await measureFields({ fields, samples: inTurn }, options);
  assert.deepEqual(Object.keys(one), ["a", "c"]);
  assert.equal(seen.at(-1), count);
  for (const name of ["a", "c"]) {
    const [report, again] = [one[name]!.report, other[name]!.report];
    report.channels.forEach(({ facts, found }, k) => {
      assert.deepEqual(again.channels[k]!.found, found);
      const { mean, squares, ...exact } = facts;
      const { mean: mean2, squares: squares2, ...exact2 } = again.channels[k]!.facts;
      assert.deepEqual(exact2, exact);
      assert.ok(Math.abs(mean - mean2) < 1e-9 && Math.abs(squares / squares2 - 1) < 1e-9);
    });
    assert.equal(report.samples, count);
  }
});

test("threads and the packer itself find the same", async () => {
  const field = fields.a as TensorField;
  const parts = async (totalBytes: number) => {
    const pool = createMeasurePool([field], totalBytes);
    try {
      pool.begin([{ axis: 1, codes: upTo(4).map(() => null), keepValues: 1024 }]);
      for (let first = 0; first < 200; ) {
        const slab = await pool.slab();
        const samples = Math.min(slab.capacity, 200 - first);
        for (let k = 0; k < samples; k += 1) slab.bytes.set(bytesOf(first + k)[0]!, k * 16_384);
        pool.submit(slab, samples, first);
        first += samples;
      }
      return (await pool.end()).flat();
    } finally {
      await pool.close();
    }
  };
  const counts = (found: Awaited<ReturnType<typeof parts>>) =>
    found.reduce((sum, { samples }) => sum + samples, 0);
  assert.equal(counts(await parts(0)), 200);
  assert.equal(counts(await parts(Number.POSITIVE_INFINITY)), 200);
});

test("what reading throws ends the measuring, and no thread stays", async () => {
  const error = new SpillwayError("io", "the disk is gone", { remedy: "Look for it." });
  let calls = 0;
  const failing: Measured = {
    ...atRandom,
    async readInto(index, into) {
      calls += 1;
      if (calls > 700) throw error;
      return atRandom.readInto!(index, into);
    },
  };
  await assert.rejects(measureFields(failing, { names: ["a"], jobs: 4 }), (thrown) => thrown === error);
  const stop = new AbortController();
  const reason = new Error("stopped");
  await assert.rejects(
    measureFields(atRandom, {
      names: ["a"],
      jobs: 4,
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    }),
    (thrown) => thrown === reason,
  );
});

test("a thread that dies ends the measuring", async () => {
  const pool = createMeasurePool([fields.a as TensorField], Number.POSITIVE_INFINITY);
  try {
    // Plans of another field: the thread cannot make anything of them.
    pool.begin([{ axis: 1, codes: [], keepValues: Number.NaN }]);
    const slab = await pool.slab();
    pool.submit({ ...slab, bytes: null as unknown as Uint8Array }, 1, 0);
    await assert.rejects(pool.end());
    await assert.rejects(pool.slab());
  } finally {
    await pool.close();
  }
});

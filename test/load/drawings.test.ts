import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type BatchOptions, open, SpillwayError } from "spillway";
import { parseManifest } from "#spillway/format/manifest";
import { bindKernels, kernelModule } from "#spillway/kernels/kernels";
import { Drawings } from "#spillway/load/drawings";
import { Engine } from "#spillway/load/engine";
import { MemoryPool } from "#spillway/load/memory-pool";
import { bindDraws } from "#spillway/load/run-draws";
import { createTable } from "#spillway/load/table";
import { readSmallFile } from "#spillway/store/file";
import { packLabelled } from "../fixtures/labelled.js";
import { temporaryFolder, upTo } from "../fixtures/packed.js";
import { makeSparse } from "../fixtures/sparse.js";

const rows = 100_000;
const sparse = makeSparse(join(temporaryFolder(), "sparse"), rows, 5);

function tableOf(folder: string) {
  const file = join(folder, "dataset.json");
  const manifest = parseManifest(new TextDecoder().decode(readSmallFile(file, 2 ** 20)), file);
  return createTable(folder, manifest);
}

function weightsOf(key: string) {
  const parts = () => [new Float64Array(rows).fill(1)];
  return { kind: "weighted" as const, weights: { name: "weights", key, of: "view" as const, parts } };
}

const whole = { fingerprint: "0123456789abcdef", count: rows, rows: { kind: "range" as const, start: 0 } };

test("what no loop draws by gives way to what one needs, what one draws by does not", async () => {
  const engine = new Engine(tableOf(sparse), 16 * 2 ** 20);
  const residents = await engine.residents();
  const first = await engine.drawings.take(weightsOf("a"), whole, residents);
  const again = await engine.drawings.take(weightsOf("a"), whole, residents);
  assert.deepEqual(again.table, first.table);
  again.release();
  again.release();
  const rest = engine.pool.reserve(engine.pool.largestFree(), "all that is free");
  await assert.rejects(
    engine.drawings.take(weightsOf("b"), whole, residents),
    (error) =>
      error instanceof SpillwayError &&
      error.code === "memory" &&
      /the weights of 100000 samples/.test(error.message),
  );
  first.release();
  const second = await engine.drawings.take(weightsOf("b"), whole, residents);
  assert.deepEqual(second.table, first.table, "in the place of the first");
  assert.equal(engine.drawings.releaseUnused(), false);
  second.release();
  assert.equal(engine.drawings.releaseUnused(), true);
  rest.release();
  await engine.close();
});

test("a signal ends the waiting for weights, not what others wait for", async () => {
  const engine = new Engine(tableOf(sparse), 16 * 2 ** 20);
  const residents = await engine.residents();
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  async function* parts() {
    await gate;
    yield new Float64Array(rows).fill(1);
  }
  const drawing = {
    kind: "weighted" as const,
    weights: { name: "weights", key: "slow", of: "view" as const, parts },
  };
  const controller = new AbortController();
  const first = engine.drawings.take(drawing, whole, residents, controller.signal);
  const second = engine.drawings.take(drawing, whole, residents);
  controller.abort(new Error("enough"));
  await assert.rejects(first, /^Error: enough$/);
  await assert.rejects(engine.drawings.take(drawing, whole, residents, controller.signal), /enough/);
  go();
  (await second).release();
  assert.equal(engine.drawings.releaseUnused(), true);
  await engine.close();
});

test("a loop that does not fit beside weights of earlier loops takes their place", async () => {
  const dataset = await open(sparse, { memory: 9 * 2 ** 20 });
  const run = async (options: BatchOptions) => {
    for await (const batch of dataset.view().batches({ readers: 1, ...options })) return batch.size;
  };
  assert.equal(await run({ weights: new Float64Array(rows).fill(1) }), 32);
  const before = (await dataset.stats()).heldBytes;
  // Two batches of 29 bytes a sample are 793 KiB of 1 MiB, in which labels and sums are, and weights of 397 KiB were.
  assert.equal(await run({ batchSize: 14_000 }), 14_000);
  assert.ok((await dataset.stats()).heldBytes < before - rows * 4);
  assert.equal(await run({ weights: new Float64Array(rows).fill(2) }), 32);
  await dataset.close();
});

test("labels, directory and bits in segments apart give the same draws as in one", async () => {
  const labels = upTo(600).map((i) => (i * i) % 7);
  const table = tableOf(await packLabelled({ classNames: upTo(7).map(String), labels }));
  const drawn: number[][] = [];
  for (const segmentBytes of [2 ** 26, 2 ** 16]) {
    const pool = new MemoryPool(2 ** 22, segmentBytes);
    const place = pool.reserve(4096, "labels");
    new Uint8Array(place.memory.buffer, place.address, 600).set(labels);
    if (segmentBytes === 2 ** 16) pool.reserve(2 ** 16 - 4096, "the rest of the segment");
    const bits = pool.reserve(4096, "bits");
    const words = new Uint32Array(bits.memory.buffer, bits.address, 19);
    words.fill(0);
    let count = 0;
    for (let row = 0; row < 600; row += 1) {
      if (row % 5 === 0) continue;
      words[row >>> 5]! |= 1 << (row & 31);
      count += 1;
    }
    const at = ({ segment, address }: { segment: number; address: number }) => ({ segment, address });
    // The directory of the bits is not looked at by balanced drawing.
    const view = { kind: "bitmap" as const, rows: 600, bits: at(bits), directory: at(bits) };
    const residents = {
      table: { columns: [undefined, at(place)], sums: [], checked: [] },
      notes: [],
      byteLength: 0,
      release() {},
    };
    const reservation = pool.reserve(4096, "a loop");
    const drawings = new Drawings(
      table,
      pool,
      () => {},
      () => false,
    );
    const held = await drawings.take(
      { kind: "balanced", field: "label" },
      { fingerprint: whole.fingerprint, count, rows: view },
      residents,
    );
    const job = {
      drawing: held.table,
      schedule: { n: count },
      seed: 3,
      viewFingerprint: whole.fingerprint,
      rows: view,
      reservation,
    };
    const draws = bindDraws(job as never, bindKernels(kernelModule(), reservation.memory), pool.segments)!;
    drawn.push(upTo(count).map((k) => draws.at(1, k)));
  }
  assert.deepEqual(drawn[1], drawn[0]);
  assert.ok(drawn[0]!.every((row) => row % 5 !== 0));
});

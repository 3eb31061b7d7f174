// kill -9 of `pack` at any moment: what is committed is whole, and the next run ends with the same bytes as if nothing
// had happened. Real kills come at random moments; stops at each single change of the disk are simulated.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { open, SpillwayError } from "spillway";
import { readManifest } from "#spillway/pack/dataset-writer";
import { verifyDataset } from "#spillway/pack/verify";
import { temporaryFolder } from "../fixtures/packed.js";
import { counts, packAs, type Way, ways } from "./crash-ways.js";
import { contentOf, idxPair, npyFolder, seeded } from "./sources.js";
import { stopAt, unsynced } from "./stopped-disk.js";

const folder = temporaryFolder();
const sources: Record<Way, string> = {
  "one pass": npyFolder(join(folder, "npy"), counts["one pass"], 64),
  "two passes": idxPair(join(folder, "idx"), counts["two passes"], 10),
  "two passes of a stream": "",
  "one pass of a stream": "",
};

interface Reference {
  content: Record<string, string>;
  /** What all shards hold, row by row: the numbers of the samples. */
  order: number[];
  /** Lines that the child says from beginning to end. */
  lines: number;
}

const references = new Map<Way, Reference>();

before(async () => {
  for (const way of ways) {
    const path = join(folder, `undisturbed ${way}`);
    const { lines, killed } = await runChild(way, path, Number.POSITIVE_INFINITY, 0);
    assert.ok(!killed);
    const order = await orderOf(path);
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      Array.from({ length: counts[way] }, (_, k) => k),
    );
    references.set(way, { content: contentOf(path), order, lines });
  }
});

/** Runs the child until it said `killAfter` lines and some time more; tells whether that was before its end. */
function runChild(
  way: Way,
  target: string,
  killAfter: number,
  moreMs: number,
): Promise<{ lines: number; killed: boolean }> {
  const script = join(import.meta.dirname, "crash-child.js");
  const child = spawn(process.execPath, [script, way, sources[way], target], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let lines = 0;
  const kill = () => void child.kill("SIGKILL");
  if (killAfter === 0) child.once("spawn", () => setTimeout(kill, moreMs));
  child.stdout.on("data", (bytes: Buffer) => {
    const before = lines;
    lines += bytes.filter((byte) => byte === 10).length;
    if (before < killAfter && lines >= killAfter) setTimeout(kill, moreMs);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 || signal === "SIGKILL") resolve({ lines, killed: signal === "SIGKILL" });
      else reject(new Error(`the child ended with ${code ?? signal}`));
    });
  });
}

/** Numbers of all samples in the order of their rows. */
async function orderOf(path: string): Promise<number[]> {
  const dataset = await open(path, { memory: "16 MiB" });
  const order: number[] = [];
  try {
    if (dataset.size === 0) return [];
    for await (const batch of dataset
      .view()
      .batches({ batchSize: 256, shuffle: false, readers: 1, deliver: "stored" })) {
      const [name, field] = Object.entries(batch.fields).find(([name]) => name !== "label")!;
      const length = field.data.length / batch.size;
      for (let k = 0; k < batch.size; k += 1) {
        const values = [...field.data.slice(k * length, (k + 1) * length)].map(Number);
        const number = name === "image" ? values[0]! + values[1]! * 256 : values[0]!;
        const rest = name === "image" ? number % 251 : number;
        assert.ok(
          values.slice(2).every((value) => value === rest),
          `sample ${number} is mixed`,
        );
        assert.equal(Number(batch.fields.label!.data[k]), number % (name === "image" ? 5 : 3));
        order.push(number);
      }
    }
  } finally {
    await dataset.close();
  }
  return order;
}

/** What a kill left: nothing that is committed, or whole commits. */
async function checkLeft(way: Way, path: string): Promise<number> {
  const reference = references.get(way)!;
  if (!fs.existsSync(join(path, "dataset.json"))) {
    await assert.rejects(open(path), (error) => error instanceof SpillwayError && error.code === "missing");
    return 0;
  }
  const manifest = readManifest(path)!;
  const rows = manifest.shards.reduce((sum, shard) => sum + shard.rows, 0);
  assert.equal(manifest.rows, rows);
  assert.deepEqual((await verifyDataset(path)).problems, []);
  for (const file of manifest.shards.flatMap((shard) => [shard.path, shard.sums.path])) {
    assert.ok(fs.readFileSync(join(path, file)).toString("latin1") === reference.content[file], file);
  }
  return rows;
}

/** Runs it to the end, in this process; a pack that was killed at its very end is a finished dataset. */
async function finish(way: Way, path: string): Promise<void> {
  try {
    const { rows } = await unsynced(() => packAs(way, sources[way], path, {}));
    assert.equal(rows, counts[way]);
  } catch (error) {
    if (!(error instanceof SpillwayError && error.code === "exists")) throw error;
  }
  const { content } = references.get(way)!;
  const found = contentOf(path);
  assert.deepEqual(Object.keys(found), Object.keys(content));
  for (const [file, bytes] of Object.entries(found)) assert.ok(bytes === content[file], `${file} differs`);
}

test("after kill -9 at 20 random moments only whole commits are seen, and the next run ends with the same bytes", async () => {
  const random = seeded(20);
  let killed = 0;
  const left = new Set<number>();
  for (let number = 0; number < 20; number += 1) {
    const way = ways[number % ways.length]!;
    const { lines, order } = references.get(way)!;
    // One moment in each part of the duration, so that they are spread over all of it.
    const killAfter = Math.floor(((Math.floor(number / ways.length) + random()) / 5) * lines);
    const path = join(folder, `killed ${number}`);
    const run = await runChild(way, path, killAfter, random() * (killAfter === 0 ? 400 : 3));
    if (run.killed) killed += 1;
    const rows = fs.existsSync(path) ? await checkLeft(way, path) : 0;
    left.add(rows);
    if (rows > 0) assert.deepEqual(await orderOf(path), order.slice(0, rows));
    await finish(way, path);
  }
  assert.ok(killed >= 12, `only ${killed} of 20 were killed before their end`);
  assert.ok(left.size > 5, `the kills left ${[...left].join(", ")} rows`);
});

test("a dataset that is killed again and again still ends with every sample once", async () => {
  const random = seeded(7);
  for (const way of ["one pass", "two passes"] as const) {
    const path = join(folder, `often killed ${way}`);
    const { lines } = references.get(way)!;
    let rows = 0;
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await runChild(way, path, 1 + Math.floor(random() * (lines / 2)), random() * 3);
      const now = await checkLeft(way, path);
      assert.ok(now >= rows, "a commit was lost");
      rows = now;
    }
    await finish(way, path);
  }
});

for (const way of ways) {
  test(`a stop at any single change of the disk is gone on from: ${way}`, async () => {
    const total = await stopAt(Number.POSITIVE_INFINITY, false, () =>
      packAs(way, sources[way], join(folder, `counted ${way}`), {}),
    );
    const random = seeded(total);
    const [first, last, between] = [10, 8, 6];
    const tries = first + between + last;
    for (let number = 0; number < tries; number += 1) {
      // Every one at the beginning and the end; in between the same changes come again and again.
      let at = Math.floor(first + random() * (total - first - last));
      if (number < first) at = number;
      else if (number >= first + between) at = total - (tries - number);
      const path = join(folder, `stopped ${way} ${number}`);
      await stopAt(at, random() < 0.5, () => packAs(way, sources[way], path, {}));
      if (fs.existsSync(path)) await checkLeft(way, path);
      await finish(way, path);
      fs.rmSync(path, { recursive: true });
    }
  });
}

// Packing a part of a source: the same samples for a seed, evenly over the classes where that is asked for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { index, open, pack } from "spillway";
import { newPath } from "../fixtures/new-path.js";
import { refuses } from "../source/fixtures.js";
import { npyFolder, stream, streamFields } from "./sources.js";
import { manifestOf, numbersIn } from "./unpacked.js";

const npy = npyFolder(newPath("npy"), 90, 8);

/** Numbers that the samples of the folder are full of. */
async function packedNumbers(path: string): Promise<Set<number>> {
  const bits = Int32Array.from(await numbersIn(path));
  return new Set(new Float32Array(bits.buffer));
}

test("a part of a folder is packed or indexed, the same samples for a seed, and a larger part holds it", async () => {
  const [small, again, large, other, indexed] = [newPath(), newPath(), newPath(), newPath(), newPath()];
  await pack(npy, small, { take: 20, seed: 4 });
  await pack(npy, again, { take: 20, seed: 4, layout: "source", memory: "8 MiB" });
  await pack(npy, large, { take: "50%", seed: 4 });
  await pack(npy, other, { take: 20, seed: 5 });
  await index(npy, indexed, { take: 20, seed: 4 });
  const numbers = await packedNumbers(small);
  assert.equal(numbers.size, 20);
  assert.deepEqual(await packedNumbers(again), numbers);
  const more = await packedNumbers(large);
  assert.equal(more.size, 45);
  assert.ok([...numbers].every((number) => more.has(number)));
  assert.notDeepEqual(await packedNumbers(other), numbers);
  const dataset = await open(indexed, { memory: "32 MiB" });
  const inFiles = new Set<number>();
  for await (const batch of dataset.view().batches({ batchSize: 20 }))
    for (let k = 0; k < batch.size; k += 1) inFiles.add(Number(batch.fields.data!.data[k * 8]));
  await dataset.close();
  assert.deepEqual(inFiles, numbers);
});

test("an even part has as many of each class", async () => {
  const path = newPath();
  await pack(npy, path, { take: 12, even: true });
  assert.equal(manifestOf(path).rows, 12);
  const dataset = await open(path, { memory: "32 MiB" });
  const { rows } = await dataset.query("select label, count(*) as samples from catalog group by all");
  await dataset.close();
  assert.deepEqual(
    rows.map(({ samples }) => Number(samples)),
    [4, 4, 4],
  );
});

test("a stream gives about a part of its samples, and cannot be asked for a number", async () => {
  const path = newPath();
  const { rows } = await pack(stream(3000), path, { fields: streamFields, take: "10%" });
  assert.ok(rows > 220 && rows < 380, String(rows));
  await refuses(
    () => pack(stream(30), newPath(), { fields: streamFields, take: 5 }),
    "usage",
    'how many samples there are is not known before they are read. Take a part of them, such as "1%", without balance.',
  );
});

test("a part of a dataset has paths and columns of its catalog, and ids of its own", async () => {
  const whole = newPath();
  await pack(npy, whole, { layout: "source" });
  const part = newPath();
  await pack(whole, part, { take: 7, seed: 1 });
  const dataset = await open(part, { memory: "32 MiB" });
  const rows = await dataset.catalog.rows([0, 3, 6]);
  await dataset.close();
  assert.equal(manifestOf(part).rows, 7);
  assert.ok(rows.every(({ path }) => /^class-\d\/\d{5}\.npy$/.test(path)));
});

test("what is no number of samples is refused", async () => {
  await refuses(
    () => pack(npy, newPath(), { take: "many%" as "1%" }),
    "usage",
    'take "many%" is no number of samples. Use a whole number from 1, such as 1000, or a part, such as "1%".',
  );
});

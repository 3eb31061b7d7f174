// An append that was interrupted: until it is finished the dataset is read as it was before, and only the same append
// goes on.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ClassField, classes, open, type PackOptions, pack, tensor } from "spillway";
import { append } from "#spillway/pack/pack";
import { takeBatches } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { upTo } from "../fixtures/packed.js";
import { refuses, writeFile } from "../source/fixtures.js";
import { base, begun, isWhole, small, streamed } from "./growing.js";
import { contentOf, errorOf, npyFolder, stream } from "./sources.js";
import { manifestOf } from "./unpacked.js";

test("a dataset with an unfinished append is read as it was before, and the append goes on when it is run again", async () => {
  const reference = await base();
  await append(stream(200), reference, { ...streamed, layout: "source" });
  const path = await base();
  const whole = await takeBatches(path);
  await begun(path, stream(200), { ...streamed, layout: "source" }, 30);
  const { packing, rows } = manifestOf(path);
  assert.deepEqual(packing, { rows: null, before: 60 });
  assert.ok(rows > 60);
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(warning.message);
  process.on("warning", listen);
  assert.deepEqual(await takeBatches(path), whole);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  assert.ok(
    warnings.includes(
      `${path} is being added to, or that was interrupted: ${rows - 60} of an unknown number new samples are in place, and left out until it is finished. Run the append command again to finish it.`,
    ),
    String(warnings),
  );
  await isWhole(path);
  const notes: string[] = [];
  const done = await append(stream(200), path, {
    ...streamed,
    layout: "source",
    onNote: (note) => notes.push(note),
  });
  assert.deepEqual([done.rows, done.added, done.resumedAt], [260, 200, rows - 60]);
  assert.ok(notes.includes(`Going on with an unfinished pack: ${rows - 60} samples are in place.`));
  assert.deepEqual(contentOf(path), contentOf(reference));
});

test("an append to a compacted dataset, whose catalog has other parts than it has shards, goes on rightly", async () => {
  const many = await base(200);
  const [path, reference] = [newPath(), newPath()];
  for (const copy of [path, reference]) await pack(many, copy, { seed: 5 });
  assert.ok(manifestOf(path).catalog.length > manifestOf(path).shards.length);
  const options: PackOptions = { ...streamed, layout: "source" };
  await append(stream(200), reference, options);
  await begun(path, stream(200), options, 40);
  await isWhole(path);
  await append(stream(200), path, options);
  assert.deepEqual(contentOf(path), contentOf(reference));
  await isWhole(path);
});

test("another source than the one that was interrupted is refused, and nobody is told to remove the dataset", async () => {
  const path = newPath();
  await pack(npyFolder(newPath(), 30, 64), path, small);
  const [one, other] = [npyFolder(newPath(), 60, 64, 30), npyFolder(newPath(), 61, 64, 30)];
  await begun(path, one, small);
  const before = contentOf(path);
  const remedy =
    "Pack with the same source and options to go on, or give the unfinished part up with --discard.";
  const cases: [string, PackOptions, RegExp][] = [
    [other, small, /another source \(names, sizes or times of files\): [0-9a-f]{16} then, [0-9a-f]{16} now/],
    [one, { ...small, seed: 9 }, /another seed: 0 then, 9 now/],
    [one, { ...small, shardSize: 9000 }, /another shard size: 4096 then, 9000 now/],
    [one, { ...small, layout: "source" }, /another layout: shuffled then, source now/],
  ];
  for (const [source, options, message] of cases) {
    const error = await errorOf(() => append(source, path, options));
    assert.equal(error.code, "mismatch");
    assert.match(error.what, message);
    assert.equal(error.remedy, remedy);
    assert.deepEqual(contentOf(path), before);
  }
  // To pack is not to append: it is another layout, or another number of samples before it.
  assert.equal((await errorOf(() => pack(one, path, small))).remedy, remedy);
  fs.writeFileSync(join(path, ".packing/state.json"), "{");
  await refuses(
    () => append(one, path, small),
    "corrupt",
    `${join(path, ".packing/state.json")}, part of an unfinished pack, is damaged. Give the unfinished part up with --discard.`,
  );
  fs.rmSync(join(path, ".packing"), { recursive: true });
  await refuses(
    () => append(one, path, small),
    "mismatch",
    `${path} holds an unfinished append, and what it was of is lost with its folder .packing. Give the unfinished part up with --discard.`,
  );
  assert.equal((await append(one, path, { ...small, discard: true })).rows, 90);
  await isWhole(path);
});

test("a state that a kill left at the very end is no hindrance to the next append", async () => {
  const path = newPath();
  await pack(npyFolder(newPath(), 30, 64), path, small);
  const [one, other] = [npyFolder(newPath(), 60, 64, 30), npyFolder(newPath(), 25, 64, 90)];
  await begun(path, one, { ...small, layout: "source" });
  const state = fs.readFileSync(join(path, ".packing/state.json"));
  await append(one, path, { ...small, layout: "source" });
  const leave = () => writeFile(join(path, ".packing/state.json"), state);
  leave();
  const same = await append(one, path, { ...small, layout: "source" });
  assert.deepEqual([same.rows, same.added, same.resumedAt], [90, 60, 60]);
  leave();
  assert.equal((await append(other, path, small)).rows, 115);
  await isWhole(path);
});

test("a dataset that is opened while an append is unfinished does not need the append's files", async () => {
  const path = await base();
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  const dataset = await open(path, { memory: "16 MiB" });
  await append(stream(5), path, { ...streamed, discard: true, again: true });
  let count = 0;
  for await (const batch of dataset.view().batches({ batchSize: 16 })) count += batch.size;
  assert.equal(count, 60);
  await dataset.close();
});

test("classes that an unfinished append has brought are not told before it is whole", async () => {
  const path = newPath();
  const fields = { data: tensor("int32", [40]), label: classes(["a", "b", "c"]) };
  await pack(stream(60), path, { ...small, fields });
  const more = { ...fields, label: classes(["a", "b", "c", "d"]) };
  const other = upTo(400).map((i) => ({ data: new Int32Array(40).fill(i), label: "abcd"[i % 4]! }));
  await begun(path, other, { ...small, fields: more, layout: "source" }, 30);
  assert.deepEqual((manifestOf(path).fields.label as { classes: string[] }).classes, ["a", "b", "c", "d"]);
  const labelOf = async () => {
    const dataset = await open(path, { memory: "16 MiB" });
    await dataset.close();
    return (dataset.fields.label as ClassField).classes;
  };
  assert.deepEqual(await labelOf(), ["a", "b", "c"]);
  await append(other, path, { ...small, fields: more, layout: "source" });
  assert.deepEqual(await labelOf(), ["a", "b", "c", "d"]);
});

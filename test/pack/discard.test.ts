// Giving an unfinished append up: the dataset is what it was before, and a first pack is not lost that way.

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { classes, type PackOptions, pack } from "spillway";
import { append } from "#spillway/pack/pack";
import { newPath } from "../fixtures/new-path.js";
import { refuses } from "../source/fixtures.js";
import { base, begun, isWhole, small, streamed } from "./growing.js";
import { contentOf, npyFolder, stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

test("an unfinished append is given up with discard: the dataset is what it was, byte for byte", async () => {
  const fields = { ...streamFields, label: classes(["a", "x", "b", "c"]) };
  const cases: [source: () => Parameters<typeof append>[0], options: PackOptions][] = [
    [() => stream(200), { ...small, fields, layout: "source" }],
    [() => stream(200), { ...small, fields }],
    [
      () => Array.from({ length: 200 }, (_, i) => ({ data: new Int32Array(40).fill(i), label: "x" })),
      { ...small, fields },
    ],
  ];
  for (const [source, options] of cases) {
    const path = await base();
    await append(stream(10), path, streamed);
    const before = contentOf(path);
    await begun(path, source(), options, 60);
    const left = Object.keys(contentOf(path));
    assert.ok(left.length > Object.keys(before).length);
    const notes: string[] = [];
    await refuses(
      () => append([], path, { ...options, discard: true, onNote: (note) => notes.push(note) }),
      "source",
      /gave no samples/,
    );
    await append([{ data: new Int32Array(40), label: "b" }], path, {
      ...small,
      fields,
      discard: true,
      onNote: (note) => notes.push(note),
    });
    assert.deepEqual(
      notes.filter((note) => note.startsWith("Gave")),
      ["Gave up what an interrupted run had left."],
    );
    const { rows, shards, commits } = manifestOf(path);
    assert.deepEqual([rows, commits.length], [71, 3]);
    for (const [file, bytes] of Object.entries(before)) {
      if (file !== "dataset.json" && !file.startsWith("splits"))
        assert.ok(contentOf(path)[file] === bytes, file);
    }
    const numbered = Object.keys(contentOf(path)).filter((file) => /^(shards|catalog)/.test(file));
    assert.equal(numbered.length, shards.length * 2 + manifestOf(path).catalog.length);
    await isWhole(path);
  }
});

test("what was given up stays given up where the samples that come instead are refused", async () => {
  const path = await base();
  const before = contentOf(path);
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  await refuses(
    () => append(npyFolder(newPath(), 3, 40), path, { discard: true }),
    "mismatch",
    /^field "data" of the samples is float32 \[40\]; in .* it is int32 \[40\]/,
  );
  assert.deepEqual(contentOf(path), before);
});

test("an unfinished first pack is not lost to discard", async () => {
  for (const layout of ["source", "shuffled"] as const) {
    const path = newPath();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const onProgress = (progress: { samples: number }) => progress.samples >= 640 && stop.abort(reason);
    await assert.rejects(
      pack(stream(1000), path, { ...streamed, layout, signal: stop.signal, onProgress }),
      reason,
    );
    const before = contentOf(path);
    assert.ok(".packing/state.json" in before);
    for (const discard of [false, true]) {
      await refuses(
        () => append(stream(5), path, { ...streamed, discard }),
        "mismatch",
        `${path} is not whole yet, so nothing can be added to it. Run the pack command again to finish it, then append.`,
      );
      assert.deepEqual(contentOf(path), before);
    }
    assert.equal((await pack(stream(1000), path, { ...streamed, layout })).rows, 1000);
  }
});

test("a damaged state is given up with discard", async () => {
  const path = await base();
  await begun(path, stream(200), { ...streamed, layout: "source" }, 60);
  fs.writeFileSync(join(path, ".packing/state.json"), "{");
  assert.equal((await append(stream(5), path, { ...streamed, discard: true })).rows, 65);
  await isWhole(path);
});

// An index and a pack of the same data in source layout are the same dataset to whoever trains: same fingerprint, order
// and bytes. What cannot stay in its files is refused, and what leads out of the folder too.

import assert from "node:assert/strict";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { open, type PackOptions, pack } from "spillway";
import { index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { verifyDataset } from "#spillway/pack/verify";
import { takeBatches } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { float64, idxBytes, npyBytes, npyFromHeader, refuses, writeFile } from "../source/fixtures.js";
import { contentOf, idxPair, npyFolder } from "./sources.js";
import { manifestOf } from "./unpacked.js";

/** Indexes of 20 rows, so that small data have several. */
const inParts = (source: string, path: string, options: PackOptions = {}) =>
  packSource(
    source,
    path,
    { memory: "2 MiB", ...options },
    { isIndex: true, isAppend: false, indexRows: 20 },
  );

/** One .npy file of `rows` rows of `columns` int32: numbers count up, column `label` has row % 3. */
function npyTable(path: string, rows: number, columns: number, label?: number): string {
  const data = Int32Array.from({ length: rows * columns }, (_, k) =>
    k % columns === label ? Math.floor(k / columns) % 3 : k,
  );
  return writeFile(path, npyBytes("<i4", [rows, columns], new Uint8Array(data.buffer)));
}

/** Plain IDX images of 4 by 5 with labels beside them. */
function plainIdx(path: string, count: number): string {
  const pixels = Uint8Array.from({ length: count * 20 }, (_, k) => (k * 7) % 251);
  const labels = Uint8Array.from({ length: count }, (_, k) => k % 5);
  writeFile(join(path, "t10k-labels-idx1-ubyte"), idxBytes(8, [count], labels));
  return writeFile(join(path, "t10k-images-idx3-ubyte"), idxBytes(8, [count, 4, 5], pixels));
}

const sources: { name: string; make(path: string): string; options?: PackOptions }[] = [
  { name: "a folder of .npy files with a class per sub-folder", make: (path) => npyFolder(path, 90, 50) },
  {
    name: "a folder of .npy files without classes",
    make: (path) => join(npyFolder(path, 120, 50), "class-1"),
  },
  { name: "one .npy file without labels", make: (path) => npyTable(join(path, "x.npy"), 70, 5) },
  {
    name: "one .npy file with its labels first",
    make: (path) => npyTable(join(path, "x.npy"), 70, 5, 0),
    options: { labelColumn: 0 },
  },
  {
    name: "one .npy file with its labels last",
    make: (path) => npyTable(join(path, "x.npy"), 70, 5, 4),
    options: { labelColumn: -1 },
  },
  {
    name: "one .npy file with values to be predicted",
    make: (path) => npyTable(join(path, "x.npy"), 70, 5),
    options: { labelColumn: -1, labelKind: "value" },
  },
  { name: "IDX images", make: (path) => plainIdx(path, 65) },
];

for (const { name, make, options = {} } of sources) {
  test(`an index and a pack give the same batches: ${name}`, async () => {
    const source = make(newPath());
    const [packed, indexed] = [newPath("packed"), newPath("indexed")];
    const made = await pack(source, packed, {
      layout: "source",
      shardSize: 4096,
      memory: "2 MiB",
      ...options,
    });
    const result = await inParts(source, indexed, options);
    assert.deepEqual(
      [result.rows, result.added, result.isIndexed, result.isAppended, result.fields],
      [made.rows, made.rows, true, false, made.fields],
    );
    assert.equal(result.shards, Math.ceil(made.rows / 20));
    const [ofPack, ofIndex] = [manifestOf(packed), manifestOf(indexed)];
    assert.deepEqual(ofIndex.commits, ofPack.commits);
    assert.deepEqual(ofIndex.source, ofPack.source);
    assert.ok(!fs.existsSync(join(indexed, "shards")));
    for (const batches of [
      {},
      { shuffle: false },
      { seed: 9, readers: 1, batchSize: 64 },
      { deliver: "float32" },
    ] as const) {
      assert.deepEqual(await takeBatches(indexed, { batches }), await takeBatches(packed, { batches }));
    }
    const report = await verifyDataset(indexed);
    assert.deepEqual([report.problems, report.samples], [[], made.rows]);
  });
}

test("a split, a range of rows and a resume token mean the same in an index and in a pack", async () => {
  const source = npyFolder(newPath(), 90, 50);
  const [packed, indexed] = [newPath("packed"), newPath("indexed")];
  await pack(source, packed, { layout: "source", shardSize: 4096 });
  await inParts(source, indexed);
  for (const path of [packed, indexed]) {
    const dataset = await open(path, { memory: "16 MiB" });
    await dataset.split({ train: 0.7, val: 0.3 }, { seed: 2 });
    await dataset.close();
  }
  for (const view of [{ split: "val" }, { rows: [13, 58] as const }]) {
    const whole = await takeBatches(packed, { view });
    assert.deepEqual(await takeBatches(indexed, { view }), whole);
    const resume = whole[2]!.resume;
    assert.deepEqual(await takeBatches(indexed, { view, batches: { seed: 0, resume } }), whole.slice(3));
  }
});

test("an index of any number of rows, in parts of any length, gives every sample once", async () => {
  const source = npyTable(newPath("x.npy"), 33, 3);
  const rows = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(rows, async (indexRows) => {
      const path = newPath();
      await packSource(source, path, {}, { isIndex: true, isAppend: false, indexRows });
      const taken = await takeBatches(path, { batches: { epochs: 1 } });
      const ids = taken.flatMap((batch) => batch.ids).sort((a, b) => a - b);
      assert.deepEqual(
        ids,
        Array.from({ length: 33 }, (_, k) => k),
      );
      const all = Buffer.concat(
        taken.flatMap(({ ids: numbers, bytes }) =>
          numbers.map((id, k) => {
            const bytesOfOne = Buffer.from(bytes.data!, "latin1").subarray(k * 12, k * 12 + 12);
            assert.equal(bytesOfOne.readInt32LE(0), id * 3);
            return bytesOfOne;
          }),
        ),
      );
      assert.equal(all.length, 33 * 12);
    }),
    { numRuns: 20 },
  );
});

test("the same source gives the same bytes of an index, whatever the memory and the jobs", async () => {
  const source = npyFolder(newPath(), 90, 50);
  const [one, other] = [newPath(), newPath()];
  await inParts(source, one, { memory: "1 MiB", jobs: 1 });
  await inParts(source, other, { memory: "32 MiB", jobs: 40 });
  assert.deepEqual(contentOf(one), contentOf(other));
});

test("a file with another length of header and the same content is found right", async () => {
  const source = npyFolder(newPath(), 30, 50);
  const data = new Uint8Array(new Float32Array(50).fill(4).buffer);
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (50,), }${" ".repeat(500)}`;
  writeFile(join(source, "class-1", "00004.npy"), npyFromHeader(header, data));
  const [packed, indexed] = [newPath(), newPath()];
  await pack(source, packed, { layout: "source" });
  await inParts(source, indexed);
  assert.deepEqual(await takeBatches(indexed), await takeBatches(packed));
});

test("what cannot stay in its files is refused with what to do, and nothing is left", async () => {
  const make = newPath("refused");
  const square = float64(1, 2, 3, 4);
  const cases: [source: string, kind: string, options?: PackOptions][] = [
    [
      dirname(
        dirname(writeFile(join(make, "fortran/a/1.npy"), npyBytes("<f8", [2, 2], square, { fortran: true }))),
      ),
      "npy-folder",
    ],
    [
      dirname(dirname(writeFile(join(make, "swapped/a/1.npy"), npyBytes(">f8", [2, 2], square)))),
      "npy-folder",
    ],
    [writeFile(join(make, "swapped.npy"), npyBytes(">f8", [2, 2], square)), "npy"],
    [npyTable(join(make, "middle.npy"), 10, 5, 2), "npy", { labelColumn: 2 }],
    [writeFile(join(make, "x.csv"), "a,b,label\n1,2,x\n3,4,y\n"), "csv"],
    [idxPair(join(make, "idx"), 10, 4), "idx"],
  ];
  const wide = Buffer.alloc(40);
  writeFile(join(make, "wide/t10k-labels-idx1-int"), idxBytes(8, [5], Buffer.alloc(5)));
  cases.push([writeFile(join(make, "wide/t10k-images-idx2-int"), idxBytes(12, [5, 2], wide)), "idx"]);
  const sharp = (await import("sharp")).default;
  const png = await sharp(Buffer.alloc(12), { raw: { width: 2, height: 2, channels: 3 } })
    .png()
    .toBuffer();
  cases.push([dirname(dirname(writeFile(join(make, "images/a/1.png"), png))), "image-folder"]);
  for (const [source, kind, options] of cases) {
    const path = newPath();
    await refuses(
      () => index(source, path, options),
      "source",
      `samples of this source (${kind}) cannot stay in their files: they have to be decoded or turned first. Pack them instead: spillway pack. Indexes are made of plain .npy and IDX files, little-endian and in C order.`,
    );
    assert.ok(!fs.existsSync(path), source);
  }
});

test("a file in another order than the first is named", async () => {
  const source = newPath();
  const square = float64(1, 2, 3, 4);
  writeFile(join(source, "a/1.npy"), npyBytes("<f8", [2, 2], square));
  const turned = writeFile(join(source, "a/2.npy"), npyBytes("<f8", [2, 2], square, { fortran: true }));
  await refuses(
    () => index(source, newPath()),
    "source",
    `${turned} is in Fortran order or big-endian, so it cannot stay as it is. Pack the folder instead, or save this file in C order, little-endian.`,
  );
});

test("a name that leads out of its folder on some system is refused when it is indexed", async () => {
  const source = newPath();
  writeFile(join(source, "c:wave/1.npy"), npyBytes("<f8", [1], float64(1)));
  await refuses(
    () => index(source, newPath()),
    "source",
    `"c:wave/1.npy" in ${source} cannot be indexed: on some systems this name leads out of its folder. Rename it, or pack the folder.`,
  );
});

test("an unfinished index is not gone on with by pack, nor an unfinished pack by index", async () => {
  const source = npyFolder(newPath(), 90, 50);
  for (const isIndex of [true, false]) {
    const path = newPath();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const onProgress = () => {
      if (fs.existsSync(join(path, "dataset.json")) && manifestOf(path).rows > 0) stop.abort(reason);
    };
    const options = { layout: "source", shardSize: 4096, memory: "1 MiB" } as const;
    const begin = (more: PackOptions, index: boolean) =>
      packSource(source, path, { ...options, ...more }, { isIndex: index, isAppend: false, indexRows: 20 });
    await assert.rejects(begin({ signal: stop.signal, onProgress }, isIndex), reason);
    const [then, now] = isIndex ? ["index", "source"] : ["source", "index"];
    await refuses(
      () => begin({}, !isIndex),
      "mismatch",
      `${path} holds an unfinished pack with another layout: ${then} then, ${now} now. Pack with the same source and options to go on, or remove ${path} to begin anew.`,
    );
    const done = await begin({}, isIndex);
    assert.equal(done.rows, 90);
    assert.ok(done.resumedAt > 0);
    assert.deepEqual((await verifyDataset(path)).problems, []);
  }
});

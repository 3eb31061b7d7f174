import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type ClassField, open, pack } from "spillway";
import { openSource } from "#spillway/source/registry";
import type { Source, SourceOptions } from "#spillway/source/source";
import { ValueStore } from "#spillway/source/value-store";
import { known, labelledDataset, labelledFolder, numbersById } from "../fixtures/annotated.js";
import { temporaryFolder } from "../fixtures/packed.js";
import { npyFolder } from "../pack/sources.js";
import { float64, idxBytes, npyBytes, refuses, take, writeFile, writeNpy } from "./fixtures.js";

/** Files a/0.npy, b/1.npy and so on, and a table. */
function makeFolder(table: string, name = "labels.csv", count = 12): { data: string; labels: string } {
  const folder = temporaryFolder();
  for (let i = 0; i < count; i += 1) writeNpy(join(folder, "data", `${"ab"[i % 2]}/${i}.npy`), [2], [i, -i]);
  return { data: join(folder, "data"), labels: writeFile(join(folder, name), table) };
}

function tableOf(count: number, header: string, row: (i: number) => string): string {
  return [header, ...Array.from({ length: count }, (_, i) => row(i))].join("\n");
}

async function withSource<T>(
  path: string,
  options: SourceOptions,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const source = await openSource(path, options);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

test("what a ValueStore is given comes back", () => {
  const column = fc.oneof(
    fc.record({ type: fc.constant("string" as const), values: fc.array(fc.option(fc.string())) }),
    fc.record({ type: fc.constant("double" as const), values: fc.array(fc.option(fc.double())) }),
    fc.record({ type: fc.constant("boolean" as const), values: fc.array(fc.option(fc.boolean())) }),
    fc.record({
      type: fc.constant("int64" as const),
      values: fc.array(fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), { maxLength: 300 }),
    }),
  );
  fc.assert(
    fc.property(column, ({ type, values }) => {
      const store = new ValueStore(type);
      for (const value of values) store.add(value);
      assert.deepEqual(
        values.map((_, row) => store.get(row)),
        values,
      );
    }),
  );
});

test("labels of a table replace those of folders, and its other columns go along with each sample", async () => {
  const { data, labels } = labelledFolder(60);
  await withSource(data, { labels }, async (source) => {
    assert.deepEqual(source.fields.label, {
      kind: "class",
      dtype: "uint8",
      classes: ["it's", "run", "sit", "walk"],
    });
    assert.deepEqual(source.columns, {
      subject: "int64",
      session: "string",
      quality: "double",
      isGood: "boolean",
    });
    assert.ok(source.notes.includes(`The label comes from ${labels}, in place of that of the source.`));
    const samples = await take(source);
    assert.equal(samples.length, 60);
    for (const [index, { path, bytes, ...rest }] of samples.entries()) {
      const i = Number(/(\d+)\.npy$/.exec(path)![1]);
      const { label, subject, session, quality, isGood } = known(i);
      assert.equal(["it's", "run", "sit", "walk"][bytes[1]![0]!], label);
      const extra = [subject === null ? null : BigInt(subject), session, quality, isGood];
      assert.deepEqual(rest, { extra });
      assert.deepEqual(source.originOf!(index), { path, extra });
    }
  });
});

test("a packed dataset keeps the columns, in every shard and with the labels that the table gives", async () => {
  const path = await labelledDataset(200);
  const dataset = await open(path, { memory: "16 MiB" });
  assert.ok(dataset.manifest.catalog.length > 1);
  assert.deepEqual(dataset.manifest.columns, {
    subject: "int64",
    session: "string",
    quality: "double",
    isGood: "boolean",
  });
  const ids = Array.from({ length: 200 }, (_, id) => id);
  for (const { id, row, hash, path: from, ...rest } of await dataset.catalog.rows(ids)) {
    const { path: wanted, ...values } = known(Number(/(\d+)\.npy$/.exec(from)![1]));
    assert.deepEqual({ path: from, ...rest }, { path: wanted, ...values });
    assert.deepEqual([row, /^[0-9a-f]{16}$/.test(hash), id < 200], [null, true, true]);
  }
  await dataset.close();
});

test("an interrupted pack goes on with the same columns, and ends with the same bytes", async () => {
  const { data, labels } = labelledFolder(200);
  const [whole, parts] = [join(temporaryFolder(), "whole"), join(temporaryFolder(), "parts")];
  const options = { labels, memory: "1 MiB", shardSize: "4 KiB", jobs: 2 };
  await pack(data, whole, options);
  let runs = 0;
  for (let isDone = false; !isDone; runs += 1) {
    const stop = new AbortController();
    let seen = 0;
    const onProgress = () => {
      seen += 1;
      if (seen === 2) stop.abort();
    };
    try {
      await pack(data, parts, { ...options, signal: stop.signal, onProgress });
      isDone = true;
    } catch (error) {
      assert.equal(error, stop.signal.reason);
    }
  }
  assert.ok(runs > 1);
  const files = (folder: string) =>
    fs
      .readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => fs.statSync(join(folder, name)).isFile())
      .sort();
  assert.deepEqual(files(parts), files(whole));
  for (const name of files(whole))
    assert.ok(fs.readFileSync(join(whole, name)).equals(fs.readFileSync(join(parts, name))), name);
});

test("another table is another source: an unfinished pack does not go on with it", async () => {
  const { data, labels } = labelledFolder(40);
  const fingerprint = (options: SourceOptions) =>
    withSource(data, options, async (source) => source.fingerprint);
  const before = await fingerprint({ labels });
  assert.equal(await fingerprint({ labels }), before);
  assert.notEqual(await fingerprint({}), before);
  assert.notEqual(
    await fingerprint({ labels, labelColumn: "session", labelKind: "class" }).catch(() => ""),
    before,
  );
  fs.appendFileSync(labels, "\n");
  assert.notEqual(await fingerprint({ labels }), before);
});

test("rows are matched by path and row, or by number, where files hold many samples", async () => {
  const folder = temporaryFolder();
  const data = writeFile(
    join(folder, "x.npy"),
    npyBytes("<f8", [5, 2], float64(0, 0, 1, 1, 2, 2, 3, 3, 4, 4)),
  );
  const byRow = writeFile(
    join(folder, "by-row.csv"),
    tableOf(5, "path,row,label", (i) => `x.npy,${4 - i},c${4 - i}`),
  );
  const byNumber = writeFile(
    join(folder, "by-number.tsv"),
    tableOf(5, "id\tlabel", (i) => `${i}\tc${i}`),
  );
  for (const labels of [byRow, byNumber]) {
    await withSource(data, { labels }, async (source) => {
      const taken = await take(source);
      assert.deepEqual(
        taken.map(({ row, bytes }) => [row, bytes[1]![0]]),
        [0, 1, 2, 3, 4].map((i) => [i, i]),
      );
    });
  }
  const byPath = writeFile(join(folder, "by-path.csv"), "path,label\nx.npy,a\n");
  await refuses(
    () => openSource(data, { labels: byPath }),
    "source",
    `a row of ${byPath} is of several samples: x.npy holds more than one. Add a column row with the number of the sample within its file, from 0.`,
  );
});

test("paths are matched without ending or folder only where not one fits as it is, and that is said", async () => {
  for (const [spell, said] of [
    [(i: number) => `${"ab"[i % 2]}/${i}`, "without their ending"],
    [(i: number) => `${i}.npy`, "by the name of the file alone"],
    [(i: number) => `n${i}`, "by the name of the file alone, without its ending"],
  ] as const) {
    const folder = temporaryFolder();
    for (let i = 0; i < 12; i += 1) {
      const name = said.endsWith("its ending") ? `n${i}` : String(i);
      writeNpy(join(folder, "data", `${"ab"[i % 2]}/${name}.npy`), [1], [i]);
    }
    const labels = writeFile(
      join(folder, "labels.csv"),
      tableOf(12, "file,label", (i) => `${spell(i)},c${i}`),
    );
    await withSource(join(folder, "data"), { labels }, async (source) => {
      assert.ok(
        source.notes.includes(`No path of ${labels} is that of a sample as it is: they are matched ${said}.`),
        source.notes.join("\n"),
      );
    });
  }
});

test("Windows' paths and ./ in front are those of the catalog", async () => {
  const { data, labels } = makeFolder(tableOf(12, "path,label", (i) => `.\\${"ab"[i % 2]}\\${i}.npy,c`));
  await withSource(data, { labels }, async (source) => assert.equal(source.sampleCount, 12));
});

test("rows of no sample are counted and the first ten are named", async () => {
  const table = tableOf(24, "path,label", (i) => `${"ab"[i % 2]}/${i}.npy,c`);
  const { data, labels } = makeFolder(table);
  await withSource(data, { labels }, async (source) => {
    const named = Array.from({ length: 10 }, (_, k) => `${"ab"[k % 2]}/${k + 12}.npy`);
    assert.equal(
      source.notes.at(-1),
      `12 rows of ${labels} are of no sample: ${named.join(", ")}, and 2 more.`,
    );
  });
});

test("a table none of whose rows is of a sample is refused with both spellings", async () => {
  const { data, labels } = makeFolder("path,label\nx/1.npz,a\nx/2.npz,b\n");
  await refuses(
    () => openSource(data, { labels }),
    "source",
    `none of the 2 rows of ${labels} is of a sample: it has "x/1.npz", the source has "a/0.npy". Write paths relative to the source's folder, with / between their parts, or name another column with --key.`,
  );
});

test("samples without a label are counted, the first ten are named, and refused", async () => {
  const { data, labels } = makeFolder("path,label\na/0.npy,x\nb/1.npy,\n");
  await refuses(
    () => openSource(data, { labels }),
    "source",
    `11 of 12 samples have no label in ${labels}: a/10.npy, a/2.npy, a/4.npy, a/6.npy, a/8.npy, b/1.npy, b/11.npy, b/3.npy, b/5.npy, b/7.npy, and 1 more. Add rows for them, or move them out of the source. If the table has no labels but other columns, name none of its columns label.`,
  );
});

test("without a label column, labels by folder stay and samples without a row have missing values", async () => {
  const { data, labels } = makeFolder("path,subject\na/0.npy,7\n");
  await withSource(data, { labels, classes: ["b", "a"] }, async (source) => {
    assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["b", "a"] });
    const taken = await take(source);
    assert.deepEqual(
      taken.map((sample) => (sample as unknown as { extra: unknown[] }).extra),
      [[7n], ...new Array(11).fill([null])],
    );
  });
});

test("a label column of numbers can be a value to be predicted", async () => {
  const { data, labels } = makeFolder(tableOf(12, "path,age", (i) => `${"ab"[i % 2]}/${i}.npy,${i / 2}`));
  await withSource(data, { labels, labelColumn: "age", labelKind: "value" }, async (source) => {
    assert.deepEqual(source.fields.target, { kind: "tensor", dtype: "float64", shape: [] });
    assert.deepEqual(Object.keys(source.fields), ["data", "target"]);
    for (const { path, bytes } of await take(source))
      assert.equal(new Float64Array(bytes[1]!.slice().buffer)[0], Number(/\d+/.exec(path)![0]) / 2);
  });
});

test("columns keep text as it is, and find their type in all rows", async () => {
  const rows = 5000;
  const cells = (i: number) => [
    `${"ab"[i % 2]}/${i}.npy`,
    i,
    i === rows - 1 ? "x" : i,
    String(i % 1000).padStart(3, "0"),
    i === rows - 1 ? 0.5 : i,
    ["true", "FALSE"][i % 2],
    "",
    " 7 ",
    `"a, ""b"""`,
    i === 7 ? "" : "1e3",
    "12345678901234567890",
  ];
  const { data, labels } = makeFolder(tableOf(rows, "path,a,b,c,d,e,f,g,h,i,j", (i) => cells(i).join(",")));
  await withSource(data, { labels }, async (source) => {
    assert.deepEqual(source.columns, {
      a: "int64",
      b: "string",
      c: "string",
      d: "double",
      e: "boolean",
      f: "string",
      g: "int64",
      h: "string",
      i: "double",
      j: "string",
    });
    const third = source.originOf!(1);
    assert.equal(third.path, "a/10.npy");
    assert.deepEqual(third.extra, [
      10n,
      "10",
      "010",
      10,
      true,
      null,
      7n,
      'a, "b"',
      1000,
      "12345678901234567890",
    ]);
  });
});

const refusals: {
  name: string;
  table: string;
  options?: SourceOptions;
  code: "usage" | "source";
  message: (labels: string) => string;
}[] = [
  {
    name: "a sample named twice",
    table: "path,label\na/0.npy,x\nb/1.npy,x\na/0.npy,y\n",
    code: "source",
    message: (labels) =>
      `${labels} has a row that names a sample again: a/0.npy. Keep one row for each sample.`,
  },
  {
    name: "a row that names no sample",
    table: "path,label\na/0.npy,x\n,y\n",
    code: "source",
    message: (labels) =>
      `row 1 (from 0, header not counted) of ${labels} has no path. Remove the row, or say which sample it is of.`,
  },
  {
    name: "no column that says what rows are of",
    table: "a,b\n1,2\n",
    code: "usage",
    message: (labels) =>
      `${labels} has no column called path, file, filename, file_name, filepath, image, id, row that would say which sample a row is of: its columns are a, b. Name the column of paths or ids with --key.`,
  },
  {
    name: "a key that is not there",
    table: "path,label\na/0.npy,x\n",
    options: { key: "name" },
    code: "usage",
    message: (labels) =>
      `${labels} has no column "name": its columns are path, label. Name the column of paths or ids with --key.`,
  },
  {
    name: "a key of decimals",
    table: "path,label\n0.5,x\n",
    code: "usage",
    message: (labels) =>
      `column "path" of ${labels} holds double values, which say nothing about which sample a row is of. Name a column of paths or ids with --key.`,
  },
  {
    name: "a label column that is not there",
    table: "path,label\na/0.npy,x\n",
    options: { labelColumn: "species" },
    code: "usage",
    message: (labels) =>
      `${labels} has no column "species": its columns are path, label. Give --label-column one of these names.`,
  },
  {
    name: "values that are no numbers",
    table: "path,label\na/0.npy,x\n",
    options: { labelKind: "value" },
    code: "usage",
    message: (labels) =>
      `column "label" of ${labels} holds no numbers, so they cannot be values to be predicted. Leave out --label-kind value, or correct the cells that are no numbers.`,
  },
  {
    name: "a name that the catalog uses",
    table: "path,label,Split\na/0.npy,x,train\n",
    code: "usage",
    message: (labels) =>
      `${labels}: column "Split" has a name that the catalog uses itself (id, path, row, hash, split, excluded). Rename the column in the table, or leave it out.`,
  },
  {
    name: "names that differ in capitals alone",
    table: "path,label,a,A\na/0.npy,x,1,2\n",
    code: "source",
    message: (labels) => `${labels} has two columns called "A". Rename one of them.`,
  },
  {
    name: "the name of a class field",
    table: "path,species,label\na/0.npy,x,1\n",
    options: { labelColumn: "species" },
    code: "usage",
    message: (labels) =>
      `${labels}: column "label" has the name of the class field "label", which the catalog holds already. Rename the column in the table, or leave it out.`,
  },
  {
    name: "no header",
    table: "1,2\n3,4\n",
    code: "source",
    message: (labels) =>
      `${labels} has no header: its first line holds numbers (column0, column1). Put a line with the names of the columns in front.`,
  },
  {
    name: "a label that is none of the classes given",
    table: "path,label\na/0.npy,x\n",
    options: { classes: ["y"] },
    code: "source",
    message: (labels) =>
      `${labels} holds class "x", which is not among the 1 given: y. Add it to --classes, or leave --classes out to use all 1 that are there.`,
  },
];

for (const { name, table, options = {}, code, message } of refusals) {
  test(`a table of labels with ${name} is refused`, async () => {
    const { data, labels } = makeFolder(table);
    await refuses(() => openSource(data, { ...options, labels }), code, message(labels));
  });
}

test("a table goes with IDX images that have no file of labels, and with those that have one", async () => {
  const folder = temporaryFolder();
  const images = writeFile(
    join(folder, "scans-idx3-ubyte"),
    idxBytes(8, [3, 1, 2], Uint8Array.of(1, 2, 3, 4, 5, 6)),
  );
  const labels = writeFile(join(folder, "labels.csv"), "row,label,age\n0,a,5\n1,b,6\n2,a,7\n");
  await withSource(images, { labels }, async (source) => {
    assert.deepEqual(Object.keys(source.fields), ["image", "label"]);
    assert.deepEqual(
      (await take(source)).map(({ bytes }) => [...bytes[0]!, ...bytes[1]!]),
      [
        [1, 2, 0],
        [3, 4, 1],
        [5, 6, 0],
      ],
    );
  });
  await refuses(() => openSource(images), "missing", /has no file of labels/);
});

test("sources that go from front to back refuse a table, and so do the samples of a program", async () => {
  const folder = temporaryFolder();
  const table = writeFile(join(folder, "x.csv"), "a,b\n1,2\n3,4\n");
  const labels = writeFile(join(folder, "labels.csv"), "id,label\n0,a\n1,b\n");
  await refuses(
    () => openSource(table, { labels }),
    "usage",
    `a source of kind "csv" is read from front to back, so ${labels} cannot be matched with its samples beforehand. Tables of labels go with folders, plain IDX and .npy files. Unpack a .gz; to a dataset, columns can be added later: spillway annotate <dataset> <table>.`,
  );
  await refuses(
    () => pack([{ x: 1 }], join(folder, "set"), { labels }),
    "usage",
    'a source of kind "samples" has no use for labels (--labels). Leave it out; the options of this kind are: none.',
  );
  await refuses(
    () => openSource(npyFolder(join(folder, "npy"), 2, 2), { key: "path" }),
    "usage",
    'a source of kind "npy-folder" has no use for key (--key). Leave it out; the options of this kind are: --classes.',
  );
});

test("every sample of a labelled dataset is read back with the label of its file", async () => {
  const path = await labelledDataset(90);
  const numbers = await numbersById(path);
  const dataset = await open(path, { memory: "16 MiB" });
  const label = dataset.fields.label as ClassField;
  for await (const { ids, fields } of dataset.view().batches({ batchSize: 16 })) {
    ids.forEach((id, k) => {
      assert.equal(fields.data!.data[k * 32], numbers[id]);
      assert.equal(label.classes[Number(fields.label!.data[k])], known(numbers[id]!).label);
    });
  }
  await dataset.close();
});

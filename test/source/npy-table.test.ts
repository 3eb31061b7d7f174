import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openSource } from "#spillway/source/registry";
import { float64, npyBytes, numbersOf, refuses, take, tempFolder, writeFile, writeNpy } from "./fixtures.js";

const rows = [
  [0.5, 3, 1.5],
  [2.5, 1, 3.5],
  [4.5, 3, 5.5],
];

test("without a label column every row is one tensor", async (t) => {
  const path = writeNpy(join(tempFolder(t), "x.npy"), [2, 3, 1], [1, 2, 3, 4, 5, 6]);
  const source = await openSource(path);
  assert.equal(source.kind, "npy");
  assert.deepEqual(source.fields, { data: { kind: "tensor", dtype: "float64", shape: [3, 1] } });
  assert.equal(source.sampleCount, 2);
  const samples = await take(source);
  assert.deepEqual(
    samples.map((sample) => [sample.path, sample.row]),
    [
      ["x.npy", 0],
      ["x.npy", 1],
    ],
  );
  assert.deepEqual(
    samples.map((sample) => numbersOf(sample.bytes[0])),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
  await source.close();
});

test("a label column is cut out of the rows, by its number from either end", async (t) => {
  const path = writeNpy(join(tempFolder(t), "x.npy"), [3, 3], rows.flat());
  for (const labelColumn of [1, -2, "1", "-2"]) {
    const source = await openSource(path, { labelColumn });
    assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["1", "3"] });
    const samples = await take(source);
    assert.deepEqual(
      samples.map((sample) => numbersOf(sample.bytes[0])),
      rows.map(([a, , b]) => [a, b]),
    );
    assert.deepEqual(
      samples.map((sample) => sample.bytes[1]![0]),
      [1, 0, 1],
    );
    await source.close();
  }
});

test("a label of kind value is a scalar of the file's dtype", async (t) => {
  const folder = tempFolder(t);
  const little = writeNpy(join(folder, "x.npy"), [3, 3], rows.flat());
  const big = writeFile(
    join(folder, "y.npy"),
    npyBytes(">f8", [3, 3], Buffer.from(float64(...rows.flat())).swap64()),
  );
  for (const path of [little, big]) {
    const source = await openSource(path, { labelColumn: 0, labelKind: "value" });
    assert.deepEqual(source.fields.target, { kind: "tensor", dtype: "float64", shape: [] });
    const samples = await take(source);
    assert.deepEqual(
      samples.flatMap((sample) => numbersOf(sample.bytes[1])),
      [0.5, 2.5, 4.5],
    );
    assert.deepEqual(
      samples.map((sample) => numbersOf(sample.bytes[0])),
      rows.map(([, a, b]) => [a, b]),
    );
    await source.close();
  }
});

test("given classes name the numbers, by place or, where all names are numbers, by value", async (t) => {
  const path = writeNpy(join(tempFolder(t), "x.npy"), [3, 2], [1, 0, 2, 1, 3, 0]);
  const byPlace = await openSource(path, { labelColumn: 1, classes: ["no", "yes"] });
  assert.deepEqual(
    (await take(byPlace)).map((sample) => sample.bytes[1]![0]),
    [0, 1, 0],
  );
  const byValue = await openSource(path, { labelColumn: 1, classes: ["1", "0"] });
  assert.deepEqual(
    (await take(byValue)).map((sample) => sample.bytes[1]![0]),
    [1, 0, 1],
  );
  const tooFew = await openSource(path, { labelColumn: 1, classes: ["no"] });
  await refuses(
    () => take(tooFew),
    "source",
    /^the label of row 1 \(from 0\) of .* is 1, which none of the 1 classes has\./,
  );
  for (const source of [byPlace, byValue, tooFew]) await source.close();
});

test("NaN and fractions among the labels are refused with their row", async (t) => {
  const folder = tempFolder(t);
  const path = writeNpy(join(folder, "x.npy"), [3, 2], [1, 0, 2, Number.NaN, 3, 0]);
  const message = `the label of row 1 (from 0) of ${path} is NaN. Remove the row, or give it a label.`;
  await refuses(() => openSource(path, { labelColumn: 1 }), "source", message);
  const values = await openSource(path, { labelColumn: 1, labelKind: "value" });
  await refuses(() => take(values), "source", message);
  await values.close();
  const fractions = writeNpy(join(folder, "y.npy"), [2, 2], [1, 0, 2, 1.5]);
  await refuses(
    () => openSource(fractions, { labelColumn: 1 }),
    "source",
    `the label of row 1 (from 0) of ${fractions} is 1.5, not a whole number. ` +
      "If the column is to be predicted as a number, use --label-kind value; else name another --label-column.",
  );
});

test("more than 1,000 different labels are taken for measurements", async (t) => {
  const numbers = Array.from({ length: 1001 }, (_, row) => [row / 2, row]).flat();
  const path = writeNpy(join(tempFolder(t), "x.npy"), [1001, 2], numbers);
  await refuses(
    () => openSource(path, { labelColumn: 1 }),
    "source",
    /has more than 1000 different labels in its first 1001 rows\. .*--label-kind value/,
  );
});

test("wide rows are scanned by their labels alone", async (t) => {
  const width = 9000;
  const numbers = Array.from({ length: 3 }, (_, row) =>
    Array.from({ length: width }, (_, column) => (column === 8999 ? row * 2 : column)),
  ).flat();
  const path = writeNpy(join(tempFolder(t), "x.npy"), [3, width], numbers);
  const source = await openSource(path, { labelColumn: -1 });
  assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["0", "2", "4"] });
  assert.deepEqual(
    (await take(source)).map((sample) => sample.bytes[1]![0]),
    [0, 1, 2],
  );
  await source.close();
});

test("labels of other dtypes are read", async (t) => {
  const folder = tempFolder(t);
  const halves = Uint16Array.from([0x4200, 0x3c00, 0x4000, 0x3c00]);
  const float16 = writeFile(join(folder, "h.npy"), npyBytes("<f2", [2, 2], new Uint8Array(halves.buffer)));
  const int64 = writeFile(
    join(folder, "i.npy"),
    npyBytes("<i8", [2, 2], new Uint8Array(BigInt64Array.from([3n, 1n, 2n, -1n]).buffer)),
  );
  const half = await openSource(float16, { labelColumn: 1 });
  assert.deepEqual(half.fields.label, { kind: "class", dtype: "uint8", classes: ["1"] });
  const long = await openSource(int64, { labelColumn: 1 });
  assert.deepEqual(long.fields.label, { kind: "class", dtype: "uint8", classes: ["-1", "1"] });
  await half.close();
  await long.close();
});

test("what cannot be read row by row is refused with a way out", async (t) => {
  const folder = tempFolder(t);
  const fortran = writeFile(
    join(folder, "f.npy"),
    npyBytes("<f8", [2, 3], new Uint8Array(48), { fortran: true }),
  );
  await refuses(
    () => openSource(fortran),
    "source",
    /is in Fortran order: .* Save it in C order: np\.save\(path, np\.ascontiguousarray\(x\)\)\.$/,
  );
  const scalar = writeFile(join(folder, "s.npy"), npyBytes("<f8", [], new Uint8Array(8)));
  await refuses(() => openSource(scalar), "source", /holds a single number, not a row per sample/);
  const path = writeNpy(join(folder, "x.npy"), [3, 3], rows.flat());
  await refuses(
    () => openSource(path, { labelColumn: 3 }),
    "usage",
    `${path} has 3 columns, there is no column 3. Give a --label-column from 0 to 2, or from -3 to -1.`,
  );
  await refuses(
    () => openSource(path, { labelColumn: "label" }),
    "usage",
    /columns of a \.npy file have no names, so "label" cannot be found/,
  );
  await refuses(
    () => openSource(path, { labelKind: "value" }),
    "usage",
    /has no label until its column is named/,
  );
  const flat = writeNpy(join(folder, "y.npy"), [3], [1, 2, 3]);
  await refuses(
    () => openSource(flat, { labelColumn: 0 }),
    "source",
    /has shape \[3\]; a label column needs two axes/,
  );
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { SpillwayError } from "#spillway/errors";
import { parseCsvHead } from "#spillway/source/csv-head";
import { openSource } from "#spillway/source/registry";
import type { SourceOptions } from "#spillway/source/source";
import { numbersOf, refuses, take, tempFolder, writeFile } from "./fixtures.js";

/** Opens a text as a file and reads all of it. */
async function read(
  t: Parameters<typeof tempFolder>[0],
  text: string | Uint8Array,
  options: SourceOptions = {},
  name = "x.csv",
) {
  const path = writeFile(join(tempFolder(t), name), text);
  const source = await openSource(path, options);
  try {
    const samples = await take(source);
    return {
      source,
      samples,
      data: samples.map((sample) => numbersOf(sample.bytes[0])),
      labels: samples.map((sample) => sample.bytes[1]?.[0]),
    };
  } finally {
    await source.close();
  }
}

test("number columns are one tensor, and a column called label gives the classes", async (t) => {
  const { source, samples, data, labels } = await read(t, "a,label,b\n1,walk,2.5\n-3,run,4e2\n5,walk,6\n");
  assert.equal(source.kind, "csv");
  assert.deepEqual(source.fields, {
    data: { kind: "tensor", dtype: "float64", shape: [2] },
    label: { kind: "class", dtype: "uint8", classes: ["run", "walk"] },
  });
  assert.equal(source.sampleCount, 3);
  assert.deepEqual(source.notes, ['Column "label" is the label.']);
  assert.deepEqual(data, [
    [1, 2.5],
    [-3, 400],
    [5, 6],
  ]);
  assert.deepEqual(labels, [1, 0, 1]);
  assert.deepEqual(
    samples.map((sample) => [sample.path, sample.row]),
    [
      ["x.csv", 0],
      ["x.csv", 1],
      ["x.csv", 2],
    ],
  );
});

test("files of other make are read: tabs, semicolons, line ends of Windows, a BOM, gzip, odd names, no last line end", async (t) => {
  const expected = [
    [1, 2],
    [3, 4],
  ];
  const text = "a,b,label\n1,2,x\n3,4,y\n";
  for (const [content, name] of [
    [text.replaceAll(",", "\t"), "x.tsv"],
    [text.replaceAll(",", "\t"), "x.csv"],
    [text.replaceAll(",", ";"), "x.csv"],
    [text.replaceAll(",", "|"), "x.csv"],
    [text.replaceAll("\n", "\r\n"), "x.csv"],
    [`\ufeff${text}`, "x.csv"],
    [gzipSync(text), "x.csv.gz"],
    [gzipSync(text), "x.csv"],
    [text, "it's [1] *?.csv"],
    [text.trimEnd(), "x.CSV"],
    [text.replace("a,b", '"a, or ""b""","b"'), "x.csv"],
  ] as const) {
    const { data, labels } = await read(t, content, {}, name);
    assert.deepEqual(data, expected, name);
    assert.deepEqual(labels, [0, 1]);
  }
});

test("the label is named, numbered, or the only text column, or not there", async (t) => {
  const text = "a,kind,b\n1,x,0\n2,y,1\n3,x,0\n";
  const guessed = await read(t, text);
  assert.deepEqual(guessed.source.notes, ['Column "kind" is the label.']);
  assert.deepEqual(guessed.labels, [0, 1, 0]);
  for (const labelColumn of ["b", 2, -1, "-1"]) {
    const { source, labels } = await read(t, text.replaceAll("x", "8").replaceAll("y", "9"), { labelColumn });
    assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["0", "1"] });
    assert.deepEqual(labels, [0, 1, 0]);
  }
  const none = await read(t, "a,b\n1,2\n3,4\n");
  assert.deepEqual(Object.keys(none.source.fields), ["data"]);
  assert.match(none.source.notes[0]!, /^No column is called label, class, target or y, and none is named/);
});

test("without a header columns are numbered", async (t) => {
  const { source, data, labels } = await read(t, "1,2,walk\n3,4,run\n");
  assert.deepEqual(data, [
    [1, 2],
    [3, 4],
  ]);
  assert.deepEqual(labels, [1, 0]);
  assert.deepEqual(source.notes, [
    'Column "column2" is the label.',
    "The file has no header: columns are numbered from 0.",
  ]);
  const numbers = await read(t, "5,1,2\n7,3,4\n", { labelColumn: 0 });
  assert.deepEqual(numbers.source.fields.label, { kind: "class", dtype: "uint8", classes: ["5", "7"] });
});

test("whole numbers are classes in their order, and may be given names", async (t) => {
  const text = "a,label\n1,10\n2,9\n3,9.0\n4,10\n";
  const { source, labels } = await read(t, text);
  assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["9", "10"] });
  assert.deepEqual(labels, [1, 0, 0, 1]);
  const named = await read(t, "a,label\n1,1\n2,0\n", { classes: ["no", "yes"] });
  assert.deepEqual(named.labels, [1, 0]);
  await refuses(
    () => read(t, text, { classes: ["no", "yes"] }),
    "source",
    /the label of row 0 \(from 0\) of .* is 10, which none of the 2 classes has/,
  );
  await refuses(
    () => read(t, "a,label\n1,x\n2,y\n", { classes: ["x"] }),
    "source",
    /holds class "y", which is not among the 1 given: x/,
  );
});

test("a label of kind value is a number to be predicted", async (t) => {
  const { source, samples, data } = await read(t, "a,price\n1,2.5\n3,4.5\n", {
    labelColumn: "price",
    labelKind: "value",
  });
  assert.deepEqual(source.fields.target, { kind: "tensor", dtype: "float64", shape: [] });
  assert.deepEqual(data, [[1], [3]]);
  assert.deepEqual(
    samples.flatMap((sample) => numbersOf(sample.bytes[1])),
    [2.5, 4.5],
  );
});

test("empty cells become NaN and are counted", async (t) => {
  const { source, data } = await read(t, "a,b,label\n1,,x\nNA,nan,y\n3,4,x\n");
  assert.deepEqual(data, [
    [1, Number.NaN],
    [Number.NaN, Number.NaN],
    [3, 4],
  ]);
  assert.deepEqual(source.notes.slice(1), ["3 cells are empty or NaN: they become NaN."]);
});

test("labels that are empty, NaN or fractions are refused with their row", async (t) => {
  await refuses(
    () => read(t, "a,label\n1,x\n2,\n3,y\n"),
    "source",
    /^the label of row 1 \(from 0, header not counted\) of .* is empty or NA, N\/A, NULL, null\. Remove the row, or give it a label\.$/,
  );
  await refuses(
    () => read(t, "a,label\n1,0\n2,1\n3,nan\n"),
    "source",
    /^the label of row 2 \(from 0\) of .* is NaN\./,
  );
  await refuses(
    () => read(t, "a,label\n1,0\n2,1.5\n"),
    "source",
    /^the label of row 1 \(from 0\) of .* is 1\.5, not a whole number\. .*--label-kind value/,
  );
  await refuses(
    () => read(t, "a,y\n1,0\n2,\n", { labelKind: "value" }),
    "source",
    /^the label of row 1 \(from 0\) of .* is NaN\./,
  );
  const many = `a,label\n${Array.from({ length: 1001 }, (_, row) => `1,${row}\n`).join("")}`;
  await refuses(() => read(t, many), "source", /has more than 1000 different labels .*--label-kind value/);
});

test("lines with too few or too many columns, and cells that are no numbers, are refused with their line", async (t) => {
  const good = "1,2,x\n".repeat(5000);
  await refuses(
    () => read(t, `a,b,label\n${good}3,4\n${good}`),
    "source",
    /^line 5002 of .* has 2 columns, 3 were expected\. Correct the line, or remove it\.$/,
  );
  await refuses(
    () => read(t, "a,b,label\n1,2,x\n3,4,y,5\n"),
    "source",
    /^line 3 of .* has 4 columns, 3 were expected\./,
  );
  await refuses(
    () => read(t, `a,b,label\n${good}1,oops,x\n`),
    "source",
    /^line 5002 of .* has "oops" in column "b", a number was expected\./,
  );
});

test("text in other columns is refused by name", async (t) => {
  await refuses(
    () => read(t, "id,who,label,a\n1,bob,x,1\n2,eve,y,2\n"),
    "source",
    /^.* has text in 1 columns that are not the label: "who"\. Remove the columns or turn them into numbers, or name one of them with --label-column\.$/,
  );
});

test("a file that is empty, has no rows, ends early, or is no text is refused", async (t) => {
  await refuses(() => read(t, ""), "source", /is empty\. Give a file with a header and a row per sample\.$/);
  await refuses(() => read(t, "a,b,label\n"), "source", /has no rows besides its header/);
  await refuses(() => read(t, "label\nx\ny\n"), "source", /has no number column besides the label/);
  const packed = gzipSync(
    `a,label\n${Array.from({ length: 5000 }, (_, row) => `${Math.sin(row)},x\n`).join("")}`,
  );
  await refuses(
    () => read(t, packed.subarray(0, packed.length / 2), {}, "x.csv.gz"),
    "source",
    /ends early: its \d+ bytes unpack to \d+/,
  );
  await refuses(() => read(t, Buffer.from("a,b\n1,2\n", "utf16le")), "source", /is no text: byte 1 is 00/);
  await refuses(
    () => read(t, Buffer.from("\ufeffa,b\n1,2\n", "utf16le")),
    "source",
    /is UTF-16 text, UTF-8 was expected/,
  );
  await refuses(
    () => read(t, Buffer.from("a,label\n1,\xe9t\xe9\n", "latin1")),
    "source",
    /^line 2 of .* is not UTF-8 text/,
  );
  await refuses(
    () => read(t, "a,b,label\n1,2,x\n", { labelColumn: "kind" }),
    "usage",
    /has no column "kind": its columns are a, b, label/,
  );
});

test("reading starts at any row, over many chunks", async (t) => {
  const rows = 10_000;
  const text = `a,label,b\n${Array.from({ length: rows }, (_, row) => `${row},${row % 3},${-row - 1}\n`).join("")}`;
  const source = await openSource(writeFile(join(tempFolder(t), "x.csv"), text));
  assert.equal(source.sampleCount, rows);
  for (const start of [0, 1, 2047, 2048, 9999, 10_000]) {
    const samples = await take(source, start);
    assert.equal(samples.length, rows - start);
    samples.forEach((sample, index) => {
      const row = start + index;
      assert.equal(sample.row, row);
      assert.deepEqual(numbersOf(sample.bytes[0]), [row, -row - 1]);
      assert.equal(sample.bytes[1]![0], row % 3);
    });
  }
  await source.close();
});

test("numbers come back bit for bit", async (t) => {
  const numbers = fc.sample(fc.double({ noDefaultInfinity: true, noNaN: true }), { numRuns: 3000, seed: 7 });
  const { data } = await read(t, `a,b\n${numbers.map((number) => `${number},1\n`).join("")}`);
  assert.deepEqual(
    data.map(([number]) => number),
    // A CSV file has no sign of zero.
    numbers.map((number) => number + 0),
  );
});

test("a wide table is read", async (t) => {
  const width = 2000;
  const line = Array.from({ length: width }, (_, column) => column);
  const { data, source } = await read(
    t,
    `${line.map((column) => `p${column}`).join()},label\n${line.join()},x\n${line.join()},y\n`,
  );
  assert.deepEqual(source.fields.data, { kind: "tensor", dtype: "float64", shape: [width] });
  assert.deepEqual(data, [line, line]);
});

test("any bytes give the head of a table or a SpillwayError", () => {
  const accepts = (bytes: Uint8Array) => {
    try {
      assert.ok(parseCsvHead(bytes, true, "x.csv").columns.length > 0);
    } catch (error) {
      assert.ok(error instanceof SpillwayError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), accepts));
  const cells = fc.array(fc.constantFrom("1", "x", '"', ",", "\n", "\r", "NA", ";", " ", "é"), {
    maxLength: 40,
  });
  fc.assert(fc.property(cells, (parts) => accepts(Buffer.from(parts.join("")))));
});

import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSource } from "#spillway/source/registry";
import {
  float64,
  npyBytes,
  npyFromHeader,
  numbersOf,
  refuses,
  take,
  tempFolder,
  writeFile,
  writeNpy,
} from "./fixtures.js";

test("sub-folders are classes, and samples come in the order of their paths", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "walk/2.npy"), [2], [5, 6]);
  writeNpy(join(folder, "run/10.npy"), [2], [3, 4]);
  writeNpy(join(folder, "run/1.npy"), [2], [1, 2]);
  writeNpy(join(folder, "walk/deep/er/1.npy"), [2], [7, 8]);
  const source = await openSource(folder);
  assert.equal(source.kind, "npy-folder");
  assert.deepEqual(source.fields, {
    data: { kind: "tensor", dtype: "float64", shape: [2] },
    label: { kind: "class", dtype: "uint8", classes: ["run", "walk"] },
  });
  assert.equal(source.sampleCount, 4);
  assert.deepEqual(source.notes, []);
  const samples = await take(source);
  assert.deepEqual(
    samples.map((sample) => sample.path),
    ["run/1.npy", "run/10.npy", "walk/2.npy", "walk/deep/er/1.npy"],
  );
  assert.deepEqual(
    samples.map((sample) => numbersOf(sample.bytes[0])),
    [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ],
  );
  assert.deepEqual(
    samples.map((sample) => sample.bytes[1]![0]),
    [0, 0, 1, 1],
  );
});

test("the order is that of UTF-8 bytes of whole paths, whatever the locale", async (t) => {
  const folder = tempFolder(t);
  const names = [
    "a-b/x.npy",
    "a/z.npy",
    "a/Z.npy",
    "a.b/x.npy",
    "é/x.npy",
    "a/10.npy",
    "a/9.npy",
    "a/b/x.npy",
    "a/b.npy",
  ];
  for (const name of names) writeNpy(join(folder, name), [1], [0]);
  const source = await openSource(folder);
  const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(
    (await take(source)).map((sample) => sample.path),
    expected,
  );
  // Classes are sorted by name; "a-b/..." comes before "a/...", but "a" before "a-b".
  assert.deepEqual(source.fields.label, { kind: "class", dtype: "uint8", classes: ["a", "a-b", "a.b", "é"] });
  const labels = (await take(source)).map((sample) => sample.bytes[1]![0]!);
  assert.deepEqual(
    labels,
    expected.map((name) => ["a", "a-b", "a.b", "é"].indexOf(name.split("/")[0]!)),
  );
});

test("files in the folder itself have no label", async (t) => {
  const folder = tempFolder(t);
  for (const name of ["b", "a"]) writeNpy(join(folder, `${name}.npy`), [2, 1], [1, 2]);
  const source = await openSource(folder);
  assert.deepEqual(Object.keys(source.fields), ["data"]);
  assert.deepEqual(source.notes, ["There are no sub-folders, so the samples have no class label."]);
  assert.deepEqual(
    (await take(source)).map((sample) => sample.path),
    ["a.npy", "b.npy"],
  );
});

test("files both in the folder and in sub-folders are refused", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "a.npy"), [1], [1]);
  writeNpy(join(folder, "run/b.npy"), [1], [1]);
  await refuses(
    () => openSource(folder),
    "source",
    `${folder} holds samples both directly (such as a.npy) and in 1 sub-folders (such as run). ` +
      "Move all of them into sub-folders, one per class, or all into one folder.",
  );
});

test("other files are counted and said, hidden ones are not there", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "run/a.npy"), [1], [1]);
  writeNpy(join(folder, ".cache/a.npy"), [7], [1, 2, 3, 4, 5, 6, 7]);
  writeFile(join(folder, "run/.hidden.npy"), "no numbers");
  for (const name of ["a.txt", "b.TXT", "notes.md", "LICENSE"]) writeFile(join(folder, "run", name), "x");
  const source = await openSource(folder);
  assert.equal(source.sampleCount, 1);
  assert.deepEqual(source.notes.slice(0, 1), ["4 other files were left out: 2 .txt, 1 .md, 1 no ending."]);
});

test("a file of another shape is named before anything is read, with what was expected", async (t) => {
  const folder = tempFolder(t);
  for (let index = 0; index < 9; index++)
    writeNpy(join(folder, `run/${index}.npy`), [4, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  const odd = writeNpy(join(folder, "walk/5.npy"), [5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await refuses(
    () => openSource(folder),
    "source",
    `${odd} holds float64 [5, 2], but float64 [4, 2] was expected, as in ${join(folder, "run/0.npy")}. ` +
      "All samples need one shape and dtype: move the others into a folder of their own, or save them alike.",
  );
});

test("a file of another dtype or shape but the same size is named when it is read", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "a.npy"), [2], [1, 2]);
  const odd = writeFile(join(folder, "b.npy"), npyBytes("<i8", [2], new Uint8Array(16)));
  const source = await openSource(folder);
  await refuses(
    () => take(source),
    "source",
    new RegExp(`^${odd} holds int64 \\[2\\], but float64 \\[2\\] was expected, as in`),
  );
});

test("what is no .npy, and what is cut short, is named", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "a.npy"), [2], [1, 2]);
  const text = writeFile(join(folder, "b.npy"), "hello, world");
  await refuses(
    () => openSource(folder),
    "source",
    new RegExp(`^${text} is no .npy file: it begins with bytes 68 65 6c 6c 6f 2c`),
  );
  const short = writeFile(join(folder, "b.npy"), npyBytes("<f8", [2], float64(1, 2)).subarray(0, 140));
  await refuses(
    () => openSource(folder),
    "source",
    new RegExp(`^${short} is cut short: it has 140 bytes, .* takes 144`),
  );
  fs.rmSync(short);
  const source = await openSource(folder);
  fs.truncateSync(join(folder, "a.npy"), 139);
  await refuses(() => take(source), "source", /a\.npy is cut short: it has 139 bytes/);
  fs.rmSync(join(folder, "a.npy"));
  await refuses(() => take(source), "missing", /a\.npy does not exist/);
});

test("big-endian, Fortran-ordered and differently padded files give the same bytes as plain ones", async (t) => {
  const folder = tempFolder(t);
  const numbers = [1, 2, 3, 4, 5, 6];
  writeNpy(join(folder, "a.npy"), [2, 3], numbers);
  writeFile(join(folder, "b.npy"), npyBytes(">f8", [2, 3], Buffer.from(float64(...numbers)).swap64()));
  writeFile(join(folder, "c.npy"), npyBytes("<f8", [2, 3], float64(1, 4, 2, 5, 3, 6), { fortran: true }));
  const padded = `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }${" ".repeat(64)}`;
  writeFile(join(folder, "d.npy"), npyFromHeader(padded, float64(...numbers)));
  for (const first of ["a", "b", "c", "d"]) {
    // Whichever of them comes first, and so is the model.
    const copy = tempFolder(t);
    for (const name of ["a", "b", "c", "d"])
      fs.copyFileSync(join(folder, `${name}.npy`), join(copy, `${name === first ? "0" : name}.npy`));
    for (const sample of await take(await openSource(copy)))
      assert.deepEqual(numbersOf(sample.bytes[0]), numbers);
  }
});

test("the caller's classes give the order, and may not lack one that is there", async (t) => {
  const folder = tempFolder(t);
  for (const name of ["a", "b"]) writeNpy(join(folder, name, "x.npy"), [1], [1]);
  const source = await openSource(folder, { classes: ["c", "b", "a"] });
  assert.deepEqual(
    (await take(source)).map((sample) => sample.bytes[1]![0]),
    [2, 1],
  );
  await refuses(
    () => openSource(folder, { classes: ["a"] }),
    "source",
    `${folder} holds class "b", which is not among the 1 given: a. Add it to --classes, or leave --classes out to use all 2 that are there.`,
  );
});

test("the fingerprint changes with names, sizes and times, and not with reading", async (t) => {
  const folder = tempFolder(t);
  const file = writeNpy(join(folder, "a/x.npy"), [1], [1]);
  const fingerprint = async () => (await openSource(folder)).fingerprint;
  const first = await fingerprint();
  assert.match(first, /^[0-9a-f]{16}$/);
  assert.equal(await fingerprint(), first);
  fs.utimesSync(file, 1, 1);
  const touched = await fingerprint();
  assert.notEqual(touched, first);
  fs.renameSync(file, join(folder, "a/y.npy"));
  assert.notEqual(await fingerprint(), touched);
});

test("links to folders are followed, one that leads in circles is refused", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "a/x.npy"), [1], [1]);
  fs.symlinkSync(join(folder, "a"), join(folder, "b"));
  assert.deepEqual(
    (await take(await openSource(folder))).map((sample) => sample.path),
    ["a/x.npy", "b/x.npy"],
  );
  const linked = tempFolder(t);
  fs.symlinkSync(join(folder, "a"), join(linked, "c"));
  fs.symlinkSync("nowhere", join(linked, "broken"));
  assert.deepEqual(
    (await take(await openSource(linked))).map((sample) => sample.path),
    ["c/x.npy"],
  );
  fs.symlinkSync(folder, join(folder, "a/up"));
  await refuses(
    () => openSource(folder),
    "source",
    /[ab]\/up is a link to .*, the folder that it lies in\. Delete the link\./,
  );
});

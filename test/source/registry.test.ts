import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openSource, sourceKinds } from "#spillway/source/registry";
import { npyBytes, refuses, tempFolder, writeFile, writeNpy } from "./fixtures.js";

test("a path where nothing is, is missing", async (t) => {
  const path = join(tempFolder(t), "nothing");
  await refuses(() => openSource(path), "missing", `${path} does not exist. Check the path.`);
  await refuses(
    () => openSource(path, { kind: "csv" }),
    "missing",
    `${path} does not exist. Check the path.`,
  );
});

test("an empty folder is refused, also one that holds only hidden files and empty folders", async (t) => {
  const folder = tempFolder(t);
  const message = `${folder} is empty. Put samples there, or give another path.`;
  await refuses(() => openSource(folder), "source", message);
  fs.mkdirSync(join(folder, "a/b"), { recursive: true });
  writeFile(join(folder, "a/.DS_Store"), "x");
  await refuses(() => openSource(folder), "source", message);
  await refuses(
    () => openSource(folder, { kind: "npy-folder" }),
    "source",
    new RegExp(`^${folder} is empty\\.`),
  );
});

test("a folder with nothing usable is refused with what it holds", async (t) => {
  const folder = tempFolder(t);
  for (let index = 0; index < 10; index++) writeFile(join(folder, `deep/${index}.txt`), "x");
  for (const name of ["a", "b"]) writeFile(join(folder, `${name}.md`), "x");
  await refuses(
    () => openSource(folder),
    "source",
    new RegExp(
      `^${folder} holds 12 files, none of which is a \\.npy, image or IDX file: 10 \\.txt, 2 \\.md\\. Give a folder of \\.npy files`,
    ),
  );
  writeFile(join(folder, "table.csv"), "a,b\n");
  await refuses(
    () => openSource(folder),
    "source",
    /For a table, give the path of the file itself, such as that of table\.csv\.$/,
  );
});

test("a folder with a dataset.json is taken for a dataset, and refused where that is none", async (t) => {
  const folder = tempFolder(t);
  writeFile(join(folder, "dataset.json"), "{}");
  await refuses(
    () => openSource(folder),
    "corrupt",
    `${folder}/dataset.json is damaged: format: Invalid input: expected "spillway". Restore it from a copy, or pack again.`,
  );
});

test("a file of no known kind is refused", async (t) => {
  const path = writeFile(join(tempFolder(t), "x.pdf"), "%PDF-1.7");
  await refuses(
    () => openSource(path),
    "source",
    /x\.pdf is none of the kinds of file that can be packed\. Give a folder of .* add --kind\.$/,
  );
});

test("a .npy file is known by its first bytes too", async (t) => {
  const path = writeFile(join(tempFolder(t), "x.dat"), npyBytes("|u1", [2, 2], new Uint8Array(4)));
  const source = await openSource(path);
  assert.equal(source.kind, "npy");
  await source.close();
});

test("the kind can be named, and must exist and fit", async (t) => {
  const folder = tempFolder(t);
  const path = writeNpy(join(folder, "x.npy"), [2, 2], [1, 2, 3, 4]);
  for (const [given, kind] of [
    [folder, "npy-folder"],
    [path, "npy"],
  ] as const) {
    const source = await openSource(given, { kind });
    assert.equal(source.kind, kind);
    await source.close();
  }
  await refuses(
    () => openSource(path, { kind: "parquet" }),
    "usage",
    'there is no kind of source called "parquet". Use one of npy-folder, image-folder, idx, npy, csv, dataset, or leave it out.',
  );
  for (const kind of ["npy-folder", "image-folder"]) {
    await refuses(
      () => openSource(path, { kind }),
      "usage",
      `${path} is a file, but a source of kind "${kind}" is a folder. Give the path of a folder, or another --kind.`,
    );
  }
  for (const kind of ["npy", "csv"]) {
    await refuses(
      () => openSource(folder, { kind }),
      "usage",
      new RegExp(`is a folder, but a source of kind "${kind}" is a file`),
    );
  }
  await refuses(() => openSource(folder, { kind: "idx" }), "source", /holds no IDX images/);
});

test("a folder that can be read in several ways asks which is meant", async (t) => {
  const folder = tempFolder(t);
  writeNpy(join(folder, "a.npy"), [1], [1]);
  writeFile(join(folder, "train-images-idx3-ubyte"), "");
  await refuses(
    () => openSource(folder),
    "source",
    /can be read in 2 ways: .* Say which is meant: --kind npy-folder or --kind idx\.$/,
  );
});

test("an option that the kind does not take is refused", async (t) => {
  const folder = tempFolder(t);
  const path = writeNpy(join(folder, "x.npy"), [2, 2], [1, 2, 3, 4]);
  await refuses(
    () => openSource(path, { channels: 3 }),
    "usage",
    'a source of kind "npy" has no use for channels (--channels). Leave it out; the options of this kind are: --classes, --label-column, --label-kind.',
  );
});

test("no kind takes the text of another for its own, and none fails on nonsense", async (t) => {
  const folder = tempFolder(t);
  const files = ["", "x", "\x00\x00\x08", "\x1f\x8b", "\x1f\x8b\x08\x00broken", "\x93NUMP"].map(
    (text, index) => writeFile(join(folder, `${index}.bin`), Buffer.from(text, "latin1")),
  );
  for (const file of files) {
    for (const kind of sourceKinds) assert.equal(await kind.detect(file), false, `${kind.name} of ${file}`);
  }
  for (const kind of sourceKinds) assert.equal(await kind.detect(join(folder, "missing")), false);
});

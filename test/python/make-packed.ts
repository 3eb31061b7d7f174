// Makes what CI has Python check: folders of .npy files in class sub-folders, and the datasets that Spillway makes of
// them: packed in small shards for each of several dtypes, indexed, packed again from those, and grown by appending. Not
// a test by itself:
//   node build/test/python/make-packed.js FOLDER      then      check_packed.py FOLDER/float64/dataset FOLDER/float64/source

import fs from "node:fs";
import { join } from "node:path";
import { type DType, open, pack } from "spillway";
import { append, index } from "#spillway/pack/pack";
import { packSource } from "#spillway/pack/packer";
import { bytesOf, elementBytes, zeros } from "#spillway/tensor/dtype";

const descriptions: Partial<Record<DType, string>> = {
  float64: "<f8",
  float32: "<f4",
  float16: "<f2",
  int16: "<i2",
  uint8: "|u1",
  uint64: "<u8",
  bool: "|b1",
};
const shape = [16, 3];
const classNames = ["circle", "raise", "wave"];
const perClass = 40;
const small = { shardSize: "6 KiB" };

/** A .npy file, version 1.0. */
function npyFile(description: string, bytes: Uint8Array): Uint8Array {
  const head = `{'descr': '${description}', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const padded = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + "\n";
  const start = Buffer.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    padded.length & 255,
    padded.length >> 8,
  ]);
  return Buffer.concat([start, Buffer.from(padded, "latin1"), bytes]);
}

/** Values that differ from sample to sample; float16 and bool get bit patterns that are numbers. */
function values(dtype: DType, sample: number): Uint8Array {
  const array = zeros(dtype, shape[0]! * shape[1]!);
  for (let k = 0; k < array.length; k += 1) {
    const number = (sample * 31 + k * 7) % (dtype === "bool" ? 2 : dtype === "float16" ? 0x7c00 : 251);
    array[k] = (elementBytes(dtype) === 8 && dtype !== "float64" ? BigInt(number) : number) as never;
  }
  return bytesOf(array);
}

/** Writes some files of each class, from the `first`-th on. */
function makeSource(source: string, dtype: DType, first = 0, count = perClass, names = classNames): string {
  names.forEach((name, label) => {
    fs.mkdirSync(join(source, name), { recursive: true });
    for (let k = first; k < first + count; k += 1) {
      const file = npyFile(descriptions[dtype]!, values(dtype, label * perClass + k));
      fs.writeFileSync(join(source, name, `${String(k).padStart(3, "0")}.npy`), file);
    }
  });
  return source;
}

/** What is made of a source, by the name of its folder. */
const ways: Record<string, (source: string, path: string) => Promise<unknown>> = {
  indexed: (source, path) =>
    packSource(makeSource(source, "float32"), path, {}, { isIndex: true, isAppend: false, indexRows: 50 }),
  "packed-from-index": async (source, path) => {
    await index(makeSource(source, "int16"), `${path}-index`);
    await pack(`${path}-index`, path, { ...small, seed: 5 });
  },
  compacted: async (source, path) => {
    await pack(makeSource(source, "float64"), `${path}-small`, small);
    await pack(`${path}-small`, path, { seed: 7 });
  },
  // In the end the source has all files; the dataset has met them part by part, new classes too.
  appended: async (source, path) => {
    await pack(makeSource(`${path}-0`, "float32", 0, 25, ["circle", "wave"]), `${path}-small`, small);
    await pack(`${path}-small`, path, { seed: 2 });
    await append(makeSource(`${path}-1`, "float32", 25, 15, ["circle", "wave"]), path, small);
    await append(makeSource(`${path}-2`, "float32", 0, 40, ["raise"]), path, { ...small, layout: "source" });
    for (const part of ["0", "1", "2"]) fs.cpSync(`${path}-${part}`, source, { recursive: true });
  },
  "appended-index": async (source, path) => {
    await index(makeSource(source, "uint8", 0, 20), path);
    await append(makeSource(source, "uint8", 20, 20), path);
  },
};

const [target = "build/packed-for-python"] = process.argv.slice(2);
fs.rmSync(target, { recursive: true, force: true });
for (const dtype of Object.keys(descriptions) as DType[]) {
  ways[dtype] = (source, path) => pack(makeSource(source, dtype), path, small);
}
for (const [name, make] of Object.entries(ways)) {
  const path = join(target, name, "dataset");
  await make(join(target, name, "source"), path);
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.3 });
  await dataset.split({ test: 0.2 }, { folds: 3, stratify: "label", scheme: "folds" });
  const { shards, commits } = dataset.manifest;
  console.log(`${path}: ${dataset.size} samples in ${shards.length} shards and ${commits.length} commits`);
  await dataset.close();
}

// Makes what CI has Python check: a folder of .npy files for each of several dtypes, in class sub-folders, and the
// dataset that Spillway packs from it, in small shards. Not a test by itself:
//   node build/test/python/make-packed.js FOLDER      then      check_packed.py FOLDER/float64/dataset FOLDER/float64/source

import fs from "node:fs";
import { join } from "node:path";
import { type DType, open, pack } from "spillway";
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

const [target = "build/packed-for-python"] = process.argv.slice(2);
fs.rmSync(target, { recursive: true, force: true });
for (const [dtype, description] of Object.entries(descriptions) as [DType, string][]) {
  const source = join(target, dtype, "source");
  classNames.forEach((name, label) => {
    fs.mkdirSync(join(source, name), { recursive: true });
    for (let k = 0; k < perClass; k += 1) {
      const file = npyFile(description, values(dtype, label * perClass + k));
      fs.writeFileSync(join(source, name, `${String(k).padStart(3, "0")}.npy`), file);
    }
  });
  const path = join(target, dtype, "dataset");
  const result = await pack(source, path, { shardSize: "6 KiB" });
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.3 });
  await dataset.split({ test: 0.2 }, { folds: 3, stratify: "label", scheme: "folds" });
  await dataset.close();
  console.log(`${path}: ${result.rows} samples of ${dtype} in ${result.shards} shards`);
}

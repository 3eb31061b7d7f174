// A dataset whose samples say which they are: float32 records, the first value of sample i is i, packed by the library
// itself, all in one shard and in source order, so that fio can read the same bytes.

import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { classes, pack, tensor } from "spillway";
import type { Manifest } from "#spillway/format/manifest";

export interface Numbered {
  /** Folder of the dataset. */
  path: string;
  count: number;
  /** The file that holds all records, and where in it they lie. */
  shard: string;
  startByte: number;
  byteLength: number;
}

/** Packs `byteLength` of samples of `sampleBytes` each into a folder; float32 holds the numbers up to 2^24 exactly. */
export async function packNumbered(path: string, sampleBytes: number, byteLength: number): Promise<Numbered> {
  const count = Math.floor(byteLength / sampleBytes);
  const length = sampleBytes / 4;
  if (count > 2 ** 24) throw new RangeError(`${count} samples cannot be numbered in float32`);
  const noise = Float32Array.from({ length: length * 2 }, Math.random);
  function* samples() {
    for (let i = 0; i < count; i += 1) {
      const data = noise.slice(i % length, (i % length) + length);
      data[0] = i;
      yield { data, label: String(i % 10) };
    }
  }
  const fields = { data: tensor("float32", [length]), label: classes(Array.from("0123456789")) };
  await pack(samples(), path, { fields, layout: "source", shardSize: 2 * byteLength });
  const manifest: Manifest = JSON.parse(fs.readFileSync(join(path, "dataset.json"), "utf8"));
  const [shard] = manifest.shards;
  if (manifest.shards.length !== 1 || !shard) throw new Error("the benchmark needs one shard");
  return {
    path,
    count,
    shard: join(path, shard.path),
    startByte: shard.columns.data!.start,
    byteLength: count * sampleBytes,
  };
}

/** A folder of the benchmark's own, removed when the process ends, also by Ctrl-C; what a child still writes into it is waited for. */
export function benchFolder(): string {
  const folder = fs.mkdtempSync(join(os.tmpdir(), "spillway-bench-"));
  process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));
  return folder;
}

// Datasets to be damaged, a bit at a time, and where `verify` says that they are.

import fs from "node:fs";
import type { Manifest } from "#spillway/format/manifest";
import type { VerifyReport } from "#spillway/pack/verify";
import type { VerifyProblem } from "#spillway/pack/verify-problems";
import { readManifest } from "#spillway/source/manifest-file";
import { copyOf, packed } from "../fixtures/packed.js";

/** Small records, which share sums: 42 samples each. A shard has 100 samples, and one class column. */
export function smallRecords(): Promise<string> {
  return packed({ count: 450, length: 24, shardSize: 97 * 100 });
}

/** Records of 2.8 MB, each with a sum of its own. */
export function largeRecords(): Promise<string> {
  return packed({ count: 6, length: 700_000, dtype: "float32", shardSize: "7 MiB", memory: "64 MiB" });
}

/** A copy of a dataset, and its manifest. */
export function toDamage(dataset: string): { path: string; manifest: Manifest } {
  const path = copyOf(dataset);
  return { path, manifest: readManifest(path)! };
}

/** Turns one bit of the byte at a place around. */
export function flip(file: string, at: number, bit = 1): void {
  const fd = fs.openSync(file, "r+");
  try {
    const byte = new Uint8Array(1);
    fs.readSync(fd, byte, 0, 1, at);
    byte[0]! ^= bit;
    fs.writeSync(fd, byte, 0, 1, at);
  } finally {
    fs.closeSync(fd);
  }
}

/** Problems without their wording. */
export function placesOf(report: VerifyReport): Omit<VerifyProblem, "what" | "remedy">[] {
  return report.problems.map(({ what: _what, remedy: _remedy, ...place }) => place);
}

// Datasets that are appended to: small ones with small shards, and what the tests of growing ask of them.

import assert from "node:assert/strict";
import { join } from "node:path";
import { open, type PackOptions, pack } from "spillway";
import { append } from "#spillway/pack/pack";
import { verifyDataset } from "#spillway/pack/verify";
import { samplesOf } from "../fixtures/batches.js";
import { newPath } from "../fixtures/new-path.js";
import { float64, npyBytes, writeFile } from "../source/fixtures.js";
import { stream, streamFields } from "./sources.js";
import { manifestOf } from "./unpacked.js";

export const small: PackOptions = { memory: "1 MiB", shardSize: 4096 };
export const streamed: PackOptions = { ...small, fields: streamFields };

/** A dataset of `count` samples of a stream, split. */
export async function base(count = 60): Promise<string> {
  const path = newPath("base");
  await pack(stream(count), path, streamed);
  const dataset = await open(path, { memory: "16 MiB" });
  await dataset.split({ train: 0.7, val: 0.3 }, { seed: 3 });
  await dataset.close();
  return path;
}

/** The number in each sample, by id. */
export async function numbersOf(path: string): Promise<number[]> {
  return (await samplesOf(path)).map(({ data }) => Buffer.from(data!, "latin1").readInt32LE(0));
}

/** Throws where `verify` finds a problem. */
export async function isWhole(path: string): Promise<void> {
  assert.deepEqual((await verifyDataset(path)).problems, []);
}

/** Begins an append and stops it once `rows` rows of it are committed. */
export async function begun(
  path: string,
  source: Parameters<typeof append>[0],
  options: PackOptions,
  rows = 1,
): Promise<void> {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const before = manifestOf(path).rows;
  const onProgress = () => {
    if (manifestOf(path).rows >= before + rows) stop.abort(reason);
  };
  await assert.rejects(append(source, path, { ...options, signal: stop.signal, onProgress }), reason);
  assert.ok(manifestOf(path).packing);
}

/** A folder of float64 [2] with a class per sub-folder; the k-th name given is sample k. */
export function folderOf(...files: string[]): string {
  const source = newPath("source");
  files.forEach((name, k) => {
    writeFile(join(source, name), npyBytes("<f8", [2], float64(k, -k)));
  });
  return source;
}

/** Class name and first number of each sample, by id. */
export async function namedOf(path: string): Promise<[string, number][]> {
  const { fields } = manifestOf(path);
  const label = fields.label as { classes: string[]; dtype: string };
  return (await samplesOf(path)).map(({ data, label: stored }) => {
    const bytes = Buffer.from(stored!, "latin1");
    const number =
      label.dtype === "uint8"
        ? bytes.readUInt8()
        : label.dtype === "uint16"
          ? bytes.readUInt16LE()
          : bytes.readInt32LE();
    return [label.classes[number]!, Buffer.from(data!, "latin1").readDoubleLE()];
  });
}

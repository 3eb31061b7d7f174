// Checks the records of one index, each in the file where it stays: that the file is there, unchanged, and holds what
// was indexed. Problems are added as they are met: a folder that is gone could have millions of them.

import fs from "node:fs";
import { SpillwayError } from "../errors.js";
import type { Manifest, ShardEntry } from "../format/manifest.js";
import { planSums } from "../format/shard.js";
import { StoredRecords } from "../source/stored-records.js";
import type { ReadableFile } from "../store/file.js";
import { type Field, type Fields, fieldStride } from "../tensor/field.js";
import type { ProblemList } from "./verify-problems.js";
import { chunkBytes, type VerifyWorkspace } from "./verify-workspace.js";

/** Records that are read at the same time, and the bytes that they may take together. */
const maxLanes = 16;
const laneBytes = 2 ** 23;

export interface FilesCheck {
  folder: string;
  manifest: Readonly<Manifest>;
  /** Where the files of an index are, if not where they were. */
  filesRoot: string | undefined;
  shard: ShardEntry;
  /** Row of the layout that the shard starts with. */
  firstRow: number;
  workspace: VerifyWorkspace;
  problems: ProblemList;
  /** Told of every `byteLength` more bytes that were checked; throws where the caller wants to stop. */
  advance(byteLength: number): void;
}

/**
 * Reads the records and adds what is wrong with them to the problems.
 *
 * @param sumsFile what the records are held against is read from there, and added to the workspace's stream
 * @returns whether all are what was indexed
 */
export async function verifyFiles(
  check: FilesCheck,
  field: string,
  sumsFile: ReadableFile | undefined,
): Promise<boolean> {
  const { manifest, shard, firstRow, problems, filesRoot = manifest.files!.root } = check;
  if (!fs.existsSync(filesRoot)) {
    problems.add({
      path: filesRoot,
      shard: shard.path,
      field,
      startSample: firstRow,
      endSample: firstRow + shard.rows,
      what: `${filesRoot}, which ${check.folder} is an index of, does not exist`,
      remedy: 'If it was moved, give its new place: source in the library, "--source" on the command line.',
    });
    return false;
  }
  const areRight = await readRecords(check, field, filesRoot);
  await streamSums(check, field, sumsFile);
  return areRight;
}

async function readRecords(check: FilesCheck, field: string, filesRoot: string): Promise<boolean> {
  const { folder, manifest, shard, firstRow, problems } = check;
  const names = Object.keys(manifest.fields);
  const stride = fieldStride(manifest.fields[field] as Field);
  const lanes = Array.from(
    { length: Math.max(1, Math.min(maxLanes, Math.floor(laneBytes / stride))) },
    () => {
      const record = new Uint8Array(stride);
      return names.map((name) => (name === field ? record : undefined));
    },
  );
  const records = new StoredRecords(folder, manifest, filesRoot);
  let areRight = true;
  try {
    for (let row = 0; row < shard.rows; row += lanes.length) {
      const reads = lanes
        .slice(0, shard.rows - row)
        .map((into, k) => records.readInto(firstRow + row + k, into));
      for (const [k, end] of (await Promise.allSettled(reads)).entries()) {
        if (end.status === "fulfilled") continue;
        if (!(end.reason instanceof SpillwayError)) throw end.reason;
        areRight = false;
        const { what, remedy, where } = end.reason;
        const sample = firstRow + row + k;
        problems.add({
          path: where.path ?? where.shard ?? shard.path,
          shard: shard.path,
          field,
          startSample: sample,
          endSample: sample + 1,
          what,
          remedy,
        });
      }
      check.advance(reads.length * stride);
    }
  } finally {
    records.close();
  }
  return areRight;
}

/** The sums are those of the index: whether they are whole is for the hash of all of them to say. */
async function streamSums(
  { manifest, shard, workspace }: FilesCheck,
  field: string,
  sumsFile: ReadableFile | undefined,
): Promise<void> {
  const { starts } = planSums(manifest.fields as Fields, shard.rows, field);
  for (let at = 0; sumsFile && at < 8 * shard.rows; at += chunkBytes) {
    const part = workspace.chunk.subarray(0, Math.min(chunkBytes, 8 * shard.rows - at));
    await sumsFile.read(part, starts[field]! + at);
    workspace.addToStream(part);
  }
}

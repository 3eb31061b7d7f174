// Checks the Arrow header and footer of a shard or an index: that they are those which its fields and rows give. Samples
// can be read without them, other programs need them. A header knows the classes of its time: every set of them that it
// may tell is tried.

import { encodeIndex, encodeShard } from "../format/arrow.js";
import { knownFields } from "../format/commits.js";
import { roundUp, type ShardPlan } from "../format/shard.js";
import type { ReadableFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { FilesCheck } from "./verify-files.js";
import { restoreRemedy } from "./verify-problems.js";
import { chunkBytes } from "./verify-workspace.js";

export interface ArrowCheck extends FilesCheck {
  /** Classes that the samples of the shards so far have, by field; carried from shard to shard. */
  labelCounts: Record<string, number>;
}

/** More than any header or footer has: their class names are in dataset.json too. */
const maxMetadataBytes = 2 ** 27;

/** Compares header and footer with those that these fields and rows give. */
export async function verifyArrow(check: ArrowCheck, file: ReadableFile): Promise<void> {
  const { manifest, shard, problems } = check;
  const inFiles = manifest.files?.field;
  const names = Object.keys(manifest.fields).filter((name) => name !== inFiles);
  const { files, encoded = {} } = shard;
  const places = names.flatMap((name) => shard.columns[name] ?? []);
  const images = Object.values(encoded);
  const ends = places.map(({ start, stride }) => start + stride * shard.rows);
  ends.push(...images.map(({ offsets }) => offsets + (shard.rows + 1) * 4));
  if (files) ends.push(files.paths + files.pathBytes);
  const plan: ShardPlan = {
    rows: shard.rows,
    headerBytes: images[0]?.start ?? places[0]?.start ?? files?.places ?? 0,
    columns: shard.columns,
    encoded,
    bodyEnd: roundUp(Math.max(0, ...ends), 8),
  };
  const possible = (await fieldsOfHeader(check, file)).flatMap((fieldsThere) => {
    try {
      if (!files) return [encodeShard(fieldsThere, plan)];
      const { [inFiles!]: _, ...stored } = fieldsThere;
      return [encodeIndex(stored, { ...plan, files })];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
  if (possible.length === 0) {
    const what = `dataset.json gives ${shard.path} a header of ${plan.headerBytes} bytes, too few for its fields`;
    problems.add({ path: "dataset.json", shard: shard.path, what, remedy: restoreRemedy });
    return;
  }
  const header = await readPart(check, file, 0, plan.headerBytes);
  const footer = await readPart(check, file, plan.bodyEnd, shard.bytes);
  const isSame = (found: Uint8Array | undefined, bytes: Uint8Array) =>
    found !== undefined && Buffer.compare(found, bytes) === 0;
  // Other class names may take as many bytes: the lengths alone do not tell which fields are meant.
  const expected =
    possible.find((parts) => isSame(header, parts.header)) ??
    possible.find((parts) => isSame(footer, parts.footer)) ??
    possible[0]!;
  const parts = [
    { name: "header", found: header, bytes: expected.header, startByte: 0 },
    { name: "footer", found: footer, bytes: expected.footer, startByte: plan.bodyEnd },
  ];
  for (const { name, found, bytes, startByte } of parts) {
    // A file that was cut is reported as such, once.
    if (!found || isSame(found, bytes)) continue;
    const endByte = startByte + found.length;
    const what = `${shard.path} is damaged: its Arrow ${name} is not that of its fields and rows (bytes ${startByte}-${endByte}); Spillway can read the samples, other programs may not`;
    problems.add({ path: shard.path, shard: shard.path, startByte, endByte, what, remedy: restoreRemedy });
  }
}

/** Bytes of a shard's file; undefined where it was cut. */
async function readPart(
  { advance }: ArrowCheck,
  file: ReadableFile,
  startByte: number,
  endByte: number,
): Promise<Uint8Array | undefined> {
  if (endByte > file.byteLength || endByte < startByte) return undefined;
  const found = new Uint8Array(Math.min(endByte - startByte, maxMetadataBytes));
  await file.read(found, startByte);
  advance(found.length);
  return found;
}

/**
 * Fields as a header may tell them: all class names, those that a commit knew, or those that the samples up to this
 * shard have. Classes of a stream are numbered as they appear, so that a shard knows the first of the dataset's.
 */
async function fieldsOfHeader(check: ArrowCheck, file: ReadableFile): Promise<Fields[]> {
  const { manifest, shard, labelCounts, workspace } = check;
  const fields = manifest.fields as Fields;
  const counts = new Map(manifest.commits.map(({ classes = {} }) => [JSON.stringify(classes), classes]));
  const ofCommits = [...counts.values()].map((classes) => knownFields(fields, classes));
  const met = { ...fields };
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind !== "class" || field.dtype !== "int32") continue;
    const { start, stride } = shard.columns[name]!;
    let count = labelCounts[name] ?? 0;
    for (let row = 0; row < shard.rows; row += chunkBytes / stride) {
      const rows = Math.min(chunkBytes / stride, shard.rows - row);
      // A file that was cut is reported as such.
      if (start + (row + rows) * stride > file.byteLength) break;
      await file.read(workspace.chunk.subarray(0, rows * stride), start + row * stride);
      for (const label of new Int32Array(workspace.chunk.buffer, workspace.chunk.byteOffset, rows)) {
        if (label < field.classes.length) count = Math.max(count, label + 1);
      }
    }
    labelCounts[name] = count;
    met[name] = { ...field, classes: field.classes.slice(0, count) };
  }
  return [fields, ...ofCommits, met];
}

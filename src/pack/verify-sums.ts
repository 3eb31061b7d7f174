// Checks one column of a shard, front to back in chunks: every sum over its bytes against the one in the .sums file. The
// sums computed on the way go into the workspace's stream: their hash tells whether the samples are whole even where the
// .sums file itself is damaged.

import { SpillwayError } from "../errors.js";
import { planSums, rowsPerSum } from "../format/shard.js";
import type { ReadableFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import { addBad, type BadRows } from "./verify-bad-rows.js";
import type { FilesCheck } from "./verify-files.js";
import { chunkBytes } from "./verify-workspace.js";

/** Reads one column, adds its sums to the stream, and the rows that do not agree with theirs to `bad`. */
export async function verifySums(
  check: FilesCheck,
  field: string,
  file: ReadableFile,
  sumsFile: ReadableFile | undefined,
  bad: BadRows[],
): Promise<void> {
  const { manifest, shard, workspace } = check;
  const { start, stride } = shard.columns[field]!;
  const perSum = rowsPerSum(stride);
  const runBytes = perSum * stride;
  const there = Math.max(0, Math.min(shard.rows, Math.floor((file.byteLength - start) / stride)));
  // A run of which a part was cut off cannot be checked.
  const rows = there === shard.rows ? there : there - (there % perSum);
  const sumStart = planSums(manifest.fields as Fields, shard.rows, manifest.files?.field).starts[field]!;
  const chunkRows = Math.max(1, Math.floor(chunkBytes / runBytes)) * perSum;
  const expected = new Uint8Array(8 * Math.ceil(chunkRows / perSum));

  const report = (entry: Omit<BadRows, "field">) => addBad(bad, { field, ...entry });
  for (let row = 0; row < rows; row += chunkRows) {
    const end = Math.min(rows, row + chunkRows);
    try {
      const sums = await sumRows(check, file, start + row * stride, (end - row) * stride, runBytes);
      workspace.addToStream(sums);
      if (!sumsFile) continue;
      const wanted = expected.subarray(0, sums.length);
      await sumsFile.read(wanted, sumStart + (row / perSum) * 8);
      if (Buffer.compare(wanted, sums) === 0) continue;
      for (let at = 0; at < sums.length; at += 8) {
        if (Buffer.compare(wanted.subarray(at, at + 8), sums.subarray(at, at + 8)) === 0) continue;
        const first = row + (at / 8) * perSum;
        report({ start: first, end: Math.min(end, first + perSum), kind: "sum" });
      }
    } catch (cause) {
      if (!(cause instanceof SpillwayError)) throw cause;
      report({ start: row, end, kind: "unreadable", cause });
    }
  }
  if (rows < shard.rows) report({ start: rows, end: shard.rows, kind: "cut" });
}

/** Sums of `byteLength` bytes: many runs in one chunk, or one run that takes many chunks. */
export async function sumRows(
  check: FilesCheck,
  file: ReadableFile,
  startByte: number,
  byteLength: number,
  runBytes: number,
): Promise<Uint8Array> {
  const { workspace } = check;
  if (byteLength > chunkBytes) workspace.startRecord();
  let at = 0;
  for (; byteLength - at > chunkBytes; at += chunkBytes) {
    await file.read(workspace.chunk, startByte + at);
    workspace.addToRecord();
    check.advance(chunkBytes);
  }
  await file.read(workspace.chunk.subarray(0, byteLength - at), startByte + at);
  check.advance(byteLength - at);
  return at > 0 ? workspace.finishRecord(byteLength - at) : workspace.sumRuns(runBytes, byteLength);
}

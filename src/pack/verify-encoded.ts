// Checks the encoded images of one field of a shard, front to back: that their offsets are such, and every image against
// its sum. The sums computed on the way go into the workspace's stream, as those of other columns do.

import { SpillwayError } from "../errors.js";
import { planSums } from "../format/shard.js";
import type { ReadableFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { BadRows } from "./verify-bad-rows.js";
import type { FilesCheck } from "./verify-files.js";
import { sumRows } from "./verify-sums.js";

/** Rows whose offsets and sums are held at once. */
const runRows = 4096;

/** What is read, and what it is held against, if that can be read. */
interface EncodedFiles {
  file: ReadableFile;
  sumsFile: ReadableFile | undefined;
}

/**
 * Reads the images and adds their sums to the stream.
 *
 * @returns those that do not agree with theirs
 */
export async function verifyEncoded(
  check: FilesCheck,
  field: string,
  { file, sumsFile }: EncodedFiles,
): Promise<BadRows[]> {
  const bad: BadRows[] = [];
  const { manifest, shard, workspace } = check;
  const { start, bytes, offsets, longest } = shard.encoded![field]!;
  const sumStart = planSums(manifest.fields as Fields, shard.rows).starts[field]!;
  const report = (row: number, kind: BadRows["kind"], place: BadRows["place"], cause?: unknown) =>
    bad.push({ field, start: row, end: row + 1, kind, ...(place && { place }), cause });
  let expectedStart = 0;
  for (let first = 0; first < shard.rows; first += runRows) {
    const rows = Math.min(runRows, shard.rows - first);
    const ends = Buffer.alloc((rows + 1) * 4);
    if (offsets + (first + rows + 1) * 4 > file.byteLength) {
      bad.push({
        field,
        start: first,
        end: shard.rows,
        kind: "cut",
        place: { startByte: start, endByte: start + bytes },
      });
      return bad;
    }
    await file.read(ends, offsets + first * 4);
    check.advance(rows * 4);
    const wanted = new Uint8Array(rows * 8);
    await sumsFile?.read(wanted, sumStart + first * 8);
    for (let k = 0; k < rows; k += 1) {
      const from = ends.readInt32LE(k * 4);
      const end = ends.readInt32LE(k * 4 + 4);
      const isLast = first + k === shard.rows - 1;
      const isNext = from === expectedStart && end > from && (isLast ? end === bytes : end < bytes);
      if (!isNext || end - from > longest) {
        const startByte = offsets + (first + k) * 4;
        report(first + k, "offset", { startByte, endByte: startByte + 8 });
        // What follows is judged by its own offsets.
        expectedStart = end;
        continue;
      }
      expectedStart = end;
      const place = { startByte: start + from, endByte: start + end };
      try {
        const sum = await sumRows(check, file, place.startByte, end - from, end - from);
        workspace.addToStream(sum);
        if (sumsFile && Buffer.compare(wanted.subarray(k * 8, k * 8 + 8), sum) !== 0)
          report(first + k, "sum", place);
      } catch (cause) {
        if (!(cause instanceof SpillwayError)) throw cause;
        report(first + k, "unreadable", place, cause);
      }
    }
  }
  return bad;
}

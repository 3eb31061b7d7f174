// How the pinned set lies in memory: rows [0, C) of the layout in chunks of equally many rows, each chunk one
// reservation of the pool, so that the set can grow and give way piece by piece and no record crosses a segment. Pure:
// the main thread and the readers make the same plan from the same table.
//
//   chunk   bits of column 0 | bits of column 1 | ... | records of column 0 | records of column 1 | ...
//
// Rule: a bit is set when, and only when, the record of its row and column lies in the chunk, checked by its sum.

import { maxChunks } from "./reading-words.js";
import type { DatasetTable } from "./table.js";

/** A chunk is about this part of the memory, so that giving way to a loop costs few rows. */
const chunkShare = 1 / 128;
const leastChunkBytes = 2 ** 18;
const mostChunkBytes = 2 ** 24;

/** Chunks start on multiples of this, and are told to readers in it. */
export const chunkPageBytes = 4096;

/** Where a column lies in every chunk. */
export interface PinnedColumn {
  /** First byte of its bits, one for each row of the chunk. */
  bits: number;
  /** First byte of its records. */
  records: number;
  stride: number;
}

export interface PinnedPlan {
  rowsPerChunk: number;
  /** Chunks of all rows. */
  chunks: number;
  chunkBytes: number;
  /** By number of the column; undefined for those that are resident anyway. */
  columns: readonly (PinnedColumn | undefined)[];
  /** Number of the first column of these: samples are counted by it. */
  first: number;
}

/** Undefined where no column is read from shards or files. */
export function planPinned(
  table: Pick<DatasetTable, "rows" | "columns">,
  isResident: readonly boolean[],
  memoryBytes: number,
): PinnedPlan | undefined {
  const strides = table.columns.map(({ stride }, k) => (isResident[k] ? 0 : stride));
  const rowBytes = strides.reduce((sum, stride) => sum + stride, 0);
  if (rowBytes === 0 || table.rows === 0) return undefined;
  const easy = Math.min(mostChunkBytes, Math.max(leastChunkBytes, memoryBytes * chunkShare));
  const wanted = Math.max(easy, (2 * memoryBytes) / maxChunks, rowBytes);
  const chunks = Math.min(maxChunks, Math.ceil((table.rows * rowBytes) / wanted));
  // No more rows than the dataset has, shared out evenly where they are few.
  const rowsPerChunk = Math.min(Math.ceil(table.rows / chunks), Math.max(1, Math.floor(wanted / rowBytes)));
  let at = 0;
  const place = (byteLength: number): number => {
    const start = at;
    at = Math.ceil((at + byteLength) / 64) * 64;
    return start;
  };
  const bits = strides.map((stride) => (stride > 0 ? place(Math.ceil(rowsPerChunk / 32) * 4) : 0));
  const columns = strides.map((stride, k) =>
    stride > 0 ? { bits: bits[k]!, records: place(rowsPerChunk * stride), stride } : undefined,
  );
  return {
    rowsPerChunk,
    chunks: Math.min(maxChunks, Math.ceil(table.rows / rowsPerChunk)),
    chunkBytes: at,
    columns,
    first: strides.findIndex((stride) => stride > 0),
  };
}

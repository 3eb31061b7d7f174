// Where things lie in a shard: pure arithmetic over fields and rows.
//
//   0        "ARROW1", schema, record batch header      encoded by arrow.ts, padded to 4 KiB
//   start    column of the first field: rows x stride, without padding between records
//   ...      each further column from the next multiple of 4 KiB
//   end      end mark, footer, "ARROW1"
//
// Rule: sample i of a column is the bytes [start + i * stride, start + (i + 1) * stride).

import { type Fields, fieldStride, sampleBytes } from "../tensor/field.js";

/** Columns and the body start on multiples of this: one block of the disk, one page of memory. */
export const blockBytes = 4096;

/** Shards are made to hold about this many bytes of samples. */
export const shardBytes = 2 ** 30;

/** Records smaller than this share a sum: one sum for a run of about so many bytes. */
const sumBytes = 4096;

export interface ColumnPlace {
  start: number;
  stride: number;
}

/** Places of a shard of a given number of rows. */
export interface ShardPlan {
  rows: number;
  headerBytes: number;
  columns: Record<string, ColumnPlace>;
  /** End of the last column, rounded up to 8: where the footer follows. */
  bodyEnd: number;
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Rows of a full shard: about `bytes` of samples, at least one. */
export function rowsPerShard(fields: Fields, bytes = shardBytes): number {
  return Math.max(1, Math.floor(bytes / sampleBytes(fields)));
}

/** Places for `rows` rows after a header of `headerBytes`, a multiple of 4 KiB. */
export function planShard(fields: Fields, rows: number, headerBytes: number): ShardPlan {
  const columns: Record<string, ColumnPlace> = {};
  let end = headerBytes;
  for (const [name, field] of Object.entries(fields)) {
    const start = roundUp(end, blockBytes);
    const stride = fieldStride(field);
    columns[name] = { start, stride };
    end = start + rows * stride;
  }
  return { rows, headerBytes, columns, bodyEnd: roundUp(end, 8) };
}

/** Bytes of a record's place in an index: its start byte, then size and modification time of its file, as int64. */
export const placeBytes = 24;

/** Where the columns of an index lie that say where records are: places, and paths as Arrow keeps strings. */
export interface FilesPlan {
  /** First byte of the places, `placeBytes` for each row. */
  places: number;
  /** First byte of the int32 offsets into the paths, rows + 1 of them. */
  offsets: number;
  /** First byte of the paths, and how many bytes they have together. */
  paths: number;
  pathBytes: number;
}

/** An index: a shard of which one field stays in the files where it is. */
export interface IndexPlan extends ShardPlan {
  files: FilesPlan;
}

/** Places for `rows` rows of the fields that are stored, and for where the other one lies. */
export function planIndex(stored: Fields, rows: number, pathBytes: number, headerBytes: number): IndexPlan {
  const { columns } = planShard(stored, rows, headerBytes);
  const last = Object.values(columns).at(-1);
  const places = roundUp(last ? last.start + rows * last.stride : headerBytes, blockBytes);
  const offsets = roundUp(places + rows * placeBytes, blockBytes);
  const paths = roundUp(offsets + (rows + 1) * 4, blockBytes);
  const bodyEnd = roundUp(paths + pathBytes, 8);
  return { rows, headerBytes, columns, bodyEnd, files: { places, offsets, paths, pathBytes } };
}

/** How many consecutive records of a column share one sum; records in files of their own have one each. */
export function rowsPerSum(stride: number): number {
  return Math.max(1, Math.floor(sumBytes / stride));
}

/** Number of sums of a column. */
export function sumCount(stride: number, rows: number): number {
  return Math.ceil(rows / rowsPerSum(stride));
}

/**
 * Where each column's sums start in a .sums file: little-endian uint64, column after column in the order of the
 * fields. `bytes` is the file's length.
 *
 * @param inFiles the field that an index leaves in its files: it has a sum for each record
 */
export function planSums(
  fields: Fields,
  rows: number,
  inFiles?: string,
): { starts: Record<string, number>; bytes: number } {
  const starts: Record<string, number> = {};
  let bytes = 0;
  for (const [name, field] of Object.entries(fields)) {
    starts[name] = bytes;
    bytes += 8 * (name === inFiles ? rows : sumCount(fieldStride(field), rows));
  }
  return { starts, bytes };
}

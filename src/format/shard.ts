// Where things lie in a shard: pure arithmetic over fields and rows.
//
//   0        "ARROW1", schema, record batch header      encoded by arrow.ts, padded to 4 KiB
//   start    column of the first field: rows x stride, without padding between records
//   ...      each further column from the next multiple of 4 KiB
//   end      end mark, footer, "ARROW1"
//
// Rule: sample i of a column is the bytes [start + i * stride, start + (i + 1) * stride). Encoded images have no stride:
// their bytes lie one after another, before all other columns, and where each ends is told by a column of int32 at the end.

import { type Fields, fieldStride } from "../tensor/field.js";

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

/** Where encoded images lie in a shard. */
export interface EncodedPlace {
  /** First byte of the images, and how many bytes they have together. */
  start: number;
  bytes: number;
  /** First byte of the int32 offsets into them, rows + 1 of them. */
  offsets: number;
}

/** Places of a shard of a given number of rows. */
export interface ShardPlan {
  rows: number;
  headerBytes: number;
  columns: Record<string, ColumnPlace>;
  /** By field, those of encoded images. */
  encoded: Record<string, EncodedPlace>;
  /** End of the last column, rounded up to 8: where the footer follows. */
  bodyEnd: number;
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** Most rows of a shard with encoded images, which are cut by bytes: so many offsets are held while it is written. */
const maxEncodedRows = 2 ** 20;
const offsetBytes = 4;

/** Rows of a full shard: about `bytes` of samples, at least one. Where images are encoded it may be full with fewer. */
export function rowsPerShard(fields: Fields, bytes = shardBytes): number {
  const all = Object.values(fields);
  const images = all.filter(({ kind }) => kind === "image");
  // An image has a byte at least, and an offset.
  let each = images.length * (offsetBytes + 1);
  for (const field of all) if (field.kind !== "image") each += fieldStride(field);
  const rows = Math.max(1, Math.floor(bytes / each));
  return images.length > 0 ? Math.min(rows, maxEncodedRows) : rows;
}

/**
 * Places for `rows` rows after a header of `headerBytes`, a multiple of 4 KiB.
 *
 * @param encodedBytes by field, how many bytes the encoded images have together
 */
export function planShard(
  fields: Fields,
  rows: number,
  headerBytes: number,
  encodedBytes: Readonly<Record<string, number>> = {},
): ShardPlan {
  const columns: Record<string, ColumnPlace> = {};
  const encoded: Record<string, EncodedPlace> = {};
  let end = headerBytes;
  const place = (bytes: number): number => {
    const start = roundUp(end, blockBytes);
    end = start + bytes;
    return start;
  };
  // Images first: they never move when a shard that did not fill is closed up, what comes behind them is small.
  const images = Object.keys(fields).filter((name) => fields[name]!.kind === "image");
  const starts = images.map((name) => place(encodedBytes[name] ?? 0));
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind === "image") continue;
    const stride = fieldStride(field);
    columns[name] = { start: place(rows * stride), stride };
  }
  images.forEach((name, k) => {
    const offsets = place((rows + 1) * offsetBytes);
    encoded[name] = { start: starts[k]!, bytes: encodedBytes[name] ?? 0, offsets };
  });
  return { rows, headerBytes, columns, encoded, bodyEnd: roundUp(end, 8) };
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
  return { rows, headerBytes, columns, encoded: {}, bodyEnd, files: { places, offsets, paths, pathBytes } };
}

/** How many consecutive records of a column share one sum; encoded images and records in files of their own have one each. */
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
 * @param inFiles the field that an index leaves in its files: it has a sum for each record, as encoded images have
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
    const hasSums = name === inFiles || field.kind === "image";
    bytes += 8 * (hasSums ? rows : sumCount(fieldStride(field), rows));
  }
  return { starts, bytes };
}

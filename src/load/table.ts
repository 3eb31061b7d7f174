// The table of a dataset: all that a reader needs to find a sample, as plain data that travels to threads. Made once
// from the manifest when a dataset is opened.

import { firstParts, wholeCommits } from "../format/commits.js";
import type { Manifest } from "../format/manifest.js";
import { rowsPerSum } from "../format/shard.js";
import { elementCount, type Field, fieldStride } from "../tensor/field.js";

/** A column of all shards. */
export interface ColumnTable {
  name: string;
  field: Field;
  stride: number;
  /** Start of the column in each shard's file. */
  starts: Float64Array;
  /** Consecutive records of a shard that share a sum. */
  rowsPerSum: number;
  /** Number of the column's first sum in each shard, counted over the whole dataset, and the total at the end. */
  firstSums: Float64Array;
  /** Byte at which the column's sums start in each shard's .sums file. */
  sumStarts: Float64Array;
  /** Whether its records stay in files of their own, see `FilesTable`. */
  isInFiles: boolean;
  /** Encoded images: where they lie, see `EncodedTable`; `starts` are those of their bytes. */
  encoded: EncodedTable | undefined;
}

/** Encoded images of all shards. */
export interface EncodedTable {
  /** By shard: bytes of all images, and where the int32 offsets into them start. */
  bytes: Float64Array;
  offsets: Float64Array;
  /** Bytes of the longest image. */
  longest: number;
}

/** Indexed datasets: where each index (in place of a shard) says in which file, and where in it, a record is. */
export interface FilesTable {
  /** Folder that paths start from. */
  root: string;
  /** Where these columns start in each index: places, offsets into the paths, paths, and the length of these. */
  places: Float64Array;
  offsets: Float64Array;
  paths: Float64Array;
  pathBytes: Float64Array;
}

export interface DatasetTable {
  /** Folder of the dataset. */
  root: string;
  rows: number;
  paths: readonly string[];
  sumPaths: readonly string[];
  sumHashes: readonly string[];
  sumBytes: Float64Array;
  /** Expected length of each shard's file. */
  shardBytes: Float64Array;
  /** First row of each shard, and the number of rows at the end. */
  firstRows: Float64Array;
  columns: readonly ColumnTable[];
  /** Undefined where all records lie in shards. */
  files: FilesTable | undefined;
  /** Undefined where ids are rows. */
  placed: Manifest["placed"];
}

/** @param filesRoot where the files of an index are now, if not where they were */
export function createTable(root: string, manifest: Manifest, filesRoot?: string): DatasetTable {
  // Without those of an unfinished append: that may be given up, and its files with it.
  const shards = firstParts(manifest.shards, wholeCommits(manifest).at(-1)!.rows);
  const inFiles = manifest.files?.field;
  const firstRows = new Float64Array(shards.length + 1);
  shards.forEach((shard, k) => {
    firstRows[k + 1] = firstRows[k]! + shard.rows;
  });
  const sumEnds = new Float64Array(shards.length);
  const columns = Object.entries(manifest.fields).map(([name, field]): ColumnTable => {
    const encoded = encodedTable(name, field as Field, shards);
    // What has to be stored of an image once it is decoded.
    const stride = encoded ? elementCount(field as Field) : fieldStride(field as Field);
    const isInFiles = name === inFiles;
    const perSum = isInFiles || encoded ? 1 : rowsPerSum(stride);
    const firstSums = new Float64Array(shards.length + 1);
    shards.forEach((shard, k) => {
      firstSums[k + 1] = firstSums[k]! + Math.ceil(shard.rows / perSum);
    });
    const sumStarts = sumEnds.slice();
    shards.forEach((shard, k) => {
      sumEnds[k] = sumEnds[k]! + 8 * Math.ceil(shard.rows / perSum);
    });
    const starts = Float64Array.from(
      shards,
      (shard) => shard.columns[name]?.start ?? shard.encoded?.[name]?.start ?? 0,
    );
    return {
      name,
      field: field as Field,
      stride,
      starts,
      rowsPerSum: perSum,
      firstSums,
      sumStarts,
      isInFiles,
      encoded,
    };
  });
  return {
    root,
    rows: manifest.rows,
    paths: shards.map((shard) => shard.path),
    sumPaths: shards.map((shard) => shard.sums.path),
    sumHashes: shards.map((shard) => shard.sums.hash),
    sumBytes: Float64Array.from(shards, (shard) => shard.sums.bytes),
    shardBytes: Float64Array.from(shards, (shard) => shard.bytes),
    firstRows,
    columns,
    files: manifest.files && filesTable(filesRoot ?? manifest.files.root, shards),
    placed: manifest.placed,
  };
}

function encodedTable(name: string, field: Field, shards: Manifest["shards"]): EncodedTable | undefined {
  if (field.kind !== "image") return undefined;
  const of = (key: "bytes" | "offsets") => Float64Array.from(shards, ({ encoded }) => encoded![name]![key]);
  return { bytes: of("bytes"), offsets: of("offsets"), longest: field.maxBytes };
}

function filesTable(root: string, shards: Manifest["shards"]): FilesTable {
  const of = (key: "places" | "offsets" | "paths" | "pathBytes") =>
    Float64Array.from(shards, ({ files }) => files?.[key] ?? 0);
  return {
    root,
    places: of("places"),
    offsets: of("offsets"),
    paths: of("paths"),
    pathBytes: of("pathBytes"),
  };
}

/** The shard that holds a row. */
export function shardOf(firstRows: Float64Array, row: number): number {
  let low = 0;
  let high = firstRows.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (firstRows[middle]! <= row) low = middle;
    else high = middle;
  }
  return low;
}

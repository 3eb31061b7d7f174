// The table of a dataset: all that a reader needs to find a sample, as plain data that travels to threads. Made once
// from the manifest when a dataset is opened.

import type { Manifest } from "../format/manifest.js";
import { rowsPerSum, sumCount } from "../format/shard.js";
import { type Field, fieldStride } from "../tensor/field.js";

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
}

export function createTable(root: string, manifest: Manifest): DatasetTable {
  const { shards } = manifest;
  const firstRows = new Float64Array(shards.length + 1);
  shards.forEach((shard, k) => {
    firstRows[k + 1] = firstRows[k]! + shard.rows;
  });
  const sumEnds = new Float64Array(shards.length);
  const columns = Object.entries(manifest.fields).map(([name, field]): ColumnTable => {
    const stride = fieldStride(field as Field);
    const firstSums = new Float64Array(shards.length + 1);
    shards.forEach((shard, k) => {
      firstSums[k + 1] = firstSums[k]! + sumCount(stride, shard.rows);
    });
    const sumStarts = sumEnds.slice();
    shards.forEach((shard, k) => {
      sumEnds[k] = sumEnds[k]! + 8 * sumCount(stride, shard.rows);
    });
    const starts = Float64Array.from(shards, (shard) => shard.columns[name]!.start);
    return {
      name,
      field: field as Field,
      stride,
      starts,
      rowsPerSum: rowsPerSum(stride),
      firstSums,
      sumStarts,
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

// The sums of one column, as a reader uses them: whether records were checked since the dataset was opened, and whether
// what was read agrees.

import type { Kernels } from "../kernels/kernels.js";
import { readFully } from "../store/file.js";
import type { FileRecords } from "./file-records.js";
import type { OpenFiles } from "./open-files.js";
import { corruptRecord } from "./residents.js";
import type { ColumnTable, DatasetTable } from "./table.js";

/** Bytes of the dataset's memory, from an address on. */
interface Bytes {
  bytes: Uint8Array;
  address: number;
}

export interface ColumnSumsParts {
  table: DatasetTable;
  column: ColumnTable;
  /** The column's sums in memory; undefined where they are read from disk as needed. */
  resident: Bytes | undefined;
  /** One bit per sum; undefined where every read is checked. */
  checked: Bytes | undefined;
  /** The shards' files of sums. */
  files: OpenFiles;
  records: FileRecords | undefined;
  kernels: Kernels;
  /** The memory that records are read into, and an address in it with room for one sum. */
  bytes: Uint8Array;
  scratch: number;
}

export class ColumnSums {
  readonly #parts: ColumnSumsParts;
  readonly #column: ColumnTable;
  readonly #checked: Int32Array | undefined;

  constructor(parts: ColumnSumsParts) {
    const { column, checked } = parts;
    this.#parts = parts;
    this.#column = column;
    const words = Math.ceil(column.firstSums.at(-1)! / 32);
    this.#checked = checked && new Int32Array(checked.bytes.buffer, checked.address, words);
  }

  /** Whether it is noted what was checked. */
  get areNoted(): boolean {
    return this.#checked !== undefined;
  }

  /** Whether records of a shard need no check any more. */
  isChecked(shard: number, row: number, count: number): boolean {
    const checked = this.#checked;
    if (!checked) return false;
    const { rowsPerSum, firstSums } = this.#column;
    const base = firstSums[shard]!;
    // Divisions of floats are worth avoiding here: a shift takes its count modulo 32, also beyond 32 bits.
    const first = rowsPerSum === 1 ? row : Math.floor(row / rowsPerSum);
    const last = count === 1 ? first : Math.floor((row + count - 1) / rowsPerSum);
    for (let sum = base + first; sum <= base + last; sum += 1) {
      if ((checked[Math.floor(sum / 32)]! & (1 << sum)) === 0) return false;
    }
    return true;
  }

  /**
   * Checks the records of rows [first, end) of a shard, which lie at `at` and start at the first row of a sum.
   *
   * @throws SpillwayError `corrupt`, or `mismatch` for an indexed file that has changed
   */
  check(shard: number, first: number, end: number, at: number): void {
    const { stride, rowsPerSum, isInFiles } = this.#column;
    for (let row = first; row < end; row += rowsPerSum) {
      const count = Math.min(rowsPerSum, end - row);
      if (this.isIntact(shard, row, count, at + (row - first) * stride)) continue;
      if (isInFiles) throw this.#parts.records!.otherContent(shard, row);
      throw corruptRecord(this.#parts.table, this.#column, shard, row, count);
    }
  }

  /** Whether the records of one sum, from its first row on, agree with it. */
  isIntact(shard: number, row: number, count: number, at: number): boolean {
    const { rowsPerSum, stride, firstSums } = this.#column;
    const { kernels, scratch } = this.#parts;
    const inShard = row / rowsPerSum;
    this.#fetch(shard, inShard);
    if (kernels.xxh64Matches(at, count * stride, scratch) === 0) return false;
    if (this.#checked) {
      const sum = firstSums[shard]! + inShard;
      Atomics.or(this.#checked, Math.floor(sum / 32), 1 << (sum % 32));
    }
    return true;
  }

  /** Brings one sum to the scratch, where the kernel can compare with it. */
  #fetch(shard: number, inShard: number): void {
    const { resident, bytes, scratch, files } = this.#parts;
    const { firstSums, sumStarts } = this.#column;
    if (!resident) {
      const fd = files.descriptor(shard);
      readFully(fd, bytes, scratch, 8, sumStarts[shard]! + inShard * 8, files, shard);
      return;
    }
    const from = resident.address + (firstSums[shard]! + inShard) * 8;
    for (let k = 0; k < 8; k += 1) bytes[scratch + k] = resident.bytes[from + k]!;
  }
}

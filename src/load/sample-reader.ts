// From rows to slots: reads the records of a run, those that lie together at once, checks their sums the first time that
// this process sees them, and puts them into the ring as they are to be delivered. The hot path of the loader; it
// allocates only what fs.readSync needs.
//
//   stored = delivered, checked:   one read straight into the slots
//   otherwise:                     one read into scratch, then SIMD kernels or a copy into the slots
//   resident:                      no read
//   in a file of its own:          that file is opened and read, see file-records.ts

import { bindKernels, type Conversion, conversionOf, type Kernels } from "../kernels/kernels.js";
import { readFully } from "../store/file.js";
import type { FileRecords } from "./file-records.js";
import type { Place, ReaderJob, ReaderStart } from "./messages.js";
import type { OpenFiles } from "./open-files.js";
import type { FieldPlan } from "./plan.js";
import { corruptRecord } from "./residents.js";
import { type ColumnTable, shardOf } from "./table.js";

/** A field of a loop, with everything looked up that a read needs. */
interface FieldReader {
  plan: FieldPlan;
  column: ColumnTable;
  /** First byte of the field's ring. */
  ring: number;
  convert: Conversion | undefined;
  resident: { bytes: Uint8Array; address: number } | undefined;
  sums: { bytes: Uint8Array; address: number } | undefined;
  /** One bit per sum; undefined where every read is checked. */
  checked: Int32Array | undefined;
}

/** Rows, in the layout, of a run that are read at once. */
interface Piece {
  shard: number;
  /** First row, within the shard. */
  row: number;
  /** Its place in the run. */
  at: number;
  count: number;
}

/** What samples are read from. */
export interface SampleFiles {
  shards: OpenFiles;
  sumFiles: OpenFiles;
  /** Indexed datasets: the files in which records stay. */
  records: FileRecords | undefined;
}

export class SampleReader {
  readonly #start: ReaderStart;
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  readonly #fields: readonly FieldReader[];
  readonly #shards: OpenFiles;
  readonly #sumFiles: OpenFiles;
  readonly #records: FileRecords | undefined;
  readonly #scratch: number;
  readonly #sum: number;
  /** As many as a run can have, used again for every run. */
  readonly #pieces: readonly Piece[];
  #pieceCount = 0;

  constructor(start: ReaderStart, job: ReaderJob, { shards, sumFiles, records }: SampleFiles) {
    this.#start = start;
    this.#records = records;
    const memory = start.segments[job.reservation.segment]!;
    this.#kernels = bindKernels(start.module, memory);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#shards = shards;
    this.#sumFiles = sumFiles;
    const { plan, reservation, residents } = job;
    const own = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
    this.#scratch = own + plan.scratch.records;
    this.#sum = own + plan.scratch.sum;
    const at = (place: Place | undefined) =>
      place && { bytes: new Uint8Array(start.segments[place.segment]!.buffer), address: place.address };
    this.#pieces = Array.from({ length: plan.runLength }, () => ({ shard: 0, row: 0, at: 0, count: 0 }));
    this.#fields = plan.fields.map((field) => {
      const column = start.table.columns[field.column]!;
      const checked = at(residents.checked[field.column]);
      return {
        plan: field,
        column,
        ring: reservation.address + field.ring,
        convert: conversionOf(this.#kernels, field, reservation.address, own + plan.scratch.block),
        resident: at(residents.columns[field.column]),
        sums: at(residents.sums[field.column]),
        checked:
          checked &&
          new Int32Array(checked.bytes.buffer, checked.address, Math.ceil(column.firstSums.at(-1)! / 32)),
      };
    });
  }

  /**
   * Fills the slots from `slot` on, which must not wrap, with `count` samples.
   *
   * @param rows where each lies in the layout: its id, or elsewhere
   */
  read(ids: Float64Array, rows: Float64Array, count: number, slot: number): void {
    this.#findPieces(rows, count);
    // Field by field, so that what belongs to a field is looked up once per run and not once per sample.
    for (const field of this.#fields) {
      // Decoded by whoever does not wait for it, see image-reader.ts.
      if (field.column.encoded) continue;
      const target = field.ring + slot * field.plan.deliveredStride;
      if (field.resident) this.#copyResident(field, ids, count, target);
      else if (field.column.isInFiles) this.#readFiles(field, target);
      else this.#readPieces(field, target);
    }
  }

  /** Cuts a run's rows into pieces that lie one after another in one shard, each to be read at once. */
  #findPieces(rows: Float64Array, count: number): void {
    const { firstRows } = this.#start.table;
    let pieces = 0;
    for (let k = 0; k < count; pieces += 1) {
      const row = rows[k]!;
      const shard = shardOf(firstRows, row);
      const shardEnd = firstRows[shard + 1]!;
      const start = k;
      k += 1;
      while (k < count && rows[k] === row + (k - start) && rows[k]! < shardEnd) k += 1;
      const piece = this.#pieces[pieces]!;
      piece.shard = shard;
      piece.row = row - firstRows[shard]!;
      piece.at = start;
      piece.count = k - start;
    }
    this.#pieceCount = pieces;
  }

  #copyResident(field: FieldReader, ids: Float64Array, count: number, target: number): void {
    const { bytes, address } = field.resident!;
    const { storedStride } = field.plan;
    const to = field.convert ? this.#scratch : target;
    // Byte by byte: these records are tiny, and making views of them would take longer.
    for (let k = 0; k < count; k += 1) {
      const from = address + ids[k]! * storedStride;
      for (let j = 0; j < storedStride; j += 1) this.#bytes[to + k * storedStride + j] = bytes[from + j]!;
    }
    if (field.convert) field.convert(to, target, count * field.plan.elements);
  }

  #readPieces(field: FieldReader, target: number): void {
    const { column, convert, plan } = field;
    const { stride, rowsPerSum, starts } = column;
    for (let k = 0; k < this.#pieceCount; k += 1) {
      const piece = this.#pieces[k]!;
      const { shard, row, count } = piece;
      const pieceTarget = target + piece.at * plan.deliveredStride;
      const isChecked = this.#isChecked(field, shard, row, count);
      if (!isChecked && rowsPerSum > 1) {
        this.#readShared(field, piece, pieceTarget);
        continue;
      }
      const to = convert ? this.#scratch : pieceTarget;
      this.#fetch(shard, starts[shard]! + row * stride, count * stride, to);
      if (!isChecked) this.#check(field, shard, row, row + count, to);
      if (convert) convert(to, pieceTarget, count * plan.elements);
    }
  }

  #readFiles(field: FieldReader, target: number): void {
    const { convert, plan } = field;
    const { storedStride, deliveredStride } = plan;
    for (let k = 0; k < this.#pieceCount; k += 1) {
      const { shard, row, at, count } = this.#pieces[k]!;
      for (let j = 0; j < count; j += 1) {
        const place = target + (at + j) * deliveredStride;
        const to = convert ? this.#scratch : place;
        this.#records!.read(shard, row + j, this.#bytes.subarray(to, to + storedStride));
        if (!this.#isChecked(field, shard, row + j, 1)) this.#check(field, shard, row + j, row + j + 1, to);
        if (convert) convert(to, place, plan.elements);
      }
    }
  }

  /** Small records share sums: reads all that those sums cover, and keeps the part that was asked for. */
  #readShared(field: FieldReader, { shard, row, count }: Piece, target: number): void {
    const { column, convert } = field;
    const { stride, rowsPerSum } = column;
    const rows = this.#start.table.firstRows[shard + 1]! - this.#start.table.firstRows[shard]!;
    const first = Math.floor(row / rowsPerSum) * rowsPerSum;
    const end = Math.min(rows, Math.ceil((row + count) / rowsPerSum) * rowsPerSum);
    this.#fetch(shard, column.starts[shard]! + first * stride, (end - first) * stride, this.#scratch);
    this.#check(field, shard, first, end, this.#scratch);
    const from = this.#scratch + (row - first) * stride;
    if (convert) convert(from, target, count * field.plan.elements);
    else this.#bytes.copyWithin(target, from, from + count * stride);
  }

  #fetch(shard: number, startByte: number, byteLength: number, to: number): void {
    const fd = this.#shards.descriptor(shard);
    readFully(fd, this.#bytes, to, byteLength, startByte, this.#shards, shard);
  }

  #isChecked({ column, checked }: FieldReader, shard: number, row: number, count: number): boolean {
    if (!checked) return false;
    const { rowsPerSum } = column;
    const base = column.firstSums[shard]!;
    // Divisions of floats are worth avoiding here: a shift takes its count modulo 32, also beyond 32 bits.
    const first = rowsPerSum === 1 ? row : Math.floor(row / rowsPerSum);
    const last = count === 1 ? first : Math.floor((row + count - 1) / rowsPerSum);
    for (let sum = base + first; sum <= base + last; sum += 1) {
      if ((checked[Math.floor(sum / 32)]! & (1 << sum)) === 0) return false;
    }
    return true;
  }

  /** Checks the records of rows [first, end), which lie at `at` and start at the first row of a sum. */
  #check(field: FieldReader, shard: number, first: number, end: number, at: number): void {
    const { column, checked } = field;
    const { stride, rowsPerSum } = column;
    for (let row = first; row < end; row += rowsPerSum) {
      const count = Math.min(rowsPerSum, end - row);
      const inShard = row / rowsPerSum;
      this.#fetchSum(field, shard, inShard);
      if (this.#kernels.xxh64Matches(at + (row - first) * stride, count * stride, this.#sum) === 0) {
        if (column.isInFiles) throw this.#records!.otherContent(shard, row);
        throw corruptRecord(this.#start.table, column, shard, row, count);
      }
      if (checked) {
        const sum = column.firstSums[shard]! + inShard;
        Atomics.or(checked, Math.floor(sum / 32), 1 << (sum % 32));
      }
    }
  }

  /** Brings one sum to the scratch, where the kernel can compare with it. */
  #fetchSum({ column, sums }: FieldReader, shard: number, inShard: number): void {
    if (sums) {
      const from = sums.address + (column.firstSums[shard]! + inShard) * 8;
      for (let k = 0; k < 8; k += 1) this.#bytes[this.#sum + k] = sums.bytes[from + k]!;
      return;
    }
    const fd = this.#sumFiles.descriptor(shard);
    readFully(fd, this.#bytes, this.#sum, 8, column.sumStarts[shard]! + inShard * 8, this.#sumFiles, shard);
  }
}

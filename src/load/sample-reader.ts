// From rows to slots: reads the records of consecutive rows of one shard, checks their sums the first time that this
// process sees them, and puts them into the ring as they are to be delivered. The hot path of the loader; it allocates
// only what fs.readSync needs.
//
//   stored = delivered, checked:   one read straight into the slots
//   otherwise:                     one read into scratch, then a SIMD kernel or a copy into the slots
//   resident:                      no read

import { bindKernels, type Convert, converterOf, type Kernels } from "../kernels/kernels.js";
import { readFully } from "../store/file.js";
import type { Place, ReaderJob, ReaderStart } from "./messages.js";
import type { OpenFiles } from "./open-files.js";
import type { FieldPlan } from "./plan.js";
import { corruptRecord } from "./residents.js";
import type { ColumnTable } from "./table.js";

/** A field of a loop, with everything looked up that a read needs. */
interface FieldReader {
  plan: FieldPlan;
  column: ColumnTable;
  /** First byte of the field's ring. */
  ring: number;
  convert: Convert | undefined;
  resident: { bytes: Uint8Array; address: number } | undefined;
  sums: { bytes: Uint8Array; address: number } | undefined;
  /** One bit per sum; undefined where every read is checked. */
  checked: Int32Array | undefined;
}

export class SampleReader {
  readonly #start: ReaderStart;
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  readonly #fields: readonly FieldReader[];
  readonly #shards: OpenFiles;
  readonly #sumFiles: OpenFiles;
  readonly #scratch: number;
  readonly #sum: number;

  constructor(start: ReaderStart, job: ReaderJob, shards: OpenFiles, sumFiles: OpenFiles) {
    this.#start = start;
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
    this.#fields = plan.fields.map((field) => {
      const column = start.table.columns[field.column]!;
      const checked = at(residents.checked[field.column]);
      return {
        plan: field,
        column,
        ring: reservation.address + field.ring,
        convert: field.stored === field.delivered ? undefined : converterOf(this.#kernels, field.stored),
        resident: at(residents.columns[field.column]),
        sums: at(residents.sums[field.column]),
        checked:
          checked &&
          new Int32Array(checked.bytes.buffer, checked.address, Math.ceil(column.firstSums.at(-1)! / 32)),
      };
    });
  }

  /** Fills the slots from `slot` on with `count` consecutive rows, all of one shard; slots must not wrap. */
  read(shard: number, rowInShard: number, count: number, slot: number): void {
    for (const field of this.#fields) {
      const target = field.ring + slot * field.plan.deliveredStride;
      if (field.resident) {
        const row = this.#start.table.firstRows[shard]! + rowInShard;
        this.#copyResident(field, row, count, target);
      } else {
        this.#readRecords(field, shard, rowInShard, count, target);
      }
    }
  }

  #copyResident(field: FieldReader, row: number, count: number, target: number): void {
    const { bytes, address } = field.resident!;
    const { storedStride } = field.plan;
    const from = address + row * storedStride;
    const to = field.convert ? this.#scratch : target;
    if (storedStride === 1) for (let k = 0; k < count; k += 1) this.#bytes[to + k] = bytes[from + k]!;
    else this.#bytes.set(bytes.subarray(from, from + count * storedStride), to);
    if (field.convert) field.convert(to, target, count * field.plan.elements);
  }

  #readRecords(field: FieldReader, shard: number, row: number, count: number, target: number): void {
    const { column, convert } = field;
    const { stride } = column;
    const isChecked = this.#isChecked(field, shard, row, count);
    if (isChecked || column.rowsPerSum === 1) {
      const to = convert ? this.#scratch : target;
      this.#fetch(shard, column.starts[shard]! + row * stride, count * stride, to);
      if (!isChecked) this.#check(field, shard, row, row + count, to);
      if (convert) convert(to, target, count * field.plan.elements);
      return;
    }
    // Small records share sums: read all that those sums cover, and keep the part that was asked for.
    const { rowsPerSum } = column;
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
    const base = column.firstSums[shard]!;
    const last = base + Math.floor((row + count - 1) / column.rowsPerSum);
    for (let sum = base + Math.floor(row / column.rowsPerSum); sum <= last; sum += 1) {
      if ((checked[Math.floor(sum / 32)]! & (1 << (sum % 32))) === 0) return false;
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

// From rows to slots: reads the records of a run, those that lie together at once, checks their sums the first time that
// this process sees them, and puts them into the ring as they are to be delivered. The hot path of the loader; it
// allocates only what fs.readSync needs.
//
//   resident, pinned:              no read; see pinned-reader.ts
//   stored = delivered, checked:   one read straight into the slots
//   otherwise:                     one read into scratch, then SIMD kernels or a copy into the slots
//   not read yet, and kept then:   perhaps with all of its block, see block-reads.ts
//   in a file of its own:          that file is opened and read, see file-records.ts

import { SpillwayError } from "../errors.js";
import { bindKernels, type Conversion, conversionOf, type Kernels } from "../kernels/kernels.js";
import type { ReadSync } from "../store/file.js";
import { BlockChoice, rowsOfBlock } from "./block-reads.js";
import { ColumnSums } from "./column-sums.js";
import type { FileRecords } from "./file-records.js";
import type { Place, ReaderJob, ReaderStart } from "./messages.js";
import type { OpenFiles } from "./open-files.js";
import { PinnedReader } from "./pinned-reader.js";
import type { FieldPlan } from "./plan.js";
import { keepsWord, readingWord } from "./reading-words.js";
import { ShardReads } from "./shard-reads.js";
import { type ColumnTable, shardOf } from "./table.js";

/** A field of a loop, with everything looked up that a read needs. */
interface FieldReader {
  plan: FieldPlan;
  column: ColumnTable;
  /** First byte of the field's ring. */
  ring: number;
  convert: Conversion | undefined;
  resident: { bytes: Uint8Array; address: number } | undefined;
  sums: ColumnSums;
  /** Whether samples are counted by its records. */
  isCounted: boolean;
  /** Records of a block, and whether such are read; undefined where they are never. */
  blockRows: number;
  blocks: BlockChoice | undefined;
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
  /** How shards are read; others in tests only. */
  readSync?: ReadSync;
}

export class SampleReader {
  readonly #start: ReaderStart;
  readonly #kernels: Kernels;
  readonly #bytes: Uint8Array;
  readonly #fields: readonly FieldReader[];
  readonly #reads: ShardReads;
  readonly #pinned: PinnedReader | undefined;
  readonly #records: FileRecords | undefined;
  readonly #scratch: number;
  /** As many as a run can have, used again for every run. */
  readonly #pieces: readonly Piece[];
  #pieceCount = 0;
  #hits = 0;
  #misses = 0;
  /** Which rows stay in memory, as it was said when the run began. */
  #keeps = 0;

  constructor(start: ReaderStart, job: ReaderJob, { shards, sumFiles, records, readSync }: SampleFiles) {
    this.#start = start;
    this.#records = records;
    const memory = start.segments[job.reservation.segment]!;
    this.#kernels = bindKernels(start.module, memory);
    this.#bytes = new Uint8Array(memory.buffer);
    const { reading, thread, table } = start;
    this.#reads = new ShardReads(shards, {
      reading,
      thread,
      bytes: this.#bytes,
      mayBeDirect: table.files === undefined,
      ...(readSync && { readSync }),
    });
    const { plan, reservation, residents } = job;
    const isResident = residents.columns.map((place) => place !== undefined);
    this.#pinned = PinnedReader.of(start, isResident, this.#kernels, reservation.segment);
    const own = reservation.address + plan.scratchStart + job.reader * plan.scratch.byteLength;
    this.#scratch = own + plan.scratch.records;
    const at = (place: Place | undefined) =>
      place && { bytes: new Uint8Array(start.segments[place.segment]!.buffer), address: place.address };
    this.#pieces = Array.from({ length: plan.runLength }, () => ({ shard: 0, row: 0, at: 0, count: 0 }));
    this.#fields = plan.fields.map((field) => {
      const column = table.columns[field.column]!;
      const rows = rowsOfBlock(column);
      const blockRows = rows * column.stride <= plan.scratch.recordBytes ? rows : 1;
      return {
        plan: field,
        column,
        ring: reservation.address + field.ring,
        convert: conversionOf(this.#kernels, field, reservation.address, own + plan.scratch.block),
        resident: at(residents.columns[field.column]),
        sums: new ColumnSums({
          table,
          column,
          resident: at(residents.sums[field.column]),
          checked: at(residents.checked[field.column]),
          files: sumFiles,
          records,
          kernels: this.#kernels,
          bytes: this.#bytes,
          scratch: own + plan.scratch.sum,
        }),
        isCounted: field.column === this.#pinned?.countedColumn,
        blockRows,
        blocks: field.isResident || blockRows === 1 ? undefined : new BlockChoice(),
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
    this.#keeps = Atomics.load(this.#start.reading.words, readingWord.keeps);
    const pinned = this.#pinned;
    try {
      for (;;) {
        const generation = pinned?.begin();
        this.#hits = 0;
        this.#misses = 0;
        this.#readFields(ids, count, slot);
        // What was copied out of the pinned set while that gave way may be anything.
        if (generation === undefined || pinned!.isUnchanged(generation)) break;
      }
    } finally {
      this.#reads.note(this.#hits, this.#misses);
    }
  }

  /** To be told when the reader has slept, for lack of room. */
  slept(ms: number): void {
    for (const { blocks } of this.#fields) blocks?.slept(ms);
  }

  #readFields(ids: Float64Array, count: number, slot: number): void {
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

  /** Takes `count` records from the pinned set, from `row` of the layout on; false if they are not all there. */
  #takePinned(field: FieldReader, row: number, count: number, target: number): boolean {
    const { convert, plan, column } = field;
    const pinned = this.#pinned!;
    const isThere = pinned.find(plan.column, row, count);
    if (field.isCounted && isThere) this.#hits += count;
    else if (field.isCounted) this.#misses += count;
    if (!isThere) return false;
    if (!convert) pinned.copyTo(target, count * column.stride);
    else convert(pinned.bring(this.#scratch, count * column.stride), target, count * plan.elements);
    return true;
  }

  #readPieces(field: FieldReader, target: number): void {
    const { column, convert, plan } = field;
    const { stride, rowsPerSum, starts } = column;
    const { firstRows } = this.#start.table;
    for (let k = 0; k < this.#pieceCount; k += 1) {
      const piece = this.#pieces[k]!;
      const { shard, row, count } = piece;
      const pieceTarget = target + piece.at * plan.deliveredStride;
      if (this.#takePinned(field, firstRows[shard]! + row, count, pieceTarget)) continue;
      const isChecked = field.sums.isChecked(shard, row, count);
      const blocks = isChecked ? undefined : this.#blocksFor(field, firstRows[shard]! + row, count);
      if (blocks?.wantsBlock && this.#readBlock(field, shard, row, pieceTarget, blocks)) continue;
      if (!isChecked && rowsPerSum > 1) {
        this.#readShared(field, piece, pieceTarget, blocks);
      } else {
        const to = convert ? this.#scratch : pieceTarget;
        const at = this.#fetch(shard, starts[shard]! + row * stride, count * stride, to, blocks);
        if (!isChecked) field.sums.check(shard, row, row + count, at);
        this.#pinned!.keep(plan.column, firstRows[shard]! + row, count, at);
        this.#deliver(field, at, pieceTarget, count);
      }
    }
  }

  #readFiles(field: FieldReader, target: number): void {
    const { convert, plan } = field;
    const { storedStride, deliveredStride } = plan;
    const { firstRows } = this.#start.table;
    for (let k = 0; k < this.#pieceCount; k += 1) {
      const { shard, row, at, count } = this.#pieces[k]!;
      for (let j = 0; j < count; j += 1) {
        const place = target + (at + j) * deliveredStride;
        const inLayout = firstRows[shard]! + row + j;
        if (this.#takePinned(field, inLayout, 1, place)) continue;
        const to = convert ? this.#scratch : place;
        this.#records!.read(shard, row + j, this.#bytes.subarray(to, to + storedStride));
        if (!field.sums.isChecked(shard, row + j, 1)) field.sums.check(shard, row + j, row + j + 1, to);
        this.#pinned!.keep(plan.column, inLayout, 1, to);
        if (convert) convert(to, place, plan.elements);
      }
    }
  }

  /** How to read a sample that was not read yet; undefined where no more than what was asked for would stay in memory. */
  #blocksFor({ blocks, sums }: FieldReader, row: number, count: number): BlockChoice | undefined {
    if (count > 1 || this.#keeps === keepsWord.none) return undefined;
    if (this.#pinned!.isWithin(row)) return blocks;
    // A loop that reads directly goes on so when another one finds room in the page cache.
    const isCached = this.#keeps === keepsWord.all && !this.#reads.isDirect;
    return isCached && sums.areNoted ? blocks : undefined;
  }

  /** Small records share sums: reads all that those sums cover, and keeps the part that was asked for. */
  #readShared(
    field: FieldReader,
    { shard, row, count }: Piece,
    target: number,
    blocks: BlockChoice | undefined,
  ): void {
    const { column } = field;
    const { stride, rowsPerSum } = column;
    const first = Math.floor(row / rowsPerSum) * rowsPerSum;
    const end = Math.min(this.#rowsOf(shard), Math.ceil((row + count) / rowsPerSum) * rowsPerSum);
    const startByte = column.starts[shard]! + first * stride;
    const at = this.#fetch(shard, startByte, (end - first) * stride, this.#scratch, blocks);
    field.sums.check(shard, first, end, at);
    this.#pinned!.keep(field.plan.column, this.#start.table.firstRows[shard]! + first, end - first, at);
    this.#deliver(field, at + (row - first) * stride, target, count);
  }

  /**
   * Reads the block that a row is in, and keeps it all. That another sample of it is damaged is told when that one is
   * wanted: until then only the row itself is kept. False if the block cannot be read: the row itself may be none the worse.
   */
  #readBlock(field: FieldReader, shard: number, row: number, target: number, blocks: BlockChoice): boolean {
    const { column, plan } = field;
    const { stride, rowsPerSum } = column;
    const first = Math.floor(row / field.blockRows) * field.blockRows;
    const end = Math.min(this.#rowsOf(shard), first + field.blockRows);
    const startByte = column.starts[shard]! + first * stride;
    const byteLength = (end - first) * stride;
    this.#reads.noteBlock();
    const since = blocks.isTiming ? performance.now() : 0;
    let at: number;
    try {
      at = this.#fetch(shard, startByte, byteLength, this.#scratch, undefined);
    } catch (error) {
      if (!(error instanceof SpillwayError)) throw error;
      blocks.failed();
      return false;
    }
    const ms = blocks.isTiming ? performance.now() - since : 0;
    const inLayout = this.#start.table.firstRows[shard]! + first;
    let isIntact = true;
    let newSums = 0;
    for (let sum = first; sum < end; sum += rowsPerSum) {
      const sumAt = at + (sum - first) * stride;
      if (!field.sums.isChecked(shard, sum, 1)) newSums += 1;
      if (row >= sum && row < sum + rowsPerSum)
        field.sums.check(shard, sum, Math.min(sum + rowsPerSum, end), sumAt);
      else isIntact = field.sums.isIntact(shard, sum, Math.min(rowsPerSum, end - sum), sumAt) && isIntact;
    }
    blocks.note(ms, byteLength, newSums);
    if (isIntact) this.#pinned!.keep(plan.column, inLayout, end - first, at);
    else this.#pinned!.keep(plan.column, inLayout + row - first, 1, at + (row - first) * stride);
    this.#deliver(field, at + (row - first) * stride, target, 1);
    return true;
  }

  /** Brings records to their slots. */
  #deliver({ convert, plan, column }: FieldReader, from: number, target: number, count: number): void {
    if (convert) convert(from, target, count * plan.elements);
    else if (from !== target) this.#kernels.copyRun(from, target, count * column.stride);
  }

  #rowsOf(shard: number): number {
    const { firstRows } = this.#start.table;
    return firstRows[shard + 1]! - firstRows[shard]!;
  }

  /** Reads bytes of a shard to `to`, or elsewhere: it says where they are. */
  #fetch(
    shard: number,
    startByte: number,
    byteLength: number,
    to: number,
    blocks: BlockChoice | undefined,
  ): number {
    if (!blocks) return this.#reads.read(shard, startByte, byteLength, to, this.#scratch);
    const since = blocks.isTiming ? performance.now() : 0;
    const at = this.#reads.read(shard, startByte, byteLength, to, this.#scratch);
    blocks.note(blocks.isTiming ? performance.now() - since : 0, byteLength);
    return at;
  }
}

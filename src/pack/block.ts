// A block: some rows of a shard in memory, each column in one piece. Sources fill its records in any order; sealing
// it computes the sums and the content hashes; then each column goes to disk in one write.
// Sums may reach over the border of two blocks: the records of an unfinished sum are carried in front of the next.
// Encoded images lie in frames (tensor/frame.ts); each has a sum of its own, over its bytes alone.
//
//   per column: | carry, up to 4 KiB | record 0 | record 1 | ... |

import { roundUp, rowsPerSum } from "../format/shard.js";
import { bindKernels, type Kernels, kernelModule, sharedMemory } from "../kernels/kernels.js";
import type { Origin } from "../source/source.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import { frameContent } from "../tensor/frame.js";

interface BlockColumn {
  name: string;
  stride: number;
  rowsPerSum: number;
  /** Whether its bytes are part of what is hashed as the sample's content: of all but labels. */
  isContent: boolean;
  /** Whether its records are frames. */
  isFramed: boolean;
  /** First byte of record 0. */
  start: number;
}

/** XXH64 of no bytes: the content of samples with labels alone. */
const hashOfNothing = 0xef46db3751d8e999n;

/** Room for a sum's records, in front of a column. */
const carryBytes = 4096;

export class Block {
  /** Records that fit. */
  readonly capacity: number;
  readonly byteLength: number;
  /** Where each record came from, filled along with it. */
  readonly origins: (Origin | undefined)[];
  readonly #columns: readonly BlockColumn[];
  /** Records at the front that are done with. */
  #dropped = 0;
  readonly #bytes: Uint8Array;
  readonly #kernels: Kernels;
  readonly #hashes: number;
  readonly #gather: number;
  readonly #sums: number;

  /** @param inFiles a field whose records have a sum each, see `planSums` */
  constructor(fields: Fields, capacity: number, inFiles?: string) {
    this.capacity = capacity;
    let at = 0;
    this.#columns = Object.entries(fields).map(([name, field]): BlockColumn => {
      const stride = fieldStride(field);
      const start = roundUp(at, 4096) + carryBytes;
      at = start + capacity * stride;
      return {
        name,
        stride,
        rowsPerSum: name === inFiles || field.kind === "image" ? 1 : rowsPerSum(stride),
        isContent: field.kind !== "class",
        isFramed: field.kind === "image",
        start,
      };
    });
    this.#hashes = roundUp(at, 8);
    this.#sums = this.#hashes + capacity * 8;
    this.#gather = this.#sums + (capacity + 2) * 8;
    this.byteLength = this.#gather + gatherBytes(fields);
    const memory = sharedMemory(this.byteLength);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#kernels = bindKernels(kernelModule(), memory);
    this.origins = new Array(capacity).fill(undefined);
  }

  /** Copies the parts of one sample into a record, field by field. */
  put(index: number, parts: readonly Uint8Array[]): void {
    for (let k = 0; k < this.#columns.length; k += 1) {
      const { start, stride, name, isFramed } = this.#columns[k]!;
      const part = parts[k]!;
      if (isFramed ? part.length > stride : part.length !== stride)
        throw new RangeError(`field ${name} of a sample has ${part.length} bytes, not ${stride}`);
      this.#bytes.set(part, start + index * stride);
    }
  }

  /** The places of one record, field by field. */
  record(index: number): Uint8Array[] {
    return this.#columns.map(({ start, stride }) =>
      this.#bytes.subarray(start + index * stride, start + (index + 1) * stride),
    );
  }

  /** The records [0, count) of a column. */
  column(name: string, count: number): Uint8Array {
    const { start, stride } = this.#column(name);
    return this.#bytes.subarray(start, start + count * stride);
  }

  /** Bytes of the encoded images [0, count) of a field. */
  lengths(name: string, count: number): Uint32Array {
    const column = this.#column(name);
    return Uint32Array.from({ length: count }, (_, index) => this.#content(column, index).length);
  }

  /** The encoded images [0, count) one after another, put together in place: as records they are gone then. */
  joined(name: string, count: number): Uint8Array {
    const column = this.#column(name);
    let end = column.start;
    for (let index = 0; index < count; index += 1) {
      const content = this.#content(column, index);
      this.#bytes.copyWithin(end, content.byteOffset, content.byteOffset + content.length);
      end += content.length;
    }
    return this.#bytes.subarray(column.start, end);
  }

  /** Lets go of the first `count` records: what was record `count` is record 0. */
  drop(count: number): void {
    for (const column of this.#columns) column.start += count * column.stride;
    this.origins.copyWithin(0, count);
    this.#dropped += count;
  }

  /** Makes all records free to be filled again. */
  reset(): void {
    for (const column of this.#columns) column.start -= this.#dropped * column.stride;
    this.#dropped = 0;
  }

  /** The labels [0, count) of a class field, as they are stored. */
  labels(name: string, count: number): Uint8Array | Uint16Array | Int32Array {
    const { start, stride } = this.#column(name);
    const { buffer } = this.#bytes;
    if (stride === 1) return new Uint8Array(buffer, start, count);
    return stride === 2 ? new Uint16Array(buffer, start, count) : new Int32Array(buffer, start, count);
  }

  /**
   * Sums of a column's records [0, count), with what the last block carried over in front.
   *
   * @param carry records of an unfinished sum; replaced by those that this block leaves unfinished
   * @param isEnd whether the shard ends here, so that nothing may be left unfinished
   */
  sums(name: string, count: number, carry: { bytes: Uint8Array }, isEnd: boolean): Uint8Array {
    const column = this.#column(name);
    const { stride, start } = column;
    if (column.isFramed) {
      this.#hashEach(column, count, this.#sums);
      return this.#bytes.slice(this.#sums, this.#sums + 8 * count);
    }
    const first = start - carry.bytes.length;
    this.#bytes.set(carry.bytes, first);
    const rows = carry.bytes.length / stride + count;
    const whole = isEnd ? rows : rows - (rows % column.rowsPerSum);
    this.#kernels.xxh64Runs(first, column.rowsPerSum * stride, whole * stride, this.#sums);
    carry.bytes = this.#bytes.slice(first + whole * stride, first + rows * stride);
    return this.#bytes.slice(this.#sums, this.#sums + 8 * Math.ceil(whole / column.rowsPerSum));
  }

  /** The field whose sums are the content hashes too: the only one with content, with a sum for each record. */
  get hashedBySums(): string | undefined {
    const [only, ...others] = this.#columns.filter((column) => column.isContent);
    return only?.rowsPerSum === 1 && others.length === 0 ? only.name : undefined;
  }

  /**
   * Content hashes of the records [0, count): XXH64 of all tensors and encoded images in order, as unsigned 64-bit
   * numbers.
   */
  contentHashes(count: number): BigUint64Array {
    const contents = this.#columns.filter((column) => column.isContent);
    const only = contents.length === 1 ? contents[0] : undefined;
    if (contents.length === 0) return new BigUint64Array(count).fill(hashOfNothing);
    if (only?.isFramed) this.#hashEach(only, count, this.#hashes);
    else if (only) {
      this.#kernels.xxh64Runs(only.start, only.stride, count * only.stride, this.#hashes);
    } else {
      for (let index = 0; index < count; index += 1) {
        let at = this.#gather;
        for (const column of contents) {
          const { byteOffset, length } = this.#content(column, index);
          this.#bytes.copyWithin(at, byteOffset, byteOffset + length);
          at += length;
        }
        this.#kernels.xxh64Runs(this.#gather, at - this.#gather, at - this.#gather, this.#hashes + index * 8);
      }
    }
    return new BigUint64Array(this.#bytes.buffer, this.#hashes, count);
  }

  #column(name: string): BlockColumn {
    return this.#columns.find((column) => column.name === name)!;
  }

  /** The bytes of one record, without those of its frame. */
  #content({ start, stride, isFramed }: BlockColumn, index: number): Uint8Array {
    const record = this.#bytes.subarray(start + index * stride, start + (index + 1) * stride);
    return isFramed ? frameContent(record) : record;
  }

  /** Hashes of the first `count` encoded images. */
  #hashEach(column: BlockColumn, count: number, into: number): void {
    for (let index = 0; index < count; index += 1) {
      const { byteOffset, length } = this.#content(column, index);
      this.#kernels.xxh64Runs(byteOffset, length, length, into + index * 8);
    }
  }
}

/** Bytes that a block of `rows` rows takes. */
export function blockBytesFor(fields: Fields, rows: number): number {
  const strides = Object.values(fields).map(fieldStride);
  const records = strides.reduce((sum, stride) => sum + stride, 0);
  return strides.length * (carryBytes + 4096) + rows * (records + 16) + gatherBytes(fields) + 64;
}

/** Room to put what a sample consists of side by side for its hash: a single tensor is so already. */
function gatherBytes(fields: Fields): number {
  const contents = Object.values(fields).filter(({ kind }) => kind !== "class");
  const strides = contents.map(fieldStride);
  return contents.length > 1 ? strides.reduce((sum, stride) => sum + stride, 0) : 0;
}

// Piles: how a source that only goes from front to back is shuffled with bounded memory, in two passes. Pass 1 throws
// each sample on a pile by the top bits of a keyed hash of its number; pass 2 sorts each pile by the whole hash and
// hands the samples out. The order is that of the hashes, whatever the number of piles: it does not depend on memory.
//
// A pile's record, little-endian:
//   hash high, hash low (uint32 each) | index, row (float64, row -1 for none) | path length (uint32) | path | sample

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { murmur3, words } from "../order/keys.js";
import { ioError, openFile } from "../store/file.js";
import type { Sample } from "../tensor/sample.js";

const headBytes = 28;
const maxPathBytes = 4096;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Keyed 64-bit hash of a sample's number, as two uint32. */
export function shuffleKey(seed: number, index: number): [number, number] {
  const from = [...words(seed), ...words(index)];
  return [murmur3(from, 0x9e3779b1), murmur3(from, 0x85ebca77)];
}

/** Bytes that a sample takes on a pile, without its path. */
export function pileRecordBytes(sampleBytes: number): number {
  return headBytes + sampleBytes;
}

/** Piles of one level: `2 ** bits` files that share the hash bits [skip, skip + bits) from the top. */
export class Piles {
  readonly count: number;
  readonly #folder: string;
  readonly #prefix: string;
  readonly #shift: number;
  readonly #bufferBytes: number;
  readonly #buffers: (Uint8Array | undefined)[];
  readonly #used: Int32Array;
  /** Bytes and samples of each pile. */
  readonly bytes: number[];
  readonly samples: number[];

  /**
   * @param skip hash bits that are the same for all samples thrown here
   * @param memoryBytes for buffers of all piles together
   */
  constructor(folder: string, prefix: string, skip: number, bits: number, memoryBytes: number) {
    this.count = 2 ** bits;
    this.#folder = folder;
    this.#prefix = prefix;
    this.#shift = 32 - skip - bits;
    this.#bufferBytes = Math.max(4096, Math.floor(memoryBytes / this.count));
    this.#buffers = new Array(this.count).fill(undefined);
    this.#used = new Int32Array(this.count);
    this.bytes = new Array(this.count).fill(0);
    this.samples = new Array(this.count).fill(0);
  }

  path(pile: number): string {
    return join(this.#folder, `${this.#prefix}${pile}.pile`);
  }

  /** Goes on where a checkpoint stood: what was written after it is cut off. */
  restore(bytes: readonly number[], samples: readonly number[]): void {
    for (let pile = 0; pile < this.count; pile += 1) {
      this.bytes[pile] = bytes[pile] ?? 0;
      this.samples[pile] = samples[pile] ?? 0;
      const path = this.path(pile);
      if (this.bytes[pile] === 0) {
        fs.rmSync(path, { force: true });
        continue;
      }
      if (fs.statSync(path).size < this.bytes[pile]!) {
        throw new SpillwayError(
          "corrupt",
          `${path} is shorter than the ${this.bytes[pile]} bytes that were written`,
          {
            remedy: "Remove the unfinished dataset and pack again.",
            where: { path },
          },
        );
      }
      fs.truncateSync(path, this.bytes[pile]);
    }
  }

  add(index: number, key: readonly [number, number], sample: Sample): void {
    const path = encoder.encode(sample.path);
    const head = new Uint8Array(headBytes + path.length);
    const view = new DataView(head.buffer);
    view.setUint32(0, key[0], true);
    view.setUint32(4, key[1], true);
    view.setFloat64(8, index, true);
    view.setFloat64(16, sample.row ?? -1, true);
    view.setUint32(24, path.length, true);
    head.set(path, headBytes);
    const pile = this.pileOf(key[0]);
    this.#put(pile, head);
    for (const part of sample.bytes) this.#put(pile, part);
    this.samples[pile]! += 1;
  }

  /** Throws a record of another level on its pile here. */
  addRecord(record: PileRecord): void {
    const pile = this.pileOf(record.high);
    this.#put(pile, record.bytes);
    this.samples[pile]! += 1;
  }

  pileOf(high: number): number {
    return this.#shift >= 32 ? 0 : (high >>> this.#shift) & (this.count - 1);
  }

  /** Writes out what is buffered; `durable` waits for the disk too. */
  flush(durable: boolean): void {
    for (let pile = 0; pile < this.count; pile += 1) {
      this.#writeOut(pile);
      if (durable && this.bytes[pile]! > 0) this.#guard(pile, (fd) => fs.fdatasyncSync(fd));
    }
  }

  #put(pile: number, bytes: Uint8Array): void {
    let buffer = this.#buffers[pile];
    if (!buffer) {
      buffer = new Uint8Array(this.#bufferBytes);
      this.#buffers[pile] = buffer;
    }
    for (let done = 0; done < bytes.length; ) {
      const used = this.#used[pile]!;
      const take = Math.min(buffer.length - used, bytes.length - done);
      buffer.set(bytes.subarray(done, done + take), used);
      this.#used[pile] = used + take;
      done += take;
      if (used + take === buffer.length) this.#writeOut(pile);
    }
  }

  #writeOut(pile: number): void {
    const used = this.#used[pile]!;
    if (used === 0) return;
    const bytes = this.#buffers[pile]!.subarray(0, used);
    this.#guard(pile, (fd) => {
      for (let done = 0; done < used; ) done += fs.writeSync(fd, bytes, done, used - done);
    });
    this.bytes[pile]! += used;
    this.#used[pile] = 0;
  }

  /** Opened for each use: there may be more piles than a process may have files open. */
  #guard(pile: number, work: (fd: number) => void): void {
    const path = this.path(pile);
    let fd = -1;
    try {
      fd = fs.openSync(path, "a");
      work(fd);
    } catch (cause) {
      throw ioError(cause, path, "cannot be written");
    } finally {
      if (fd >= 0) fs.closeSync(fd);
    }
  }
}

/** A sample as it lies on a pile. */
export interface PileRecord {
  high: number;
  low: number;
  index: number;
  /** The whole record. */
  bytes: Uint8Array;
}

/** Reads a pile from front to back, a part at a time; records are valid until the next. */
export function* readPile(
  path: string,
  byteLength: number,
  sampleBytes: number,
  partBytes: number,
): Generator<PileRecord> {
  const file = openFile(path);
  try {
    const buffer = new Uint8Array(Math.max(partBytes, headBytes + maxPathBytes + sampleBytes));
    let held = 0;
    for (let at = 0; at < byteLength || held > 0; ) {
      const take = Math.min(buffer.length - held, byteLength - at);
      file.readSync(buffer.subarray(held, held + take), at);
      held += take;
      at += take;
      let start = 0;
      for (;;) {
        const record = recordAt(buffer.subarray(start, held), sampleBytes, path);
        if (!record) break;
        start += record.bytes.length;
        yield record;
      }
      if (start === 0) throw damaged(path);
      buffer.copyWithin(0, start, held);
      held -= start;
    }
  } finally {
    file.close();
  }
}

function recordAt(bytes: Uint8Array, sampleBytes: number, path: string): PileRecord | undefined {
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const pathBytes = view.getUint32(24, true);
  if (pathBytes > maxPathBytes) throw damaged(path);
  const end = headBytes + pathBytes + sampleBytes;
  if (bytes.length < end) return undefined;
  return {
    high: view.getUint32(0, true),
    low: view.getUint32(4, true),
    index: view.getFloat64(8, true),
    bytes: bytes.subarray(0, end),
  };
}

function damaged(path: string): SpillwayError {
  return new SpillwayError("corrupt", `${path}, part of an unfinished pack, is damaged`, {
    remedy: "Remove the unfinished dataset and pack again.",
    where: { path },
  });
}

/** Bytes that sorting takes per sample, besides the pile itself. */
export const sortBytes = 24;

/**
 * The samples of a pile that fits in memory, in the order of their hashes.
 *
 * @param arena at least `byteLength` bytes, used again for each pile; samples point into it
 */
export function* sortedPile(
  path: string,
  pile: { bytes: number; samples: number },
  strides: readonly number[],
  arena: Uint8Array,
): Generator<Sample> {
  const sampleBytes = strides.reduce((sum, stride) => sum + stride, 0);
  const whole = arena.subarray(0, pile.bytes);
  const file = openFile(path);
  try {
    file.readSync(whole, 0);
  } finally {
    file.close();
  }
  const starts = new Float64Array(pile.samples);
  let count = 0;
  for (let start = 0; start < whole.length; count += 1) {
    const record = recordAt(whole.subarray(start), sampleBytes, path);
    if (!record || count === pile.samples) throw damaged(path);
    starts[count] = start;
    start += record.bytes.length;
  }
  const view = new DataView(whole.buffer, whole.byteOffset);
  const order = starts.subarray(0, count).sort((a, b) => {
    const high = view.getUint32(a, true) - view.getUint32(b, true);
    return (
      high ||
      view.getUint32(a + 4, true) - view.getUint32(b + 4, true) ||
      view.getFloat64(a + 8, true) - view.getFloat64(b + 8, true)
    );
  });
  for (const start of order) {
    const row = view.getFloat64(start + 16, true);
    let at = start + headBytes + view.getUint32(start + 24, true);
    const origin = decoder.decode(whole.subarray(start + headBytes, at));
    const bytes = strides.map((stride) => {
      at += stride;
      return whole.subarray(at - stride, at);
    });
    yield { bytes, path: origin, ...(row < 0 ? {} : { row }) };
  }
}

// Piles: how a source that only goes from front to back is shuffled with bounded memory, in two passes. Pass 1 throws
// each sample on a pile by the top bits of a keyed hash of its number; pass 2 sorts each pile by the whole hash and
// hands the samples out. The order is that of the hashes, whatever the number of piles: it does not depend on memory.
//
// A pile's record, little-endian:
//   hash high, hash low (uint32 each) | index, row (float64, row -1 for none) | path length (uint32) | path | sample
//
// Frames (tensor/frame.ts) of a sample lie there without the room that they do not use.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { murmur3, words } from "../order/keys.js";
import { AppendBuffers } from "../store/append-buffers.js";
import { ioError, openFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import { frameHeadBytes, frameLength } from "../tensor/frame.js";
import type { Sample } from "../tensor/sample.js";

const headBytes = 28;
const maxPathBytes = 4096;
/** What to do about scratch that is not what it was. */
const beginAnew =
  "Begin anew: give an unfinished append up with --discard; remove an unfinished new dataset, and pack again.";
const encoder = new TextEncoder();

/** Keyed 64-bit hashes of samples' numbers, as two uint32. */
export function shuffleKeys(seed: number): (index: number) => [number, number] {
  const from = [...words(seed), 0, 0];
  return (index) => {
    from[2] = index >>> 0;
    from[3] = Math.floor(index / 2 ** 32) >>> 0;
    return [murmur3(from, 0x9e3779b1), murmur3(from, 0x85ebca77)];
  };
}

/** One field of the samples on a pile: bytes of a record, at most so many where it is a frame. */
export interface PilePart {
  stride: number;
  isFramed: boolean;
}

/** The parts of a sample with these fields. */
export function pileParts(fields: Fields): PilePart[] {
  return Object.values(fields).map((field) => ({
    stride: fieldStride(field),
    isFramed: field.kind === "image",
  }));
}

/** Bytes that a sample takes on a pile, without its path. */
export function pileRecordBytes(sampleBytes: number): number {
  return headBytes + sampleBytes;
}

/** Where a pile is. */
export function pilePath(folder: string, prefix: string, pile: number): string {
  return join(folder, `${prefix}${pile}.pile`);
}

export interface PilesOptions {
  folder: string;
  /** What the names of the files begin with. */
  prefix: string;
  /** Of the samples. */
  parts: readonly PilePart[];
  /** Hash bits that are the same for all samples thrown here. */
  skip: number;
  /** Hash bits that name a pile. */
  bits: number;
  /** Memory for the buffers of all piles together, in use until the last flush. */
  arena: Uint8Array;
}

/** Piles of one level: `2 ** bits` files that share the hash bits [skip, skip + bits) from the top. */
export class Piles {
  readonly count: number;
  readonly #folder: string;
  readonly #prefix: string;
  readonly #shift: number;
  readonly #buffers: AppendBuffers;
  readonly #head = new Uint8Array(headBytes + maxPathBytes);
  readonly #headView = new DataView(this.#head.buffer);
  /** Bytes and samples of each pile. */
  readonly bytes: number[];
  readonly samples: number[];

  readonly #parts: readonly PilePart[];

  constructor({ folder, prefix, parts, skip, bits, arena }: PilesOptions) {
    this.count = 2 ** bits;
    this.#folder = folder;
    this.#prefix = prefix;
    this.#parts = parts;
    this.#shift = 32 - skip - bits;
    const onWritten = (pile: number, byteLength: number) => {
      this.bytes[pile]! += byteLength;
    };
    this.#buffers = new AppendBuffers(arena, this.count, (pile) => this.path(pile), onWritten);
    this.bytes = new Array(this.count).fill(0);
    this.samples = new Array(this.count).fill(0);
  }

  path(pile: number): string {
    return pilePath(this.#folder, this.#prefix, pile);
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
      requirePile(path, this.bytes[pile]!);
      try {
        fs.truncateSync(path, this.bytes[pile]);
      } catch (cause) {
        throw ioError(cause, path, "cannot be cut to its length");
      }
    }
  }

  add(index: number, key: readonly [number, number], sample: Sample): void {
    const { read, written } = encoder.encodeInto(sample.path, this.#head.subarray(headBytes));
    if (read < sample.path.length) throw longPath(index, sample.path);
    const view = this.#headView;
    view.setUint32(0, key[0], true);
    view.setUint32(4, key[1], true);
    view.setFloat64(8, index, true);
    view.setFloat64(16, sample.row ?? -1, true);
    view.setUint32(24, written, true);
    const pile = this.pileOf(key[0]);
    this.#buffers.put(pile, this.#head.subarray(0, headBytes + written));
    sample.bytes.forEach((bytes, k) => {
      const used = this.#parts[k]!.isFramed ? bytes.subarray(0, frameHeadBytes + frameLength(bytes)) : bytes;
      this.#buffers.put(pile, used);
    });
    this.samples[pile]! += 1;
  }

  /** Throws a record of another level on its pile here. */
  addRecord(record: PileRecord): void {
    const pile = this.pileOf(record.high);
    this.#buffers.put(pile, record.bytes);
    this.samples[pile]! += 1;
  }

  pileOf(high: number): number {
    return this.#shift >= 32 ? 0 : (high >>> this.#shift) & (this.count - 1);
  }

  /** Writes out what is buffered; `durable` waits for the disk too. */
  flush(durable: boolean): void {
    for (let pile = 0; pile < this.count; pile += 1) {
      this.#buffers.flush(pile);
      if (durable && this.bytes[pile]! > 0) this.#buffers.flush(pile, true);
    }
  }
}

/** @throws SpillwayError `corrupt` if a pile is not there, or shorter than what was written to it */
function requirePile(path: string, byteLength: number): void {
  const found = fs.statSync(path, { throwIfNoEntry: false })?.size;
  if (found !== undefined && found >= byteLength) return;
  const what = found === undefined ? "is gone" : `has ${found} bytes`;
  throw new SpillwayError(
    "corrupt",
    `${path}, part of an unfinished pack, ${what}; ${byteLength} were written`,
    {
      remedy: beginAnew,
      where: { path },
    },
  );
}

function longPath(sample: number, path: string): SpillwayError {
  return new SpillwayError(
    "source",
    `the path of sample ${sample} (from 0) is longer than ${maxPathBytes} bytes: ${path.slice(0, 64)}...`,
    {
      remedy: "Give it a shorter one.",
      where: { sample },
    },
  );
}

/** A sample as it lies on a pile. */
export interface PileRecord {
  /** Upper half of the hash. */
  high: number;
  /** The whole record. */
  bytes: Uint8Array;
}

/** Reads a pile from front to back, a part at a time; records are valid until the next. */
export function* readPile(
  path: string,
  byteLength: number,
  parts: readonly PilePart[],
  partBytes: number,
): Generator<PileRecord> {
  const file = openFile(path);
  try {
    const sampleBytes = parts.reduce((sum, { stride }) => sum + stride, 0);
    const buffer = new Uint8Array(Math.max(partBytes, headBytes + maxPathBytes + sampleBytes));
    let held = 0;
    for (let at = 0; at < byteLength || held > 0; ) {
      const take = Math.min(buffer.length - held, byteLength - at);
      file.readSync(buffer.subarray(held, held + take), at);
      held += take;
      at += take;
      let start = 0;
      for (;;) {
        const record = recordAt(buffer.subarray(start, held), parts, path);
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

function recordAt(bytes: Uint8Array, parts: readonly PilePart[], path: string): PileRecord | undefined {
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ends = partEnds(view, 0, parts, path);
  const end = ends?.at(-1) ?? 0;
  if (!ends || bytes.length < end) return undefined;
  return { high: view.getUint32(0, true), bytes: bytes.subarray(0, end) };
}

/**
 * Where the path and then each part of the record at `start` end, the last of them perhaps beyond what is there;
 * undefined where too little of it is there to tell.
 */
function partEnds(
  view: DataView,
  start: number,
  parts: readonly PilePart[],
  path: string,
): number[] | undefined {
  const pathBytes = view.getUint32(start + 24, true);
  if (pathBytes > maxPathBytes) throw damaged(path);
  let end = start + headBytes + pathBytes;
  const ends = [end];
  for (const { stride, isFramed } of parts) {
    let byteLength = stride;
    if (isFramed) {
      if (end + frameHeadBytes > view.byteLength) return undefined;
      byteLength = frameHeadBytes + view.getUint32(end, true);
      if (byteLength > stride) throw damaged(path);
    }
    end += byteLength;
    ends.push(end);
  }
  return ends;
}

function damaged(path: string): SpillwayError {
  return new SpillwayError("corrupt", `${path}, part of an unfinished pack, is damaged`, {
    remedy: beginAnew,
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
  parts: readonly PilePart[],
  arena: Uint8Array,
): Generator<Sample> {
  const whole = Buffer.from(arena.buffer, arena.byteOffset, pile.bytes);
  const file = openFile(path);
  try {
    file.readSync(whole, 0);
  } finally {
    file.close();
  }
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
  const starts = new Float64Array(pile.samples);
  let count = 0;
  for (let start = 0; start < whole.length; count += 1) {
    if (count === pile.samples || whole.length - start < headBytes) throw damaged(path);
    starts[count] = start;
    const end = partEnds(view, start, parts, path)?.at(-1);
    if (end === undefined || end > whole.length) throw damaged(path);
    start = end;
  }
  for (const place of sortedPlaces(view, starts.subarray(0, count))) {
    const start = starts[place]!;
    const row = view.getFloat64(start + 16, true);
    const ends = partEnds(view, start, parts, path)!;
    const origin = whole.toString("utf8", start + headBytes, ends[0]);
    const bytes = parts.map((_, k) => whole.subarray(ends[k], ends[k + 1]));
    yield { bytes, path: origin, ...(row < 0 ? {} : { row }) };
  }
}

/**
 * Places of records in the order of their hashes. Sorts numbers made of the hash's upper half and the place, which
 * takes no function and 8 bytes for each; where upper halves are the same, the rest decides.
 */
function sortedPlaces(view: DataView, starts: Float64Array): Uint32Array {
  const count = starts.length;
  const keys = new BigUint64Array(count);
  const halves = new Uint32Array(keys.buffer);
  for (let place = 0; place < count; place += 1) {
    halves[2 * place] = place;
    halves[2 * place + 1] = view.getUint32(starts[place]!, true);
  }
  keys.sort();
  const places = new Uint32Array(count);
  for (let k = 0; k < count; k += 1) places[k] = halves[2 * k]!;
  for (let start = 0; start < count; ) {
    let end = start + 1;
    while (end < count && halves[2 * end + 1] === halves[2 * start + 1]) end += 1;
    if (end - start > 1) {
      places.subarray(start, end).sort((a, b) => {
        const low = view.getUint32(starts[a]! + 4, true) - view.getUint32(starts[b]! + 4, true);
        return low || view.getFloat64(starts[a]! + 8, true) - view.getFloat64(starts[b]! + 8, true);
      });
    }
    start = end;
  }
  return places;
}

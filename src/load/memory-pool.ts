// The memory of an open dataset: all that loops, resident columns and reader threads hold comes out of one number of
// bytes, taken once and given back on close. It is a line of addresses over segments, each a shared WebAssembly.Memory
// of at most 4 GiB; pages that nobody has touched cost nothing.
//
//   0 ......... highest address ever handed out ......... total - threads * 8 MiB ......... total
//
// Rule: highest address + threads * threadBytes <= total, always: pages once touched stay resident.

import { SpillwayError } from "../errors.js";
import { pageBytes, sharedMemory } from "../kernels/kernels.js";
import { formatBytes } from "../store/byte-size.js";

/** What an idle reader thread costs, measured as resident memory (7 to 8 MiB on Node 20). */
export const threadBytes = 8 * 2 ** 20;

/** Largest segment: WebAssembly addresses have 32 bits. */
const maxSegmentBytes = 65_536 * pageBytes;

/** Reservations start on multiples of this, which direct I/O and SIMD both like. */
const alignment = 4096;

/** A piece of one segment, held until `release`. */
export interface Reservation {
  /** Which segment of the pool. */
  readonly segment: number;
  readonly memory: WebAssembly.Memory;
  /** First byte within the segment. */
  readonly address: number;
  readonly byteLength: number;
  release(): void;
}

/** A stretch of the line of addresses, half-open. */
interface Span {
  start: number;
  end: number;
}

export class MemoryPool {
  readonly byteLength: number;
  readonly segments: readonly WebAssembly.Memory[];
  readonly #segmentBytes: number;
  readonly #taken: Span[] = [];
  #highest = 0;
  #threads = 0;
  #peak = 0;

  /** @param segmentBytes largest segment; smaller in tests only */
  constructor(byteLength: number, segmentBytes = maxSegmentBytes) {
    this.byteLength = byteLength;
    this.#segmentBytes = segmentBytes;
    const segments: WebAssembly.Memory[] = [];
    for (let start = 0; start < byteLength; start += segmentBytes) {
      segments.push(takeMemory(Math.min(segmentBytes, byteLength - start)));
    }
    this.segments = segments;
  }

  /** Bytes that a new reservation can have at most, if it needs `threads` new reader threads with it. */
  largestFree(threads = 0): number {
    const limit = this.byteLength - (this.#threads + threads) * threadBytes;
    if (this.#highest > limit) return 0;
    return this.#gaps(limit).reduce((most, gap) => Math.max(most, gap.end - gap.start), 0);
  }

  /** Bytes held now, threads included. */
  get held(): number {
    return this.#taken.reduce((sum, span) => sum + span.end - span.start, 0) + this.#threads * threadBytes;
  }

  /** Most bytes that were ever held at once. */
  get peak(): number {
    return this.#peak;
  }

  get threads(): number {
    return this.#threads;
  }

  /** @throws SpillwayError `memory` if no segment has so much in one piece; `purpose` is said in it */
  reserve(byteLength: number, purpose: string): Reservation {
    const size = Math.ceil(byteLength / alignment) * alignment;
    const limit = this.byteLength - this.#threads * threadBytes;
    const gap = this.#gaps(limit).find(({ start, end }) => end - start >= size);
    if (!gap) throw this.shortage(size, purpose);
    const span = { start: gap.start, end: gap.start + size };
    this.#taken.push(span);
    this.#taken.sort((a, b) => a.start - b.start);
    this.#highest = Math.max(this.#highest, span.end);
    this.#peak = Math.max(this.#peak, this.held);
    const segment = Math.floor(span.start / this.#segmentBytes);
    return {
      segment,
      memory: this.segments[segment]!,
      address: span.start - segment * this.#segmentBytes,
      byteLength: size,
      release: () => {
        const at = this.#taken.indexOf(span);
        if (at >= 0) this.#taken.splice(at, 1);
      },
    };
  }

  /** Counts one more reader thread; false if it does not fit. */
  takeThread(): boolean {
    if (this.#highest + (this.#threads + 1) * threadBytes > this.byteLength) return false;
    this.#threads += 1;
    this.#peak = Math.max(this.#peak, this.held);
    return true;
  }

  returnThread(): void {
    this.#threads -= 1;
  }

  /** The error for `byteLength` more bytes that are not there: it names the smallest memory that works. */
  shortage(byteLength: number, purpose: string, hint = ""): SpillwayError {
    const needed = Math.ceil((this.held + byteLength) / 2 ** 20) * 2 ** 20;
    const smallest = Math.max(
      needed,
      this.byteLength + 2 ** 20 * Math.ceil((byteLength - this.largestFree()) / 2 ** 20),
    );
    const enough = this.held === 0 ? needed : smallest;
    // What is free may not be in one piece, or lie where threads have their part: as much again then.
    const neededBytes =
      enough > this.byteLength ? enough : this.byteLength + Math.ceil(byteLength / 2 ** 20) * 2 ** 20;
    return new SpillwayError(
      "memory",
      `memory of ${formatBytes(this.byteLength)} is too small: ${purpose} needs ${formatBytes(byteLength)}, ${formatBytes(this.held)} is in use`,
      {
        remedy: `Open with memory: "${formatBytes(neededBytes)}"${hint}.`,
        where: { neededBytes },
      },
    );
  }

  /** Gives the memory up, for the next dataset that is opened with as much. */
  close(): void {
    for (const memory of this.segments) idle.push(new WeakRef(memory));
  }

  /** What is free below `limit`, cut at segment borders. */
  #gaps(limit: number): Span[] {
    const gaps: Span[] = [];
    const add = (from: number, to: number) => {
      for (let start = from; start < to; ) {
        const border = (Math.floor(start / this.#segmentBytes) + 1) * this.#segmentBytes;
        gaps.push({ start, end: Math.min(to, border) });
        start = border;
      }
    };
    let at = 0;
    for (const span of this.#taken) {
      add(at, Math.min(span.start, limit));
      at = span.end;
    }
    add(at, limit);
    return gaps.filter(({ start, end }) => end > start);
  }
}

// V8 does not see how large a shared memory is, so it is in no hurry to collect one: datasets opened and closed in
// turn would pile them up. Those given up are therefore used again, and forgotten if they were collected after all.
const idle: WeakRef<WebAssembly.Memory>[] = [];

function takeMemory(byteLength: number): WebAssembly.Memory {
  const wanted = Math.ceil(byteLength / pageBytes) * pageBytes;
  for (let at = idle.length - 1; at >= 0; at -= 1) {
    const memory = idle[at]!.deref();
    if (memory && memory.buffer.byteLength !== wanted) continue;
    idle.splice(at, 1);
    if (memory) return memory;
  }
  return sharedMemory(byteLength);
}

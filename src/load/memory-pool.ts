// The memory of an open dataset: all that loops, resident columns and reader threads hold comes out of one number of
// bytes, taken once and given back on close. It is a line of addresses over segments, each a shared WebAssembly.Memory
// of at most 4 GiB; pages that nobody has touched cost nothing.
//
//   0 ......... highest address ever handed out ......... total - threads * 8 MiB ......... total
//
// What is pinned gives way: to whoever asks for memory it counts as free, and is given back piece by piece until there is
// room.
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
  /** Releases what nobody has written to: its pages count as never touched, unless more was reserved since. */
  undo(): void;
}

/** A stretch of the line of addresses, half-open. */
interface Span {
  start: number;
  end: number;
  /** Whether it is given back when somebody else needs it. */
  givesWay?: boolean;
}

export class MemoryPool {
  readonly byteLength: number;
  readonly segments: readonly WebAssembly.Memory[];
  /** Releases a piece of what gives way; false where there is none. */
  giveWay: () => boolean = () => false;
  readonly #segmentBytes: number;
  readonly #taken: Span[] = [];
  #highest = 0;
  /** What was reserved last, and not undone. */
  #latest: Span | undefined;
  /** Reader threads for which what gives way leaves room. */
  #sparedThreads = 0;
  #threads = 0;
  #mostThreads = 0;
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
    const limit = this.#limit(threads);
    if (this.#highest > limit) return 0;
    return largest(this.#gaps(limit, this.#held()));
  }

  /** Most reader threads that can still be started. */
  get threadsLeft(): number {
    return Math.max(0, Math.floor((this.byteLength - this.#highest) / threadBytes) - this.#threads);
  }

  /** Bytes held now, threads included; without what gives way. */
  get held(): number {
    return bytesOf(this.#held()) + this.#threads * threadBytes;
  }

  /** Bytes that have been handed out at some time, and may be resident since then. */
  get touched(): number {
    return this.#highest;
  }

  /** Most bytes that were ever held at once, with what gives way. */
  get peak(): number {
    return this.#peak;
  }

  get threads(): number {
    return this.#threads;
  }

  /** Most reader threads that there ever were at once. */
  get mostThreads(): number {
    return this.#mostThreads;
  }

  /**
   * What gives way does so before the room for reader threads is touched.
   *
   * @param threads reader threads that will be started with it
   * @throws SpillwayError `memory` if no segment has so much in one piece; `purpose` is said in it
   */
  reserve(byteLength: number, purpose: string, threads = 0): Reservation {
    const size = Math.ceil(byteLength / alignment) * alignment;
    const find = (moreThreads: number) =>
      this.#gaps(this.#limit(moreThreads)).find(({ start, end }) => end - start >= size);
    for (;;) {
      const gap = find(Math.max(threads, this.#sparedThreads - this.#threads));
      if (gap) return this.#take({ start: gap.start, end: gap.start + size });
      if (this.giveWay()) continue;
      const last = find(threads);
      if (last) return this.#take({ start: last.start, end: last.start + size });
      throw this.shortage(size, purpose);
    }
  }

  /**
   * A reservation that gives way: its owner sees to that in `giveWay`.
   *
   * @param spare what must be free besides: bytes in one piece, and room for more reader threads
   * @returns undefined where it does not fit
   */
  reserveSparing(byteLength: number, spare: { bytes: number; threads: number }): Reservation | undefined {
    const size = Math.ceil(byteLength / alignment) * alignment;
    const limit = this.#limit(spare.threads);
    const gap = this.#gaps(limit).find(({ start, end }) => end - start >= size);
    if (!gap) return undefined;
    const span = { start: gap.start, end: gap.start + size, givesWay: true };
    const left = this.#gaps(limit, inOrder([...this.#taken, span]));
    if (largest(left) < spare.bytes) return undefined;
    this.#sparedThreads = Math.max(this.#sparedThreads, this.#threads + spare.threads);
    return this.#take(span);
  }

  /** Counts one more reader thread; false if it does not fit. */
  takeThread(): boolean {
    if (this.#highest + (this.#threads + 1) * threadBytes > this.byteLength) return false;
    this.#threads += 1;
    this.#mostThreads = Math.max(this.#mostThreads, this.#threads);
    this.#notePeak();
    return true;
  }

  returnThread(): void {
    this.#threads -= 1;
  }

  #take(span: Span): Reservation {
    this.#taken.push(span);
    inOrder(this.#taken);
    const before = { highest: this.#highest, latest: this.#latest };
    this.#latest = span;
    this.#highest = Math.max(this.#highest, span.end);
    this.#notePeak();
    const segment = Math.floor(span.start / this.#segmentBytes);
    const release = () => {
      const at = this.#taken.indexOf(span);
      if (at >= 0) this.#taken.splice(at, 1);
      return at >= 0;
    };
    return {
      segment,
      memory: this.segments[segment]!,
      address: span.start - segment * this.#segmentBytes,
      byteLength: span.end - span.start,
      release,
      undo: () => {
        if (!release() || this.#latest !== span) return;
        this.#highest = before.highest;
        this.#latest = before.latest;
      },
    };
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

  /** First byte that must stay untouched, with so many more reader threads. */
  #limit(threads: number): number {
    return this.byteLength - (this.#threads + threads) * threadBytes;
  }

  /** What is taken and does not give way. */
  #held(): Span[] {
    return this.#taken.filter(({ givesWay }) => !givesWay);
  }

  #notePeak(): void {
    this.#peak = Math.max(this.#peak, bytesOf(this.#taken) + this.#threads * threadBytes);
  }

  /** What is free below `limit`, cut at segment borders, where `taken` is taken. */
  #gaps(limit: number, taken: readonly Span[] = this.#taken): Span[] {
    const gaps: Span[] = [];
    const add = (from: number, to: number) => {
      for (let start = from; start < to; ) {
        const border = (Math.floor(start / this.#segmentBytes) + 1) * this.#segmentBytes;
        gaps.push({ start, end: Math.min(to, border) });
        start = border;
      }
    };
    let at = 0;
    for (const span of taken) {
      add(at, Math.min(span.start, limit));
      at = span.end;
    }
    add(at, limit);
    return gaps.filter(({ start, end }) => end > start);
  }
}

function inOrder(spans: Span[]): Span[] {
  return spans.sort((a, b) => a.start - b.start);
}

function bytesOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

function largest(gaps: readonly Span[]): number {
  return gaps.reduce((most, { start, end }) => Math.max(most, end - start), 0);
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

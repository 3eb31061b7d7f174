// The rows of views in memory: the bits of a selection and the directory that finds the k-th of them. Made when the first
// loop over such a view starts, kept for the next; what no loop uses gives way where memory is short.

import { bitmapBytes, directoryBytes, fillDirectory } from "../order/bitmap.js";
import type { MemoryPool, Reservation } from "./memory-pool.js";
import type { RowTable } from "./messages.js";
import type { Selection } from "./selection.js";

/** The rows of a loop, until it releases them. */
export interface HeldRows {
  table: RowTable;
  release(): void;
}

interface Kept {
  table: RowTable;
  held: readonly Reservation[];
  users: number;
}

export class RowTables {
  readonly #pool: MemoryPool;
  readonly #makeRoom: () => boolean;
  /** By the hash of the bits. */
  readonly #kept = new Map<string, Kept>();

  /** @param makeRoom gives back what nobody uses; false where there was nothing */
  constructor(pool: MemoryPool, makeRoom: () => boolean) {
    this.#pool = pool;
    this.#makeRoom = makeRoom;
  }

  /**
   * How readers find the rows of a selection; its bits are read if they are not in memory.
   *
   * @throws SpillwayError `memory` where they do not fit, and what reading the bits throws
   */
  take({ rows }: Selection): HeldRows {
    if (rows.kind === "range") return { table: rows, release() {} };
    const kept = this.#kept.get(rows.hash) ?? this.#load(rows);
    kept.users += 1;
    let isReleased = false;
    const release = () => {
      if (!isReleased) kept.users -= 1;
      isReleased = true;
    };
    return { table: kept.table, release };
  }

  /** Gives back the memory of what no loop uses; false where there was nothing. */
  releaseUnused(): boolean {
    const unused = [...this.#kept].filter(([, { users }]) => users === 0);
    for (const [hash, { held }] of unused) {
      for (const reservation of held) reservation.release();
      this.#kept.delete(hash);
    }
    return unused.length > 0;
  }

  #load(rows: Selection["rows"] & { kind: "bits" }): Kept {
    const selected = rows.read();
    const sizes = [bitmapBytes(rows.rows), directoryBytes(rows.rows)];
    const [bits, directory] = this.#reserve(sizes) as [Reservation, Reservation];
    const words = new Uint32Array(bits.memory.buffer, bits.address, bitmapBytes(rows.rows) / 4);
    words.fill(0);
    new Uint8Array(words.buffer, words.byteOffset, words.byteLength).set(selected);
    fillDirectory(
      words,
      new Float64Array(directory.memory.buffer, directory.address, directoryBytes(rows.rows) / 8),
    );
    const table: RowTable = {
      kind: "bitmap",
      rows: rows.rows,
      bits: { segment: bits.segment, address: bits.address },
      directory: { segment: directory.segment, address: directory.address },
    };
    const kept: Kept = { table, held: [bits, directory], users: 0 };
    this.#kept.set(rows.hash, kept);
    return kept;
  }

  /** All of the sizes or none. */
  #reserve(sizes: readonly number[]): Reservation[] {
    const held: Reservation[] = [];
    const reserveAll = () => {
      for (const size of sizes.slice(held.length))
        held.push(this.#pool.reserve(size, "the rows of the view"));
      return held;
    };
    try {
      try {
        return reserveAll();
      } catch (error) {
        if (!this.#makeRoom()) throw error;
        return reserveAll();
      }
    } catch (error) {
      for (const reservation of held) reservation.release();
      throw error;
    }
  }
}

// What the loops of one open dataset share: its table, its memory, its readers, and what is resident.

import { SpillwayError } from "../errors.js";
import { bitmapBytes, directoryBytes, fillDirectory } from "../order/bitmap.js";
import type { Field } from "../tensor/field.js";
import { Drawings } from "./drawings.js";
import { MemoryPool, type Reservation } from "./memory-pool.js";
import type { RowTable } from "./messages.js";
import { ReaderPool } from "./reader-pool.js";
import { loadResidents, type Residents } from "./residents.js";
import type { Selection } from "./selection.js";
import type { DatasetTable } from "./table.js";

export class Engine {
  readonly table: DatasetTable;
  readonly fields: readonly Field[];
  readonly pool: MemoryPool;
  readonly readers: ReaderPool;
  /** What balanced and weighted loops draw by. */
  readonly drawings: Drawings;
  /** How to end each running loop. */
  readonly loops = new Set<() => Promise<void>>();
  readonly #rowTables = new Map<string, { table: RowTable; held: Reservation[] }>();
  #residents: Promise<Residents> | undefined;
  #loopNumber = 0;
  #isClosed = false;

  constructor(table: DatasetTable, memoryBytes: number) {
    this.table = table;
    this.fields = table.columns.map((column) => column.field);
    this.pool = new MemoryPool(memoryBytes);
    this.readers = new ReaderPool(this.pool, table);
    this.drawings = new Drawings(table, this.pool, () => this.requireOpen());
  }

  /** @throws SpillwayError `usage` once the dataset is closed: its memory is then somebody else's */
  requireOpen(): void {
    if (this.#isClosed) throw loopEnded();
  }

  /** Loads labels and sums when first asked; later calls get the same. A failure is tried again. */
  residents(): Promise<Residents> {
    this.#residents ??= loadResidents(this.table, this.pool).catch((error) => {
      this.#residents = undefined;
      throw error;
    });
    return this.#residents;
  }

  /** The resident columns, if any loop has started. */
  async loadedResidents(): Promise<Residents | undefined> {
    return this.#residents;
  }

  nextLoop(): number {
    this.#loopNumber += 1;
    return this.#loopNumber;
  }

  /** How readers find the rows of a selection; its bits are read once and stay in the pool. */
  rowTable(selection: Selection): RowTable {
    const { rows } = selection;
    if (rows.kind === "range") return rows;
    const known = this.#rowTables.get(rows.hash);
    if (known) return known.table;
    const selected = rows.read();
    const bits = this.pool.reserve(bitmapBytes(rows.rows), "the rows of the view");
    let directory: Reservation;
    try {
      directory = this.pool.reserve(directoryBytes(rows.rows), "the rows of the view");
    } catch (error) {
      bits.release();
      throw error;
    }
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
    this.#rowTables.set(rows.hash, { table, held: [bits, directory] });
    return table;
  }

  /** Ends every loop and thread and gives the memory back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.loops].map((end) => end()));
    await this.readers.close();
    this.pool.close();
  }
}

/** The error for a loop whose dataset was closed under it. */
export function loopEnded(): SpillwayError {
  return new SpillwayError("usage", "the loop was ended: its dataset is closed", {
    remedy: "Close the dataset after its loops, not before.",
  });
}

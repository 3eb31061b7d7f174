// What the loops of one open dataset share: its table, its memory, its readers, and what is resident.

import { availableParallelism } from "node:os";
import { SpillwayError } from "../errors.js";
import type { Field } from "../tensor/field.js";
import { Drawings } from "./drawings.js";
import { decodingNotes } from "./image-decoder.js";
import { MemoryPool } from "./memory-pool.js";
import { ReaderPool } from "./reader-pool.js";
import { Reading } from "./reading.js";
import { loadResidents, type Residents } from "./residents.js";
import { RowTables } from "./row-tables.js";
import type { DatasetTable } from "./table.js";

/** What tests replace. */
export interface EngineParts {
  /** Bytes of memory that are free. */
  freeMemory?: () => number;
  /** What a reader thread runs. */
  readerScript?: URL;
  /** Largest segment of the memory. */
  segmentBytes?: number;
}

export class Engine {
  readonly table: DatasetTable;
  readonly fields: readonly Field[];
  readonly pool: MemoryPool;
  readonly readers: ReaderPool;
  /** How shards are read, and what is pinned. */
  readonly reading: Reading;
  /** What balanced and weighted loops draw by. */
  readonly drawings: Drawings;
  /** Where the rows of views lie. */
  readonly rows: RowTables;
  /** How to end each running loop. */
  readonly loops = new Set<() => Promise<void>>();
  #residents: Promise<Residents> | undefined;
  #loopNumber = 0;
  #isClosed = false;

  constructor(
    table: DatasetTable,
    memoryBytes: number,
    { freeMemory, readerScript, segmentBytes }: EngineParts = {},
  ) {
    this.table = table;
    this.fields = table.columns.map((column) => column.field);
    this.pool = new MemoryPool(memoryBytes, segmentBytes);
    this.reading = new Reading(this.pool, table, freeMemory);
    this.readers = new ReaderPool(this.pool, table, this.reading.shared, readerScript);
    this.rows = new RowTables(this.pool, () => this.releaseUnused());
    this.drawings = new Drawings(
      table,
      this.pool,
      () => this.requireOpen(),
      () => this.releaseUnused(),
    );
  }

  /** Whether samples have encoded images, which are decoded by a package of its own. */
  get hasImages(): boolean {
    return this.table.columns.some(({ encoded }) => encoded);
  }

  /** What is not as one would expect of reading, what lies outside of the memory, and what would make it faster. */
  get notes(): readonly string[] {
    const decoding = this.hasImages
      ? decodingNotes(availableParallelism(), process.env.UV_THREADPOOL_SIZE)
      : [];
    return [...this.reading.notes(), ...decoding];
  }

  /** @throws SpillwayError `usage` once the dataset is closed: its memory is then somebody else's */
  requireOpen(): void {
    if (this.#isClosed) throw loopEnded();
  }

  get isClosed(): boolean {
    return this.#isClosed;
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

  /** Gives back the memory of what no loop uses; false where there was nothing. */
  releaseUnused(): boolean {
    const hadDrawings = this.drawings.releaseUnused();
    // A drawing that is being made may look at rows whose loop does not wait for it any more.
    const hadRows = !this.drawings.isBuilding && this.rows.releaseUnused();
    const hadThreads = this.readers.endIdle();
    return hadDrawings || hadRows || hadThreads;
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

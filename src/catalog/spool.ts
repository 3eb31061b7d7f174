// Scratch on disk: rows thrown on piles, to be taken up again pile by pile. What is held is one buffer for each pile, and
// the pile that is being read; the disk holds the rest.

import fs from "node:fs";
import { join } from "node:path";
import type { ColumnValue } from "../format/columns.js";
import { AppendBuffers } from "../store/append-buffers.js";
import { openFile } from "../store/file.js";
import { type DecodedRow, decodeRow, RowEncoder } from "./row-codec.js";

/** Memory for the buffers of all piles together. */
const arenaBytes = 2 ** 24;
const maxBufferBytes = 2 ** 16;
const maxPiles = 2048;
/** Bytes of a pile that are read at once. */
const chunkBytes = 2 ** 20;
/** Rows that a pile is meant to have: it is held as objects while it is read. */
const pileRows = 65_536;

/** How many piles `rows` rows are thrown on. */
export function pileCount(rows: number): number {
  return Math.max(1, Math.min(maxPiles, Math.ceil(rows / pileRows)));
}

export class Spool {
  readonly count: number;
  readonly #folder: string;
  readonly #name: string;
  readonly #buffers: AppendBuffers;
  readonly #encoder = new RowEncoder();
  readonly #length = new Uint8Array(4);

  /** @param folder is there; files are called by the name and the number of the pile */
  constructor(folder: string, name: string, count: number) {
    this.count = count;
    this.#folder = folder;
    this.#name = name;
    const arena = new Uint8Array(Math.min(maxBufferBytes * count, arenaBytes));
    this.#buffers = new AppendBuffers(arena, count, (pile) => this.#path(pile));
  }

  /** Throws a row on a pile. */
  add(pile: number, number: number, values: readonly ColumnValue[]): void {
    const row = this.#encoder.encode(number, values);
    new DataView(this.#length.buffer).setUint32(0, row.length, true);
    this.#buffers.put(pile, this.#length);
    this.#buffers.put(pile, row);
  }

  /** The rows of a pile in the order in which they were thrown; its file goes when all are taken. */
  *take(pile: number): Generator<DecodedRow> {
    this.#buffers.flush(pile);
    const path = this.#path(pile);
    if (!fs.existsSync(path)) return;
    for (const row of readRows(path)) yield decodeRow(row);
    fs.rmSync(path, { force: true });
  }

  #path(pile: number): string {
    return join(this.#folder, `${this.#name}-${pile}.pile`);
  }
}

/** The rows of a file, each valid until the next is asked for. */
function* readRows(path: string): Generator<Buffer> {
  const file = openFile(path);
  try {
    let buffer = Buffer.allocUnsafe(Math.min(chunkBytes, file.byteLength));
    let held = 0;
    for (let read = 0; read < file.byteLength; ) {
      const take = Math.min(buffer.length - held, file.byteLength - read);
      file.readSync(buffer.subarray(held, held + take), read);
      held += take;
      read += take;
      let at = 0;
      for (let end = rowEnd(buffer, at, held); end !== undefined; end = rowEnd(buffer, at, held)) {
        yield buffer.subarray(at + 4, end);
        at = end;
      }
      // A row that is longer than the buffer needs a larger one.
      const next = at === 0 && held === buffer.length ? Buffer.allocUnsafe(buffer.length * 2) : buffer;
      buffer.copy(next, 0, at, held);
      buffer = next;
      held -= at;
    }
  } finally {
    file.close();
  }
}

/** Where the row at a place ends; undefined if not all of it is there. */
function rowEnd(buffer: Buffer, at: number, held: number): number | undefined {
  if (held - at < 4) return undefined;
  const end = at + 4 + buffer.readUInt32LE(at);
  return end <= held ? end : undefined;
}

// Labels as they are stored, by id: a stretch of ids at a time, in one read per shard where ids are rows.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { StoredRecords } from "../source/stored-records.js";
import { openFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";

export class LabelReader {
  readonly #folder: string;
  readonly #manifest: Readonly<Manifest>;
  readonly #records: StoredRecords;
  readonly #placedRows: number;

  constructor(folder: string, manifest: Readonly<Manifest>) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#records = new StoredRecords(folder, manifest);
    this.#placedRows = manifest.placed?.reduce((sum, { rows }) => sum + rows, 0) ?? 0;
  }

  /** The labels of ids [start, end) of a class field; undefined where the shard cannot be read. */
  async read(name: string, start: number, end: number): Promise<Uint8Array | undefined> {
    const fields = this.#manifest.fields as Fields;
    const stride = fieldStride(fields[name]!);
    const bytes = new Uint8Array((end - start) * stride);
    try {
      if (start < this.#placedRows) await this.#readEach(name, stride, start, end, bytes);
      else await this.#readRows(name, stride, start, end, bytes);
      return bytes;
    } catch (error) {
      if (error instanceof SpillwayError) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#records.close();
  }

  async #readEach(name: string, stride: number, start: number, end: number, bytes: Uint8Array) {
    const names = Object.keys(this.#manifest.fields);
    for (let id = start; id < end; id += 1) {
      const target = bytes.subarray((id - start) * stride, (id - start + 1) * stride);
      await this.#records.readInto(
        id,
        names.map((field) => (field === name ? target : undefined)),
      );
    }
  }

  async #readRows(name: string, stride: number, start: number, end: number, bytes: Uint8Array) {
    let first = 0;
    for (const shard of this.#manifest.shards) {
      const from = Math.max(start, first);
      const to = Math.min(end, first + shard.rows);
      if (from < to) {
        const file = openFile(join(this.#folder, shard.path));
        try {
          const startByte = shard.columns[name]!.start + (from - first) * stride;
          await file.read(bytes.subarray((from - start) * stride, (to - start) * stride), startByte);
        } finally {
          file.close();
        }
      }
      first += shard.rows;
    }
  }
}

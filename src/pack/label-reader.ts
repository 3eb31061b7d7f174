// Labels as they are stored, by id: a stretch of ids at a time. Where ids are rows that is one read per shard; where
// samples were laid out anew, a read of a few bytes for each. Sums are not looked at: the shards were checked before.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { placedRows } from "../format/placed.js";
import { StoredRecords } from "../source/stored-records.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";

/** Shards that are kept open. */
const maxOpen = 64;

export class LabelReader {
  readonly #folder: string;
  readonly #manifest: Readonly<Manifest>;
  /** Finds ids only. */
  readonly #records: StoredRecords;
  readonly #placedRows: number;
  /** By shard, the longest open one first. */
  readonly #open = new Map<number, ReadableFile>();

  constructor(folder: string, manifest: Readonly<Manifest>) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#records = new StoredRecords(folder, manifest);
    this.#placedRows = placedRows(manifest);
  }

  /** The labels of ids [start, end) of a class field; undefined where a shard cannot be read. */
  async read(name: string, start: number, end: number): Promise<Uint8Array | undefined> {
    const fields = this.#manifest.fields as Fields;
    const stride = fieldStride(fields[name]!);
    const bytes = new Uint8Array((end - start) * stride);
    try {
      if (start < this.#placedRows) this.#readEach(name, stride, start, bytes);
      else await this.#readRows(name, stride, start, bytes);
      return bytes;
    } catch (error) {
      if (error instanceof SpillwayError) return undefined;
      throw error;
    }
  }

  close(): void {
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
  }

  #readEach(name: string, stride: number, start: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += stride) {
      const { shard, row } = this.#records.placeOf(start + at / stride);
      const place = this.#manifest.shards[shard]!.columns[name]!;
      this.#file(shard).readSync(bytes.subarray(at, at + stride), place.start + row * stride);
    }
  }

  async #readRows(name: string, stride: number, start: number, bytes: Uint8Array): Promise<void> {
    const end = start + bytes.length / stride;
    let first = 0;
    for (const [number, shard] of this.#manifest.shards.entries()) {
      const from = Math.max(start, first);
      const to = Math.min(end, first + shard.rows);
      if (from < to) {
        const startByte = shard.columns[name]!.start + (from - first) * stride;
        const target = bytes.subarray((from - start) * stride, (to - start) * stride);
        await this.#file(number).read(target, startByte);
      }
      first += shard.rows;
    }
  }

  #file(shard: number): ReadableFile {
    let file = this.#open.get(shard);
    if (file) return file;
    file = openFile(join(this.#folder, this.#manifest.shards[shard]!.path));
    this.#open.set(shard, file);
    if (this.#open.size > maxOpen) {
      const [oldest, longest] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      longest.close();
    }
    return file;
  }
}

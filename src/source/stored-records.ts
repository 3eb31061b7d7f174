// Samples of a dataset by id, in any order and several at once, each checked against its sums: for whoever makes a new
// dataset of one, or looks at it closely. Training reads by other ways (load/), which are faster and take no promises.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { type PlacedBlock, placedBlocks } from "../format/placed.js";
import { placeBytes, planSums, rowsPerSum } from "../format/shard.js";
import { Hasher } from "../kernels/hasher.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import {
  decodePlace,
  type IndexedPlace,
  leadsOut,
  maxPathBytes,
  openIndexedFile,
  otherContent,
} from "./indexed-file.js";

/** Files of the dataset that are kept open. */
const maxOpen = 64;

interface StoredField {
  name: string;
  stride: number;
  rowsPerSum: number;
  isInFiles: boolean;
}

export class StoredRecords {
  readonly #folder: string;
  readonly #manifest: Readonly<Manifest>;
  readonly #filesRoot: string | undefined;
  readonly #fields: readonly StoredField[];
  readonly #firstRows: Float64Array;
  readonly #blocks: readonly PlacedBlock[];
  readonly #hasher = new Hasher();
  /** By path, the least recently used first. */
  readonly #open = new Map<string, { file: ReadableFile; uses: number }>();

  /** @param filesRoot where the files of an index are now, if not where they were */
  constructor(folder: string, manifest: Readonly<Manifest>, filesRoot = manifest.files?.root) {
    this.#folder = folder;
    this.#manifest = manifest;
    this.#filesRoot = filesRoot;
    this.#fields = Object.entries(manifest.fields as Fields).map(([name, field]) => {
      const stride = fieldStride(field);
      const isInFiles = name === manifest.files?.field;
      return { name, stride, isInFiles, rowsPerSum: isInFiles ? 1 : rowsPerSum(stride) };
    });
    this.#firstRows = new Float64Array(manifest.shards.length + 1);
    manifest.shards.forEach((shard, k) => {
      this.#firstRows[k + 1] = this.#firstRows[k]! + shard.rows;
    });
    this.#blocks = placedBlocks(manifest.placed);
  }

  /**
   * Reads one sample: `into[k]` has exactly the stride of the k-th field, or is undefined where the field is not wanted.
   *
   * @throws SpillwayError `corrupt`, `missing`, `io`; `mismatch` for an indexed file that changed
   */
  async readInto(id: number, into: readonly (Uint8Array | undefined)[]): Promise<void> {
    const row = this.rowOf(id);
    let shard = 0;
    let end = this.#firstRows.length - 1;
    while (end - shard > 1) {
      const middle = (shard + end) >>> 1;
      if (this.#firstRows[middle]! <= row) shard = middle;
      else end = middle;
    }
    for (const [k, field] of this.#fields.entries()) {
      const target = into[k];
      if (!target) continue;
      const inShard = row - this.#firstRows[shard]!;
      if (field.isInFiles) await this.#readFile(field, shard, inShard, id, target);
      else await this.#readShard(field, shard, inShard, id, target);
    }
  }

  /** Row of an id in the layout. */
  rowOf(id: number): number {
    const block = this.#blocks.find(({ end }) => id < end);
    return block ? block.start + block.order.placeOf(id - block.start) : id;
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  async #readShard(field: StoredField, shard: number, row: number, id: number, target: Uint8Array) {
    const entry = this.#manifest.shards[shard]!;
    const { stride, rowsPerSum: perSum, name } = field;
    const first = row - (row % perSum);
    const rows = Math.min(perSum, entry.rows - first);
    const startByte = entry.columns[name]!.start + first * stride;
    const run = perSum === 1 ? target : new Uint8Array(rows * stride);
    await this.#read(entry.path, entry.bytes, run, startByte);
    if (!(await this.#isRight(run, field, shard, first / perSum))) {
      throw new SpillwayError(
        "corrupt",
        `${entry.path} of ${this.#folder} is damaged: sample ${id}, field "${name}", does not agree with its sum (bytes ${startByte}-${startByte + run.length})`,
        {
          remedy: `Run "spillway verify ${this.#folder}" for the extent; restore the file from a copy.`,
          where: { dataset: this.#folder, shard: entry.path, field: name, sample: id, startByte },
        },
      );
    }
    if (run !== target) target.set(run.subarray((row - first) * stride, (row - first + 1) * stride));
  }

  async #readFile(field: StoredField, shard: number, row: number, id: number, target: Uint8Array) {
    const place = await this.placeOf(shard, row, id);
    const of = { dataset: this.#folder, sample: id };
    const file = openIndexedFile(this.#filesRoot!, place, of);
    try {
      await file.read(target, place.startByte);
    } finally {
      file.close();
    }
    if (!(await this.#isRight(target, field, shard, row))) throw otherContent(this.#filesRoot!, place, of);
  }

  /** Where the record of a row of an index lies. */
  async placeOf(shard: number, row: number, id: number): Promise<IndexedPlace> {
    const entry = this.#manifest.shards[shard]!;
    const { places, offsets, paths, pathBytes } = entry.files!;
    const place = Buffer.alloc(placeBytes);
    const ends = Buffer.alloc(8);
    await this.#read(entry.path, entry.bytes, place, places + row * placeBytes);
    await this.#read(entry.path, entry.bytes, ends, offsets + row * 4);
    const start = ends.readInt32LE(0);
    const length = ends.readInt32LE(4) - start;
    const path = Buffer.alloc(Math.max(0, Math.min(length, maxPathBytes)));
    if (start < 0 || path.length === 0 || path.length !== length || start + length > pathBytes)
      throw this.#damagedIndex(entry.path, id, `its path has ${length} bytes`);
    await this.#read(entry.path, entry.bytes, path, paths + start);
    const text = path.toString("utf8");
    if (leadsOut(text))
      throw this.#damagedIndex(entry.path, id, `"${text.slice(0, 80)}" leads out of the folder`);
    return { ...decodePlace(place), path: text };
  }

  #damagedIndex(path: string, sample: number, why: string): SpillwayError {
    return new SpillwayError("corrupt", `${path} of ${this.#folder} is damaged at sample ${sample}: ${why}`, {
      remedy: "Restore it from a copy, or index anew.",
      where: { dataset: this.#folder, path, sample },
    });
  }

  /** Whether bytes agree with the `number`-th sum of a field in a shard. */
  async #isRight(bytes: Uint8Array, field: StoredField, shard: number, number: number): Promise<boolean> {
    const { rows, sums } = this.#manifest.shards[shard]!;
    const { starts } = planSums(this.#manifest.fields as Fields, rows, this.#manifest.files?.field);
    const sum = Buffer.alloc(8);
    await this.#read(sums.path, sums.bytes, sum, starts[field.name]! + number * 8);
    return this.#hasher.update(bytes).finish() === sum.readBigUInt64LE(0);
  }

  /** Reads from a file of the dataset, which stays open for the next reads. */
  async #read(path: string, byteLength: number, target: Uint8Array, startByte: number): Promise<void> {
    let entry = this.#open.get(path);
    if (entry) this.#open.delete(path);
    else entry = { file: this.#openPart(path, byteLength), uses: 0 };
    this.#open.set(path, entry);
    entry.uses += 1;
    try {
      await entry.file.read(target, startByte);
    } finally {
      entry.uses -= 1;
    }
    for (const [oldest, { file, uses }] of this.#open) {
      if (this.#open.size <= maxOpen) break;
      if (uses > 0) continue;
      this.#open.delete(oldest);
      file.close();
    }
  }

  #openPart(path: string, byteLength: number): ReadableFile {
    const file = openFile(join(this.#folder, path));
    if (file.byteLength === byteLength) return file;
    file.close();
    throw new SpillwayError(
      "corrupt",
      `${file.path} has ${file.byteLength} bytes, dataset.json says ${byteLength}`,
      {
        remedy: "The file was cut or changed: restore it from a copy, or pack again.",
        where: { dataset: this.#folder, path: file.path },
      },
    );
  }
}

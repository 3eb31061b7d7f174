// Samples of a dataset by id, in any order and several at once, each checked against its sums: for whoever makes a new
// dataset of one, or looks at it closely. Training reads by other ways (load/), which are faster still.
// How a sample is found and checked is written once, as steps that ask for bytes; whether one waits for them or blocks
// is decided outside (pace.ts).

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { type PlacedBlock, placedBlocks } from "../format/placed.js";
import { placeBytes, planSums, rowsPerSum } from "../format/shard.js";
import { Hasher } from "../kernels/hasher.js";
import { openFile, type ReadableFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import { beginFrame } from "../tensor/frame.js";
import {
  decodePlace,
  faultOfPlace,
  type IndexedPlace,
  maxPathBytes,
  openIndexedFile,
  otherContent,
} from "./indexed-file.js";
import { createPace } from "./pace.js";

/** Files that are kept open, those of the dataset and those that an index is of. */
const maxOpen = 64;
/** A sample takes several reads: of its record, of its sum, and of where it is. */
const slowMs = 0.2;

interface StoredField {
  name: string;
  stride: number;
  rowsPerSum: number;
  isInFiles: boolean;
  isEncoded: boolean;
}

/** Bytes that a step needs before the next. */
interface Fetch {
  file: ReadableFile;
  target: Uint8Array;
  startByte: number;
}

type Steps<T = void> = Generator<Fetch, T, void>;

export class StoredRecords {
  readonly #folder: string;
  readonly #manifest: Readonly<Manifest>;
  readonly #filesRoot: string | undefined;
  readonly #fields: readonly StoredField[];
  readonly #firstRows: Float64Array;
  /** By shard, where each field's sums start; found when first needed. */
  readonly #sumStarts: (Record<string, number> | undefined)[] = [];
  readonly #blocks: readonly PlacedBlock[];
  readonly #hasher = new Hasher();
  readonly #pace = createPace(slowMs);
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
      const isEncoded = field.kind === "image";
      const hasSums = isInFiles || isEncoded;
      return { name, stride, isInFiles, isEncoded, rowsPerSum: hasSums ? 1 : rowsPerSum(stride) };
    });
    this.#firstRows = new Float64Array(manifest.shards.length + 1);
    manifest.shards.forEach((shard, k) => {
      this.#firstRows[k + 1] = this.#firstRows[k]! + shard.rows;
    });
    this.#blocks = placedBlocks(manifest.placed);
  }

  /**
   * Reads one sample: `into[k]` has exactly the stride of the k-th field, of encoded images as a frame, or is undefined
   * where the field is not wanted.
   *
   * @throws SpillwayError `corrupt`, `missing`, `io`; `mismatch` for an indexed file that changed
   */
  readInto(id: number, into: readonly (Uint8Array | undefined)[]): Promise<void> {
    return this.#pace(
      () => {
        for (const { file, target, startByte } of this.#sample(id, into)) file.readSync(target, startByte);
      },
      async () => {
        for (const { file, target, startByte } of this.#sample(id, into)) await file.read(target, startByte);
      },
    );
  }

  /** Where the sample of an id lies: the shard, and the row within it. */
  placeOf(id: number): { shard: number; row: number } {
    const block = this.#blocks.find(({ end }) => id < end);
    const row = block ? block.start + block.order.placeOf(id - block.start) : id;
    let shard = 0;
    let end = this.#firstRows.length - 1;
    while (end - shard > 1) {
      const middle = (shard + end) >>> 1;
      if (this.#firstRows[middle]! <= row) shard = middle;
      else end = middle;
    }
    return { shard, row: row - this.#firstRows[shard]! };
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close();
    this.#open.clear();
  }

  *#sample(id: number, into: readonly (Uint8Array | undefined)[]): Steps {
    const { shard, row } = this.placeOf(id);
    for (const [k, field] of this.#fields.entries()) {
      const target = into[k];
      if (!target) continue;
      if (field.isInFiles) yield* this.#recordInFile(field, shard, row, id, target);
      else if (field.isEncoded) yield* this.#encodedRecord(field, shard, row, id, target);
      else yield* this.#recordInShard(field, shard, row, id, target);
    }
  }

  *#recordInShard(field: StoredField, shard: number, row: number, id: number, target: Uint8Array): Steps {
    const entry = this.#manifest.shards[shard]!;
    const { stride, rowsPerSum: perSum, name } = field;
    const first = row - (row % perSum);
    const rows = Math.min(perSum, entry.rows - first);
    const startByte = entry.columns[name]!.start + first * stride;
    const run = perSum === 1 ? target : new Uint8Array(rows * stride);
    yield* this.#part(entry.path, entry.bytes, run, startByte);
    if (!(yield* this.#isRight(run, field, shard, first / perSum)))
      throw this.#damaged(entry.path, name, id, startByte, run.length);
    if (run !== target) target.set(run.subarray((row - first) * stride, (row - first + 1) * stride));
  }

  /** An encoded image, as a frame. */
  *#encodedRecord(field: StoredField, shard: number, row: number, id: number, frame: Uint8Array): Steps {
    const { name } = field;
    const { path, bytes, encoded } = this.#manifest.shards[shard]!;
    const place = encoded![name]!;
    const ends = Buffer.alloc(8);
    yield* this.#part(path, bytes, ends, place.offsets + row * 4);
    const start = ends.readInt32LE(0);
    const end = ends.readInt32LE(4);
    const isImage = start >= 0 && end > start && end <= place.bytes && end - start <= place.longest;
    if (!isImage) throw this.#damaged(path, name, id, place.offsets + row * 4, 8);
    const content = beginFrame(frame, end - start);
    yield* this.#part(path, bytes, content, place.start + start);
    if (!(yield* this.#isRight(content, field, shard, row)))
      throw this.#damaged(path, name, id, place.start + start, content.length);
  }

  #damaged(
    path: string,
    field: string,
    sample: number,
    startByte: number,
    byteLength: number,
  ): SpillwayError {
    return new SpillwayError(
      "corrupt",
      `${path} of ${this.#folder} is damaged: sample ${sample}, field "${field}", does not agree with its sum (bytes ${startByte}-${startByte + byteLength})`,
      {
        remedy: `Run "spillway verify ${this.#folder}" for the extent; restore the file from a copy.`,
        where: { dataset: this.#folder, shard: path, field, sample, startByte },
      },
    );
  }

  *#recordInFile(field: StoredField, shard: number, row: number, id: number, target: Uint8Array): Steps {
    const place = yield* this.#indexedPlace(field, shard, row, id);
    const root = this.#filesRoot!;
    const of = { dataset: this.#folder, sample: id };
    const key = `${place.path}\0${place.fileBytes}\0${place.modifiedUs}`;
    yield* this.#kept(key, () => openIndexedFile(root, place, of), target, place.startByte);
    if (!(yield* this.#isRight(target, field, shard, row))) throw otherContent(root, place, of);
  }

  /** What an index says of one of its rows. */
  *#indexedPlace(field: StoredField, shard: number, row: number, id: number): Steps<IndexedPlace> {
    const { path: index, bytes, files } = this.#manifest.shards[shard]!;
    const { places, offsets, paths, pathBytes } = files!;
    const place = Buffer.alloc(placeBytes);
    const ends = Buffer.alloc(8);
    yield* this.#part(index, bytes, place, places + row * placeBytes);
    yield* this.#part(index, bytes, ends, offsets + row * 4);
    const start = ends.readInt32LE(0);
    const length = ends.readInt32LE(4) - start;
    const isPath = start >= 0 && length > 0 && length <= maxPathBytes && start + length <= pathBytes;
    const path = Buffer.alloc(isPath ? length : 0);
    if (isPath) yield* this.#part(index, bytes, path, paths + start);
    const found = { ...decodePlace(place), path: path.toString("utf8") };
    const fault = isPath ? faultOfPlace(found, field.stride) : `its path has ${length} bytes`;
    if (fault === undefined) return found;
    throw new SpillwayError("corrupt", `${index} of ${this.#folder} is damaged at sample ${id}: ${fault}`, {
      remedy: "Restore it from a copy, or index anew.",
      where: { dataset: this.#folder, path: index, sample: id },
    });
  }

  /** Whether bytes agree with the `number`-th sum of a field in a shard. */
  *#isRight(bytes: Uint8Array, field: StoredField, shard: number, number: number): Steps<boolean> {
    const { rows, sums } = this.#manifest.shards[shard]!;
    this.#sumStarts[shard] ??= planSums(
      this.#manifest.fields as Fields,
      rows,
      this.#manifest.files?.field,
    ).starts;
    const sum = Buffer.alloc(8);
    yield* this.#part(sums.path, sums.bytes, sum, this.#sumStarts[shard][field.name]! + number * 8);
    return this.#hasher.update(bytes).finish() === sum.readBigUInt64LE(0);
  }

  /** Bytes of a file of the dataset. */
  #part(path: string, byteLength: number, target: Uint8Array, startByte: number): Steps {
    return this.#kept(path, () => this.#openPart(path, byteLength), target, startByte);
  }

  /** Bytes of a file, which stays open for the next ones. */
  *#kept(key: string, open: () => ReadableFile, target: Uint8Array, startByte: number): Steps {
    let entry = this.#open.get(key);
    if (entry) this.#open.delete(key);
    else entry = { file: open(), uses: 0 };
    this.#open.set(key, entry);
    entry.uses += 1;
    try {
      yield { file: entry.file, target, startByte };
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

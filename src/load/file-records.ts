// Records of an indexed dataset, which stay in their own files: the index says in which file, and where in it. Reads
// block, as all of a reader thread's do; the file of the last record stays open.

import { SpillwayError } from "../errors.js";
import { idOfRow } from "../format/placed.js";
import { placeBytes } from "../format/shard.js";
import {
  decodePlace,
  faultOfPlace,
  type IndexedPlace,
  maxPathBytes,
  openIndexedFile,
  otherContent,
  requireUnchanged,
} from "../source/indexed-file.js";
import { type ReadableFile, readFully } from "../store/file.js";
import type { OpenFiles } from "./open-files.js";
import type { DatasetTable, FilesTable } from "./table.js";

export class FileRecords {
  readonly #table: DatasetTable;
  readonly #files: FilesTable;
  readonly #indexes: OpenFiles;
  readonly #scratch = Buffer.alloc(maxPathBytes);
  #path: string | undefined;
  #file: ReadableFile | undefined;

  /** @param indexes the dataset's index files, by their number */
  constructor(table: DatasetTable, files: FilesTable, indexes: OpenFiles) {
    this.#table = table;
    this.#files = files;
    this.#indexes = indexes;
  }

  /**
   * Fills `target` with the record of a row of an index.
   *
   * @throws SpillwayError `missing` or `mismatch` for a file that is gone or changed, `corrupt` for a damaged index
   */
  read(shard: number, row: number, target: Uint8Array): void {
    const place = this.#find(shard, row, target.length);
    if (place.path === this.#path) {
      requireUnchanged(this.#file!, this.#files.root, place, this.#sample(shard, row));
    } else {
      this.close();
      this.#file = openIndexedFile(this.#files.root, place, this.#sample(shard, row));
      this.#path = place.path;
    }
    this.#file!.readSync(target, place.startByte);
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#path = undefined;
  }

  /** The error for a record whose content is not what was indexed. */
  otherContent(shard: number, row: number): SpillwayError {
    return otherContent(this.#files.root, this.#find(shard, row, 0), this.#sample(shard, row));
  }

  #sample(shard: number, row: number) {
    return { dataset: this.#table.root, sample: idOfRow(this.#table, this.#table.firstRows[shard]! + row) };
  }

  /** Where a record of `stride` bytes lies. */
  #find(shard: number, row: number, stride: number): IndexedPlace {
    const { places, offsets, paths, pathBytes } = this.#files;
    const bytes = this.#scratch;
    this.#fetch(shard, places[shard]! + row * placeBytes, placeBytes);
    const place = decodePlace(bytes);
    this.#fetch(shard, offsets[shard]! + row * 4, 8);
    const start = bytes.readInt32LE(0);
    const length = bytes.readInt32LE(4) - start;
    if (!(start >= 0 && length > 0 && length <= maxPathBytes && start + length <= pathBytes[shard]!))
      throw this.#damaged(shard, row, `its path has ${length} bytes`);
    this.#fetch(shard, paths[shard]! + start, length);
    const found = { ...place, path: bytes.toString("utf8", 0, length) };
    const fault = faultOfPlace(found, stride);
    if (fault !== undefined) throw this.#damaged(shard, row, fault);
    return found;
  }

  #fetch(shard: number, startByte: number, byteLength: number): void {
    const fd = this.#indexes.descriptor(shard);
    readFully(fd, this.#scratch, 0, byteLength, startByte, this.#indexes, shard);
  }

  #damaged(shard: number, row: number, why: string): SpillwayError {
    const path = this.#indexes.pathOf(shard);
    return new SpillwayError("corrupt", `${path} is damaged at row ${row}: ${why}`, {
      remedy: "Restore it from a copy, or index anew.",
      where: { ...this.#sample(shard, row), path },
    });
  }
}

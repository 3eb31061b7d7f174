// What the indexes of a dataset say of their rows, from front to back: the path of the file and the byte in it. For
// whoever asks which records are indexed; a single one is found by stored-records.ts. One index is in memory at a time.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest, ShardEntry } from "../format/manifest.js";
import { placeBytes } from "../format/shard.js";
import { Hasher } from "../kernels/hasher.js";
import { openFile } from "../store/file.js";
import { decodePlace, maxPathBytes } from "./indexed-file.js";

/** The records of the first rows of an indexed dataset, 8 bytes for each. */
export class IndexedRecords {
  readonly #keys: BigUint64Array;
  readonly #hasher: Hasher;

  private constructor(keys: BigUint64Array, hasher: Hasher) {
    this.#keys = keys;
    this.#hasher = hasher;
  }

  /**
   * @param rows how many of the dataset's rows are looked at, which end where one of its indexes ends
   * @throws SpillwayError `missing`, `io`, `corrupt`
   */
  static async read(folder: string, manifest: Readonly<Manifest>, rows: number): Promise<IndexedRecords> {
    const keys = new BigUint64Array(rows);
    const hasher = new Hasher();
    let row = 0;
    for (const entry of manifest.shards) {
      if (row === rows) break;
      await eachPlace(folder, entry, (path, startByte) => {
        keys[row] = keyOf(hasher, path, startByte);
        row += 1;
      });
    }
    keys.sort();
    return new IndexedRecords(keys, hasher);
  }

  /** Whether the record at a byte of a file is one of them. */
  has(path: string, startByte: number): boolean {
    const key = keyOf(this.#hasher, Buffer.from(path), startByte);
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return this.#keys[low] === key;
  }
}

function keyOf(hasher: Hasher, path: Uint8Array, startByte: number): bigint {
  return hasher
    .update(path)
    .update(Buffer.from(`\0${startByte}`))
    .finish();
}

/** Calls `take` for each row of an index, in order. */
async function eachPlace(
  folder: string,
  { path, rows, files }: ShardEntry,
  take: (path: Uint8Array, startByte: number) => void,
): Promise<void> {
  const damaged = (row: number) =>
    new SpillwayError("corrupt", `${path} of ${folder} is damaged at row ${row}: its path cannot be told`, {
      remedy: "Restore it from a copy, or index anew.",
      where: { dataset: folder, path },
    });
  const { places, offsets, paths, pathBytes } = files!;
  if (pathBytes > rows * maxPathBytes) throw damaged(0);
  const file = openFile(join(folder, path));
  try {
    const read = async (byteLength: number, startByte: number) => {
      const bytes = Buffer.alloc(byteLength);
      await file.read(bytes, startByte);
      return bytes;
    };
    const place = await read(rows * placeBytes, places);
    const end = await read((rows + 1) * 4, offsets);
    const text = await read(pathBytes, paths);
    for (let row = 0; row < rows; row += 1) {
      const [from, to] = [end.readInt32LE(row * 4), end.readInt32LE(row * 4 + 4)];
      if (from < 0 || to < from || to > pathBytes) throw damaged(row);
      take(text.subarray(from, to), decodePlace(place.subarray(row * placeBytes)).startByte);
    }
  } finally {
    file.close();
  }
}

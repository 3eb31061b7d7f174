// Writes one index: an Arrow file of labels, and of the place of each record in the file where it stays. All that it
// holds is in memory until it is complete: some 100 bytes a row, at most `maxIndexRows` rows.

import { join } from "node:path";
import { encodeIndex, indexHeaderBytesOf } from "../format/arrow.js";
import type { ShardEntry } from "../format/manifest.js";
import { placeBytes, planIndex } from "../format/shard.js";
import { hashHex } from "../kernels/hasher.js";
import { replaceFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { Block } from "./block.js";
import type { RowSink, SinkOptions } from "./row-sink.js";

/** Rows of an index: few enough to be held, many enough that a million files have few indexes. */
export const maxIndexRows = 65_536;

export class IndexWriter implements RowSink {
  readonly #options: SinkOptions;
  readonly #stored: Fields;
  readonly #sums: Record<string, { parts: Uint8Array[]; carry: { bytes: Uint8Array } }> = {};
  readonly #columns: Record<string, Uint8Array[]> = {};
  readonly #places: BigInt64Array;
  /** Paths one after another, a piece for each block, and where each path ends. */
  readonly #paths: Buffer[] = [];
  readonly #ends: Int32Array;
  #pathBytes = 0;
  #rows = 0;

  /** @param field the one that stays in its files */
  constructor(options: SinkOptions, field: string) {
    this.#options = options;
    this.#stored = Object.fromEntries(Object.entries(options.fields).filter(([name]) => name !== field));
    this.#places = new BigInt64Array((options.capacity * placeBytes) / 8);
    this.#ends = new Int32Array(options.capacity + 1);
    for (const name of Object.keys(options.fields))
      this.#sums[name] = { parts: [], carry: { bytes: new Uint8Array() } };
    for (const name of Object.keys(this.#stored)) this.#columns[name] = [];
  }

  get room(): number {
    return this.#options.capacity - this.#rows;
  }

  fitting(_block: Block, count: number): number {
    return Math.min(count, this.room);
  }

  sum(block: Block, count: number): BigUint64Array {
    const isEnd = count === this.room;
    for (const [name, sums] of Object.entries(this.#sums))
      sums.parts.push(block.sums(name, count, sums.carry, isEnd));
    return block.contentHashes(count);
  }

  async write(block: Block, count: number): Promise<void> {
    for (const [name, parts] of Object.entries(this.#columns)) parts.push(block.column(name, count).slice());
    const paths = Buffer.from(
      block.origins
        .slice(0, count)
        .map((origin) => origin!.path)
        .join(""),
    );
    this.#paths.push(paths);
    for (let k = 0; k < count; k += 1) {
      const { place, path } = block.origins[k]!;
      const at = (this.#rows + k) * 3;
      this.#places[at] = BigInt(place!.startByte);
      this.#places[at + 1] = BigInt(place!.fileBytes);
      this.#places[at + 2] = BigInt(place!.modifiedUs);
      this.#pathBytes += Buffer.byteLength(path);
      this.#ends[this.#rows + k + 1] = this.#pathBytes;
    }
    this.#rows += count;
  }

  async finish(block: Block, fields: Fields): Promise<ShardEntry> {
    for (const [name, sums] of Object.entries(this.#sums))
      sums.parts.push(block.sums(name, 0, sums.carry, true));
    const rows = this.#rows;
    const stored: Fields = Object.fromEntries(
      Object.keys(this.#stored).map((name) => [name, fields[name]!] as const),
    );
    const plan = planIndex(stored, rows, this.#pathBytes, indexHeaderBytesOf(stored));
    const { header, footer } = encodeIndex(stored, plan);
    const bytes = new Uint8Array(plan.bodyEnd + footer.length);
    bytes.set(header);
    for (const [name, parts] of Object.entries(this.#columns))
      bytes.set(Buffer.concat(parts), plan.columns[name]!.start);
    bytes.set(new Uint8Array(this.#places.buffer, 0, rows * placeBytes), plan.files.places);
    bytes.set(new Uint8Array(this.#ends.buffer, 0, (rows + 1) * 4), plan.files.offsets);
    bytes.set(Buffer.concat(this.#paths), plan.files.paths);
    bytes.set(footer, plan.bodyEnd);
    const path = `index/${String(this.#options.number).padStart(5, "0")}`;
    const sums = Buffer.concat(Object.values(this.#sums).flatMap(({ parts }) => parts));
    replaceFile(join(this.#options.folder, `${path}.arrow`), bytes);
    replaceFile(join(this.#options.folder, `${path}.sums`), sums);
    return {
      path: `${path}.arrow`,
      rows,
      bytes: bytes.length,
      columns: plan.columns,
      sums: { path: `${path}.sums`, bytes: sums.length, hash: hashHex(sums) },
      files: plan.files,
    };
  }

  async abandon(): Promise<void> {}
}

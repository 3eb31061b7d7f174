// Writes one shard in place: each column has its room in the file from the start, blocks are written where they
// belong, header and footer last. Memory is bounded by the blocks; a shard that did not fill is closed up.
// The disk is asked to write while the next blocks are being filled, so that the last fsync has little left to wait for.

import fs from "node:fs";
import { join } from "node:path";
import { CatalogWriter } from "../catalog/catalog-writer.js";
import { SpillwayError } from "../errors.js";
import { encodeShard, headerBytesOf } from "../format/arrow.js";
import type { Columns } from "../format/columns.js";
import type { CatalogEntry, ShardEntry } from "../format/manifest.js";
import { blockBytes, planShard, roundUp, type ShardPlan } from "../format/shard.js";
import { hashHex } from "../kernels/hasher.js";
import { ioError, readFully, replaceFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { Block } from "./block.js";

const copyBytes = 2 ** 20;
/** Bytes after which the disk is asked to take what was written. */
const syncBytes = 2 ** 26;

export interface ShardWriterOptions {
  folder: string;
  /** Number of the shard in the dataset. */
  number: number;
  /** Class lists may still grow. */
  fields: Fields;
  /** The user's columns in the catalog. */
  columns?: Columns;
  headerBytes: number;
  /** Most rows that it will have. */
  capacity: number;
  /** Row of the dataset that its first row is. */
  firstRow: number;
}

export class ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #path: string;
  readonly #file: string;
  readonly #plan: ShardPlan;
  readonly #catalog: CatalogWriter;
  readonly #sums: Record<string, { parts: Uint8Array[]; carry: { bytes: Uint8Array } }> = {};
  readonly #classFields: readonly { name: string; classes: readonly string[] }[];
  #fd: number;
  #rows = 0;
  #unsynced = 0;
  #syncing: Promise<void> = Promise.resolve();

  constructor(options: ShardWriterOptions) {
    const { folder, number, fields, columns, capacity, headerBytes } = options;
    this.#options = options;
    const name = String(number).padStart(5, "0");
    this.#path = `shards/${name}`;
    this.#plan = planShard(fields, capacity, headerBytes);
    this.#catalog = new CatalogWriter(join(folder, `catalog/${name}.parquet`), fields, columns);
    this.#file = join(folder, `${this.#path}.arrow`);
    try {
      this.#fd = fs.openSync(this.#file, "w+");
    } catch (cause) {
      throw ioError(cause, this.#file, "cannot be made");
    }
    for (const field of Object.keys(fields))
      this.#sums[field] = { parts: [], carry: { bytes: new Uint8Array() } };
    this.#classFields = Object.entries(fields).flatMap(([field, { kind, ...rest }]) =>
      kind === "class" && "classes" in rest ? [{ name: field, classes: rest.classes }] : [],
    );
  }

  /** Rows that still fit. */
  get room(): number {
    return this.#plan.rows - this.#rows;
  }

  /** Takes in the first `count` records of a block: its sums and catalog rows now, its bytes when the promise ends. */
  async write(block: Block, count: number): Promise<void> {
    const isEnd = count === this.room;
    let hashes: BigUint64Array | undefined;
    for (const [name, sums] of Object.entries(this.#sums)) {
      const part = block.sums(name, count, sums.carry, isEnd);
      sums.parts.push(part);
      if (name === block.hashedBySums) hashes = new BigUint64Array(part.buffer, part.byteOffset, count);
    }
    this.#addToCatalog(block, count, hashes ?? block.contentHashes(count));
    const firstRow = this.#rows;
    this.#rows += count;
    for (const [name, { start, stride }] of Object.entries(this.#plan.columns)) {
      await this.#put(block.column(name, count), start + firstRow * stride);
    }
    if (this.#unsynced >= syncBytes) await this.#sync();
  }

  /**
   * Writes what is left, makes everything durable, and gives the entries for the manifest.
   *
   * @param block any block of these fields, free to be used for the last sums
   * @param fields with the class names that the header is to tell
   */
  async finish(block: Block, fields: Fields): Promise<{ shard: ShardEntry; catalog: CatalogEntry }> {
    const { folder } = this.#options;
    for (const [name, sums] of Object.entries(this.#sums))
      sums.parts.push(block.sums(name, 0, sums.carry, true));
    const plan = planShard(fields, this.#rows, this.#plan.headerBytes);
    await this.#closeUp(plan);
    if (headerBytesOf(fields) > plan.headerBytes) throw tooManyNames(this.#path);
    const { header, footer } = encodeShard(fields, plan);
    await this.#put(header, 0);
    await this.#put(footer, plan.bodyEnd);
    const bytes = plan.bodyEnd + footer.length;
    try {
      fs.ftruncateSync(this.#fd, bytes);
    } catch (cause) {
      throw ioError(cause, this.#file, "cannot be written");
    }
    await this.#syncing;
    await syncFile(fs.fsync, this.#fd, this.#file);
    fs.closeSync(this.#fd);
    this.#fd = -1;
    const sums = Buffer.concat(Object.values(this.#sums).flatMap(({ parts }) => parts));
    replaceFile(join(folder, `${this.#path}.sums`), sums);
    const catalog = this.#catalog.finish();
    return {
      shard: {
        path: `${this.#path}.arrow`,
        rows: this.#rows,
        bytes,
        columns: plan.columns,
        sums: { path: `${this.#path}.sums`, bytes: sums.length, hash: hashHex(sums) },
      },
      catalog: { path: this.#catalog.path.slice(folder.length + 1).replaceAll("\\", "/"), ...catalog },
    };
  }

  /** Gives the file up; what was written of it is named nowhere. */
  async abandon(): Promise<void> {
    await this.#syncing.catch(() => {});
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Has the disk begin with what was written so far, and waits for what it began with last time. */
  async #sync(): Promise<void> {
    this.#unsynced = 0;
    await this.#syncing;
    this.#syncing = syncFile(fs.fdatasync, this.#fd, this.#file);
    // An error is thrown by the next sync or by finish; until then it must not count as unhandled.
    this.#syncing.catch(() => {});
  }

  #addToCatalog(block: Block, count: number, hashes: BigUint64Array): void {
    const labels = this.#classFields.map(({ name, classes }) => ({ classes, of: block.labels(name, count) }));
    const first = this.#options.firstRow + this.#rows;
    for (let index = 0; index < count; index += 1) {
      const origin = block.origins[index];
      this.#catalog.add({
        id: first + index,
        path: origin?.path ?? "",
        row: origin?.row,
        labels: labels.map(({ classes, of }) => classes[of[index]!] ?? ""),
        hash: hashes[index]!,
        ...(origin?.extra && { extra: origin.extra }),
      });
    }
  }

  /** Moves the columns of a shard that did not fill down to where they belong for its rows, with zeros between them. */
  async #closeUp(plan: ShardPlan): Promise<void> {
    if (plan.rows === this.#plan.rows) return;
    const buffer = new Uint8Array(copyBytes);
    for (const [name, { start, stride }] of Object.entries(plan.columns)) {
      const from = this.#plan.columns[name]!.start;
      const end = plan.rows * stride;
      for (let at = 0; from !== start && at < end; at += copyBytes) {
        const part = buffer.subarray(0, Math.min(copyBytes, end - at));
        readFully(this.#fd, part, 0, part.length, from + at, { pathOf: () => this.#file });
        await this.#put(part, start + at);
      }
      const gap = roundUp(start + end, blockBytes) - (start + end);
      await this.#put(new Uint8Array(gap), start + end);
    }
  }

  async #put(bytes: Uint8Array, startByte: number): Promise<void> {
    this.#unsynced += bytes.length;
    for (let done = 0; done < bytes.length; ) {
      done += await new Promise<number>((resolve, reject) => {
        fs.write(this.#fd, bytes, done, bytes.length - done, startByte + done, (error, written) =>
          error ? reject(ioError(error, this.#file, "cannot be written")) : resolve(written),
        );
      });
    }
  }
}

function tooManyNames(path: string): SpillwayError {
  return new SpillwayError(
    "source",
    `the samples of ${path} brought more new class names than its header has room for`,
    {
      remedy: "Remove the unfinished dataset, and declare the classes: fields: { label: classes([...]) }.",
      where: { path },
    },
  );
}

function syncFile(sync: typeof fs.fsync, fd: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sync(fd, (error) => (error ? reject(ioError(error, path, "cannot be written")) : resolve()));
  });
}

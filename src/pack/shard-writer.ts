// Writes one shard in place: each column has its room in the file from the start, blocks are written where they
// belong, header and footer last. Memory is bounded by the blocks; a shard that did not fill is closed up.
// Encoded images, of which nobody knows how many will fit, come first: behind them the other columns are moved down.
// The disk is asked to write while the next blocks are being filled, so that the last fsync has little left to wait for.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { encodeShard, headerBytesOf } from "../format/arrow.js";
import type { ShardEntry } from "../format/manifest.js";
import { blockBytes, planShard, roundUp, type ShardPlan } from "../format/shard.js";
import { hashHex } from "../kernels/hasher.js";
import { ioError, readFully, replaceFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { Block } from "./block.js";
import { EncodedColumn } from "./encoded-column.js";
import type { RowSink, SinkOptions } from "./row-sink.js";

const copyBytes = 2 ** 20;
/** Bytes after which the disk is asked to take what was written. */
const syncBytes = 2 ** 26;

export class ShardWriter implements RowSink {
  readonly #options: SinkOptions;
  readonly #path: string;
  readonly #file: string;
  readonly #plan: ShardPlan;
  readonly #sums: Record<string, { parts: Uint8Array[]; carry: { bytes: Uint8Array } }> = {};
  /** By field, the images that are encoded. */
  readonly #encoded: Record<string, EncodedColumn> = {};
  #fd: number;
  #rows = 0;
  #unsynced = 0;
  #syncing: Promise<void> = Promise.resolve();

  /** @param shardBytes bytes of encoded images that a shard has at most, unless it holds one alone */
  constructor(options: SinkOptions, shardBytes: number) {
    const { folder, number, fields, capacity, spareBytes } = options;
    this.#options = options;
    const name = String(number).padStart(5, "0");
    this.#path = `shards/${name}`;
    const mostBytes: Record<string, number> = {};
    for (const [key, field] of Object.entries(fields)) {
      if (field.kind !== "image") continue;
      mostBytes[key] = Math.max(shardBytes, field.maxBytes);
      this.#encoded[key] = new EncodedColumn(capacity, shardBytes);
    }
    this.#plan = planShard(fields, capacity, headerBytesOf(fields, spareBytes), mostBytes);
    this.#file = join(folder, `${this.#path}.arrow`);
    try {
      this.#fd = fs.openSync(this.#file, "w+");
    } catch (cause) {
      throw ioError(cause, this.#file, "cannot be made");
    }
    for (const field of Object.keys(fields))
      this.#sums[field] = { parts: [], carry: { bytes: new Uint8Array() } };
  }

  /** Rows that still fit. */
  get room(): number {
    return this.#plan.rows - this.#rows;
  }

  fitting(block: Block, count: number): number {
    let fitting = Math.min(count, this.room);
    for (const [name, column] of Object.entries(this.#encoded))
      fitting = Math.min(fitting, column.fitting(block.lengths(name, fitting)));
    return fitting;
  }

  sum(block: Block, count: number): BigUint64Array {
    const isEnd = count === this.room;
    let hashes: BigUint64Array | undefined;
    for (const [name, sums] of Object.entries(this.#sums)) {
      const part = block.sums(name, count, sums.carry, isEnd);
      sums.parts.push(part);
      if (name === block.hashedBySums) hashes = new BigUint64Array(part.buffer, part.byteOffset, count);
    }
    return hashes ?? block.contentHashes(count);
  }

  async write(block: Block, count: number): Promise<void> {
    const firstRow = this.#rows;
    this.#rows += count;
    for (const [name, { start, stride }] of Object.entries(this.#plan.columns)) {
      await this.#put(block.column(name, count), start + firstRow * stride);
    }
    for (const [name, column] of Object.entries(this.#encoded)) {
      const startByte = this.#plan.encoded[name]!.start + column.bytes;
      column.add(block.lengths(name, count));
      await this.#put(block.joined(name, count), startByte);
    }
    if (this.#unsynced >= syncBytes) await this.#sync();
  }

  async finish(block: Block, fields: Fields): Promise<ShardEntry> {
    const { folder } = this.#options;
    for (const [name, sums] of Object.entries(this.#sums))
      sums.parts.push(block.sums(name, 0, sums.carry, true));
    const images = Object.entries(this.#encoded);
    const encodedBytes = Object.fromEntries(images.map(([name, { bytes }]) => [name, bytes]));
    const plan = planShard(fields, this.#rows, this.#plan.headerBytes, encodedBytes);
    await this.#closeUp(plan);
    for (const [name, column] of images) {
      // With zeros behind: a column may have lain there before it was moved down.
      const offsets = new Uint8Array(roundUp((this.#rows + 1) * 4, blockBytes));
      offsets.set(column.offsets());
      await this.#put(offsets, plan.encoded[name]!.offsets);
    }
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
    return {
      path: `${this.#path}.arrow`,
      rows: this.#rows,
      bytes,
      columns: plan.columns,
      ...(images.length > 0 && {
        encoded: Object.fromEntries(
          images.map(([name, column]) => [name, column.entry(plan.encoded[name]!)]),
        ),
      }),
      sums: { path: `${this.#path}.sums`, bytes: sums.length, hash: hashHex(sums) },
    };
  }

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

  /** Moves the columns of a shard that did not fill down to where they belong for its rows, with zeros between them. */
  async #closeUp(plan: ShardPlan): Promise<void> {
    const encoded = Object.entries(plan.encoded);
    if (plan.rows === this.#plan.rows && encoded.length === 0) return;
    for (const [name, { start, bytes }] of encoded)
      await this.#move(this.#plan.encoded[name]!.start, start, bytes);
    for (const [name, { start, stride }] of Object.entries(plan.columns))
      await this.#move(this.#plan.columns[name]!.start, start, plan.rows * stride);
  }

  /** Moves a column down, and writes zeros behind it up to where the next one may start. */
  async #move(from: number, start: number, byteLength: number): Promise<void> {
    const buffer = new Uint8Array(copyBytes);
    for (let at = 0; from !== start && at < byteLength; at += copyBytes) {
      const part = buffer.subarray(0, Math.min(copyBytes, byteLength - at));
      readFully(this.#fd, part, 0, part.length, from + at, { pathOf: () => this.#file });
      await this.#put(part, start + at);
    }
    const end = start + byteLength;
    await this.#put(new Uint8Array(roundUp(end, blockBytes) - end), end);
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
      remedy:
        "Declare the classes: fields: { label: classes([...]) }; remove the unfinished dataset and pack again.",
      where: { path },
    },
  );
}

function syncFile(sync: typeof fs.fsync, fd: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sync(fd, (error) => (error ? reject(ioError(error, path, "cannot be written")) : resolve()));
  });
}

// Writes a dataset: blocks in, shards out, a commit after each shard. Two blocks take turns, so that one is filled
// while the other goes to disk. What dataset.json does not name does not exist: a kill at any moment leaves the last
// commit.

import fs from "node:fs";
import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import { headerBytesOf } from "../format/arrow.js";
import type { Columns } from "../format/columns.js";
import {
  encodeManifest,
  fingerprintOf,
  formatVersion,
  type Layout,
  type Manifest,
  manifestName,
  maxManifestBytes,
  parseManifest,
} from "../format/manifest.js";
import { rowsPerShard } from "../format/shard.js";
import { formatBytes } from "../store/byte-size.js";
import { createFolder, readSmallFile, replaceFile, syncFolder } from "../store/file.js";
import { type ClassField, type Fields, sampleBytes } from "../tensor/field.js";
import { Block, blockBytesFor } from "./block.js";
import { requireStorable } from "./field-checks.js";
import { ShardWriter } from "./shard-writer.js";

/** Blocks larger than this gain nothing. */
const maxBlockBytes = 4 * 2 ** 20;
/** Where each record came from is held outside the block: few rows, so that it does not matter. */
const maxBlockRows = 16_384;
const blockCount = 2;
/** Room in a header for class names that are met while the shard is written. */
const openClassBytes = 65_536;
/** Shards at most: dataset.json, which names them, is written anew at each commit. */
export const maxShards = 100_000;

export interface DatasetWriterOptions {
  folder: string;
  fields: Fields;
  /** The user's columns in the catalog; the origins of samples bring their values. */
  columns?: Columns;
  layout: Layout;
  source: Manifest["source"];
  /** Rows that the dataset will have, or null where that is not known yet. */
  plannedRows: number | null;
  /** Bytes for blocks. */
  memoryBytes: number;
  shardBytes: number;
  /** What is committed already, where an unfinished pack goes on. */
  committed?: Manifest;
}

/** Smallest number of bytes with which samples of these fields can be written. */
export function leastWriterBytes(fields: Fields): number {
  return blockCount * blockBytesFor(fields, 1);
}

/** The manifest of a folder, or undefined where there is none. */
export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, manifestName);
  if (!fs.existsSync(path)) return undefined;
  return parseManifest(new TextDecoder().decode(readSmallFile(path, maxManifestBytes)), path);
}

export class DatasetWriter {
  readonly #options: DatasetWriterOptions;
  readonly #shardRows: number;
  readonly #blocks: Block[];
  readonly #manifest: Manifest;
  /** Class fields whose names come with the samples, numbered as they appear, and how many the rows so far know. */
  readonly #openClasses: { name: string; count: number }[];
  #shard: ShardWriter | undefined;
  #turn = 0;
  #submitted: number;
  #committed: number;
  /** Ends when every block submitted so far is on disk. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: DatasetWriterOptions) {
    const { folder, fields, columns, layout, source, plannedRows, committed } = options;
    this.#options = options;
    this.#shardRows = rowsPerShard(fields, options.shardBytes);
    const perBlock = Math.min(options.memoryBytes / blockCount, maxBlockBytes);
    const rowBytes = sampleBytes(fields) + 16;
    const overhead = blockBytesFor(fields, 0);
    const most = Math.floor((perBlock - overhead) / rowBytes);
    const blockRows = Math.max(
      1,
      Math.min(most, maxBlockRows, this.#shardRows, plannedRows ?? Number.POSITIVE_INFINITY),
    );
    this.#openClasses = Object.entries(fields).flatMap(([name, field]) => {
      if (field.kind !== "class" || field.classes.length > 0) return [];
      const known = committed?.fields[name];
      return [{ name, count: known?.kind === "class" ? known.classes.length : 0 }];
    });
    this.#blocks = Array.from({ length: blockCount }, () => new Block(fields, blockRows));
    createFolder(join(folder, "shards"));
    createFolder(join(folder, "catalog"));
    this.#manifest = committed ?? {
      format: "spillway",
      version: formatVersion,
      fields: this.#knownFields() as Manifest["fields"],
      layout,
      source,
      rows: 0,
      shards: [],
      catalog: [],
      ...(columns && { columns }),
      commits: [{ rows: 0, fingerprint: fingerprintOf(fields, []) }],
      packing: { rows: plannedRows },
    };
    this.#submitted = this.#manifest.rows;
    this.#committed = this.#manifest.rows;
    if (!committed) this.#writeManifest();
  }

  /** Rows that are in the dataset for good. */
  get committedRows(): number {
    return this.#committed;
  }

  /** Rows handed over so far, committed or not. */
  get submittedRows(): number {
    return this.#submitted;
  }

  /**
   * A block to fill: at most `rows` of its records, so that it ends where the shard ends. The other block may still be
   * on its way to the disk; this one is free, since `submit` waits for the write before.
   */
  nextBlock(): { block: Block; rows: number } {
    const { plannedRows } = this.#options;
    const left = plannedRows === null ? Number.POSITIVE_INFINITY : plannedRows - this.#submitted;
    const inShard = this.#shardRows - (this.#submitted % this.#shardRows);
    const block = this.#blocks[this.#turn % blockCount]!;
    return { block, rows: Math.min(block.capacity, inShard, left) };
  }

  /** Hands over the first `count` records of the block that `nextBlock` gave. */
  async submit(block: Block, count: number): Promise<void> {
    await this.#writing;
    this.#turn += 1;
    this.#submitted += count;
    this.#writing = this.#write(block, count);
    // An error is thrown by the next submit or by finish; until then it must not count as unhandled.
    this.#writing.catch(() => {});
  }

  /** Commits the rest and takes the mark of being unfinished away. */
  async finish(): Promise<Manifest> {
    await this.#writing;
    if (this.#shard) await this.#commit();
    delete this.#manifest.packing;
    this.#writeManifest();
    return this.#manifest;
  }

  /** Lets go of the files after an error; the last commit stays. */
  async abandon(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#shard?.abandon();
    this.#shard = undefined;
  }

  async #write(block: Block, count: number): Promise<void> {
    if (count === 0) return;
    this.#shard ??= this.#beginShard();
    for (const open of this.#openClasses) {
      for (const label of block.labels(open.name, count)) open.count = Math.max(open.count, label + 1);
    }
    await this.#shard.write(block, count);
    if (this.#shard.room === 0) await this.#commit(block);
  }

  #beginShard(): ShardWriter {
    const { folder, fields, columns, plannedRows } = this.#options;
    const firstRow = this.#manifest.rows;
    const capacity =
      plannedRows === null ? this.#shardRows : Math.min(this.#shardRows, plannedRows - firstRow);
    const number = this.#manifest.shards.length;
    if (number === maxShards) throw tooManyShards(this.#options.shardBytes);
    const spare = this.#openClasses.length > 0 ? openClassBytes : 0;
    const headerBytes = headerBytesOf(this.#knownFields(), spare);
    return new ShardWriter({
      folder,
      number,
      fields,
      ...(columns && { columns }),
      headerBytes,
      capacity,
      firstRow,
    });
  }

  /**
   * The fields with the class names that the rows so far have. The source's own list may be ahead of them, by as much
   * as happens to have been read: what is written must not depend on that.
   */
  #knownFields(): Fields {
    const { fields } = this.#options;
    if (this.#openClasses.length === 0) return fields;
    const known = { ...fields };
    for (const { name, count } of this.#openClasses) {
      const field = fields[name] as ClassField;
      known[name] = { ...field, classes: field.classes.slice(0, count) };
    }
    return known;
  }

  async #commit(block = this.#blocks[this.#turn % blockCount]!): Promise<void> {
    const { folder } = this.#options;
    const fields = this.#knownFields();
    requireStorable(fields, "source");
    const { shard, catalog } = await this.#shard!.finish(block, fields);
    this.#shard = undefined;
    syncFolder(join(folder, "shards"));
    syncFolder(join(folder, "catalog"));
    const manifest = this.#manifest;
    manifest.shards.push(shard);
    manifest.catalog.push(catalog);
    manifest.rows += shard.rows;
    manifest.fields = fields as Manifest["fields"];
    manifest.commits[manifest.commits.length - 1] = {
      rows: manifest.rows,
      fingerprint: fingerprintOf(fields, manifest.shards),
    };
    this.#writeManifest();
    this.#committed = manifest.rows;
  }

  #writeManifest(): void {
    replaceFile(join(this.#options.folder, manifestName), encodeManifest(this.#manifest));
  }
}

/** The error for shards so small that a dataset would need more than 100,000 of them. */
export function tooManyShards(shardBytes: number, remedy = "Use larger shards."): SpillwayError {
  return new SpillwayError(
    "usage",
    `with shards of ${formatBytes(shardBytes)} there would be more than ${maxShards}`,
    {
      remedy,
    },
  );
}

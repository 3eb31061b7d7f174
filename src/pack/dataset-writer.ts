// Writes a dataset: blocks in, shards out, a commit after each shard. Two blocks take turns, so that one is filled
// while the other goes to disk. What dataset.json does not name does not exist: a kill at any moment leaves the last
// commit.

import { join } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Columns } from "../format/columns.js";
import { classCounts, withLongest } from "../format/commits.js";
import { encodeManifest, type Manifest, manifestName, versionOf } from "../format/manifest.js";
import { formatBytes } from "../store/byte-size.js";
import { createFolder, replaceFile, syncFolder } from "../store/file.js";
import { type ClassField, type Fields, sampleBytes } from "../tensor/field.js";
import { Block, blockBytesFor } from "./block.js";
import { requireStorable } from "./field-checks.js";
import { RowLog } from "./row-log.js";
import type { CreateSink, RowSink } from "./row-sink.js";

/** Blocks larger than this gain nothing. */
const maxBlockBytes = 4 * 2 ** 20;
/** Of encoded images, whose places are those of the longest one, as many as this nevertheless: they are read at once. */
const leastImageRows = 16;
/** Where each record came from is held outside the block: few rows, so that it does not matter. */
const maxBlockRows = 16_384;
/** Fewer where an index is made: more is held of each record, and for longer. */
const maxIndexBlockRows = 2048;
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
  /** What a new manifest tells besides fields, rows and shards. */
  head: Pick<Manifest, "layout" | "source" | "files">;
  /** Rows that the dataset will have, those before included, or null where that is not known yet. */
  plannedRows: number | null;
  /** Bytes for blocks. */
  memoryBytes: number;
  /** Most rows of a shard. */
  shardRows: number;
  /** Makes the shard, or whatever takes its place. */
  createSink: CreateSink;
  /** False where the catalog is another's, which will be copied. */
  hasCatalog?: boolean;
  /** What is there already: a whole dataset that is appended to, or what an interrupted pack left. */
  committed?: Manifest;
}

/** Smallest number of bytes with which samples of these fields can be written. */
export function leastWriterBytes(fields: Fields): number {
  return blockCount * blockBytesFor(fields, 1);
}

/** Writes a manifest in place of the one that is there. */
export function writeManifest(folder: string, manifest: Manifest): void {
  replaceFile(join(folder, manifestName), encodeManifest(manifest));
}

export class DatasetWriter {
  readonly #options: DatasetWriterOptions;
  readonly #blocks: Block[];
  readonly #manifest: Manifest;
  readonly #log: RowLog;
  /** Rows of the commits before. */
  readonly #before: number;
  /** Class fields whose names come with the samples, numbered as they appear, and how many the rows so far know. */
  readonly #openClasses: { name: string; count: number }[];
  #shard: RowSink | undefined;
  #turn = 0;
  #submitted: number;
  #committed: number;
  /** Ends when every block submitted so far is on disk. */
  #writing: Promise<void> = Promise.resolve();

  /** A writer that stands behind what is committed. */
  static async create(options: DatasetWriterOptions): Promise<DatasetWriter> {
    const writer = new DatasetWriter(options);
    if (options.committed && options.hasCatalog !== false)
      await writer.#log.restore(options.committed, writer.#before);
    writer.#begin();
    return writer;
  }

  private constructor(options: DatasetWriterOptions) {
    const { folder, fields, columns, head, plannedRows, committed, shardRows } = options;
    this.#options = options;
    const rowBytes = sampleBytes(fields) + 16;
    const overhead = blockBytesFor(fields, 0);
    const hasImages = Object.values(fields).some(({ kind }) => kind === "image");
    const wanted = Math.max(maxBlockBytes, hasImages ? overhead + leastImageRows * rowBytes : 0);
    const perBlock = Math.min(options.memoryBytes / blockCount, wanted);
    const most = Math.floor((perBlock - overhead) / rowBytes);
    this.#before = committed?.packing ? (committed.packing.before ?? 0) : (committed?.rows ?? 0);
    const planned = plannedRows === null ? Number.POSITIVE_INFINITY : plannedRows - this.#before;
    const rowLimit = head.files ? maxIndexBlockRows : maxBlockRows;
    const blockRows = Math.max(1, Math.min(most, rowLimit, shardRows, planned));
    this.#openClasses = Object.entries(fields).flatMap(([name, field]) => {
      if (field.kind !== "class" || field.classes.length > 0) return [];
      const known = committed?.fields[name];
      return [{ name, count: known?.kind === "class" ? known.classes.length : 0 }];
    });
    this.#blocks = Array.from({ length: blockCount }, () => new Block(fields, blockRows, head.files?.field));
    const beforeLast = committed && (committed.packing ? committed.commits.at(-2) : committed.commits.at(-1));
    this.#log = new RowLog({
      folder,
      fields,
      ...(columns && { columns }),
      before: beforeLast?.fingerprint,
      hasCatalog: options.hasCatalog !== false,
    });
    this.#manifest = committed ?? {
      format: "spillway",
      version: versionOf(fields),
      fields: this.#knownFields() as Manifest["fields"],
      ...head,
      rows: 0,
      shards: [],
      catalog: [],
      ...(columns && { columns }),
      commits: [],
      packing: { rows: plannedRows },
    };
    this.#submitted = this.#manifest.rows;
    this.#committed = this.#manifest.rows;
  }

  /** Marks the dataset as being written to, where it is not yet. */
  #begin(): void {
    const { folder, committed, plannedRows, head } = this.#options;
    createFolder(join(folder, head.files ? "index" : "shards"));
    createFolder(join(folder, "catalog"));
    if (committed?.packing) return;
    const manifest = this.#manifest;
    if (committed) manifest.packing = { rows: plannedRows, before: manifest.rows };
    manifest.commits.push({
      rows: manifest.rows,
      fingerprint: this.#log.fingerprint(this.#knownFields()),
      ...(committed && { source: head.source }),
    });
    this.#writeManifest();
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
   * A block to fill: at most `rows` of its records. The other block may still be on its way to the disk; this one is
   * free, since `submit` waits for the write before.
   */
  nextBlock(): { block: Block; rows: number } {
    const { plannedRows } = this.#options;
    const left = plannedRows === null ? Number.POSITIVE_INFINITY : plannedRows - this.#submitted;
    const block = this.#blocks[this.#turn % blockCount]!;
    return { block, rows: Math.min(block.capacity, left) };
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

  /**
   * Commits the rest and takes the mark of being unfinished away.
   *
   * @param complete changes the manifest, or what else belongs to the dataset, right before that
   */
  async finish(complete: (manifest: Manifest) => void = () => {}): Promise<Manifest> {
    await this.#writing;
    if (this.#shard) await this.#commit();
    complete(this.#manifest);
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

  /** Writes a block to the shard at work, and what does not fit there to the next ones. */
  async #write(block: Block, count: number): Promise<void> {
    const manifest = this.#manifest;
    for (let left = count; left > 0; ) {
      this.#shard ??= this.#beginShard();
      const take = this.#shard.fitting(block, left);
      for (const open of this.#openClasses) {
        for (const label of block.labels(open.name, take)) open.count = Math.max(open.count, label + 1);
      }
      const hashes = this.#shard.sum(block, take);
      this.#log.add(block, take, hashes, this.#submitted - left, manifest.catalog.length);
      await this.#shard.write(block, take);
      left -= take;
      block.drop(take);
      if (this.#shard.room === 0 || left > 0) await this.#commit(block);
    }
    block.reset();
  }

  #beginShard(): RowSink {
    const { folder, plannedRows, shardRows, createSink } = this.#options;
    const fields = this.#knownFields();
    const firstRow = this.#manifest.rows;
    const capacity = plannedRows === null ? shardRows : Math.min(shardRows, plannedRows - firstRow);
    const number = this.#manifest.shards.length;
    if (number === maxShards) throw tooManyShards(shardRows * sampleBytes(fields));
    const spareBytes = this.#openClasses.length > 0 ? openClassBytes : 0;
    return createSink({ folder, number, fields, capacity, spareBytes });
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
    const { folder, head } = this.#options;
    const fields = this.#knownFields();
    requireStorable(fields, "source");
    const shard = await this.#shard!.finish(block, fields);
    this.#shard = undefined;
    const part = this.#log.finishPart();
    syncFolder(join(folder, head.files ? "index" : "shards"));
    syncFolder(join(folder, "catalog"));
    const manifest = this.#manifest;
    manifest.shards.push(shard);
    if (part) manifest.catalog.push(part);
    manifest.rows += shard.rows;
    this.#noteClasses(fields);
    manifest.fields = withLongest(fields, manifest.shards) as Manifest["fields"];
    manifest.commits[manifest.commits.length - 1] = {
      ...manifest.commits.at(-1),
      rows: manifest.rows,
      fingerprint: this.#log.fingerprint(fields),
    };
    this.#writeManifest();
    this.#committed = manifest.rows;
  }

  /** Where the commit brings new classes, the commits before are told how many they know. */
  #noteClasses(fields: Fields): void {
    const manifest = this.#manifest;
    const known = classCounts(manifest.fields as Fields);
    const now = classCounts(fields);
    if (Object.entries(now).every(([name, count]) => known[name] === count)) return;
    for (const commit of manifest.commits.slice(0, -1)) commit.classes ??= known;
  }

  #writeManifest(): void {
    writeManifest(this.#options.folder, this.#manifest);
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

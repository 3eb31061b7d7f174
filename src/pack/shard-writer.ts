// Writes one shard in place: each column has its room in the file from the start, blocks are written where they
// belong, header and footer last. Memory is bounded by the blocks; a shard that did not fill is closed up.

import fs from "node:fs";
import { join } from "node:path";
import { CatalogWriter } from "../catalog/catalog-writer.js";
import { encodeShard, headerBytesOf } from "../format/arrow.js";
import type { CatalogEntry, ShardEntry } from "../format/manifest.js";
import { planShard, type ShardPlan } from "../format/shard.js";
import { hashHex } from "../kernels/hasher.js";
import { ioError, readFully, replaceFile } from "../store/file.js";
import type { Fields } from "../tensor/field.js";
import type { Block } from "./block.js";

/** Room in a header for class names that are not known when the shard is begun. */
const openClassBytes = 65_536;
const copyBytes = 2 ** 20;

export interface ShardWriterOptions {
  folder: string;
  /** Number of the shard in the dataset. */
  number: number;
  fields: Fields;
  /** Most rows that it will have. */
  capacity: number;
  /** Row of the dataset that its first row is. */
  firstRow: number;
  /** Whether class names may still be added to the fields. */
  hasOpenClasses: boolean;
}

export class ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #path: string;
  readonly #plan: ShardPlan;
  readonly #catalog: CatalogWriter;
  readonly #sums: Record<string, { parts: Uint8Array[]; carry: { bytes: Uint8Array } }> = {};
  readonly #classFields: readonly { name: string; classes: readonly string[] }[];
  #fd: number;
  #rows = 0;

  constructor(options: ShardWriterOptions) {
    const { folder, number, fields, capacity, hasOpenClasses } = options;
    this.#options = options;
    const name = String(number).padStart(5, "0");
    this.#path = `shards/${name}`;
    this.#plan = planShard(fields, capacity, headerBytesOf(fields, hasOpenClasses ? openClassBytes : 0));
    const path = join(folder, `${this.#path}.arrow`);
    try {
      this.#fd = fs.openSync(path, "w+");
    } catch (cause) {
      throw ioError(cause, path, "cannot be made");
    }
    this.#catalog = new CatalogWriter(join(folder, `catalog/${name}.parquet`), fields);
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
    for (const [name, sums] of Object.entries(this.#sums)) {
      sums.parts.push(block.sums(name, count, sums.carry, isEnd));
    }
    this.#addToCatalog(block, count);
    const firstRow = this.#rows;
    this.#rows += count;
    for (const [name, { start, stride }] of Object.entries(this.#plan.columns)) {
      await this.#put(block.column(name, count), start + firstRow * stride);
    }
  }

  /**
   * Writes what is left, makes everything durable, and gives the entries for the manifest.
   *
   * @param block any block of these fields, free to be used for the last sums
   */
  async finish(block: Block): Promise<{ shard: ShardEntry; catalog: CatalogEntry }> {
    const { folder, fields } = this.#options;
    for (const [name, sums] of Object.entries(this.#sums))
      sums.parts.push(block.sums(name, 0, sums.carry, true));
    const plan = planShard(fields, this.#rows, this.#plan.headerBytes);
    await this.#closeUp(plan);
    const { header, footer } = encodeShard(fields, plan);
    await this.#put(header, 0);
    await this.#put(footer, plan.bodyEnd);
    const bytes = plan.bodyEnd + footer.length;
    try {
      fs.ftruncateSync(this.#fd, bytes);
      await new Promise<void>((resolve, reject) =>
        fs.fsync(this.#fd, (error) => (error ? reject(error) : resolve())),
      );
    } catch (cause) {
      throw ioError(cause, `${this.#path}.arrow`, "cannot be written");
    }
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
  abandon(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  #addToCatalog(block: Block, count: number): void {
    const hashes = block.contentHashes(count);
    const first = this.#options.firstRow + this.#rows;
    for (let index = 0; index < count; index += 1) {
      const origin = block.origins[index];
      this.#catalog.add({
        id: first + index,
        path: origin?.path ?? "",
        row: origin?.row,
        labels: this.#classFields.map(({ name, classes }) => classes[block.label(name, index)] ?? ""),
        hash: hashes[index]!.toString(16).padStart(16, "0"),
      });
    }
  }

  /** Moves the columns of a shard that did not fill down to where they belong for its rows. */
  async #closeUp(plan: ShardPlan): Promise<void> {
    if (plan.rows === this.#plan.rows) return;
    const buffer = new Uint8Array(copyBytes);
    for (const [name, { start, stride }] of Object.entries(plan.columns)) {
      const from = this.#plan.columns[name]!.start;
      const end = plan.rows * stride;
      for (let at = 0; from !== start && at < end; at += copyBytes) {
        const part = buffer.subarray(0, Math.min(copyBytes, end - at));
        readFully(this.#fd, part, 0, part.length, from + at, { pathOf: () => this.#path });
        await this.#put(part, start + at);
      }
    }
  }

  async #put(bytes: Uint8Array, startByte: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += await new Promise<number>((resolve, reject) => {
        fs.write(this.#fd, bytes, done, bytes.length - done, startByte + done, (error, written) =>
          error
            ? reject(ioError(error, join(this.#options.folder, `${this.#path}.arrow`), "cannot be written"))
            : resolve(written),
        );
      });
    }
  }
}

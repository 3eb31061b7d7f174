// What is told of the rows besides their bytes: the catalog's part for each shard, and the commit's fingerprint. A pack
// that goes on takes in the rows that are committed already from what lies on disk.

import { join } from "node:path";
import { openCatalogPart } from "../catalog/catalog-reader.js";
import { CatalogWriter } from "../catalog/catalog-writer.js";
import type { Columns } from "../format/columns.js";
import { CommitDigest } from "../format/digest.js";
import type { CatalogEntry, Manifest } from "../format/manifest.js";
import { openFile } from "../store/file.js";
import { type Fields, fieldStride } from "../tensor/field.js";
import type { Block } from "./block.js";

export interface RowLogOptions {
  folder: string;
  fields: Fields;
  /** The user's columns; the origins of samples bring their values. */
  columns?: Columns;
  /** Fingerprint of the commit before, undefined for the first. */
  before: string | undefined;
  /** False where the catalog is another's, which will be copied: only the fingerprint is kept then. */
  hasCatalog: boolean;
}

export class RowLog {
  readonly #options: RowLogOptions;
  readonly #digest: CommitDigest;
  readonly #classFields: readonly { name: string; classes: readonly string[] }[];
  #catalog: CatalogWriter | undefined;

  constructor(options: RowLogOptions) {
    this.#options = options;
    this.#digest = new CommitDigest(options.fields);
    this.#classFields = Object.entries(options.fields).flatMap(([name, field]) =>
      field.kind === "class" ? [{ name, classes: field.classes }] : [],
    );
  }

  /** Takes in the rows of a commit that an interrupted pack has put in place, from row `first` on. */
  async restore(manifest: Manifest, first: number): Promise<void> {
    const { folder } = this.#options;
    const fields = manifest.fields as Fields;
    // An interrupted pack has a part of the catalog for each shard. Before them there may be more or fewer: those of a
    // compacted dataset are not its shards'.
    const ahead = manifest.catalog.length - manifest.shards.length;
    let row = 0;
    for (const [number, shard] of manifest.shards.entries()) {
      const start = row;
      row += shard.rows;
      if (start < first) continue;
      const entry = manifest.catalog[number + ahead]!;
      const part = await openCatalogPart(join(folder, entry.path), entry);
      const file = openFile(join(folder, shard.path));
      try {
        for (const group of part.groups) {
          const records = await part.read(group.start, group.end, ["hash"]);
          const labels: Uint8Array[] = [];
          for (const { name } of this.#classFields) {
            const stride = fieldStride(fields[name]!);
            const bytes = new Uint8Array(records.length * stride);
            await file.read(bytes, shard.columns[name]!.start + group.start * stride);
            labels.push(bytes);
          }
          this.#digest.add(
            BigUint64Array.from(records, ({ hash }) => hash as bigint),
            labels,
          );
        }
      } finally {
        part.close();
        file.close();
      }
    }
  }

  /**
   * Takes in the first `count` records of a block.
   *
   * @param stored hash of each as it is stored
   * @param firstId id of the first of them
   * @param number of the shard that they belong to, which is that of the catalog's part too
   */
  add(block: Block, count: number, stored: BigUint64Array, firstId: number, number: number): void {
    const hashes = hashesOf(block, count, stored);
    const labelBytes = this.#classFields.map(({ name }) => block.column(name, count));
    this.#digest.add(hashes, labelBytes);
    const { folder, fields, columns, hasCatalog } = this.#options;
    if (!hasCatalog) return;
    this.#catalog ??= new CatalogWriter(
      join(folder, `catalog/${String(number).padStart(5, "0")}.parquet`),
      fields,
      columns,
    );
    const labels = this.#classFields.map(({ name, classes }) => ({ classes, of: block.labels(name, count) }));
    for (let index = 0; index < count; index += 1) {
      const origin = block.origins[index];
      this.#catalog.add({
        id: firstId + index,
        path: origin?.path ?? "",
        row: origin?.row,
        labels: labels.map(({ classes, of }) => classes[of[index]!] ?? ""),
        hash: hashes[index]!,
        ...(origin?.extra && { extra: origin.extra }),
      });
    }
  }

  /** Ends the catalog's part of the shard; undefined where the catalog is not kept. */
  finishPart(): CatalogEntry | undefined {
    if (!this.#catalog) return undefined;
    const { folder } = this.#options;
    const path = this.#catalog.path.slice(folder.length + 1).replaceAll("\\", "/");
    const entry = { path, ...this.#catalog.finish() };
    this.#catalog = undefined;
    return entry;
  }

  /** Fingerprint of the commit as far as its rows are there; `fields` with the class names that they know. */
  fingerprint(fields: Fields): string {
    return this.#digest.fingerprint(fields, this.#options.before);
  }
}

/** Content hashes: what origins tell, or else those of the records. */
function hashesOf(block: Block, count: number, stored: BigUint64Array): BigUint64Array {
  if (block.origins[0]?.hash === undefined) return stored;
  return BigUint64Array.from({ length: count }, (_, k) => block.origins[k]?.hash ?? stored[k]!);
}

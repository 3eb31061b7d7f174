// Reads the catalog's Parquet parts without a native module: rows by id, a search by path, and scans. One row group of
// the columns asked for is in memory at a time, whatever the number of samples.

import { join } from "node:path";
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { SpillwayError } from "../errors.js";
import type { CatalogEntry, Manifest } from "../format/manifest.js";
import { Hasher } from "../kernels/hasher.js";
import { openFile, type ReadableFile } from "../store/file.js";
import type { CatalogRow } from "./catalog-writer.js";

const chunkBytes = 2 ** 20;
/** Larger parts are not read whole for the sake of some rows. */
export const maxCheckedBytes = 2 ** 26;

/** The catalog of a dataset: its folder and its manifest. */
export interface CatalogPlace {
  folder: string;
  manifest: Readonly<Manifest>;
  /** A folder of the user's own for splits and columns of a dataset that is read-only or shared; looked at first. */
  side?: string | undefined;
}

/** Some rows of some columns, as Parquet holds them: int64 as bigint, absent values as null or undefined. */
export type CatalogRecords = readonly Readonly<Record<string, unknown>>[];

/** One file of the catalog, open. */
export interface CatalogPart {
  readonly path: string;
  readonly rowCount: number;
  /** Names of its columns, in order. */
  readonly columns: readonly string[];
  /** Rows of each row group, half-open, counted within the part. */
  readonly groups: readonly { start: number; end: number }[];
  /** Rows [start, end) of some columns; all columns by default. */
  read(start: number, end: number, columns?: readonly string[]): Promise<CatalogRecords>;
  close(): void;
}

/**
 * Opens one part.
 *
 * @param entry what dataset.json tells of it, which it is held against first: a damaged Parquet file can keep its
 * decoder busy for ever. Left out where that was done already
 * @throws SpillwayError `missing`, `io`, or `corrupt` if it is not the file that was written, or does not decode
 */
export async function openCatalogPart(
  path: string,
  entry?: Pick<CatalogEntry, "bytes" | "hash">,
): Promise<CatalogPart> {
  const file = openFile(path);
  const { buffer, close } = asyncBuffer(file);
  try {
    if (entry) await requireWhole(file, entry);
    const metadata = await guard(path, () => parquetMetadataAsync(buffer));
    const groups: { start: number; end: number }[] = [];
    for (const { num_rows: rows } of metadata.row_groups) {
      const start = groups.at(-1)?.end ?? 0;
      groups.push({ start, end: start + Number(rows) });
    }
    return {
      path,
      rowCount: Number(metadata.num_rows),
      columns: columnNames(metadata),
      groups,
      read: (rowStart, rowEnd, columns) =>
        guard(path, () =>
          parquetReadObjects({
            file: buffer,
            metadata,
            rowStart,
            rowEnd,
            ...(columns && { columns: [...columns] }),
          }),
        ),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Parts that were found whole already, by what a manifest says of them. */
const foundWhole = new WeakSet<object>();

/**
 * Holds files of the catalog against what dataset.json tells of them, for readers that are not ours. Each is read once
 * per open dataset; of files above 64 MiB only the length is looked at.
 *
 * @throws SpillwayError `missing`, `io`, or `corrupt`
 */
export async function requireWholeFiles(
  files: readonly { path: string; entry: Pick<CatalogEntry, "bytes" | "hash"> }[],
): Promise<void> {
  for (const { path, entry } of files) {
    const file = openFile(path);
    try {
      if (file.byteLength !== entry.bytes || (entry.bytes <= maxCheckedBytes && !foundWhole.has(entry)))
        await requireWhole(file, entry);
      foundWhole.add(entry);
    } finally {
      file.close();
    }
  }
}

async function requireWhole(
  file: ReadableFile,
  { bytes, hash }: Pick<CatalogEntry, "bytes" | "hash">,
): Promise<void> {
  const { path, byteLength } = file;
  if (byteLength !== bytes) throw damaged(path, `it has ${byteLength} bytes, dataset.json says ${bytes}`);
  const hasher = new Hasher();
  const chunk = new Uint8Array(Math.min(byteLength, chunkBytes));
  for (let at = 0; at < byteLength; at += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, byteLength - at));
    await file.read(part, at);
    hasher.update(part);
  }
  if (hasher.finishHex() !== hash) throw damaged(path, "its hash is not the one in dataset.json");
}

function damaged(path: string, why: string, cause?: unknown): SpillwayError {
  return new SpillwayError("corrupt", `${path} is damaged: ${why}`, {
    remedy: "Restore it from a copy, or pack again.",
    where: { path },
    cause,
  });
}

/**
 * A file as hyparquet reads it: columns at once. Where one of them is damaged it gives up while the others are still
 * being read, so the file is closed when the last read has ended, and what that gives nobody waits for.
 */
function asyncBuffer(file: ReadableFile): { buffer: AsyncBuffer; close(): void } {
  const reads = new Set<Promise<ArrayBuffer>>();
  let isClosed = false;
  const buffer: AsyncBuffer = {
    byteLength: file.byteLength,
    slice(start, end = file.byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, file.byteLength) - start));
      const read = file.read(bytes, start).then(() => bytes.buffer);
      reads.add(read);
      const ended = () => {
        reads.delete(read);
        if (isClosed && reads.size === 0) file.close();
      };
      read.then(ended, ended);
      return read;
    },
  };
  const close = () => {
    if (isClosed) return;
    isClosed = true;
    if (reads.size === 0) file.close();
  };
  return { buffer, close };
}

function columnNames(metadata: FileMetaData): string[] {
  return metadata.schema.slice(1).map(({ name }) => name);
}

/** Whatever hyparquet throws over damaged bytes, as our error. */
async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SpillwayError) throw cause;
    throw damaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * All rows of some columns in order, a row group at a time. Breaking out closes the file.
 *
 * @param columns names of columns that the catalog has
 */
export async function* scanCatalog(
  { folder, manifest }: CatalogPlace,
  columns: readonly string[],
): AsyncGenerator<{ firstId: number; records: CatalogRecords }> {
  let firstId = 0;
  for (const entry of manifest.catalog) {
    const part = await openCatalogPart(join(folder, entry.path), entry);
    try {
      for (const { start, end } of part.groups) {
        yield { firstId: firstId + start, records: await part.read(start, end, columns) };
      }
    } finally {
      part.close();
    }
    firstId += entry.rows;
  }
}

/**
 * The catalog's row of one sample.
 *
 * @throws SpillwayError `usage` for an id that the dataset does not have, `missing`, `corrupt`, `io`
 */
export async function readCatalogRow(place: CatalogPlace, id: number): Promise<CatalogRow> {
  const { folder, manifest } = place;
  if (!(Number.isInteger(id) && id >= 0 && id < manifest.rows)) {
    throw new SpillwayError("usage", `${folder} has no sample ${id}: it has ${manifest.rows}`, {
      remedy: manifest.rows === 0 ? "Finish packing first." : `Use 0 to ${manifest.rows - 1}.`,
      where: { dataset: folder },
    });
  }
  let firstId = 0;
  let number = 0;
  while (id >= firstId + manifest.catalog[number]!.rows) {
    firstId += manifest.catalog[number]!.rows;
    number += 1;
  }
  const entry = manifest.catalog[number]!;
  const part = await openCatalogPart(
    join(folder, entry.path),
    entry.bytes <= maxCheckedBytes ? entry : undefined,
  );
  try {
    const [record] = await part.read(id - firstId, id - firstId + 1);
    if (!record) throw rowMissing(part, id);
    const { path, row, hash } = record;
    const labels = classFields(manifest).map((name) => String(record[name] ?? ""));
    return {
      id,
      path: String(path ?? ""),
      row: row == null ? undefined : Number(row),
      labels,
      hash: BigInt.asUintN(64, typeof hash === "bigint" ? hash : 0n),
    };
  } finally {
    part.close();
  }
}

/** Names of the class fields: the catalog has a column of class names for each. */
export function classFields(manifest: Readonly<Manifest>): string[] {
  return Object.entries(manifest.fields).flatMap(([name, field]) => (field.kind === "class" ? [name] : []));
}

function rowMissing(part: CatalogPart, id: number): SpillwayError {
  return new SpillwayError(
    "corrupt",
    `${part.path} is damaged: it has ${part.rowCount} rows, and none for sample ${id}`,
    {
      remedy: "Restore it from a copy, or pack again.",
      where: { path: part.path, sample: id },
    },
  );
}

/** What a path stands for: the first sample found, and one path of the catalog as an example where there is none. */
export interface PathSearch {
  id: number | undefined;
  example: string | undefined;
}

/**
 * Finds the sample that came from a file. A path that ends in the catalog's own path is taken too, since the catalog's
 * are relative to the source ("wave/7.npy") and people type theirs from where they are ("data/wave/7.npy").
 *
 * @param row which sample of a file that holds many, from 0; files that hold one sample have no rows
 */
export async function findByPath(place: CatalogPlace, path: string, row = 0): Promise<PathSearch> {
  let example: string | undefined;
  let similar: number | undefined;
  for await (const { firstId, records } of scanCatalog(place, ["path", "row"])) {
    for (let index = 0; index < records.length; index += 1) {
      const { path: known, row: knownRow } = records[index]!;
      if (typeof known !== "string" || known === "") continue;
      example ??= known;
      if (knownRow != null && Number(knownRow) !== row) continue;
      if (known === path) return { id: firstId + index, example };
      if (similar === undefined && path.endsWith(`/${known}`)) similar = firstId + index;
    }
  }
  return { id: similar, example };
}

// An open dataset: its fields, its commit, its memory; where views come from. Opening reads the manifest and nothing
// else; labels, sums and threads come with the first loop.

import fs from "node:fs";
import { resolve } from "node:path";
import type { Annotated, AnnotateOptions, GivenRow } from "../catalog/annotate-options.js";
import type { CatalogPlace } from "../catalog/catalog-reader.js";
import type { QueryAnswer } from "../catalog/query.js";
import { defaultScheme, readScheme, type Scheme, splitsFolder } from "../catalog/scheme.js";
import type { SqlOptions } from "../catalog/sql-table.js";
import { SpillwayError } from "../errors.js";
import { type Manifest, manifestName, maxManifestBytes, parseManifest } from "../format/manifest.js";
import { hashHex } from "../kernels/hasher.js";
import { Engine } from "../load/engine.js";
import { createTable } from "../load/table.js";
import { parseBytes } from "../store/byte-size.js";
import { readSmallFile } from "../store/file.js";
import { defaultMemory } from "../store/free-memory.js";
import type { Fields } from "../tensor/field.js";
import { annotate } from "./annotate.js";
import { Catalog } from "./catalog.js";
import { type SplitOptions, splitSamples } from "./split.js";
import { View, type ViewOrigin } from "./view.js";

export interface OpenOptions {
  /** All that the dataset may hold, such as "512 MiB"; default: a quarter of what is free, at least 64 MiB. */
  memory?: string | number;
  /** A folder of your own for the columns that you add, where the dataset is read-only or shared; looked at first. */
  side?: string;
}

export interface ViewOptions {
  /** Only the samples of a split; default: all samples. */
  split?: string;
  /** Scheme that the split is of, default "main". */
  scheme?: string;
  /** Only the rows [start, end). */
  rows?: readonly [start: number, end: number];
}

/** What an open dataset holds at the moment, in bytes. */
export interface DatasetStats {
  /** The memory given. */
  memoryBytes: number;
  /** Held now: rings, scratch, resident columns, threads. */
  heldBytes: number;
  /** Most that was ever held at once since the dataset was opened. */
  peakBytes: number;
  /** Part of what is held now: labels, sums, and what was checked. */
  residentBytes: number;
  /** Reader threads, each counted with 8 MiB. */
  threads: number;
  loops: number;
  /** Things that are not as one would expect, one sentence each. */
  notes: readonly string[];
}

export class Dataset {
  /** Folder of the dataset. */
  readonly path: string;
  readonly fields: Readonly<Fields>;
  /** Samples in all. */
  readonly size: number;
  /** Fingerprint of the content at this commit, 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** Undefined, or what is missing of a dataset whose packing has not finished. */
  readonly unfinished: { plannedRows: number | undefined } | undefined;
  readonly manifest: Readonly<Manifest>;
  /** What is known of each sample besides its tensors. */
  readonly catalog: Catalog;
  readonly #place: CatalogPlace;
  readonly #engine: Engine;
  #isClosed = false;

  /** Use `open`. */
  constructor(path: string, manifest: Manifest, memoryBytes: number, side?: string) {
    this.path = path;
    this.manifest = manifest;
    this.#place = { folder: path, manifest, ...(side !== undefined && { side }) };
    this.catalog = new Catalog(this.#place, () => this.#requireOpen());
    this.fields = manifest.fields as Fields;
    this.size = manifest.rows;
    this.fingerprint = manifest.commits.at(-1)!.fingerprint;
    this.unfinished = manifest.packing && { plannedRows: manifest.packing.rows ?? undefined };
    this.#engine = new Engine(createTable(path, manifest), memoryBytes);
  }

  /** Commits so far; a view is made at the last one. */
  get commit(): number {
    return this.manifest.commits.length;
  }

  /**
   * Samples to train from: all of them, a split, or a range of rows.
   *
   * @throws SpillwayError `missing` for a split that is not there, `mismatch` for one made for other content
   */
  view(options: ViewOptions = {}): View {
    this.#requireOpen();
    const { split, scheme = defaultScheme, rows } = options;
    if (split !== undefined && rows !== undefined) {
      throw new SpillwayError("usage", "a view has either a split or rows, not both", {
        remedy: "Leave one of them out.",
      });
    }
    if (split !== undefined) return this.#splitView(split, scheme);
    const [start, end] = rows ?? [0, this.size];
    if (
      !(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= this.size)
    ) {
      throw new SpillwayError(
        "usage",
        `rows ${start} to ${end} are not a part of the ${this.size} rows of ${this.path}`,
        {
          remedy: this.size === 0 ? "Finish packing first." : `Use 0 to ${this.size}.`,
          where: { dataset: this.path },
        },
      );
    }
    const selection = {
      count: end - start,
      fingerprint: this.#fingerprint(`rows ${start} ${end}`),
      rows: { kind: "range" as const, start },
    };
    return new View(this.#engine, selection, this.#origin());
  }

  /**
   * Shares all samples out at random, in exact counts, and stores that as a scheme in the dataset's folder.
   *
   * @param shares split name to its part of 1, such as { train: 0.8, val: 0.2 }; samples may be left over
   * @throws SpillwayError `usage` for shares that make no sense, `locked`, `io` where the folder is read-only
   */
  split(shares: Readonly<Record<string, number>>, options: SplitOptions = {}): Scheme {
    return splitSamples(this, shares, options);
  }

  /** A scheme of splits: its definition and the number of samples in each split. */
  scheme(name: string = defaultScheme): Scheme {
    return readScheme(this.path, name);
  }

  /**
   * Runs one SELECT over the table `catalog`: a row per sample with all columns of `catalog.columns()`. All rows of the
   * answer are held. DuckDB is loaded when this is first called.
   *
   * @throws SpillwayError `usage` for SQL that is wrong, is not one SELECT, or reaches for anything but the table;
   * `missing` for a column that is not there, with the nearest names; `memory`, `corrupt`, `mismatch`
   */
  async query(sql: string, options: SqlOptions = {}): Promise<QueryAnswer> {
    this.#requireOpen();
    const { queryCatalog } = await import("../catalog/query.js");
    return queryCatalog(this.#place, sql, options);
  }

  /**
   * Adds columns to the catalog, or gives such columns new values: from a table (.csv, .tsv, .parquet) that is keyed by
   * id or path, or from rows such as `{ id: 7, score: 0.3 }` in any order. No sample is rewritten; samples without a row
   * have no value.
   *
   * @throws SpillwayError `source` for rows that are of no sample (unless `partial`) or name one again; `usage` for a
   * name that is taken; `locked`, `io` where the folder is read-only
   */
  async annotate(
    rows: string | Iterable<GivenRow> | AsyncIterable<GivenRow>,
    options: AnnotateOptions = {},
  ): Promise<Annotated> {
    this.#requireOpen();
    return annotate(this.#place, rows, options);
  }

  /** What is held now, and what is not as one would expect. */
  async stats(): Promise<DatasetStats> {
    const { pool, loops } = this.#engine;
    const residents = await this.#engine.loadedResidents();
    return {
      memoryBytes: pool.byteLength,
      heldBytes: pool.held,
      peakBytes: pool.peak,
      residentBytes: residents?.byteLength ?? 0,
      threads: pool.threads,
      loops: loops.size,
      notes: residents?.notes ?? [],
    };
  }

  /** Ends all loops and threads, closes all files, gives the memory back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw closed(this.path);
  }

  #splitView(split: string, schemeName: string): View {
    const scheme = readScheme(this.path, schemeName);
    const commit = this.manifest.commits.find(({ fingerprint }) => fingerprint === scheme.fingerprint);
    if (!commit || commit.rows !== scheme.rows) {
      throw new SpillwayError(
        "mismatch",
        `scheme "${schemeName}" was made for ${scheme.rows} samples with fingerprint ${scheme.fingerprint}, ${this.path} has ${this.size} with ${this.fingerprint}`,
        { remedy: `Make it again: spillway split ${this.path} ...`, where: { dataset: this.path } },
      );
    }
    const entry = scheme.splits[split];
    if (!entry) {
      throw new SpillwayError("missing", `scheme "${schemeName}" of ${this.path} has no split "${split}"`, {
        remedy: `Use one of ${Object.keys(scheme.splits).join(", ")}.`,
        where: { dataset: this.path },
      });
    }
    const selection = {
      count: entry.count,
      fingerprint: this.#fingerprint(`bits ${entry.hash}`),
      rows: {
        kind: "bits" as const,
        path: `${this.path}/${splitsFolder}/${entry.path}`,
        hash: entry.hash,
        rows: scheme.rows,
      },
    };
    return new View(this.#engine, selection, this.#origin(split, schemeName));
  }

  #origin(split?: string, scheme?: string): ViewOrigin {
    return { path: this.path, commit: this.commit, split, scheme };
  }

  #fingerprint(choice: string): string {
    return hashHex(new TextEncoder().encode(`${this.fingerprint} ${choice}`));
  }
}

/**
 * Opens a dataset. Nothing is written to it, ever: it may be read-only.
 *
 * @param path folder with a dataset.json
 * @throws SpillwayError `missing`, `version`, `corrupt`, or `usage` for a memory that is no amount
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Dataset> {
  const folder = resolve(path);
  const memoryBytes = options.memory === undefined ? defaultMemory() : parseBytes(options.memory);
  const file = `${folder}/${manifestName}`;
  if (!fs.existsSync(file)) throw notADataset(path, folder);
  const manifest = parseManifest(new TextDecoder().decode(readSmallFile(file, maxManifestBytes)), file);
  if (manifest.packing) {
    const planned = manifest.packing.rows === null ? "an unknown number" : String(manifest.packing.rows);
    process.emitWarning(
      `${path} is not whole: ${manifest.rows} of ${planned} samples are packed. Run the pack command again to finish it.`,
      "SpillwayWarning",
    );
  }
  return new Dataset(
    folder,
    manifest,
    memoryBytes,
    options.side === undefined ? undefined : resolve(options.side),
  );
}

function notADataset(path: string, folder: string): SpillwayError {
  if (!fs.existsSync(folder)) {
    return new SpillwayError("missing", `${path} does not exist`, {
      remedy: "Check the path.",
      where: { path },
    });
  }
  const isUnfinished = fs.existsSync(`${folder}/.packing`);
  return new SpillwayError(
    "missing",
    `${path} holds no ${manifestName}${isUnfinished ? ", only the beginning of a pack" : ""}`,
    {
      remedy: isUnfinished
        ? "Run the pack command again: it goes on where it stopped."
        : `Pack your data first: spillway pack ${path} my-dataset.`,
      where: { path },
    },
  );
}

/** The error for whatever is asked of a dataset after `close()`. */
export function closed(path: string): SpillwayError {
  return new SpillwayError("usage", `${path} was closed`, {
    remedy: "Open it again.",
    where: { dataset: path },
  });
}

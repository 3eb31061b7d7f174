// An open dataset: its fields, its commit, its memory; where views come from. Opening reads the manifest and nothing
// else; labels, sums and threads come with the first loop.

import fs from "node:fs";
import { resolve } from "node:path";
import type { Annotated, AnnotateOptions, GivenRow } from "../catalog/annotate-options.js";
import type { CatalogPlace } from "../catalog/catalog-reader.js";
import type { QueryAnswer } from "../catalog/query.js";
import { defaultScheme, readScheme, type Scheme } from "../catalog/scheme.js";
import type { SplitBy } from "../catalog/split-rule.js";
import type { SqlOptions } from "../catalog/sql-table.js";
import type { SetStatistics } from "../catalog/statistics.js";
import { SpillwayError } from "../errors.js";
import { wholeManifest } from "../format/commits.js";
import { type Manifest, manifestName } from "../format/manifest.js";
import { Engine } from "../load/engine.js";
import type { ReadingStats } from "../load/reading.js";
import { createTable } from "../load/table.js";
import { checkOptionNames, type OptionNames } from "../option-names.js";
import { requireFiles } from "../source/indexed-file.js";
import { readManifest } from "../source/manifest-file.js";
import { parseBytes } from "../store/byte-size.js";
import { defaultMemory } from "../store/free-memory.js";
import type { Fields } from "../tensor/field.js";
import { annotate } from "./annotate.js";
import { Catalog } from "./catalog.js";
import {
  type Choice,
  choose,
  chooseByCatalog,
  type PlainViewOptions,
  type ViewOptions,
  viewOptions,
} from "./choose.js";
import type { ExcludeResult, Which } from "./exclude.js";
import type { StatisticsChoice } from "./kept-statistics.js";
import type {
  CheckOptions,
  ExtendOptions,
  SplitCheck,
  SplitExtension,
  SplitOptions,
  SplitResult,
} from "./split.js";
import type { StatisticsOptions } from "./statistics.js";
import { View, type ViewOrigin } from "./view.js";

export interface OpenOptions {
  /** All that the dataset may hold, such as "512 MiB"; default: a quarter of what is free, at least 64 MiB. */
  memory?: string | number;
  /** Indexed datasets: the folder with the samples' files, where it is no longer where it was. */
  source?: string;
  /**
   * A folder of your own for splits and for columns that you add, where the dataset is read-only or shared; looked at
   * first.
   */
  side?: string;
}

const openOptions: OptionNames<OpenOptions> = { memory: true, source: true, side: true };

/** What an open dataset holds at the moment, in bytes. */
export interface DatasetStats {
  /** The memory given. */
  memoryBytes: number;
  /** Held now: rings, scratch, resident columns, threads; not what is pinned, which gives way to all of these. */
  heldBytes: number;
  /** Most that was ever held at once since the dataset was opened, with what was pinned. */
  peakBytes: number;
  /** Part of what is held now: labels, sums, and what was checked. */
  residentBytes: number;
  /** Reader threads, each counted with 8 MiB. */
  threads: number;
  loops: number;
  /** How samples are read, and why; how many were read, and how many came out of memory. */
  reading: ReadingStats;
  /** Things that are not as one would expect, one sentence each. */
  notes: readonly string[];
}

/** Where else something of a dataset is. */
export interface DatasetPlaces {
  /** Folder of an indexed dataset's files. */
  source?: string;
  /** Folder of the user's own. */
  side?: string;
}

export class Dataset {
  /** Folder of the dataset. */
  readonly path: string;
  /** Folder of the user's own, if there is one. */
  readonly side: string | undefined;
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
  constructor(path: string, manifest: Manifest, memoryBytes: number, places: DatasetPlaces = {}) {
    this.path = path;
    this.side = places.side;
    this.manifest = manifest;
    this.#place = { folder: path, manifest, side: places.side };
    this.catalog = new Catalog(this.#place, () => this.#requireOpen());
    this.fields = manifest.fields as Fields;
    this.size = manifest.rows;
    this.fingerprint = manifest.commits.at(-1)!.fingerprint;
    this.unfinished = manifest.packing && { plannedRows: manifest.packing.rows ?? undefined };
    this.#engine = new Engine(createTable(path, manifest, places.source), memoryBytes);
  }

  /** Commits so far; a view is made at the last one. */
  get commit(): number {
    return this.manifest.commits.length;
  }

  /**
   * Samples to train from: all of them, a split, a fold, a range, those that satisfy a condition, a few of these. What
   * was excluded is left out. A condition, or a balance by class, is looked up in the catalog: such views are awaited.
   *
   * @throws SpillwayError `missing` for a split that is not there or a choice without samples, `mismatch` for a split made
   * for other content, `usage` for a fold, rows or a commit that are not there, or a condition that is none
   */
  view(options?: PlainViewOptions): View;
  view(options: ViewOptions & ({ where: string } | { balance: string })): Promise<View>;
  view(options: ViewOptions): View | Promise<View>;
  view(options: ViewOptions = {}): View | Promise<View> {
    this.#requireOpen();
    checkOptionNames("view()", options, viewOptions);
    if (options.where === undefined && options.balance === undefined)
      return this.#viewOf(choose(this.#place, options as PlainViewOptions), options);
    return chooseByCatalog(this.#place, options).then((choice) => {
      this.#requireOpen();
      return this.#viewOf(choice, options);
    });
  }

  /**
   * Leaves samples out of all views, until they are let in again; nothing of them is rewritten.
   *
   * @param which ids, or a condition over the catalog's columns
   * @throws SpillwayError `usage` for ids that are not there or a condition that is none, `locked`, `io`
   */
  async exclude(which: Which): Promise<ExcludeResult> {
    this.#requireOpen();
    const { changeExcluded } = await import("./exclude.js");
    return changeExcluded(this.#place, which, "exclude");
  }

  /** Lets samples in again that were left out; "all" of them at once. @throws SpillwayError as `exclude` */
  async include(which: Which | "all"): Promise<ExcludeResult> {
    this.#requireOpen();
    const { changeExcluded } = await import("./exclude.js");
    return changeExcluded(this.#place, which, "include");
  }

  /**
   * Shares all samples out and stores that as a scheme: in the dataset's folder, or in that of your own.
   *
   * @param what split name to its part of 1 or to its count, such as { train: 0.8, val: 0.2 }: samples may be left
   * over. Or { by: column } that says the split, or { from: file } with a table of ids or paths and splits
   * @returns the scheme, and a report with counts, class shares and what splits share
   * @throws SpillwayError `usage` for what makes no sense, `missing` for a column that is not there, `mismatch`,
   * `exists`, `locked`, `io` where the folder is read-only
   */
  async split(what: SplitBy, options: SplitOptions = {}): Promise<SplitResult> {
    const { splitSamples } = await import("./split.js");
    return splitSamples(this.#place, what, options);
  }

  /**
   * Shares samples out that a scheme does not cover yet, by its own rule; the others keep their splits. An append does
   * so itself, for the schemes in the dataset's folder whose columns have values for the new samples.
   *
   * @throws SpillwayError `missing` for a scheme that is not there, `usage` where a column it goes by lacks values,
   * `mismatch`, `locked`, `io` where the folder is read-only
   */
  async extendSplits(options: ExtendOptions = {}): Promise<SplitExtension> {
    const { extendSplits } = await import("./split.js");
    return extendSplits(this.#place, options);
  }

  /** The report of a stored scheme, made again, and whether its definition still gives the same splits. */
  async checkSplits(options: CheckOptions = {}): Promise<SplitCheck> {
    const { checkSplits } = await import("./split.js");
    return checkSplits(this.#place, options);
  }

  /** A scheme of splits: its definition and the number of samples in each split. */
  scheme(name: string = defaultScheme): Scheme {
    return readScheme(this.#place, name);
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

  /**
   * Measures mean, deviation and range of the tensors of a training split, in one pass over its samples, and keeps them
   * with the scheme: `normalize: "standard"` and `"range"` go by them, for all splits of the scheme.
   *
   * @throws SpillwayError as `view` for the split, and what a loop throws; `locked`, `io` where the folder is read-only
   */
  async measureStatistics(options: StatisticsOptions = {}): Promise<SetStatistics> {
    this.#requireOpen();
    const { measureStatistics } = await import("./statistics.js");
    return measureStatistics(this.#place, (choice) => this.view(choice), options);
  }

  /**
   * The statistics of a training split as they were measured: for inference, too.
   *
   * @throws SpillwayError `missing` if they were not, or samples were added, excluded or shared out anew since
   */
  async statistics(options: StatisticsChoice & { commit?: number } = {}): Promise<SetStatistics> {
    this.#requireOpen();
    const { findStatistics } = await import("./kept-statistics.js");
    return findStatistics(this.#place, options);
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
      reading: this.#engine.reading.stats(),
      notes: [...(residents?.notes ?? []), ...this.#engine.drawings.notes, ...this.#engine.notes],
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

  #viewOf({ selection, commit }: Choice, { split, scheme, fold }: ViewOptions): View {
    const origin: ViewOrigin = {
      path: this.path,
      commit,
      split,
      scheme: split === undefined ? undefined : (scheme ?? defaultScheme),
      fold,
      catalog: this.#place,
    };
    return new View(this.#engine, selection, origin);
  }
}

/**
 * Opens a dataset. Nothing is written to it, ever: it may be read-only.
 *
 * @param path folder with a dataset.json
 * @throws SpillwayError `missing`, `version`, `corrupt`, or `usage` for a memory that is no amount
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Dataset> {
  checkOptionNames("open()", options, openOptions);
  const folder = resolve(path);
  const memoryBytes = options.memory === undefined ? defaultMemory() : parseBytes(options.memory);
  const manifest = readManifest(folder);
  if (!manifest) throw notADataset(path, folder);
  requireFiles(path, manifest, options.source);
  if (manifest.packing) process.emitWarning(describeUnfinished(path, manifest), "SpillwayWarning");
  return new Dataset(folder, wholeManifest(manifest), memoryBytes, {
    ...(options.source !== undefined && { source: resolve(options.source) }),
    ...(options.side !== undefined && { side: resolve(options.side) }),
  });
}

function describeUnfinished(path: string, { packing, rows }: Manifest): string {
  const { rows: planned, before = 0 } = packing!;
  const added = rows - before;
  const of = planned === null ? "an unknown number" : String(planned - before);
  if (before === 0)
    return `${path} is not whole: ${added} of ${of} samples are packed. Run the pack command again to finish it.`;
  return `${path} is being added to, or that was interrupted: ${added} of ${of} new samples are in place, and left out until it is finished. Run the append command again to finish it.`;
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

// An open dataset: its fields, its commit, its memory; where views come from. It begins with the manifest and nothing
// else; labels, sums and threads come with the first loop.

import type { Annotated, AnnotateOptions, GivenRow } from "../catalog/annotate-options.js";
import type { CatalogPlace } from "../catalog/catalog-reader.js";
import type { QueryAnswer } from "../catalog/query.js";
import { defaultScheme, readScheme, type Scheme } from "../catalog/scheme.js";
import type { SplitBy } from "../catalog/split-rule.js";
import type { SqlOptions } from "../catalog/sql-table.js";
import type { SetStatistics } from "../catalog/statistics.js";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { Engine } from "../load/engine.js";
import type { ReadingStats } from "../load/reading.js";
import { createTable } from "../load/table.js";
import { checkOptionNames } from "../option-names.js";
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

/** The error for whatever is asked of a dataset after `close()`. */
function closed(path: string): SpillwayError {
  return new SpillwayError("usage", `${path} was closed`, {
    remedy: "Open it again.",
    where: { dataset: path },
  });
}

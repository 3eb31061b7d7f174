// A view: some samples of a dataset at one commit, and the loops over them. Costs next to nothing to make; memory is
// taken when a loop starts, and given back when it ends.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { SpillwayError } from "../errors.js";
import { runAugmentedLoop } from "../feed/augmented-loop.js";
import { Feed } from "../feed/feed.js";
import { planTransforms } from "../feed/transforms.js";
import type { Normalisation } from "../kernels/decoding.js";
import type { Batch } from "../load/batch.js";
import { type Drawing, requireSameDrawing } from "../load/drawing.js";
import type { Engine } from "../load/engine.js";
import { type ImagePlan, planImages } from "../load/image-crop.js";
import { runLoop } from "../load/loop.js";
import type { Company } from "../load/loop-room.js";
import { type LoopStats, LoopWatch } from "../load/loop-stats.js";
import type { Selection } from "../load/selection.js";
import { checkOptionNames } from "../option-names.js";
import { checkSeed } from "../order/keys.js";
import { batchCount, createSchedule, requireWhole } from "../order/schedule.js";
import { parseToken, type ResumePoint } from "../order/token.js";
import { deliveredField } from "../tensor/field.js";
import { drawingOf, knownMark } from "./drawing.js";
import { findStatistics } from "./kept-statistics.js";
import { type Normalize, normalisationsBy, normalisationsOf, requireDeliver } from "./normalize.js";
import {
  type BatchOptions,
  batchOptions,
  type FeedOptions,
  feedOptions,
  type ReadingOptions,
} from "./view-options.js";

/** The batches of a loop, to be taken once by `for await`. */
export interface Batches extends AsyncIterable<Batch> {
  /** Batches that will come, Infinity for endless epochs. */
  readonly count: number;
  /** How the loop and its readers spend their time, and which waits for the other: before, while and after it runs. */
  stats(): LoopStats;
}

/** What can be trained from: a view, or a mix of views. */
export interface BatchSource {
  /** Samples in all. */
  readonly size: number;
  batches(options?: BatchOptions): Batches;
}

/** What a view is of. */
export interface ViewOrigin {
  /** The dataset's catalog, for what is read of it when a loop starts. */
  catalog: CatalogPlace;
  /** Folder of the dataset. */
  path: string;
  /** Number of the dataset's commit at which the view was made. */
  commit: number;
  split: string | undefined;
  scheme: string | undefined;
  fold: number | undefined;
}

/** What a mix needs of its views. */
export interface ViewParts {
  engine: Engine;
  loop(options: BatchOptions, company: Company): Batches;
}

let openView: (view: View) => ViewParts;

export class View implements BatchSource {
  static {
    openView = (view) => ({
      engine: view.#engine,
      loop: (options, company) => view.#loop(options, company),
    });
  }

  /** Folder of the dataset. */
  readonly path: string;
  readonly commit: number;
  /** Samples in the view. */
  readonly size: number;
  /** Changes with the content at the commit, or with the choice of samples. */
  readonly fingerprint: string;
  readonly split: string | undefined;
  readonly scheme: string | undefined;
  /** Which fold is "val"; undefined where the split does not depend on it. */
  readonly fold: number | undefined;
  readonly #engine: Engine;
  readonly #selection: Selection;
  readonly #catalog: CatalogPlace;

  /** Use `dataset.view()`. */
  constructor(engine: Engine, selection: Selection, from: ViewOrigin) {
    this.path = from.path;
    this.commit = from.commit;
    this.size = selection.count;
    this.fingerprint = selection.fingerprint;
    this.split = from.split;
    this.scheme = from.scheme;
    this.fold = from.fold;
    this.#engine = engine;
    this.#selection = selection;
    this.#catalog = from.catalog;
  }

  /**
   * Mini-batches of the view, each epoch every sample exactly once unless `balance` or `weights` draws otherwise.
   *
   * @throws SpillwayError `usage` for options that make no sense, `mismatch` for a token of another view; from the
   * loop itself `memory` (it names the smallest that works), `corrupt`, `io`
   */
  batches(options: BatchOptions = {}): Batches {
    checkOptionNames("batches()", options, batchOptions);
    return this.#loop(options);
  }

  /**
   * One reading of the view for several models: each trainer that joins has its own batch size, augmentation and pace,
   * and sees the samples in the order that `batches()` with this seed would give.
   *
   *   const feed = train.feed({ seed: 7 });
   *   const a = feed.trainer({ batchSize: 64 });
   *   const b = feed.trainer({ batchSize: 128, augment: [jitter({ sigma: 0.03 })] });
   *
   * @throws SpillwayError as `batches` does
   */
  feed(options: FeedOptions = {}): Feed {
    checkOptionNames("feed()", options, feedOptions);
    const { largestBatch = 0, debug = false } = options;
    requireWhole("largestBatch", largestBatch, 0);
    const { deliver, normalisations, readers, drawing, from, images } = this.#reading(options);
    return new Feed(this.#engine, {
      selection: this.#selection,
      seed: from.seed,
      position: from.position,
      drawing,
      expectedMark: from.drawing,
      commit: this.commit,
      deliver,
      normalisations,
      readers,
      images,
      largestBatch,
      debug,
    });
  }

  /** What loops and feeds have in common, checked. */
  #reading(options: ReadingOptions) {
    const { deliver = "float32", readers } = options;
    requireDeliver(deliver, options.normalize);
    const normalisations = this.#normalisations(options.normalize);
    if (readers !== undefined && !(Number.isInteger(readers) && readers >= 1 && readers <= 256)) {
      throw new SpillwayError("usage", `readers ${readers} is not a whole number from 1 to 256`, {
        remedy: "Leave it out, or use 2.",
      });
    }
    const drawing = drawingOf(options, { size: this.size, catalog: this.#catalog });
    const from = this.#startingPoint(options, drawing);
    const images = this.#images(options, from.seed);
    return { deliver, normalisations, readers, drawing, from, images };
  }

  #loop(options: BatchOptions, company?: Company): Batches {
    const { batchSize = 32, epochs = 1, rank = 0, worldSize = 1, signal } = options;
    const { deliver, normalisations, readers, drawing, from, images } = this.#reading(options);
    const last = options.last ?? (worldSize > 1 ? "drop" : "keep");
    const schedule = createSchedule({
      n: this.size,
      batchSize,
      rank,
      worldSize,
      last,
      position: from.position,
      epochs,
    });
    const engine = this.#engine;
    const request = {
      schedule,
      seed: from.seed,
      selection: this.#selection,
      drawing,
      expectedMark: from.drawing,
      commit: this.commit,
      deliver,
      normalisations,
      readers,
      signal,
      company,
      images,
    };
    const { augment = [], augmentSeed = from.seed ?? 0 } = options;
    const plan = planTransforms(augment, "the loop", {
      columns: engine.table.columns,
      deliver,
      normalisations,
    });
    const watch = new LoopWatch(batchSize);
    const taken = takenOnce(batchCount(schedule), () =>
      plan
        ? runAugmentedLoop(engine, request, { plan, seed: augmentSeed }, watch)
        : runLoop(engine, request, watch),
    );
    return { ...taken, stats: () => watch.stats() };
  }

  #images({ images, seed = 0 }: ReadingOptions, orderSeed: number | undefined): ImagePlan | undefined {
    if (!this.#engine.hasImages) {
      if (images === undefined) return undefined;
      throw new SpillwayError("usage", "images is for encoded images, and the samples have none", {
        remedy: "Leave it out, or pack the images with --encoded.",
        where: { dataset: this.path },
      });
    }
    return planImages(images ?? {}, orderSeed ?? checkSeed(seed));
  }

  #normalisations(normalize: Normalize | undefined): Record<string, Normalisation> | undefined {
    const { columns } = this.#engine.table;
    const fields = new Map(columns.map(({ name, field }) => [name, deliveredField(field)]));
    if (typeof normalize === "string") {
      const { split, scheme, fold, commit, path } = this;
      if (split === undefined || scheme === undefined) throw noTrainingSplit(normalize, path);
      const of = { scheme, commit, ...(fold !== undefined && { fold }) };
      return normalisationsBy(normalize, findStatistics(this.#catalog, of), fields);
    }
    return normalisationsOf(normalize, fields);
  }

  #startingPoint(
    options: ReadingOptions,
    drawing: Drawing,
  ): Pick<ResumePoint, "seed" | "position" | "drawing"> {
    if (options.resume === undefined) {
      const seed = checkSeed(options.seed ?? 0);
      return { seed: options.shuffle === false ? undefined : seed, position: 0 };
    }
    const point = parseToken(options.resume);
    if (point.view !== this.fingerprint || point.commit !== this.commit) {
      throw new SpillwayError(
        "mismatch",
        `the resume token is of view ${point.view} at commit ${point.commit}, this is view ${this.fingerprint} at commit ${this.commit}`,
        {
          remedy:
            point.commit === this.commit
              ? "Resume with the same dataset and the same choice of samples, or start anew without the token."
              : `Make the view at the token's commit, view({ commit: ${point.commit} }), or start anew without the token.`,
          where: { dataset: this.path },
        },
      );
    }
    requireSameDrawing(point.drawing, knownMark(drawing), this.path);
    return point;
  }
}

function noTrainingSplit(normalize: string, path: string): SpillwayError {
  return new SpillwayError(
    "usage",
    `normalize: "${normalize}" goes by the statistics of a training split, and this view is of no split`,
    {
      remedy: 'View a split: view({ split: "train" }); or give mean and std by field.',
      where: { dataset: path },
    },
  );
}

/** The inside of a view, for mixes. */
export function partsOf(view: View): ViewParts {
  return openView(view);
}

/** Batches that can be iterated over once. */
export function takenOnce<Kind extends Batch>(
  count: number,
  run: () => AsyncIterator<Kind, void, undefined>,
): { readonly count: number } & AsyncIterable<Kind> {
  let isTaken = false;
  return {
    count,
    [Symbol.asyncIterator]: () => {
      if (isTaken) {
        throw new SpillwayError("usage", "these batches were taken already", {
          remedy: "Call batches() again for another loop.",
        });
      }
      isTaken = true;
      return run();
    },
  };
}

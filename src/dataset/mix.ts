// Mixing: batches that have a fixed number of samples from each of several views, of one dataset or of several. Each view
// runs its own loop, with its quota as batch size and over the ends of its epochs; what the loops give is put together.
// Rule: the samples of a view come in that view's own order, none left out and none twice in an epoch of it.

import type { Augmentation } from "../augment/transform.js";
import { SpillwayError } from "../errors.js";
import type { Batch } from "../load/batch.js";
import type { Engine } from "../load/engine.js";
import type { Company } from "../load/loop-room.js";
import { DrawingMeter } from "../load/loop-stats.js";
import { checkOptionNames } from "../option-names.js";
import { quotasOf, requireWeights } from "../order/quotas.js";
import { requireWhole } from "../order/schedule.js";
import { parseToken } from "../order/token.js";
import { requireSameEncodings, requireSameFields } from "./mix-fields.js";
import { type MixStats, mixStats } from "./mix-stats.js";
import {
  HeldMixedBatch,
  MixedArrays,
  type MixedBatch,
  mixedBatchBytes,
  type NamedField,
} from "./mixed-batch.js";
import { type Batches, partsOf, takenOnce, type View, type ViewParts } from "./view.js";
import { type BatchOptions, batchOptions } from "./view-options.js";

/** As for `view.batches()`; what says how samples are drawn holds for each view by itself. */
export interface MixedBatchOptions extends Omit<BatchOptions, "last" | "weights"> {
  /** Within each view, draw in proportion to this column of its catalog. */
  weights?: string;
  /** Epochs in all, default 1; a resumed run counts those that lie behind. Infinity is allowed. */
  epochs?: number;
  /** Reader threads of each view's loop at most; default: an even share of what pays on this machine. */
  readers?: number;
}

/** The batches of a mix, to be taken once by `for await`. */
export interface MixedBatches extends AsyncIterable<MixedBatch> {
  /** Batches that will come, Infinity for endless epochs. */
  readonly count: number;
  /** Samples of each view in every batch. */
  readonly quotas: readonly number[];
  /** How the loop and its readers spend their time, and which waits for the other: before, while and after it runs. */
  stats(): MixStats;
}

/** Tokens of the views are joined with this. */
const separator = "+";

/** Several views that are trained from together. Use `mix`. */
export class Mix {
  readonly views: readonly View[];
  readonly weights: readonly number[];
  /** Samples of all views together. */
  readonly size: number;
  readonly #parts: readonly ViewParts[];
  readonly #fields: readonly NamedField[];
  readonly #fieldsOfAll: readonly (readonly NamedField[])[];

  /** Use `mix`. */
  constructor(views: readonly View[], weights: readonly number[]) {
    this.views = [...views];
    this.weights = [...weights];
    this.size = views.reduce((sum, view) => sum + view.size, 0);
    this.#parts = views.map(partsOf);
    const fields = this.#parts.map(fieldsOf);
    fields.forEach((other, k) => {
      if (k > 0) requireSameFields(fields[0]!, other, k, views[k]!.path);
    });
    this.#fields = fields[0]!;
    this.#fieldsOfAll = fields;
  }

  /**
   * Samples of each view in every batch of this size: in proportion to the weights, largest remainders rounded up.
   *
   * @throws SpillwayError `usage` for a batch too small to have one of each; it names the least that works
   */
  quotas(batchSize: number): number[] {
    requireWhole("batchSize", batchSize, 1);
    return quotasOf(batchSize, this.weights);
  }

  /**
   * Mini-batches with a fixed number of samples of each view. An epoch is as many as the samples of all views would
   * fill; a view whose quota is larger than its part of them comes round more often than that, another less often.
   *
   * @throws SpillwayError `usage` for options that make no sense, `mismatch` for a token of another mix; from the loop
   * what those of its views throw, with which view it was
   */
  batches(options: MixedBatchOptions = {}): MixedBatches {
    const { last: _last, ...names } = batchOptions;
    checkOptionNames("batches() of a mix", options, names);
    const { batchSize = 32, epochs = 1, deliver = "float32", worldSize = 1, resume, ...others } = options;
    const quotas = this.quotas(batchSize);
    if (epochs !== Number.POSITIVE_INFINITY) requireWhole("epochs", epochs, 0);
    if (deliver === "stored") requireSameEncodings(this.#fieldsOfAll);
    requireNoMixing(options.augment ?? []);
    const tokens = this.#tokensOf(resume);
    const companies = companiesOf(this.#parts, quotas);
    const common = { ...others, deliver, worldSize, epochs: Number.POSITIVE_INFINITY, last: "join" as const };
    const loops = this.#parts.map(({ loop }, k) => {
      const company = companies[k]!;
      const own = { ...common, batchSize: quotas[k]!, ...(tokens && { resume: tokens[k]! }) };
      try {
        return loop(own, company);
      } catch (error) {
        throw error instanceof SpillwayError && error.code === "mismatch"
          ? inView(error, k, this.views[k]!)
          : error;
      }
    });
    const perEpoch = Math.floor(this.size / (batchSize * worldSize));
    if (perEpoch === 0) throw noBatch(this.size, batchSize, worldSize);
    const behind = (tokens ?? []).reduce((sum, token) => sum + parseToken(token).position, 0);
    const start = Math.floor(behind / (batchSize * worldSize));
    const end = Math.max(start, epochs * perEpoch);
    const meter = new DrawingMeter();
    const run = () => this.#run({ loops, meter, quotas, deliver, perEpoch, start, end });
    const stats = () => {
      const views = loops.map((loop) => loop.stats());
      return mixStats(meter.stats(0), views, quotas);
    };
    return { ...takenOnce(end - start, run), quotas, stats };
  }

  /** The token of each view, where a run goes on. */
  #tokensOf(resume: string | undefined): string[] | undefined {
    if (resume === undefined) return undefined;
    const tokens = resume.split(separator);
    if (tokens.length === this.views.length) return tokens;
    const views = `${tokens.length} view${tokens.length === 1 ? "" : "s"}`;
    throw new SpillwayError(
      "mismatch",
      `the resume token is of ${views}, this is a mix of ${this.views.length}`,
      { remedy: "Resume with the same views in the same order, or start anew without the token." },
    );
  }

  async *#run(plan: RunPlan): AsyncGenerator<MixedBatch, void, undefined> {
    const { loops, meter, quotas, deliver, perEpoch, start, end } = plan;
    if (start === end) return;
    for (const { engine } of this.#parts) engine.requireOpen();
    const batchSize = quotas.reduce((sum, quota) => sum + quota, 0);
    const reservation = this.#parts[0]!.engine.pool.reserve(
      mixedBatchBytes(this.#fields, batchSize, deliver),
      `a mixed batch of ${batchSize} samples`,
    );
    const iterators = loops.map((loop) => loop[Symbol.asyncIterator]());
    // Loops without an end: each always has a next batch.
    const next = (k: number): Promise<Batch> =>
      iterators[k]!.next().then(
        ({ value }) => value as Batch,
        (error) => Promise.reject(inView(error, k, this.views[k]!)),
      );
    try {
      const arrays = new MixedArrays(this.#fields, quotas, deliver, reservation);
      let parts: Batch[] = [];
      for (let number = start; number < end; number += 1) {
        meter.ask(performance.now());
        if (number === start) for (const k of bySize(quotas)) parts[k] = await next(k);
        else parts = await Promise.all(quotas.map((_, k) => next(k)));
        // A dataset that was closed meanwhile has given its memory away.
        for (const { engine } of this.#parts) engine.requireOpen();
        arrays.fill(parts);
        meter.get(performance.now(), batchSize);
        yield new HeldMixedBatch(arrays, {
          epoch: Math.floor(number / perEpoch),
          index: number % perEpoch,
          resume: parts.map((part) => part.resume).join(separator),
        });
      }
    } finally {
      meter.rest(performance.now());
      await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
      reservation.release();
    }
  }
}

interface RunPlan {
  loops: readonly Batches[];
  /** Measures how long the loop waits for them. */
  meter: DrawingMeter;
  quotas: readonly number[];
  deliver: NonNullable<BatchOptions["deliver"]>;
  /** Batches of an epoch. */
  perEpoch: number;
  /** Numbers of the first batch and of the one after the last. */
  start: number;
  end: number;
}

/**
 * Views that are trained from together, each batch with a fixed number of samples of each.
 *
 *   const both = mix([lab.view({ split: "train" }), field.view()], [0.7, 0.3]);
 *   for await (const batch of both.batches({ batchSize: 64, seed: 7 })) batch.origins; // 45 zeros, 19 ones
 *
 * @param views of one or several open datasets whose fields are the same
 * @param weights the part of each view, in any unit
 * @throws SpillwayError `usage` for weights that make no sense, `mismatch` for fields that differ, both named
 */
export function mix(views: readonly View[], weights: readonly number[]): Mix {
  if (views.length === 0 || views.length !== weights.length) {
    throw new SpillwayError("usage", `a mix of ${views.length} views has ${weights.length} weights`, {
      remedy: "Give each view a weight: mix([a, b], [0.7, 0.3]).",
    });
  }
  requireWeights(weights);
  return new Mix(views, weights);
}

function fieldsOf({ engine }: ViewParts): NamedField[] {
  return engine.table.columns.map(({ name, field }) => [name, field]);
}

/** Numbers of the views, those with larger quotas first: loops leave room for such as are no larger. */
function bySize(quotas: readonly number[]): number[] {
  return quotas.map((_, k) => k).sort((a, b) => quotas[b]! - quotas[a]! || a - b);
}

/** For each view, the loops of the mix that share a dataset's memory with its own. */
function companiesOf(parts: readonly ViewParts[], quotas: readonly number[]): Company[] {
  const companies: Company[] = [];
  const after = new Map<Engine, number>();
  for (const k of bySize(quotas).reverse()) {
    const { engine } = parts[k]!;
    companies[k] = {
      loops: parts.filter((part) => part.engine === engine).length,
      after: after.get(engine) ?? 0,
    };
    after.set(engine, companies[k].after + 1);
  }
  return companies;
}

/** Batches of a mix are put together of parts, which do not say what was mixed within them. */
function requireNoMixing(augment: readonly Augmentation[]): void {
  const mixing = augment.find(({ name }) => name === "mixup" || name === "cutmix");
  if (!mixing) return;
  throw new SpillwayError("usage", `${mixing.name} mixes samples of one view, and this is a mix of several`, {
    remedy: `Leave ${mixing.name} out, or train from a single view.`,
  });
}

function noBatch(size: number, batchSize: number, worldSize: number): SpillwayError {
  return new SpillwayError(
    "usage",
    `${size} samples do not fill one batch of ${batchSize} for ${worldSize} ranks`,
    { remedy: `Lower batchSize to ${Math.max(1, Math.floor(size / worldSize))}.` },
  );
}

/** What a view's loop threw, with which view it was. Reasons of signals and the like stay as they are. */
function inView(thrown: unknown, k: number, view: View): unknown {
  if (!(thrown instanceof SpillwayError)) return thrown;
  const { code, what, remedy, where } = thrown;
  return new SpillwayError(code, `views[${k}] of the mix, of ${view.path}: ${what}`, {
    remedy,
    where: { dataset: view.path, ...where },
    cause: thrown,
  });
}

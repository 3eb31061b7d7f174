// Training and testing of a TensorFlow.js model, batch by batch: read, make tensors, train, free them.
// Rule: no tensor is left over when a batch is done, whichever way it ends. Now and then the loop lets the process see
// to timers and signals: with data at hand it would otherwise never come back to them.

import type { LayersModel, Tensor } from "@tensorflow/tfjs";
import type { BatchSource, View } from "../dataset/view.js";
import type { BatchOptions } from "../dataset/view-options.js";
import { SpillwayError } from "../errors.js";
import type { Batch } from "../load/batch.js";
import { checkOptionNames, type OptionNames } from "../option-names.js";
import { loadTensorFlow, type TensorFlow } from "./tfjs-backend.js";
import { type TensorOptions, tensors } from "./tfjs-tensors.js";

/** How well a model did, the mean over samples. */
export interface Score {
  loss: number;
  /** Share of samples found right, 0 to 1; undefined unless the model was compiled with `metrics: ["accuracy"]`. */
  accuracy: number | undefined;
}

/** Where training stands after a batch. */
export interface BatchReport extends Score {
  epoch: number;
  /** Number of the batch in its epoch, from 0, and batches of a whole epoch. */
  index: number;
  batchCount: number;
  /** Samples of this batch. */
  size: number;
  /** Samples trained per second in this epoch, reading included, validation not. */
  samplesPerSecond: number;
  /** Token to go on after this batch: `fit(model, view, { resume })`. */
  resume: string;
}

/** What an epoch came to. */
export interface EpochReport extends Score {
  epoch: number;
  samples: number;
  /** Time for training, reading included, validation not. */
  seconds: number;
  samplesPerSecond: number;
  /** On `options.validation`, after the epoch. */
  validation: Score | undefined;
}

/** What a trainer of a feed needs besides: how batches come is the trainer's own. */
export interface TrainerFitOptions extends TensorOptions {
  /**
   * Samples to test on after each epoch: a view, in catalog order; or a trainer of another feed, of which each test takes
   * one epoch.
   */
  validation?: View | EpochSource;
  /** Called after each batch; a promise is waited for. */
  onBatch?: (report: BatchReport) => void | Promise<void>;
  /** Called after each epoch and its validation. */
  onEpoch?: (report: EpochReport) => void | Promise<void>;
}

const trainerFitOptions: OptionNames<TrainerFitOptions> = {
  x: true,
  y: true,
  oneHot: true,
  validation: true,
  onBatch: true,
  onEpoch: true,
};

/** Batches as for `view.batches()`, the last one whole or not. */
export interface FitOptions
  extends TrainerFitOptions,
    Pick<
      BatchOptions,
      | "batchSize"
      | "seed"
      | "epochs"
      | "balance"
      | "weights"
      | "normalize"
      | "augment"
      | "augmentSeed"
      | "resume"
      | "signal"
    > {}

/** Batches that come epoch by epoch: a trainer of a feed, in this thread or handed over to it. */
export interface EpochSource extends AsyncIterable<Batch> {
  readonly batchSize: number;
  /** Samples of a whole epoch. */
  readonly size: number;
  readonly batchesPerEpoch: number;
}

/** What a model was trained on normalised is to be tested on normalised in the same way. */
export interface EvaluateOptions
  extends TensorOptions,
    Pick<BatchOptions, "batchSize" | "normalize" | "signal"> {}

/**
 * Trains a model, each epoch on every sample of the view exactly once, or as `balance`, `weights` or a mix draws them.
 * Several models train from one reading as trainers of a feed.
 *
 * @param model compiled, from the same copy of TensorFlow.js
 * @param source a view, a mix, or a trainer: `view.feed().trainer()`
 * @returns one report per epoch
 * @throws SpillwayError as `view.batches()` does; the signal's reason when aborted
 */
export async function fit(
  model: LayersModel,
  source: BatchSource,
  options: FitOptions,
): Promise<EpochReport[]>;
export async function fit(
  model: LayersModel,
  source: EpochSource,
  options: TrainerFitOptions,
): Promise<EpochReport[]>;
export async function fit(
  model: LayersModel,
  source: BatchSource | EpochSource,
  options: FitOptions,
): Promise<EpochReport[]> {
  const { x, y, oneHot, validation, onBatch, onEpoch, ...batchOptions } = options;
  const tf = await loadFor(model);
  const reports: EpochReport[] = [];
  const isView = "batches" in source;
  if (!isView) checkOptionNames<TrainerFitOptions>("fit() of a trainer", options, trainerFitOptions);
  const batches = isView ? source.batches(batchOptions) : source;
  const batchCount = isView
    ? source.batches({ batchSize: batchOptions.batchSize }).count
    : source.batchesPerEpoch;
  const tester = validation && testOn(validation, options);
  let mean = new Mean();
  let lastEpoch: number | undefined;
  let startMs = performance.now();

  const endEpoch = async (epoch: number) => {
    const seconds = (performance.now() - startMs) / 1000;
    const score = await tester?.test(model);
    const { samples } = mean;
    const report = {
      epoch,
      ...mean.score(),
      samples,
      seconds,
      samplesPerSecond: samples / seconds,
      validation: score,
    };
    reports.push(report);
    await onEpoch?.(report);
    mean = new Mean();
    startMs = performance.now();
  };

  try {
    for await (const batch of batches) {
      const { epoch, index, size, resume } = batch;
      if (lastEpoch !== undefined && lastEpoch !== epoch) await endEpoch(lastEpoch);
      lastEpoch = epoch;
      const score = await trainOnTensors(tf, model, tensors(tf, batch, { x, y, oneHot }));
      mean.add(score, size);
      const samplesPerSecond = (mean.samples / (performance.now() - startMs)) * 1000;
      await onBatch?.({ ...score, epoch, index, batchCount, size, samplesPerSecond, resume });
    }
    if (lastEpoch !== undefined) await endEpoch(lastEpoch);
  } finally {
    await tester?.end();
  }
  return reports;
}

/**
 * Tests a model on every sample of a view, in catalog order, and learns nothing.
 *
 * @returns means over all samples
 * @throws SpillwayError as `view.batches()` does; the signal's reason when aborted
 */
export async function evaluate(model: LayersModel, view: View, options: EvaluateOptions): Promise<Score> {
  const { batchSize, normalize, signal } = options;
  const tf = await loadFor(model);
  const mean = new Mean();
  const batches = view.batches({ shuffle: false, batchSize, normalize, signal });
  for await (const batch of batches) mean.add(testOnBatch(tf, model, batch, options), batch.size);
  return mean.score();
}

/** How a model is tested after each epoch. */
function testOn(validation: View | EpochSource, options: FitOptions): Tester {
  if ("batches" in validation)
    return { test: (model) => evaluate(model, validation, options), end: async () => {} };
  const batches = validation[Symbol.asyncIterator]();
  return {
    async test(model) {
      const tf = await loadFor(model);
      const mean = new Mean();
      while (mean.samples < validation.size) {
        const { value, done } = await batches.next();
        if (done) throw noMoreEpochs();
        mean.add(testOnBatch(tf, model, value, options), value.size);
      }
      return mean.score();
    },
    // It leaves its feed: others would wait for it.
    end: async () => void (await batches.return?.()),
  };
}

interface Tester {
  test(model: LayersModel): Promise<Score>;
  end(): Promise<void>;
}

function noMoreEpochs(): SpillwayError {
  return new SpillwayError("usage", "the trainer that gives samples to test on has no more epochs", {
    remedy: "Give it as many epochs as the one that trains: trainer({ epochs }), with the same last.",
  });
}

function testOnBatch(tf: TensorFlow, model: LayersModel, batch: Batch, options: TensorOptions): Score {
  const { x, y } = tensors(tf, batch, options);
  try {
    const found = model.evaluate(x, y, { batchSize: batch.size, verbose: 0 });
    const values = [found].flat().map((scalar) => scalar.dataSync()[0]!);
    tf.dispose(found);
    return scoreOf(model, values);
  } finally {
    tf.dispose([x, y]);
  }
}

async function trainOnTensors(
  tf: TensorFlow,
  model: LayersModel,
  pair: { x: Tensor; y: Tensor },
): Promise<Score> {
  try {
    return scoreOf(model, [await model.trainOnBatch(pair.x, pair.y)].flat());
  } finally {
    tf.dispose(pair);
  }
}

/** TensorFlow.js gives the loss first, then the metrics in the order in which they were compiled. */
function scoreOf(model: LayersModel, values: readonly number[]): Score {
  const at = model.metricsNames.indexOf("acc");
  return { loss: values[0]!, accuracy: at < 0 ? undefined : values[at] };
}

async function loadFor(model: LayersModel): Promise<TensorFlow> {
  const tf = await loadTensorFlow();
  if (model instanceof tf.LayersModel) return tf;
  throw new SpillwayError("mismatch", "the model was not made by the @tensorflow/tfjs that Spillway loads", {
    remedy:
      "Make it with the module that useWasm() returns, and see that `npm ls @tensorflow/tfjs` lists one copy.",
  });
}

/** Means weighted by the number of samples. */
class Mean {
  samples = 0;
  #loss = 0;
  #accuracy: number | undefined = 0;

  add(score: Score, samples: number): void {
    this.samples += samples;
    this.#loss += score.loss * samples;
    this.#accuracy =
      score.accuracy === undefined || this.#accuracy === undefined
        ? undefined
        : this.#accuracy + score.accuracy * samples;
  }

  score(): Score {
    return {
      loss: this.#loss / this.samples,
      accuracy: this.#accuracy === undefined ? undefined : this.#accuracy / this.samples,
    };
  }
}

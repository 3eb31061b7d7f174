// Probe training: a small model is trained on the values as they are and in smaller types, with several seeds, and the
// accuracies are compared. Each version is a dataset of its own in a scratch folder, read as any other; all have the same
// samples, splits and orders, so that seeds mean the same to each.

import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { useWasm } from "../adapters/tfjs-backend.js";
import { evaluate, fit } from "../adapters/tfjs-fit.js";
import type { Dataset } from "../dataset/dataset.js";
import { open } from "../dataset/open.js";
import { SpillwayError } from "../errors.js";
import type { PackOptions } from "../pack/options.js";
import { pack } from "../pack/pack.js";
import type { DtypeChoice } from "../pack/stored-fields.js";
import { type Fields, fieldStride, type TensorField } from "../tensor/field.js";
import { createModel } from "./model.js";
import { judge, type ProbedVersion, type Verdict } from "./verdict.js";

/** Samples that are trained on at most: enough to tell types apart, few enough for minutes. */
const maxSamples = 20_000;
const maxBytes = 2 ** 28;
const batchSize = 64;
const memory = "128 MiB";

export interface ProbeOptions {
  /** Types that are tried; default: int16, float16 and uint8. */
  dtypes?: readonly DtypeChoice[];
  /** Field that the model sees; default: the largest tensor. */
  x?: string;
  /** Class field that it is to find; default: the only one. */
  y?: string;
  /** Trainings of each version, default 3. */
  seeds?: number;
  /** Default 5. */
  epochs?: number;
  /** Seconds after which no further training begins, default 300. */
  limitSeconds?: number;
  /** How the source is read, as for `pack`. */
  source?: Pick<PackOptions, "kind" | "labels" | "key" | "labelColumn" | "source" | "channelAxis">;
  signal?: AbortSignal;
  onProgress?: (progress: ProbeProgress) => void;
}

/** Where a probe stands: a training that begins, of so many. */
export interface ProbeProgress {
  version: string;
  seed: number;
  training: number;
  trainings: number;
}

export interface ProbeReport {
  x: string;
  y: string;
  trainSamples: number;
  validationSamples: number;
  epochs: number;
  /** Whether the time limit came before all seeds were trained. */
  isCut: boolean;
  seconds: number;
  /** Values as they are, and each type. */
  versions: readonly ProbedVersion[];
  verdicts: readonly Verdict[];
}

/**
 * @param path a source or a dataset, as for `pack`
 * @throws SpillwayError `missing` where TensorFlow.js is not installed; `usage` for data without classes; as `pack` does
 */
export async function probe(path: string, options: ProbeOptions = {}): Promise<ProbeReport> {
  const {
    dtypes = ["int16", "float16", "uint8"],
    seeds = 3,
    epochs = 5,
    limitSeconds = 300,
    signal,
  } = options;
  const start = performance.now();
  await useWasm();
  const folder = fs.mkdtempSync(join(tmpdir(), "spillway-probe-"));
  try {
    const task = await prepare(path, join(folder, "original"), options);
    const names = ["as it is", ...dtypes];
    const versions: { name: string; folder: string; accuracies: number[]; bytesPerSample: number }[] = [];
    for (const [k, name] of names.entries()) {
      const own = k === 0 ? join(folder, "original") : join(folder, name);
      if (k > 0) await convert(join(folder, "original"), own, task.x, name as DtypeChoice, options);
      versions.push({ name, folder: own, accuracies: [], bytesPerSample: await strideOf(own, task.x) });
    }
    const trainings = seeds * versions.length;
    let training = 0;
    let isCut = false;
    for (let seed = 0; seed < seeds && !isCut; seed += 1) {
      for (const version of versions) {
        signal?.throwIfAborted();
        isCut = (performance.now() - start) / 1000 > limitSeconds;
        if (isCut) break;
        options.onProgress?.({ version: version.name, seed, training, trainings });
        version.accuracies.push(await train(version.folder, task, seed, epochs, signal));
        training += 1;
      }
    }
    const probed = versions.map(({ folder: _folder, ...version }) => version);
    return {
      ...task,
      epochs,
      isCut,
      seconds: (performance.now() - start) / 1000,
      versions: probed,
      verdicts: judge(probed[0]!, probed.slice(1), task.validationSamples),
    };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface Task {
  x: string;
  y: string;
  trainSamples: number;
  validationSamples: number;
}

/** Packs some of the samples as they are, splits them, and measures what normalisation goes by. */
async function prepare(path: string, target: string, options: ProbeOptions): Promise<Task> {
  await packSome(path, target, options);
  return withOpen(target, async (dataset) => {
    const { x, y } = fieldsOf(dataset.fields, options, path);
    await dataset.split({ train: 0.8, val: 0.2 }, { stratify: y, scheme: "probe" });
    await dataset.measureStatistics({
      scheme: "probe",
      ...(options.source?.channelAxis && { channelAxis: options.source.channelAxis }),
    });
    const sizeOf = (split: string) => dataset.view({ split, scheme: "probe" }).size;
    return { x, y, trainSamples: sizeOf("train"), validationSamples: sizeOf("val") };
  });
}

async function packSome(path: string, target: string, { source = {}, signal }: ProbeOptions): Promise<void> {
  const { channelAxis: _axis, ...sourceOptions } = source;
  const options: PackOptions = { ...sourceOptions, memory: "64 MiB", ...(signal && { signal }) };
  try {
    await pack(path, target, { ...options, take: maxSamples });
  } catch (error) {
    // How many samples there are is not known beforehand: all of them, then.
    if (!(error instanceof SpillwayError && /is not known before/.test(error.what))) throw error;
    await pack(path, target, options);
  }
  const bytes = await withOpen(target, async ({ manifest }) =>
    manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
  );
  if (bytes <= maxBytes) return;
  const less = `${target}-less`;
  await pack(target, less, { take: `${Math.max(0.01, (100 * maxBytes) / bytes)}%`, memory: "64 MiB" });
  fs.rmSync(target, { recursive: true });
  fs.renameSync(less, target);
}

function fieldsOf(fields: Fields, { x, y }: ProbeOptions, path: string): { x: string; y: string } {
  const classes = Object.keys(fields).filter((name) => fields[name]!.kind === "class");
  const tensors = Object.keys(fields)
    .filter((name) => (fields[name] as TensorField).shape?.length > 0)
    .sort((a, b) => fieldStride(fields[b]!) - fieldStride(fields[a]!));
  const [found, label] = [x ?? tensors[0], y ?? (classes.length === 1 ? classes[0] : undefined)];
  if (found !== undefined && tensors.includes(found) && label !== undefined && classes.includes(label))
    return { x: found, y: label };
  throw new SpillwayError(
    "usage",
    classes.length === 0
      ? `${path} has no classes, which a probe trains a model to tell apart`
      : `${path} has the tensor fields ${tensors.join(", ")} and the class fields ${classes.join(", ")}`,
    {
      remedy:
        classes.length === 0
          ? "Give labels (--labels), or judge by the errors in the report."
          : "Name one of each: --x and --y.",
      where: { path },
    },
  );
}

async function convert(
  from: string,
  to: string,
  x: string,
  dtype: DtypeChoice,
  { source = {}, signal }: ProbeOptions,
): Promise<void> {
  const axis = source.channelAxis?.[x];
  await pack(from, to, {
    kind: "dataset",
    memory: "64 MiB",
    dtype: { [x]: dtype },
    lossy: true,
    clip: true,
    ...(axis !== undefined && { channelAxis: { [x]: axis } }),
    ...(signal && { signal }),
  });
}

async function strideOf(path: string, x: string): Promise<number> {
  return withOpen(path, async ({ fields }) => fieldStride(fields[x]!));
}

/** Trains a model of its own, and gives its accuracy on the validation samples. */
async function train(
  path: string,
  { x, y }: Task,
  seed: number,
  epochs: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  return withOpen(path, async (dataset) => {
    const { shape } = dataset.fields[x] as TensorField;
    const field = dataset.fields[y]!;
    const model = await createModel(shape, field.kind === "class" ? field.classes.length : 2, seed);
    try {
      const options = { x, y, batchSize, normalize: "standard" as const, ...(signal && { signal }) };
      const view = (split: string) => dataset.view({ split, scheme: "probe" });
      await fit(model, view("train"), { ...options, seed, epochs });
      return (await evaluate(model, view("val"), options)).accuracy ?? 0;
    } finally {
      model.dispose();
    }
  });
}

async function withOpen<T>(path: string, work: (dataset: Dataset) => Promise<T>): Promise<T> {
  const dataset = await open(path, { memory });
  try {
    return await work(dataset);
  } finally {
    await dataset.close();
  }
}

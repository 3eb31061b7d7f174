// A batch as tensors. The batch's arrays are views of the ring and are written again soon, so every tensor has numbers
// of its own: by TensorFlow.js's upload where that happens at once, by a copy elsewhere.

import type { Tensor } from "@tensorflow/tfjs";
import { SpillwayError } from "../errors.js";
import type { Batch, BatchField } from "../load/batch.js";
import type { DType } from "../tensor/dtype.js";
import type { TensorFlow } from "./tfjs-backend.js";

/** Which fields of a batch become tensors. */
export interface TensorOptions {
  /** Name of the field that the model sees. */
  x: string;
  /** Name of the field that it is to find: a class label, or numbers. */
  y: string;
  /**
   * Number of classes, to turn class labels into rows of zeros and a one, [n, classes]; where mixup or cutmix has mixed
   * samples, with the weights of both labels. Default: labels as numbers, [n], as `sparseCategoricalCrossentropy` takes
   * them.
   */
  oneHot?: number;
}

/**
 * Backends that copy an array when they are given it. "cpu" keeps the array itself, "webgl" and "webgpu" upload when
 * the tensor is first used: by then the ring holds other samples.
 */
const copyingBackends = new Set(["wasm"]);

/** Dtypes whose array does not hold plain numbers: raw bits of float16, BigInts. */
const refusedDtypes: ReadonlySet<DType> = new Set(["float16", "int64", "uint64"]);

/**
 * Tensors of a batch, samples first: x as [64, 256, 8], say, and y as [64]. They stay valid when the batch is gone, and
 * are yours to free: `tf.dispose(pair)`.
 *
 * @param tf the module "@tensorflow/tfjs", as `useWasm` gives it
 * @throws SpillwayError `missing` for a field that the batch does not have, `usage` for numbers that no tensor holds
 */
export function tensors(tf: TensorFlow, batch: Batch, options: TensorOptions): { x: Tensor; y: Tensor } {
  const { x, y, oneHot } = options;
  if (batch.mixed && oneHot === undefined) throw mixedLabels(y);
  const input = fieldTensor(tf, batch, x);
  try {
    return {
      x: input,
      y: oneHot === undefined ? fieldTensor(tf, batch, y) : oneHotTensor(tf, batch, y, oneHot),
    };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/**
 * One field of a batch as a float32 tensor, which is what layers and losses of TensorFlow.js work in. Yours to free.
 *
 * @throws SpillwayError as `tensors` does
 */
export function fieldTensor(tf: TensorFlow, batch: Batch, name: string): Tensor {
  const field = fieldOf(batch, name);
  if (refusedDtypes.has(field.dtype)) {
    throw new SpillwayError(
      "usage",
      `field "${name}" comes as ${field.dtype}, which TensorFlow.js has no tensor for`,
      {
        remedy: "Leave out deliver, so that it comes as float32.",
        where: { field: name },
      },
    );
  }
  const data = field.data as Float32Array;
  // Of any other array than this, TensorFlow.js makes a new one.
  const isKept = data instanceof Float32Array && !copyingBackends.has(tf.getBackend());
  return tf.tensor(isKept ? data.slice() : data, [...field.shape], "float32");
}

function oneHotTensor(tf: TensorFlow, batch: Batch, name: string, classCount: number): Tensor {
  const field = fieldOf(batch, name);
  const count = field.shape[0]!;
  if (field.data.length !== count || !Number.isInteger(classCount) || classCount < 1) {
    throw new SpillwayError(
      "usage",
      `field "${name}" of shape [${field.shape.join(", ")}] cannot become one of ${classCount} classes`,
      {
        remedy: "Give oneHot the number of classes, and a field with one label per sample.",
        where: { field: name },
      },
    );
  }
  const values = new Float32Array(count * classCount);
  const { mixed } = batch;
  for (let sample = 0; sample < count; sample += 1) {
    const label = Number(field.data[sample]);
    if (!(label >= 0 && label < classCount)) {
      throw new SpillwayError(
        "usage",
        `a label of field "${name}" is ${label}, but oneHot is ${classCount}`,
        {
          remedy: "Give oneHot the number of classes of the field.",
          where: { field: name },
        },
      );
    }
    values[sample * classCount + label] = mixed ? mixed.weights[sample]! : 1;
  }
  for (let sample = 0; mixed && sample < count; sample += 1) {
    const partner = Number(field.data[mixed.partners[sample]!]);
    values[sample * classCount + partner]! += 1 - mixed.weights[sample]!;
  }
  return tf.tensor(values, [count, classCount], "float32");
}

function mixedLabels(field: string): SpillwayError {
  return new SpillwayError("usage", `samples are mixed, and field "${field}" comes as one label each`, {
    remedy:
      'Give oneHot the number of classes, and compile with "categoricalCrossentropy"; or leave out mixup and cutmix.',
    where: { field },
  });
}

function fieldOf(batch: Batch, name: string): BatchField {
  const field = batch.fields[name];
  if (field) return field;
  throw new SpillwayError("missing", `there is no field "${name}"`, {
    remedy: `Use one of ${Object.keys(batch.fields).join(", ")}.`,
    where: { field: name },
  });
}

// A view as a tf.data.Dataset, for `model.fitDataset` and the rest of tf.data: each iteration is the next epoch.
// Rule: `fitDataset` frees what it is given and nothing else, so nothing else is made here.

import type { data, Tensor } from "@tensorflow/tfjs";
import type { View } from "../dataset/view.js";
import type { BatchOptions } from "../dataset/view-options.js";
import { checkSeed } from "../order/keys.js";
import { encodeToken } from "../order/token.js";
import { loadTensorFlow, type TensorFlow } from "./tfjs-backend.js";
import { type TensorOptions, tensors } from "./tfjs-tensors.js";

export interface TfDataOptions
  extends TensorOptions,
    Pick<
      BatchOptions,
      "batchSize" | "seed" | "shuffle" | "rank" | "worldSize" | "last" | "normalize" | "signal"
    > {}

/**
 * Batches of a view as a tf.data.Dataset of { xs, ys }. The first iteration gives epoch 0, the next one epoch 1, each
 * in the same order as `view.batches()` with that seed. An iteration that is left before its end, as with
 * `batchesPerEpoch`, keeps its memory and threads until the Spillway dataset is closed.
 *
 *   await model.fitDataset(await tfData(train, { x: "wave", y: "label", batchSize: 64 }), { epochs: 10 });
 *
 * @throws SpillwayError `missing` where TensorFlow.js is not installed; iterating throws what `view.batches()` does
 */
export async function tfData(
  view: View,
  options: TfDataOptions,
): Promise<data.Dataset<{ xs: Tensor; ys: Tensor }>> {
  const tf = await loadTensorFlow();
  checkSeed(options.seed ?? 0);
  let epochs = 0;
  // Numbered when the first pair is asked for: `fitDataset` makes an iterator more than it uses.
  return tf.data.generator(() => pairsOfEpoch(tf, view, options, () => epochs++));
}

async function* pairsOfEpoch(
  tf: TensorFlow,
  view: View,
  options: TfDataOptions,
  takeEpoch: () => number,
): AsyncGenerator<{ xs: Tensor; ys: Tensor }> {
  const { x, y, oneHot, seed = 0, shuffle = true, ...batchOptions } = options;
  const epoch = takeEpoch();
  const resume = encodeToken({
    seed: shuffle ? seed : undefined,
    position: epoch * view.size,
    view: view.fingerprint,
    commit: view.commit,
  });
  for await (const batch of view.batches({ ...batchOptions, resume, epochs: epoch + 1 })) {
    const pair = tensors(tf, batch, { x, y, oneHot });
    yield { xs: pair.x, ys: pair.y };
  }
}

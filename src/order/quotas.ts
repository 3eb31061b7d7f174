// Quotas: how many samples of each batch come from each of several views. In proportion to the weights, the largest
// remainders rounded up, the same in every batch.
// Rule: quotas add up to the batch size, and none is 0.

import { SpillwayError } from "../errors.js";

/** Batch sizes that are tried in search of the least. */
const mostTried = 100_000;

/** Remainders closer than this count as equal: the earlier view is then served first. */
const tolerance = 1e-9;

/**
 * Shares a batch out.
 *
 * @param weights above 0, in any unit: [0.7, 0.3] and [7, 3] are the same
 * @throws SpillwayError `usage` for weights that make no sense, or a batch too small to have a sample of each view
 */
export function quotasOf(batchSize: number, weights: readonly number[]): number[] {
  const sum = requireWeights(weights);
  const quotas = shareOut(batchSize, weights, sum);
  const empty = quotas.indexOf(0);
  if (empty >= 0) {
    throw new SpillwayError(
      "usage",
      `a batch of ${batchSize} has no room for views[${empty}], whose weight is ${weights[empty]} of ${sum}`,
      { remedy: `Raise batchSize to ${leastBatchSize(batchSize, weights, sum)}, or the weight.` },
    );
  }
  return quotas;
}

/**
 * The sum of the weights.
 *
 * @throws SpillwayError `usage` for one that is not above 0
 */
export function requireWeights(weights: readonly number[]): number {
  weights.forEach((weight, k) => {
    if (weight > 0 && weight < Number.POSITIVE_INFINITY) return;
    throw new SpillwayError("usage", `the weight ${weight} of views[${k}] is no number above 0`, {
      remedy: "Give each view its part, such as [0.7, 0.3].",
    });
  });
  return weights.reduce((sum, weight) => sum + weight, 0);
}

function shareOut(batchSize: number, weights: readonly number[], sum: number): number[] {
  const exact = weights.map((weight) => (batchSize * weight) / sum);
  const quotas = exact.map((share) => Math.floor(share + tolerance));
  const left = batchSize - quotas.reduce((total, quota) => total + quota, 0);
  const byRemainder = exact.map((share, k) => ({ k, rest: share - quotas[k]! }));
  byRemainder.sort((a, b) => (Math.abs(a.rest - b.rest) < tolerance ? a.k - b.k : b.rest - a.rest));
  for (const { k } of byRemainder.slice(0, left)) quotas[k]! += 1;
  return quotas;
}

/** The least batch size above one that is too small. Beyond `mostTried`, one that is surely large enough. */
function leastBatchSize(tooSmall: number, weights: readonly number[], sum: number): number {
  const enough = Math.ceil(sum / Math.min(...weights));
  for (let size = tooSmall + 1; size < Math.min(enough, tooSmall + mostTried); size += 1) {
    if (!shareOut(size, weights, sum).includes(0)) return size;
  }
  return enough;
}

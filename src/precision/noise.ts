// How much of a channel is noise. The second difference of successive values takes out what changes slowly; the median of
// its magnitude, scaled to a normal distribution, is the noise's standard deviation, whatever spikes there are.

/**
 * Standard deviation of the noise of values that come in stretches, in their unit.
 *
 * A signal that is itself as fast as the sampling counts as noise.
 *
 * @param length values in a stretch: differences are taken within stretches alone
 * @returns null where stretches are shorter than 3, or nothing is finite
 */
export function noiseOf(values: Float64Array, length: number): number | null {
  if (length < 3) return null;
  const differences = new Float64Array(values.length);
  let count = 0;
  for (let start = 0; start + length <= values.length; start += length) {
    for (let k = start + 1; k < start + length - 1; k += 1) {
      const difference = Math.abs(values[k - 1]! - 2 * values[k]! + values[k + 1]!);
      if (!(difference < Number.POSITIVE_INFINITY)) continue;
      differences[count] = difference;
      count += 1;
    }
  }
  if (count === 0) return null;
  const sorted = differences.subarray(0, count).sort();
  const middle = count >> 1;
  const median = count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  // The variance of the second difference of white noise is 1 + 4 + 1 times its own.
  return (1.4826 * median) / Math.sqrt(6);
}

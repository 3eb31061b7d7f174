// How large a chi-square statistic may be where everything is as it should be.

/**
 * The value that a true chi-square statistic exceeds once in about a thousand million times. Wilson and Hilferty's
 * approximation, six standard deviations out.
 *
 * @param degrees degrees of freedom
 */
export function chiSquareBound(degrees: number): number {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 6 * Math.sqrt(spread)) ** 3;
}

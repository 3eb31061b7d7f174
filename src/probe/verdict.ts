// What a probe training says: whether a smaller type costs more than chance does. Pure.

/** The accuracies of one version, by seed. */
export interface ProbedVersion {
  name: string;
  /** Bytes of a sample's input as it is stored. */
  bytesPerSample: number;
  /** Share of validation samples found right, 0 to 1, a number for each seed that was trained. */
  accuracies: readonly number[];
}

export interface Verdict {
  name: string;
  /** Mean accuracy less that of the values as they are. */
  difference: number;
  /** Largest less smallest accuracy of the values as they are, over the seeds; at least one validation sample. */
  spread: number;
  /** Undefined where too few seeds were trained to tell. */
  isAccepted: boolean | undefined;
  /** In a sentence. */
  reason: string;
}

/** Seeds below which nothing is said. */
const leastSeeds = 2;

/**
 * Judges versions by the spread between seeds: what training with another seed changes anyway is no loss.
 *
 * @param original the values as they are
 * @param samples validation samples
 */
export function judge(
  original: ProbedVersion,
  versions: readonly ProbedVersion[],
  samples: number,
): Verdict[] {
  return versions.map((version) => {
    // The same seeds on both sides: where a time limit came, the first ones.
    const seeds = Math.min(original.accuracies.length, version.accuracies.length);
    const [before, after] = [original, version].map(({ accuracies }) => accuracies.slice(0, seeds));
    const spread = Math.max(1 / samples, Math.max(...before!) - Math.min(...before!));
    const difference = mean(after!) - mean(before!);
    const { name } = version;
    if (seeds < leastSeeds) {
      const reason = `${name}: ${seeds === 0 ? "no seed was" : "only one seed was"} trained within the time limit, which says nothing.`;
      return {
        name,
        difference: seeds === 0 ? 0 : difference,
        spread: seeds === 0 ? 0 : spread,
        isAccepted: undefined,
        reason,
      };
    }
    const isAccepted = difference >= -spread;
    const points = `${Math.abs(100 * difference).toFixed(2)} points`;
    const change = difference === 0 ? "the same accuracy" : `${points} ${difference < 0 ? "less" : "more"}`;
    const by = `${(100 * spread).toFixed(2)} points`;
    const reason = isAccepted
      ? `${name}: ${change}, where another seed alone makes ${by}: nothing is lost that training would notice.`
      : `${name}: ${change}, more than the ${by} that another seed makes: it costs accuracy.`;
    return { name, difference, spread, isAccepted, reason };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

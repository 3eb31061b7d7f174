// What `verify` finds: damaged places, as plain data. The list is capped, so that a dataset full of damage cannot fill
// the memory; what did not fit is counted.

/** One damaged place. Samples and bytes are half-open ranges. */
export interface VerifyProblem {
  /** The damaged file, relative to the dataset; its whole path where it is in another folder. */
  path: string;
  /** The shard that the file is, or belongs to. */
  shard?: string;
  field?: string;
  /** Ids of the samples that cannot be trusted. */
  startSample?: number;
  endSample?: number;
  /** How many samples cannot be trusted, where their ids do not follow one another. */
  sampleCount?: number;
  startByte?: number;
  endByte?: number;
  /** What is wrong, a sentence without its point. */
  what: string;
  remedy: string;
}

const maxProblems = 1000;

/** The remedy for what cannot be made again out of the dataset itself. */
export const restoreRemedy = "Restore the file from a copy, or pack again.";

export class ProblemList {
  readonly problems: VerifyProblem[] = [];
  /** Problems beyond the 1,000 that are listed. */
  leftOut = 0;

  add(problem: VerifyProblem): void {
    if (!this.isFull) this.problems.push(problem);
    else this.leftOut += 1;
  }

  /** Whether more problems are only counted. */
  get isFull(): boolean {
    return this.problems.length >= maxProblems;
  }

  /** Samples that any listed problem names, each counted once. */
  get damagedSamples(): number {
    const ranges = this.problems
      .flatMap(({ startSample, endSample }) =>
        startSample === undefined || endSample === undefined ? [] : [{ start: startSample, end: endSample }],
      )
      .sort((a, b) => a.start - b.start);
    // Samples that are only counted are those of whole shards, which nothing else names.
    let count = this.problems.reduce((sum, { sampleCount = 0 }) => sum + sampleCount, 0);
    let reached = 0;
    for (const { start, end } of ranges) {
      count += Math.max(0, end - Math.max(start, reached));
      reached = Math.max(reached, end);
    }
    return count;
  }
}

/** "sample 7" or "samples 7 to 9" of a half-open range. */
export function wordSamples(start: number, end: number): string {
  return end - start === 1 ? `sample ${start}` : `samples ${start} to ${end - 1}`;
}

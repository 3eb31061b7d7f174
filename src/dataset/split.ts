// Sharing a dataset's samples out into splits: the one thing besides packing that writes to a dataset's folder, and
// therefore under the writer's lock.

import { createScheme, defaultScheme, type Scheme } from "../catalog/scheme.js";
import { SpillwayError } from "../errors.js";
import { takeLock } from "../pack/lock.js";

export interface SplitOptions {
  /** Decides who is in which split, default 0. */
  seed?: number;
  /** Name of the scheme, default "main"; one of that name is replaced. */
  scheme?: string;
}

/** A dataset as far as splitting it goes. */
export interface SplitTarget {
  path: string;
  size: number;
  fingerprint: string;
  unfinished: unknown;
}

/** Does the work of `dataset.split`, see there. */
export function splitSamples(
  target: SplitTarget,
  shares: Readonly<Record<string, number>>,
  options: SplitOptions,
): Scheme {
  const { path, size, fingerprint } = target;
  if (target.unfinished) {
    throw new SpillwayError("mismatch", `${path} is not whole yet, and splits belong to all of its samples`, {
      remedy: "Run the pack command again to finish it, then split.",
      where: { dataset: path },
    });
  }
  const lock = takeLock(path);
  try {
    const { seed = 0, scheme = defaultScheme } = options;
    return createScheme(path, { rows: size, fingerprint }, { scheme, seed, shares });
  } finally {
    lock.release();
  }
}

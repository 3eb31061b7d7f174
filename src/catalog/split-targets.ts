// A rule that draws by lot as numbers: how much each part is to get. Parts are the splits that the rule names, and after
// them its folds; what is in none comes last.

import { SpillwayError } from "../errors.js";
import { countShares } from "./apportion.js";
import type { Targets } from "./assignment.js";
import type { DrawRule } from "./split-rule.js";

/**
 * How much each part is to get of `rows` samples: named splits, folds, none.
 *
 * @param isGrown whether samples join those that have a split already: counts are then reached once and for all
 * @throws SpillwayError `usage` where counts are more than there are, or a part would be empty
 */
export function targetsOf(rule: DrawRule, rows: number, isGrown: boolean): Targets {
  const isCounts = rule.kind === "counts";
  const named = Object.values(isCounts ? rule.counts : countShares(rows, rule.shares));
  const folds = rule.folds ?? 0;
  const left = rows - named.reduce((sum, count) => sum + count, 0);
  if (left < 0) {
    throw new SpillwayError("usage", `the counts add up to ${rows - left}, there are ${rows} samples`, {
      remedy: "Lower them, or give shares: train=0.8 val=0.2.",
    });
  }
  if (left < folds && !isGrown) {
    throw new SpillwayError("usage", `${folds} folds of ${left} samples would leave some empty`, {
      remedy: left < 2 ? "Lower what is held out." : `Use at most ${left} folds.`,
    });
  }
  const perFold = Array.from({ length: folds }, (_, k) => Math.floor((left + folds - 1 - k) / folds));
  const shares = isCounts ? named.map((count) => (isGrown ? 0 : count / rows)) : Object.values(rule.shares);
  const rest = 1 - shares.reduce((sum, share) => sum + share, 0);
  const restShares = folds > 0 ? [...perFold.map(() => rest / folds), 0] : [rest > 1e-9 ? rest : 0];
  return {
    shares: [...shares, ...restShares],
    totals: [...named, ...perFold, folds > 0 ? 0 : left],
    isFull: [...named.map(() => isCounts && isGrown), ...restShares.map(() => false)],
  };
}

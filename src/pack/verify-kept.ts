// Checks what is kept beside samples in one folder, the dataset's or one of the user's own: schemes of splits, added
// columns, and which samples are left out.

import type { KeptCheck } from "./kept-check.js";
import { verifyColumns } from "./verify-columns.js";
import { verifyExcluded } from "./verify-excluded.js";
import { verifySplits } from "./verify-splits.js";

/** What was checked in one folder. */
export interface KeptReport {
  /** Schemes of splits that were checked. */
  schemes: readonly string[];
  /** Parts of added columns that were checked. */
  columnParts: number;
  /** Lists of excluded samples that were checked: 1, or 0 where nothing was ever left out. */
  excludedLists: number;
}

/** What was checked in a folder of the user's own. */
export interface SideReport extends KeptReport {
  path: string;
  /** What is there for other datasets and was not checked. */
  ofOthers: { schemes: number; columnParts: number; excludedLists: number };
}

/** Checks all of a folder; the dataset's own has nothing of others. */
export async function verifyKept(check: KeptCheck): Promise<SideReport> {
  const splits = await verifySplits(check);
  const columns = await verifyColumns(check);
  const excluded = await verifyExcluded(check);
  return {
    path: check.folder,
    schemes: splits.schemes,
    columnParts: columns.own,
    excludedLists: excluded.own,
    ofOthers: {
      schemes: splits.ofOthers,
      columnParts: columns.ofOthers,
      excludedLists: excluded.ofOthers,
    },
  };
}

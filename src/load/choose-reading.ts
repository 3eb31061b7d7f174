// How the shards of a dataset are read, by plain numbers: out of the pinned set, through the page cache, or directly from
// the disk. Pure; the reason is a sentence for people, and comes with the choice.

import { formatBytes } from "../store/byte-size.js";

/**
 * - `pinned`: all samples fit in the memory given; after their first reading there are no system calls any more
 * - `page cache`: what is not pinned fits in free memory, where the system keeps it
 * - `direct`: it does not; direct reads spare the copy through the page cache, which would keep next to nothing
 * - `buffered`: it does not either, and direct reads are not to be had
 */
export type ReadingWay = "pinned" | "page cache" | "direct" | "buffered";

export interface ReadingFacts {
  rows: number;
  /** Rows that the pinned set has room for. */
  pinnedRows: number;
  /** Rows that are read: those of the views that there were loops over. */
  readRows: number;
  /** Bytes of all samples, without what is resident anyway. */
  dataBytes: number;
  /** Bytes of memory that are free besides the memory given. */
  freeBytes: number;
  /** Why direct reads are not to be had; undefined where they are. */
  refusal: string | undefined;
}

export interface ReadingChoice {
  way: ReadingWay;
  /** Why, with the numbers. */
  reason: string;
  /** Whether what has to be read is read directly. */
  isDirect: boolean;
}

/** Part of the free memory that the page cache is trusted to keep. */
const cacheShare = 0.9;

export function chooseReading(facts: ReadingFacts): ReadingChoice {
  const { rows, pinnedRows, readRows, dataBytes, freeBytes, refusal } = facts;
  const readBytes = rows === 0 ? 0 : dataBytes * (readRows / rows);
  // As if the rows that are read were anywhere in the layout: of a view's, as many are pinned as of all.
  const restBytes = rows === 0 ? 0 : readBytes * (1 - pinnedRows / rows);
  const fits = (bytes: number) => bytes <= freeBytes * cacheShare;
  const isDirect = refusal === undefined;
  const free = `${formatBytes(freeBytes)} of memory are free besides`;
  if (pinnedRows >= rows) {
    return {
      way: "pinned",
      reason: `All samples (${formatBytes(dataBytes)}) fit in the memory given: each is read from the disk once.`,
      isDirect: isDirect && !fits(readBytes),
    };
  }
  const share = ((100 * pinnedRows) / rows).toFixed(1);
  const read = `${formatBytes(readBytes)} of samples${readRows < rows ? `, of ${formatBytes(dataBytes)} in all,` : ""}`;
  const pinned =
    pinnedRows === 0
      ? `None of the ${read} is pinned`
      : `${share} % of ${read} are pinned in the memory given`;
  const what = pinnedRows === 0 ? "them" : "the others";
  if (fits(restBytes)) {
    const reason = `${pinned}; ${free}, in which the page cache can hold ${what}.`;
    return { way: "page cache", reason, isDirect: false };
  }
  const reason = `${pinned}; ${free}, too little for the page cache to hold ${what}`;
  return isDirect
    ? { way: "direct", reason: `${reason}: they are read directly from the disk.`, isDirect }
    : { way: "buffered", reason: `${reason}, and they are read through it because ${refusal}.`, isDirect };
}

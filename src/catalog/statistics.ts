// Statistics of sets of samples, as they are kept beside a scheme: what normalisation goes by. Each entry belongs to one
// view, by its fingerprint: where samples are added, excluded or shared out anew, it no longer fits, and is said to be
// missing.

import fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SpillwayError } from "../errors.js";
import { replaceFile } from "../store/file.js";
import { readJsonFile } from "./json-file.js";
import { type SchemePlace, schemeFolder, splitsFolder } from "./scheme.js";

const maxBytes = 2 ** 26;
const maxEntries = 10_000;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const finite = z.number();

const channel = z.strictObject({
  /** Finite values. */
  count,
  /** Values that are NaN or infinite, which the figures leave out. */
  nonFinite: count,
  min: finite,
  max: finite,
  mean: finite,
  /** Over all values: the root of the mean square difference to the mean. */
  std: finite.min(0),
});

const entry = z.strictObject({
  /** Fingerprint of the view that was measured. */
  view: z.string().regex(/^[0-9a-f]{16}$/),
  split: z.string().min(1).max(64),
  fold: z.number().int().min(0).optional(),
  samples: count,
  /** By tensor field: the axis whose places are the channels, if there is one, and each channel. */
  fields: z.record(
    z.string().min(1).max(256),
    z.strictObject({
      axis: z.number().int().min(0).max(15).optional(),
      channels: z.array(channel).min(1).max(65_536),
    }),
  ),
});

const list = z.strictObject({
  format: z.literal("spillway-statistics"),
  version: z.number().int().min(1),
  scheme: z.string(),
  entries: z.array(entry).max(maxEntries),
});

/** Figures about one channel of a field. */
export type ChannelStatistics = z.infer<typeof channel>;
/** Figures about the samples of one view. */
export type SetStatistics = z.infer<typeof entry>;

function pathOf(folder: string, scheme: string): string {
  return join(folder, splitsFolder, `${scheme}.statistics.json`);
}

/**
 * All statistics that are kept with a scheme, oldest first; none where nothing was measured.
 *
 * @throws SpillwayError `version` if a newer Spillway wrote them, `corrupt`, `io`
 */
export function readStatistics(place: SchemePlace, scheme: string): SetStatistics[] {
  const path = pathOf(schemeFolder(place, scheme), scheme);
  if (!fs.existsSync(path)) return [];
  const value = readJsonFile(path, maxBytes);
  const parsed = list.safeParse(value);
  if (parsed.success) return parsed.data.entries;
  const { path: at = [], message = "invalid" } = parsed.error.issues[0] ?? {};
  throw new SpillwayError("corrupt", `${path} is damaged: ${at.join(".") || "content"}: ${message}`, {
    remedy: `Remove it, and measure again: spillway statistics ${place.folder}.`,
    where: { path },
  });
}

/** Keeps statistics, in place of those of the same view. The caller holds the lock of the folder. */
export function keepStatistics(place: SchemePlace, scheme: string, measured: SetStatistics): void {
  const others = readStatistics(place, scheme).filter(({ view }) => view !== measured.view);
  const value: z.infer<typeof list> = {
    format: "spillway-statistics",
    version: 1,
    scheme,
    entries: [...others, measured].slice(-maxEntries),
  };
  replaceFile(pathOf(schemeFolder(place, scheme), scheme), `${JSON.stringify(value, null, 1)}\n`);
}

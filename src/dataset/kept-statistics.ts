// Statistics of a training split as they were kept: found by the view that they were measured on, and missing where that
// is another one now.

import type { CatalogPlace } from "../catalog/catalog-reader.js";
import { defaultScheme } from "../catalog/scheme.js";
import { readStatistics, type SetStatistics } from "../catalog/statistics.js";
import { SpillwayError } from "../errors.js";
import { channelRuns, deliveredFields, type Fields } from "../tensor/field.js";
import { choose } from "./choose.js";

/** Of which split statistics are. */
export interface StatisticsChoice {
  /** Split that is measured, default "train". */
  split?: string;
  /** Scheme of the split, default "main". */
  scheme?: string;
  /** Which fold is "val", where the scheme has folds. */
  fold?: number;
}

/**
 * The statistics of a split, as they were kept.
 *
 * @param commit at which the split is looked at; default: the last
 * @throws SpillwayError `missing` if none were measured, or samples were added, excluded or shared out anew since
 */
export function findStatistics(
  place: CatalogPlace,
  { split = "train", scheme = defaultScheme, fold, commit }: StatisticsChoice & { commit?: number },
): SetStatistics {
  const { selection } = choose(place, {
    split,
    scheme,
    ...(fold !== undefined && { fold }),
    ...(commit !== undefined && { commit }),
  });
  const known = readStatistics(place, scheme);
  const found = known.find(({ view }) => view === selection.fingerprint);
  if (found) return fitting(found, place, scheme);
  const ofFold = fold === undefined ? "" : ` with fold ${fold}`;
  const isStale = known.some((entry) => entry.split === split && entry.fold === fold);
  throw new SpillwayError(
    "missing",
    `split "${split}"${ofFold} of scheme "${scheme}" of ${place.folder} ${isStale ? "holds other samples than when its statistics were measured" : "has no statistics yet"}`,
    {
      remedy: `Measure them: spillway statistics ${place.folder}${place.side === undefined ? "" : ` --in ${place.side}`}${scheme === defaultScheme ? "" : ` --scheme ${scheme}`}${fold === undefined ? "" : ` --fold ${fold}`}.`,
      where: { dataset: place.folder },
    },
  );
}

/** @throws SpillwayError `corrupt` for statistics of fields, axes or channels that the dataset has not */
function fitting(found: SetStatistics, { folder, manifest }: CatalogPlace, scheme: string): SetStatistics {
  const fields = deliveredFields(manifest.fields as Fields);
  for (const [name, { axis, channels }] of Object.entries(found.fields)) {
    const field = fields[name];
    const isAxis = field?.kind === "tensor" && (axis === undefined || axis < field.shape.length);
    if (isAxis && channelRuns(field.shape, axis).channels === channels.length) continue;
    throw new SpillwayError(
      "corrupt",
      `the statistics of scheme "${scheme}" of ${folder} are damaged: field "${name}" has other channels`,
      {
        remedy: `Measure them again: spillway statistics ${folder}.`,
        where: { dataset: folder, field: name },
      },
    );
  }
  return found;
}

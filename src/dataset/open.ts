// Opens a dataset by its folder: reads the manifest, and says what is wrong where there is none or it is not whole.

import fs from "node:fs";
import { resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { wholeManifest } from "../format/commits.js";
import { type Manifest, manifestName } from "../format/manifest.js";
import { checkOptionNames, type OptionNames } from "../option-names.js";
import { requireFiles } from "../source/indexed-file.js";
import { readManifest } from "../source/manifest-file.js";
import { parseBytes } from "../store/byte-size.js";
import { defaultMemory } from "../store/free-memory.js";
import { Dataset } from "./dataset.js";

export interface OpenOptions {
  /** All that the dataset may hold, such as "512 MiB"; default: a quarter of what is free, at least 64 MiB. */
  memory?: string | number;
  /** Indexed datasets: the folder with the samples' files, where it is no longer where it was. */
  source?: string;
  /**
   * A folder of your own for splits and for columns that you add, where the dataset is read-only or shared; looked at
   * first.
   */
  side?: string;
}

const openOptions: OptionNames<OpenOptions> = { memory: true, source: true, side: true };

/**
 * Opens a dataset. Nothing is written to it, ever: it may be read-only.
 *
 * @param path folder with a dataset.json
 * @throws SpillwayError `missing`, `version`, `corrupt`, or `usage` for a memory that is no amount
 */
export async function open(path: string, options: OpenOptions = {}): Promise<Dataset> {
  checkOptionNames("open()", options, openOptions);
  const folder = resolve(path);
  const memoryBytes = options.memory === undefined ? defaultMemory() : parseBytes(options.memory);
  const manifest = readManifest(folder);
  if (!manifest) throw notADataset(path, folder);
  requireFiles(path, manifest, options.source);
  if (manifest.packing) process.emitWarning(describeUnfinished(path, manifest), "SpillwayWarning");
  return new Dataset(folder, wholeManifest(manifest), memoryBytes, {
    ...(options.source !== undefined && { source: resolve(options.source) }),
    ...(options.side !== undefined && { side: resolve(options.side) }),
  });
}

function describeUnfinished(path: string, { packing, rows }: Manifest): string {
  const { rows: planned, before = 0 } = packing!;
  const added = rows - before;
  const of = planned === null ? "an unknown number" : String(planned - before);
  if (before === 0)
    return `${path} is not whole: ${added} of ${of} samples are packed. Run the pack command again to finish it.`;
  return `${path} is being added to, or that was interrupted: ${added} of ${of} new samples are in place, and left out until it is finished. Run the append command again to finish it.`;
}

function notADataset(path: string, folder: string): SpillwayError {
  if (!fs.existsSync(folder)) {
    return new SpillwayError("missing", `${path} does not exist`, {
      remedy: "Check the path.",
      where: { path },
    });
  }
  const isUnfinished = fs.existsSync(`${folder}/.packing`);
  return new SpillwayError(
    "missing",
    `${path} holds no ${manifestName}${isUnfinished ? ", only the beginning of a pack" : ""}`,
    {
      remedy: isUnfinished
        ? "Run the pack command again: it goes on where it stopped."
        : `Pack your data first: spillway pack ${path} my-dataset.`,
      where: { path },
    },
  );
}

// pack(), index() and append(), as users call them. The work is in packer.ts, imported when it is first asked for:
// training needs neither Arrow nor Parquet, and should not wait for them.

import type { SampleValues } from "../source/iterable.js";
import type { PackOptions, PackResult } from "./options.js";

/**
 * Packs raw data into a new dataset.
 *
 * @param source path of a folder or file, or any iterable of samples
 * @param path folder of the dataset; it must not hold a finished one
 * @throws SpillwayError `exists`, `locked`, `mismatch` (an unfinished pack of other data), `source`, `space`, `memory`
 */
export async function pack(
  source: string | AsyncIterable<SampleValues> | Iterable<SampleValues>,
  path: string,
  options: PackOptions = {},
): Promise<PackResult> {
  const { packSource } = await import("./packer.js");
  return packSource(source, path, options);
}

/**
 * Makes a dataset whose samples stay in their own files: the catalog, and where each sample lies. Every file is read
 * once, for its content hash. It opens and trains as a packed one does; a file that changed since is named, not
 * trained on.
 *
 * @param source path of a folder of .npy files, an IDX file or one .npy file, in C order and little-endian
 * @param path folder of the dataset; it must not hold a finished one
 * @throws SpillwayError as `pack`; `source` too for samples that have to be decoded or turned
 */
export async function index(source: string, path: string, options: PackOptions = {}): Promise<PackResult> {
  const { packSource } = await import("./packer.js");
  return packSource(source, path, options, { isIndex: true, isAppend: false });
}

/**
 * Adds samples to a dataset, packed or indexed. Ids, splits and commits so far stay as they are; the new samples have
 * the next ids, and form a commit of their own. Interrupted, it goes on when it is run again; until then the dataset is
 * what it was before. What the dataset has already is left out, unless `again` is given: files of the same path and
 * content, and commits of a dataset that was appended before. Samples of a program cannot be told from others: once they
 * are added, running it again adds them again.
 *
 * @param source as for `pack`; fields, shapes and dtypes must be those of the dataset, new classes may come
 * @throws SpillwayError as `pack`; `missing` where there is no dataset, `mismatch` for other fields, `exists` where all
 * samples are there
 */
export async function append(
  source: string | AsyncIterable<SampleValues> | Iterable<SampleValues>,
  path: string,
  options: PackOptions = {},
): Promise<PackResult> {
  const { packSource } = await import("./packer.js");
  return packSource(source, path, options, { isIndex: false, isAppend: true });
}

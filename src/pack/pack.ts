// pack(), as users call it. The work is in packer.ts, imported when it is first asked for: training needs neither
// Arrow nor Parquet, and should not wait for them.

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

// Measures what the device that a dataset lies on can do, and keeps that for this user: loops that read from it choose
// their number of readers by it.

import { resolve } from "node:path";
import { SpillwayError } from "../errors.js";
import { readManifest } from "../source/manifest-file.js";
import { type KeptMeasurement, measureAndKeep } from "../store/device-cache.js";
import type { MeasureDeviceOptions } from "../store/device-measure.js";

/**
 * Reads at random and in order from a dataset's shards for about two seconds; nothing is written but a file in the user's
 * cache folder.
 *
 * @param path folder of a dataset
 * @throws SpillwayError `missing` if it is none, `usage` if its shards are too small to measure by, `io`
 */
export async function measureDevice(
  path: string,
  options: MeasureDeviceOptions = {},
): Promise<KeptMeasurement> {
  const manifest = readManifest(resolve(path));
  if (!manifest) {
    throw new SpillwayError("missing", `${path} holds no dataset`, {
      remedy: "Check the path.",
      where: { path },
    });
  }
  return measureAndKeep(
    manifest.shards.map((shard) => resolve(path, shard.path)),
    options,
  );
}

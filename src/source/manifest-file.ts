// dataset.json of a folder, read: what packing, opening, verifying and sources that are datasets begin with.

import fs from "node:fs";
import { join } from "node:path";
import { type Manifest, manifestName, maxManifestBytes, parseManifest } from "../format/manifest.js";
import { readSmallFile } from "../store/file.js";

/**
 * The manifest of a folder, or undefined where there is none.
 *
 * @throws SpillwayError `corrupt`, `version`, `io`
 */
export function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, manifestName);
  if (!fs.existsSync(path)) return undefined;
  return parseManifest(new TextDecoder().decode(readSmallFile(path, maxManifestBytes)), path);
}

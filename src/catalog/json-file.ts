// The small JSON files beside a dataset's manifest (schemes, statistics, added columns, what is left out): read with a
// limit, and refused where a newer version wrote them.

import { SpillwayError } from "../errors.js";
import { parseJson } from "../format/manifest.js";
import { readSmallFile } from "../store/file.js";

/** Newest version of each of them. */
const newest = 1;

/**
 * The value of such a file, of which nothing but the version was looked at.
 *
 * @throws SpillwayError `version` if a newer Spillway wrote it, `corrupt` where it is no JSON, `missing`, `io`
 */
export function readJsonFile(path: string, maxBytes: number): unknown {
  const value = parseJson(new TextDecoder().decode(readSmallFile(path, maxBytes)), path);
  const version = (value as { version?: unknown } | null)?.version;
  if (!(typeof version === "number" && version > newest)) return value;
  throw new SpillwayError("version", `${path} has version ${version}, this Spillway reads up to ${newest}`, {
    remedy: "Update Spillway: npm install spillway@latest.",
    where: { path },
  });
}

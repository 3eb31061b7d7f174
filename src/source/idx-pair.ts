// Which IDX files belong together: images and their labels, by the names that MNIST gave them and its relatives kept
// (train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz). Reads names and first bytes only.

import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { SpillwayError } from "../errors.js";
import { ioError } from "../store/file.js";
import { readHead } from "./byte-stream.js";
import { shortList } from "./class-labels.js";
import { isIdx } from "./idx-header.js";
import { isTablePath } from "./options.js";
import { isFile, isFolder } from "./source-checks.js";

/** Ends in "idx3-ubyte", "idx3-ubyte.gz" and the like. */
const imagesName = /(?:^|[-._])idx[2-9](?:-[a-z]+)?(?:\.gz)?$/i;
/** A folder with more entries than this is not looked through. */
const maxEntries = 10_000;

/** Whether a path is an IDX file, or a folder that holds IDX images by name. */
export function detectIdx(path: string): boolean {
  if (isFolder(path)) return imageFiles(path).length > 0;
  if (!isFile(path)) return false;
  try {
    return isIdx(readHead(path, 4));
  } catch (error) {
    // A .gz that cannot be unpacked is none that this kind recognises; a system error is.
    if (error instanceof SpillwayError && error.code === "source") return imagesName.test(basename(path));
    throw error;
  }
}

/**
 * The files of images and labels.
 *
 * @param path the file of images, or a folder that holds one pair
 * @param labels the file of labels, where its name does not follow from that of the images; with a table of labels
 * there need not be one
 * @throws SpillwayError `source` for a folder with several pairs, `missing` where there are no labels
 */
export function findIdxPair(
  path: string,
  labels: string | undefined,
): { images: string; labels: string | undefined } {
  const images = isFolder(path) ? onlyImages(path) : path;
  const hasTable = labels !== undefined && isTablePath(labels);
  if (labels !== undefined && !hasTable) return { images, labels };
  const folder = dirname(images);
  const wanted = labelNames(basename(images));
  const found = wanted.find((name) => isFile(join(folder, name)));
  if (found !== undefined) return { images, labels: join(folder, found) };
  if (hasTable) return { images, labels: undefined };
  const looked =
    wanted.length === 0
      ? 'its name holds no "images" to put "labels" for'
      : `looked for ${wanted.join(", ")} in ${folder}`;
  throw new SpillwayError("missing", `${images} has no file of labels: ${looked}`, {
    remedy: "Name it: --labels path/to/labels-idx1-ubyte.gz",
    where: { path: images },
  });
}

function onlyImages(folder: string): string {
  const found = imageFiles(folder);
  if (found.length === 1) return join(folder, found[0]!);
  const what =
    found.length === 0
      ? "holds no IDX images"
      : `holds ${found.length} files of IDX images: ${shortList(found)}`;
  throw new SpillwayError("source", `${folder} ${what}`, {
    remedy:
      found.length === 0
        ? "Give the path of the file of images."
        : `Give the path of one of them, such as ${join(folder, found.at(-1)!)}.`,
    where: { path: folder },
  });
}

/** Files of a folder that are IDX images by name, sorted. */
function imageFiles(folder: string): string[] {
  const found: string[] = [];
  try {
    const opened = fs.opendirSync(folder);
    try {
      for (let seen = 0; seen < maxEntries; seen++) {
        const entry = opened.readSync();
        if (!entry) break;
        if (!entry.isDirectory() && !entry.name.startsWith(".") && imagesName.test(entry.name))
          found.push(entry.name);
      }
    } finally {
      opened.closeSync();
    }
  } catch (cause) {
    throw ioError(cause, folder, "cannot be listed");
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Names that the labels of a file of images may have: as packed as the images, then the other way. */
function labelNames(images: string): string[] {
  const renamed = images
    .replace(/images/i, (word) => (word === "images" ? "labels" : "Labels"))
    .replace(/idx\d/i, "idx1");
  if (!/images/i.test(images)) return [];
  return renamed.endsWith(".gz") ? [renamed, renamed.slice(0, -3)] : [renamed, `${renamed}.gz`];
}

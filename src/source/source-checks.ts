// Small checks that several kinds of source make before they trust a path or a size, and the identity of single files.

import fs from "node:fs";
import { basename } from "node:path";
import { SpillwayError } from "../errors.js";
import { hashHex } from "../kernels/hasher.js";
import { ioError } from "../store/file.js";
import { type DType, elementBytes } from "../tensor/dtype.js";
import { maxRecordBytes, type TensorField, tensor } from "../tensor/field.js";
import type { SourceOptions } from "./source.js";

/** Whether the path is a folder; false where there is nothing. */
export function isFolder(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether the path is a file; false where there is nothing. */
export function isFile(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * For a kind that the caller named: whether the path is what that kind reads.
 *
 * @throws SpillwayError `missing`, or `usage` for a file in place of a folder or the other way round
 */
export function requirePath(path: string, kind: string, wanted: "file" | "folder"): void {
  let found: fs.Stats;
  try {
    found = fs.statSync(path);
  } catch (cause) {
    throw ioError(cause, path, "cannot be examined");
  }
  if (wanted === "folder" ? found.isDirectory() : found.isFile()) return;
  const is = found.isDirectory() ? "a folder" : found.isFile() ? "a file" : "neither a file nor a folder";
  throw new SpillwayError("usage", `${path} is ${is}, but a source of kind "${kind}" is a ${wanted}`, {
    remedy: `Give the path of a ${wanted}, or another --kind.`,
    where: { path },
  });
}

/**
 * A tensor field of what a file says.
 *
 * @throws SpillwayError `source` for a sample above 1 GiB
 */
export function tensorOf(
  dtype: DType,
  shape: readonly number[],
  path: string,
  options: { channelAxis?: number } = {},
): TensorField {
  const bytes = shape.reduce((product, size) => product * size, 1) * elementBytes(dtype);
  if (bytes > maxRecordBytes) {
    throw new SpillwayError(
      "source",
      `a sample of ${path} is ${dtype} [${shape.join(", ")}] and has ${bytes} bytes, above the limit of ${maxRecordBytes}`,
      { remedy: "Cut it into smaller samples.", where: { path } },
    );
  }
  return tensor(dtype, shape, options);
}

/**
 * Fingerprint of single files and of the options that decide what is read from them: 16 hexadecimal digits that
 * change with a file's name, size or modification time. The folder does not count, so data can be moved.
 */
export function fingerprintOf(kind: string, paths: readonly string[], options: SourceOptions): string {
  const parts = paths.map((path) => {
    try {
      const { size, mtimeMs } = fs.statSync(path);
      return `${basename(path)}\0${size}\0${mtimeMs}\n`;
    } catch (cause) {
      throw ioError(cause, path, "cannot be examined");
    }
  });
  return hashHex(Buffer.from(`${kind}\n${describeOptions(options)}\n${parts.join("")}`));
}

/** The options in one line, without those that only say where to look. */
export function describeOptions(options: SourceOptions): string {
  const { classes, labelColumn, labelKind, size, channels, images } = options;
  const told = [classes, labelColumn, labelKind, size && [size.width, size.height], channels];
  return JSON.stringify(images === undefined ? told : [...told, images]);
}

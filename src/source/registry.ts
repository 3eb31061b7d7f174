// The list of all kinds of raw data that have a path, and the way from a path to its source. A new kind is one file
// and one line here.

import fs from "node:fs";
import { SpillwayError } from "../errors.js";
import { ioError } from "../store/file.js";
import { csvKind } from "./csv.js";
import { datasetKind } from "./dataset.js";
import { countEnding, describeEndings, walkNames } from "./file-tree.js";
import { idxKind } from "./idx.js";
import { imageFolderKind } from "./image-folder.js";
import { readLabelTable } from "./label-table.js";
import { npyFolderKind } from "./npy-folder.js";
import { npyTableKind } from "./npy-table.js";
import { isTablePath } from "./options.js";
import type { ImageDefault, Source, SourceKind, SourceOptions } from "./source.js";
import { withLabels } from "./with-labels.js";

/** Every kind that a path can be opened as, in the order in which help texts list them. */
export const sourceKinds: readonly SourceKind[] = [
  npyFolderKind,
  imageFolderKind,
  idxKind,
  npyTableKind,
  csvKind,
  datasetKind,
];

/** Files of a folder without anything usable that are counted for the error, at most. */
const maxCounted = 100_000;

/**
 * Opens raw data, with a table of labels beside it where `options.labels` names one.
 *
 * @param path a file or folder
 * @param images what is done with images where the options do not say
 * @throws SpillwayError as `openData` does; `source` or `usage` for a table that does not go with the data
 */
export async function openSource(
  path: string,
  options: SourceOptions = {},
  images: ImageDefault = "decoded",
): Promise<Source> {
  if (options.labels === undefined || !isTablePath(options.labels)) return openData(path, options, images);
  const table = await readLabelTable(options.labels, options);
  const { labelColumn: _column, labelKind: _kind, key: _key, classes, ...rest } = options;
  const given = { ...rest, ...(classes && !table.labels && { classes }) };
  const source = await openData(path, given, images);
  try {
    return withLabels(source, table, options);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Opens raw data: as the kind that `options.kind` names, or as the one that the path looks like.
 *
 * @param path a file or folder
 * @throws SpillwayError `missing` if there is nothing; `source` if it is of no kind or of several, or cannot be used
 * as it is; `usage` for an unknown kind or an option that the kind does not take
 */
async function openData(path: string, options: SourceOptions, images: ImageDefault): Promise<Source> {
  let isFolder: boolean;
  try {
    isFolder = fs.statSync(path).isDirectory();
  } catch (cause) {
    throw ioError(cause, path, "cannot be examined");
  }
  if (options.kind !== undefined) return openAs(kindNamed(options.kind), path, options, images);
  const found: SourceKind[] = [];
  for (const kind of sourceKinds) {
    if (await kind.detect(path)) found.push(kind);
  }
  const [first, second] = found;
  if (!first) throw isFolder ? uselessFolder(path) : uselessFile(path);
  if (second) {
    const names = found.map((kind) => kind.name);
    throw new SpillwayError(
      "source",
      `${path} can be read in ${found.length} ways: ${found.map((kind) => kind.summary).join("; ")}`,
      {
        remedy: `Say which is meant: --kind ${names.join(" or --kind ")}.`,
        where: { path },
      },
    );
  }
  return openAs(first, path, options, images);
}

/** A table of labels is not the kinds' concern; only IDX has to know that its own file of labels may be absent. */
function openAs(
  kind: SourceKind,
  path: string,
  options: SourceOptions,
  images: ImageDefault,
): Promise<Source> {
  const { labels, ...rest } = options;
  const isOthers = labels === undefined || (isTablePath(labels) && kind !== idxKind);
  return kind.open(path, isOthers ? rest : options, images);
}

function kindNamed(name: string): SourceKind {
  const kind = sourceKinds.find((candidate) => candidate.name === name);
  if (kind) return kind;
  throw new SpillwayError("usage", `there is no kind of source called "${name}"`, {
    remedy: `Use one of ${sourceKinds.map((candidate) => candidate.name).join(", ")}, or leave it out.`,
  });
}

function uselessFile(path: string): SpillwayError {
  return new SpillwayError("source", `${path} is none of the kinds of file that can be packed`, {
    remedy: `Give ${sourceKinds.map((kind) => kind.summary).join("; ")}. If it is one of these under another name, add --kind.`,
    where: { path },
  });
}

function uselessFolder(path: string): SpillwayError {
  const where = { path };
  const counts = new Map<string, number>();
  let count = 0;
  let table: string | undefined;
  for (const name of walkNames(path)) {
    countEnding(counts, name);
    if (/\.[ct]sv(?:\.gz)?$/i.test(name)) table ??= name;
    count += 1;
    if (count === maxCounted) break;
  }
  if (count === 0) {
    return new SpillwayError("source", `${path} is empty`, {
      remedy: "Put samples there, or give another path.",
      where,
    });
  }
  const holds = `${count === maxCounted ? "at least " : ""}${count} files`;
  return new SpillwayError(
    "source",
    `${path} holds ${holds}, none of which is a .npy, image or IDX file: ${describeEndings(counts)}`,
    {
      remedy: table
        ? `For a table, give the path of the file itself, such as that of ${table}.`
        : `Give ${sourceKinds.map((kind) => kind.summary).join("; ")}.`,
      where,
    },
  );
}

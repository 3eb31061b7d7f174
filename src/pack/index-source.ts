// What an index asks of a source: that its samples lie in files as they would be stored, under one folder. Where an
// index grows, the source is that folder again, or one within it.

import { isAbsolute, relative, sep } from "node:path";
import { SpillwayError } from "../errors.js";
import type { Manifest } from "../format/manifest.js";
import { leadsOut } from "../source/indexed-file.js";
import type { Source } from "../source/source.js";

/**
 * The source with the place of each sample in its origin, and with paths that start from the folder that is indexed.
 *
 * @param committed the indexed dataset that it is added to, if there is one
 * @throws SpillwayError `source` for samples that cannot stay where they are, `mismatch` for another folder
 */
export function locatedSource(source: Source, committed: Manifest | undefined): Source {
  const { files, readInto, sampleCount } = source;
  if (!files || !readInto || sampleCount === undefined) throw cannotStay(source, committed !== undefined);
  const { root, field } = committed?.files ?? files;
  const within = relative(root, files.root);
  if (within.split(sep)[0] === ".." || isAbsolute(within) || field !== files.field) {
    throw new SpillwayError(
      "mismatch",
      `the samples lie in ${files.root} (field "${files.field}"); those of the dataset in ${root} (field "${field}")`,
      { remedy: "An index is of one folder: put them there, or pack both datasets and append." },
    );
  }
  const prefix = within === "" ? "" : `${within.replaceAll(sep, "/")}/`;
  const pathOf = (index: number) => prefix + files.pathOf(index);
  return {
    ...source,
    files: { ...files, root, pathOf },
    async readInto(index, into) {
      const path = pathOf(index);
      if (leadsOut(path)) throw badName(root, path);
      // After the bytes, when the disk need not be asked again; a file that changes in between will not agree with its
      // hash.
      const origin = await readInto.call(source, index, into);
      return { ...origin, path, place: files.locate(index) };
    },
    close: () => source.close(),
  };
}

function cannotStay({ kind }: Source, isAppend: boolean): SpillwayError {
  if (kind === "dataset") {
    return new SpillwayError("source", "the samples of a dataset cannot be indexed", {
      remedy: "Index the files themselves, or pack both datasets and append.",
    });
  }
  return new SpillwayError(
    "source",
    `samples of this source (${kind}) cannot stay in their files: they have to be decoded or turned first`,
    {
      remedy: isAppend
        ? "Pack the dataset first, then append them. Indexes are of plain .npy and IDX files, little-endian and in C order."
        : "Pack them instead: spillway pack. Indexes are made of plain .npy and IDX files, little-endian and in C order.",
    },
  );
}

function badName(root: string, path: string): SpillwayError {
  return new SpillwayError(
    "source",
    `"${path}" in ${root} cannot be indexed: on some systems this name leads out of its folder`,
    { remedy: "Rename it, or pack the folder.", where: { path } },
  );
}
